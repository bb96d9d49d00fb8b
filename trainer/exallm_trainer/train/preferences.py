"""Preference pairs: direct preference optimisation of Rafailov et al. (2023).

The reward of a completion is beta times the log of how much likelier it has become than it was to
the model that training began from, the reference. The loss of a pair is -log sigmoid of the reward
of the chosen completion minus that of the rejected one.

What the reference makes of the pairs never changes, so it is computed once, when a run begins or
continues and the model still has the weights that it starts from; there is no second model. Every
process computes all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn.functional import cross_entropy, logsigmoid

from exallm_trainer.data.token_cache import tokenised
from exallm_trainer.preference_pair import PreferencePair
from exallm_trainer.recipe import DpoSettings
from exallm_trainer.train.base_model import BaseModel
from exallm_trainer.train.computing import as_computed
from exallm_trainer.train.objective import Validation
from exallm_trainer.train.passage import Passage, passage_of
from exallm_trainer.train.request import TrainRequest
from exallm_trainer.train.row import row_of


@dataclass(frozen=True)
class TokenisedPair:
    """A pair as one passage: the prompt is its trunk, chosen and rejected are its two branches.

    :param reference: log probabilities of chosen and rejected, in nats, to the reference.
    """

    passage: Passage
    reference: tuple[float, float] = (0.0, 0.0)

    @property
    def learnt(self) -> int:
        """One pair."""
        return 1

    @property
    def computed_tokens(self) -> int:
        """Tokens that a step computes; the prompt counts once."""
        return self.passage.computed_tokens

    @property
    def example_tokens(self) -> int:
        """Tokens of both completions, each written out with its prompt."""
        return self.passage.example_tokens


class Preferences:
    """The objective of the recipe ``dpo``.

    :param start: the model with the weights that it starts from; it becomes the reference.
    """

    def __init__(
        self,
        request: TrainRequest,
        settings: DpoSettings,
        start: BaseModel,
        device: torch.device,
        precision: str,
    ) -> None:
        self._device, self._beta = device, settings.beta
        data = request.data
        training, left_out = _tokenised_pairs(request, data.train_pairs, start.tokenizer)
        validation, more_left_out = _tokenised_pairs(
            request, data.validation_pairs, start.tokenizer
        )
        self.left_out = left_out + more_left_out
        start.model.eval()
        with torch.inference_mode(), as_computed(start.model, device, precision):
            self.training = [self._with_reference(start.model, pair) for pair in training]
            self.validation = [self._with_reference(start.model, pair) for pair in validation]

    def loss(self, model: Any, row: Sequence[TokenisedPair]) -> torch.Tensor:
        """Sum over the pairs."""
        return -logsigmoid(self.margins(model, row)).sum()

    def figures(self, model: Any, sample: TokenisedPair) -> Sequence[float]:
        """Loss, whether the chosen completion has the higher reward, margin, and 1."""
        margin = self.margins(model, [sample])
        return -logsigmoid(margin).item(), float(margin > 0), margin.item(), 1.0

    def judged(self, sums: Sequence[float]) -> Validation:
        """Means over the pairs."""
        loss, preferred, margin, pairs = sums
        return Validation(loss / pairs, preferred=preferred / pairs, margin=margin / pairs)

    def margins(self, model: Any, pairs: Sequence[TokenisedPair]) -> torch.Tensor:
        """Reward of the chosen completion minus that of the rejected one; shape (pairs,)."""
        reference = torch.tensor([pair.reference for pair in pairs], device=self._device)
        rewards = self._beta * (self._log_probabilities(model, pairs) - reference)
        return rewards[:, 0] - rewards[:, 1]

    def _log_probabilities(self, model: Any, pairs: Sequence[TokenisedPair]) -> torch.Tensor:
        """Of chosen and rejected, each the sum over its tokens; shape (pairs, 2)."""
        row = row_of([pair.passage for pair in pairs]).to(self._device)
        tokens = -cross_entropy(row.logits(model), row.labels, reduction="none")
        sizes = [branch.answer_tokens for pair in pairs for branch in pair.passage.branches]
        sums = torch.stack([part.sum() for part in tokens.split(sizes)])
        return sums.view(len(pairs), 2)

    def _with_reference(self, model: Any, pair: TokenisedPair) -> TokenisedPair:
        chosen, rejected = self._log_probabilities(model, [pair])[0].tolist()
        return replace(pair, reference=(chosen, rejected))


def _tokenised_pairs(
    request: TrainRequest, pairs: Sequence[PreferencePair], tokenizer: Any
) -> tuple[list[TokenisedPair], int]:
    """The pairs of at most so many tokens as the recipe takes, and how many have more."""
    limit = request.recipe.optimisation.max_tokens
    sides = [side for pair in pairs for side in pair.sides()]
    tokens = tokenised(sides, tokenizer, request.tokens)
    kept = []
    for chosen, rejected in zip(tokens[::2], tokens[1::2], strict=True):
        longest = max(len(chosen.completion), len(rejected.completion))
        if len(chosen.prompt) + longest <= limit:
            kept.append(TokenisedPair(passage_of([chosen, rejected])))
    return kept, len(pairs) - len(kept)
