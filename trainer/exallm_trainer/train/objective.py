"""What a method of training learns, as a run sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


class Sample(Protocol):
    """What steps are made of."""

    @property
    def computed_tokens(self) -> int:
        """Tokens that a step computes."""

    @property
    def example_tokens(self) -> int:
        """Tokens of the examples that it stands for, each written out whole."""

    @property
    def learnt(self) -> int:
        """Units that its loss is a sum over: tokens of answers or texts, questions, pairs."""


@dataclass(frozen=True)
class Validation:
    """Figures over the validation split.

    :param loss: mean over what is learnt, in nats.
    :param exact: share of examples, 0 to 1, whose answer the model would give to the letter; None
        where there are no answers.
    :param preferred: share of pairs, 0 to 1, whose chosen completion has the higher reward; None
        where there are no pairs.
    :param margin: mean over the pairs of the reward of the chosen completion minus that of the
        rejected one, in nats times beta.
    :param bits_per_byte: the loss of texts over their bytes in UTF-8, which models with other
        tokens share; None where no texts are learnt.
    """

    loss: float
    exact: float | None = None
    preferred: float | None = None
    margin: float | None = None
    bits_per_byte: float | None = None

    @property
    def score(self) -> float:
        """By which checkpoints are chosen; more is better."""
        return -self.loss if self.exact is None else self.exact

    def told(self) -> str:
        """The figures in one line."""
        parts = [f"loss {self.loss:.4f}"]
        if self.exact is not None:
            parts.append(f"{self.exact:.1%} of the answers to the letter")
        if self.preferred is not None:
            parts.append(f"{self.preferred:.1%} of the pairs preferred as they should be")
        if self.margin is not None:
            parts.append(f"reward margin {self.margin:.3f}")
        if self.bits_per_byte is not None:
            parts.append(f"{self.bits_per_byte:.3f} bits a byte")
        return ", ".join(parts)


class Objective(Protocol):
    """Samples, their loss, and how a model is judged by them. Its samples are all of one kind."""

    @property
    def training(self) -> Sequence[Any]:
        """The samples to train on."""

    @property
    def validation(self) -> Sequence[Any]:
        """Those that choose the checkpoint."""

    @property
    def left_out(self) -> int:
        """Examples of both splits that have more tokens than the recipe takes."""

    def loss(self, model: Any, row: Sequence[Any]) -> torch.Tensor:
        """Sum over what is learnt of the samples of one row; shape ()."""

    def figures(self, model: Any, sample: Any) -> Sequence[float]:
        """Of one sample of the validation split; those of all are summed up."""

    def judged(self, sums: Sequence[float]) -> Validation:
        """What the sums of the figures say."""
