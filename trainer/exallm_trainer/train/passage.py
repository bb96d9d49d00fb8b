"""Passages: questions that begin alike, so that what they share is computed once.

All questions about one context begin with the same tokens. A passage holds these once, as a trunk,
and each question with its answer as a branch. In a row, a branch sees the trunk and itself, at the
positions that it would have alone, so loss and gradients are those of the separate examples, and
most of the work is done once for all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exallm_trainer.example import Example
from exallm_trainer.tokenised import TokenisedExample


@dataclass(frozen=True)
class Branch:
    """What follows the trunk in one example; the last ``answer_tokens`` of it are learnt."""

    tokens: tuple[int, ...]
    answer_tokens: int


@dataclass(frozen=True)
class Passage:
    """Examples that share the tokens of ``trunk``."""

    trunk: tuple[int, ...]
    branches: tuple[Branch, ...]

    @property
    def computed_tokens(self) -> int:
        """Tokens that a step computes."""
        return len(self.trunk) + sum(len(branch.tokens) for branch in self.branches)

    @property
    def example_tokens(self) -> int:
        """Tokens of the examples, each written out whole."""
        return self.computed_tokens + len(self.trunk) * (len(self.branches) - 1)

    @property
    def learnt(self) -> int:
        """Tokens of the answers."""
        return sum(branch.answer_tokens for branch in self.branches)


def passages_of(
    examples: Sequence[Example],
    tokenised: Sequence[TokenisedExample],
    max_tokens: int,
    branches_at_most: int = 12,
) -> tuple[list[Passage], int]:
    """Group examples by context.

    A context with many questions gives several passages, so that no step is about one text alone.

    :returns: the passages in the order in which their contexts come first, and how many examples
        were left out because they have more than ``max_tokens``.
    """
    groups: dict[str, list[TokenisedExample]] = defaultdict(list)
    left_out = 0
    for example, tokens in zip(examples, tokenised, strict=True):
        if len(tokens.prompt) + len(tokens.completion) > max_tokens:
            left_out += 1
        else:
            groups[example.context].append(tokens)
    passages = []
    for members in groups.values():
        parts = -(-len(members) // branches_at_most)
        passages += [passage_of(members[part::parts]) for part in range(parts)]
    return passages, left_out


def passage_of(members: Sequence[TokenisedExample]) -> Passage:
    """These examples as one passage, in their order."""
    shared = _shared_prefix([member.prompt for member in members])
    branches = tuple(
        Branch(member.prompt[shared:] + member.completion, len(member.completion))
        for member in members
    )
    return Passage(members[0].prompt[:shared], branches)


def _shared_prefix(prompts: Iterable[tuple[int, ...]]) -> int:
    """Tokens that all prompts begin with, at least one less than the shortest has.

    The token before an answer predicts the answer's first one, so it belongs to the branch.
    """
    prompts = list(prompts)
    shortest = min(len(prompt) for prompt in prompts) - 1
    first = prompts[0]
    for position in range(shortest):
        if any(prompt[position] != first[position] for prompt in prompts):
            return position
    return max(shortest, 0)
