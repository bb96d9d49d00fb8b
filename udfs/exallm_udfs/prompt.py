"""The prompt that a model gets for one row."""

from __future__ import annotations

import re
from dataclasses import dataclass

PLACEHOLDER = "{ctx}"

# The line breaks before a line of the context that looks like one of the form's own.
_FORM_LINE = re.compile(
    "[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+(?=\\s*(?:context|question|answer)\\s*:)", re.IGNORECASE
)


def build_prompt(template: str, ctx: str) -> str:
    """Put the row's text where the template has its one ``{ctx}``.

    The text goes in literally: braces, backslashes and a ``{ctx}`` of its own stay as they are.
    ``ValueError`` where the template does not hold exactly one placeholder.
    """
    before, separator, after = template.partition(PLACEHOLDER)
    if not separator or PLACEHOLDER in after:
        raise ValueError(f"a prompt template holds {PLACEHOLDER} exactly once")
    return before + ctx + after


@dataclass(frozen=True)
class ContextQuestion:
    """A question about a context, in the form in which models are trained and asked.

    The document stands first, so that questions about the same one share what they begin with.
    """

    context: str
    question: str

    def text(self) -> str:
        """``Context: ...``, ``Question: ...`` and ``Answer:``, on lines of their own.

        The question becomes one line. A line of the context that begins as one of the form's own
        is joined to the line before it, with blanks in place of the line breaks: as many characters
        as before, and no second form.
        """
        context = _FORM_LINE.sub(lambda breaks: " " * len(breaks[0]), self.context.strip())
        question = " ".join(self.question.split())
        return f"Context: {context}\nQuestion: {question}\nAnswer:"
