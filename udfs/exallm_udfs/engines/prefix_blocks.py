"""Which prompts have to wait a step so that what they begin with is computed once."""

from __future__ import annotations

from collections.abc import Sequence


class PrefixBlocks:
    """The blocks of tokens that prompts begin with, and which of them are computed.

    An engine with prefix caching takes a block from its cache where an earlier step computed it;
    prompts that begin in one step each compute it. So of the prompts that share a block which no
    step has computed, one begins, and the others wait for the next step.

    :param are_cached: whether the engine has prefix caching; without it no prompt waits.
    """

    def __init__(self, block_tokens: int, are_cached: bool = True) -> None:
        self._block_tokens = block_tokens
        self._are_cached = are_cached
        self._computed: set[int] = set()
        self._beginning: set[int] = set()

    def may_begin(self, token_ids: Sequence[int]) -> bool:
        """Whether the prompt can begin in this step, which it then does."""
        if not self._are_cached:
            return True
        needed = set(self._keys(token_ids)) - self._computed
        if not needed.isdisjoint(self._beginning):
            return False
        self._beginning |= needed
        return True

    def end_step(self) -> None:
        """What began in this step is computed."""
        self._computed |= self._beginning
        self._beginning.clear()

    def _keys(self, token_ids: Sequence[int]) -> list[int]:
        """A number for each whole block, which stands for all tokens up to its end."""
        keys, key = [], 0
        size = self._block_tokens
        for end in range(size, len(token_ids) + 1, size):
            key = hash((key, tuple(token_ids[end - size : end])))
            keys.append(key)
        return keys
