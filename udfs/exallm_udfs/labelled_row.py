"""A row of a dataset whose right answers are known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

TASKS = ("answer", "complete")


@dataclass(frozen=True)
class LabelledRow:
    """One question or prompt with what counts as right.

    :param context: what the question is about; None for the task ``complete``.
    :param label: for ``answer`` a JSON list of texts, for ``complete`` the text itself.

    Raises ``ValueError`` on an unknown task, and naming the row, where a value is missing or the
    label is not of the task's form.
    """

    task: str
    row_id: str | None
    context: str | None
    prompt: str | None
    label: str | None

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"there is no task {self.task!r}")
        if self.row_id is None:
            raise ValueError("a row has NULL in place of its id")
        needed = {"label": self.label, "question or prompt": self.prompt}
        if self.task == "answer":
            needed["context"] = self.context
        for name, value in needed.items():
            if value is None:
                raise ValueError(f"row {_shown(self.row_id)} has no {name}")
        try:
            accepted_answers(self.task, self.label or "")
        except ValueError as error:
            raise ValueError(f"row {_shown(self.row_id)}: {error}") from None

    def digest(self) -> bytes:
        """SHA-256 of the row; equal for equal rows alone."""
        fields = [self.task, self.row_id, self.context, self.prompt, self.label]
        return hashlib.sha256(json.dumps(fields).encode("ascii")).digest()


def accepted_answers(task: str, label: str) -> tuple[str, ...]:
    """What counts as right by a label; nothing where the context holds no answer.

    :raises ValueError: where the label of a question is no JSON list of texts.
    """
    if task == "complete":
        return (label,)
    try:
        answers = json.loads(label)
    except (json.JSONDecodeError, RecursionError):
        answers = None
    if not isinstance(answers, list) or not all(isinstance(answer, str) for answer in answers):
        raise ValueError('the answers are not a JSON list of texts, such as ["Jan", "Jan Dreyer"]')
    return tuple(answers)


def dataset_sha256(digests: Iterable[bytes]) -> str:
    """The hash of a dataset from those of its rows, in whatever order they come."""
    return hashlib.sha256(b"".join(sorted(digests))).hexdigest()


def _shown(row_id: str) -> str:
    return repr(row_id if len(row_id) <= 60 else f"{row_id[:57]}...")
