"""The language that a question is in."""

from __future__ import annotations

from importlib.util import find_spec

from exallm_trainer.synthesize.candidate import Candidate
from exallm_trainer.synthesize.filters import Filter
from exallm_trainer.synthesize.settings import refused
from exallm_udfs.errors import ExallmError

_PACKAGE = "py3langid"
# A question has few words: where no language is as likely as this, it stays.
_SURE = 0.5


def in_language(code: str) -> Filter:
    """Question and answer are not likely in another language than that of the code.

    :param code: of ISO 639-1, such as ``en``.
    :raises ExallmError: E-EXALLM-DATA-30 where the language is unknown, E-EXALLM-DATA-34 where the
        package that tells languages apart is not installed.
    """
    if find_spec(_PACKAGE) is None:
        raise ExallmError(
            "E-EXALLM-DATA-34",
            f"the language {code} cannot be looked for: {_PACKAGE} is not installed",
            "pip install 'exallm[trainer]', or ask for no language",
        )
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if code not in identifier.labels:
        raise refused(
            f"the language {code} is unknown", f"name one of {', '.join(sorted(identifier.labels))}"
        )

    def judge(candidate: Candidate) -> str | None:
        found, probability = identifier.classify(f"{candidate.question} {candidate.answer}")
        return None if found == code or probability < _SURE else f"in another language: {found}"

    return judge
