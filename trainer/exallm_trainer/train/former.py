"""A share of a model's former kind of data, so that it does not forget what it knew."""

from __future__ import annotations

import random
from collections.abc import Sequence

from exallm_udfs.errors import ExallmError


def former_sample(
    own: Sequence[str], judged: Sequence[str], former: Sequence[str], share: float, seed: int
) -> tuple[str, ...]:
    """Texts of ``former`` that are about ``share`` of the bytes of them and the own together.

    Rehearsal (Robins, 1995). The same texts, share and seed give the same sample.

    :param own: those that are learnt anyhow; a former text among them does not count.
    :param judged: those that the model is judged by; a former text among them does not, either.
    :param share: above 0 and below 1.
    :raises ExallmError: E-EXALLM-TRAIN-57 where the former data hold too little text.
    """
    known = {*own, *judged}
    candidates = [text for text in former if text not in known]
    random.Random(seed).shuffle(candidates)
    wanted = _size(own) * share / (1 - share)
    sample: list[str] = []
    size = 0
    for text in candidates:
        if size >= wanted:
            break
        sample.append(text)
        size += len(text.encode())
    if size < wanted:
        raise ExallmError(
            "E-EXALLM-TRAIN-57",
            f"a share of {share:g} asks for {wanted / 1000:.0f} kB of former texts, and there are"
            f" {size / 1000:.0f} kB",
            "prepare more of them, or set a lower share in the section former of the recipe",
        )
    return tuple(sample)


def _size(texts: Sequence[str]) -> int:
    return sum(len(text.encode()) for text in texts)
