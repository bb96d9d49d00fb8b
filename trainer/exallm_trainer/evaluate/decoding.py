"""How a model is asked and when it ends."""

from __future__ import annotations

from dataclasses import dataclass

from exallm_trainer.evaluate.answers import STOP
from exallm_udfs.errors import ExallmError
from exallm_udfs.prompt import PLACEHOLDER, ContextQuestion, build_prompt


@dataclass(frozen=True)
class Decoding:
    """Settings of a generation, which is always greedy.

    :param template: text around the question's prompt, which stands at ``{ctx}``; worked examples
        for a model that was not trained on the form.
    :param max_new_tokens: a generation ends there if not before.
    :param stop: strings at which it ends.
    :param batch_rows: prompts that are computed together.
    """

    template: str = PLACEHOLDER
    max_new_tokens: int = 32
    stop: tuple[str, ...] = STOP
    batch_rows: int = 16

    def __post_init__(self) -> None:
        try:
            build_prompt(self.template, "")
        except ValueError as error:
            raise cannot_ask(str(error)) from error
        if self.max_new_tokens < 1 or self.batch_rows < 1:
            raise cannot_ask("max_new_tokens and batch_rows are at least 1")

    def prompt(self, asked: ContextQuestion) -> str:
        """What the model reads."""
        return build_prompt(self.template, asked.text())


def cannot_ask(problem: str) -> ExallmError:
    """The error for settings with which a model cannot be asked."""
    return ExallmError(
        "E-EXALLM-TRAIN-24",
        f"a model cannot be asked so: {problem}",
        f"correct the settings; a template is a text with one {PLACEHOLDER}",
    )
