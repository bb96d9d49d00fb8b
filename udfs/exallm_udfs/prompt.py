"""The prompt that a model gets for one row."""

from __future__ import annotations

PLACEHOLDER = "{ctx}"


def build_prompt(template: str, ctx: str) -> str:
    """Put the row's text where the template has its one ``{ctx}``.

    The text goes in literally: braces, backslashes and a ``{ctx}`` of its own stay as they are.
    ``ValueError`` where the template does not hold exactly one placeholder.
    """
    before, separator, after = template.partition(PLACEHOLDER)
    if not separator or PLACEHOLDER in after:
        raise ValueError(f"a prompt template holds {PLACEHOLDER} exactly once")
    return before + ctx + after
