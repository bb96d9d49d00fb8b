"""A GGUF's weights stored as Q8_0.

OpenVINO GenAI 2026.4 reads Q4_1 with rounded zero points: answers of SmolLM2 fall from F1 31 to 14
without any warning. Q8_0 it reads exactly, and computes faster.
"""

from __future__ import annotations

from pathlib import Path

from exallm.models.gguf_tensors import (
    StoredTensor,
    fits_q8,
    q8_bytes,
    rewrite_gguf,
    tensor_values,
)
from exallm_udfs.gguf_header import GgufTensor, read_gguf_header

_UNQUANTISED = ("F32", "F16", "BF16")


def needs_q8(file: Path) -> bool:
    """Whether a tensor of the file would be stored another way by ``convert_to_q8``."""
    return any(_stored(tensor) is not None for tensor in read_gguf_header(file).tensors)


def convert_to_q8(source: Path, target: Path) -> None:
    """Write ``target`` with the Q4_1 tensors and the weight matrices of ``source`` as Q8_0.

    Vectors, such as norms, keep their bytes. The largest error of a value is half of 1/127 of its
    block's largest value. Raises E-EXALLM-MODEL-12 for a broken file, ``ValueError`` for a tensor
    type that is not Q4_1, Q8_0, F16, BF16 or F32.
    """
    rewrite_gguf(source, target, _stored)


def _stored(tensor: GgufTensor) -> StoredTensor | None:
    if tensor.kind == "Q4_1" or (tensor.kind in _UNQUANTISED and fits_q8(tensor)):
        return StoredTensor("Q8_0", lambda content: q8_bytes(tensor_values(content, tensor.kind)))
    return None
