from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.engines.prefix_blocks import PrefixBlocks

TEMPLATE = [1, 2, 3, 4]
PASSAGE = [5, 6, 7, 8]


def test_of_prompts_that_share_a_new_block_one_begins_in_a_step() -> None:
    blocks = PrefixBlocks(4)
    assert blocks.may_begin([*TEMPLATE, *PASSAGE, 9, 9])
    assert not blocks.may_begin([*TEMPLATE, *PASSAGE, 10])
    assert not blocks.may_begin([*TEMPLATE, 11, 12, 13, 14])
    assert blocks.may_begin([21, 22, 23, 24])
    blocks.end_step()
    assert blocks.may_begin([*TEMPLATE, *PASSAGE, 10])
    assert blocks.may_begin([*TEMPLATE, *PASSAGE, 15])
    assert blocks.may_begin([*TEMPLATE, 11, 12, 13, 14])
    assert not blocks.may_begin([*TEMPLATE, 11, 12, 13, 14, 16])


def test_equal_blocks_behind_different_beginnings_are_not_shared() -> None:
    blocks = PrefixBlocks(4)
    assert blocks.may_begin([*TEMPLATE, *PASSAGE])
    assert blocks.may_begin([0, *TEMPLATE[1:], *PASSAGE])


def test_tokens_that_fill_no_block_are_not_shared() -> None:
    blocks = PrefixBlocks(4)
    assert blocks.may_begin([1, 2, 3])
    assert blocks.may_begin([1, 2, 3])


def test_without_a_cache_no_prompt_waits() -> None:
    blocks = PrefixBlocks(4, are_cached=False)
    assert blocks.may_begin(TEMPLATE)
    assert blocks.may_begin(TEMPLATE)


@given(st.lists(st.lists(st.integers(0, 2), max_size=12), min_size=1, max_size=20))
def test_every_prompt_begins_after_as_many_steps_as_there_are_prompts(
    prompts: list[list[int]],
) -> None:
    blocks, waiting, steps = PrefixBlocks(2), list(prompts), 0
    while waiting:
        begun = [prompt for prompt in waiting if blocks.may_begin(prompt)]
        assert begun
        for prompt in begun:
            waiting.remove(prompt)
        blocks.end_step()
        steps += 1
    assert steps <= len(prompts)
