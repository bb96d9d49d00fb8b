"""A LoRA adapter merged into a GGUF, without torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exallm.models.gguf_tensors import (
    BLOCK_VALUES,
    StoredTensor,
    fits_q8,
    q8_bytes,
    rewrite_gguf,
    tensor_values,
)
from exallm.models.lora_adapter import LoraAdapter, LoraPair, cannot_merge
from exallm_udfs.engines.openvino import GGUF_ARCHITECTURES
from exallm_udfs.gguf_header import GgufHeader, GgufTensor, read_gguf_header

if TYPE_CHECKING:
    import numpy

_TENSOR_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
# Half a step of 1/127 of a block's largest value, and the rounding of that step to 16 bits.
_Q8_ERROR = 0.5 / 127 + 2**-11
# Steps below this are subnormal in 16 bits.
_SMALLEST_ERROR = 127 * 2**-25


@dataclass(frozen=True)
class MergeCheck:
    """How a merged file compares with base plus adapter.

    :param merged: weights that the adapter changes.
    :param largest_error: the largest difference of a value to ``base + scale * up @ down``, in
        units of what 8 bits may differ; at most 1 in a right merge.
    :param largest_change: the largest change of a value by the adapter.
    """

    merged: int
    largest_error: float
    largest_change: float


def merge_lora(base: Path, adapter: LoraAdapter, target: Path) -> None:
    """Write ``target``: ``base`` with the adapter's products added and its matrices as Q8_0.

    Products are computed and added in float32. Norms keep their bytes, and so do matrices that are
    Q8_0 already and that the adapter does not change.

    :raises ExallmError: E-EXALLM-MODEL-12 for a broken file, E-EXALLM-MODEL-29 where the adapter
        names weights that the base does not have or has in another shape.
    """
    products = _products(read_gguf_header(base), adapter)

    def stored(tensor: GgufTensor) -> StoredTensor | None:
        if not fits_q8(tensor):
            if tensor.name in products:
                raise cannot_merge(f"{tensor.name} cannot be stored as Q8_0")
            return None
        if tensor.kind == "Q8_0" and tensor.name not in products:
            return None
        return StoredTensor("Q8_0", lambda content: q8_bytes(_sum(tensor, content, products)))

    try:
        rewrite_gguf(base, target, stored)
    except ValueError as error:
        raise cannot_merge(str(error)) from error


def check_merge(base: Path, adapter: LoraAdapter, merged: Path) -> MergeCheck:
    """Compare every value of every tensor of ``merged`` with base plus adapter.

    :raises ExallmError: E-EXALLM-MODEL-29 where a tensor is missing or is off by more than 8 bits
        explain.
    """
    before, after = read_gguf_header(base), read_gguf_header(merged)
    products = _products(before, adapter)
    found = {tensor.name: tensor for tensor in after.tensors}
    largest_error = largest_change = 0.0
    with base.open("rb") as old, merged.open("rb") as new:
        for tensor in before.tensors:
            if tensor.name not in found or found[tensor.name].shape != tensor.shape:
                raise cannot_merge(f"{merged.name} lacks {tensor.name}")
            old.seek(tensor.offset)
            content = old.read(tensor.bytes)
            expected = _sum(tensor, content, products)
            new.seek(found[tensor.name].offset)
            stored = tensor_values(new.read(found[tensor.name].bytes), found[tensor.name].kind)
            largest_error = max(largest_error, _error(expected, stored, fits_q8(tensor)))
            if tensor.name in products:
                change = abs(expected - tensor_values(content, tensor.kind)).max()
                largest_change = max(largest_change, float(change))
    if largest_error > 1:
        raise cannot_merge(f"{merged.name} is off by {largest_error:.2f} times what 8 bits explain")
    return MergeCheck(len(products), largest_error, largest_change)


def _error(expected: numpy.ndarray, stored: numpy.ndarray, is_q8: bool) -> float:
    """The largest difference, in units of what the way of storing allows."""
    difference = abs(expected - stored)
    if not is_q8:
        return 0.0 if not difference.any() else float("inf")
    largest = abs(expected).reshape(-1, BLOCK_VALUES).max(axis=1, keepdims=True)
    allowed = largest * _Q8_ERROR + _SMALLEST_ERROR
    return float((difference.reshape(-1, BLOCK_VALUES) / allowed).max())


_Product = Callable[[], "numpy.ndarray"]


def _sum(tensor: GgufTensor, content: bytes, products: dict[str, _Product]) -> numpy.ndarray:
    values = tensor_values(content, tensor.kind)
    if tensor.name not in products:
        return values
    summed: numpy.ndarray = values + products[tensor.name]().reshape(-1)
    return summed


def _products(header: GgufHeader, adapter: LoraAdapter) -> dict[str, _Product]:
    """Name of a tensor to what is added to it, computed when it is asked for."""
    architecture = header.metadata.get("general.architecture")
    if architecture not in GGUF_ARCHITECTURES:
        raise cannot_merge(f"the base is of architecture {architecture}")
    shapes = {tensor.name: tensor.shape for tensor in header.tensors}
    products = {}
    for module, pair in adapter.pairs.items():
        name = _tensor_name(module)
        if name not in shapes:
            raise cannot_merge(f"the base has no weight for {module}")
        # A GGUF has the fastest dimension first: inputs, outputs.
        if shapes[name] != (pair.down.shape[1], pair.up.shape[0]):
            raise cannot_merge(f"{module} has another shape in the base")
        heads = _permuted_heads(header, name) if architecture == "llama" else None
        products[name] = _product(pair, adapter.scale, heads)
    return products


def _product(pair: LoraPair, scale: float, heads: int | None) -> _Product:
    def product() -> numpy.ndarray:
        full: numpy.ndarray = scale * (pair.up @ pair.down)
        return full if heads is None else _permuted(full, heads)

    return product


def _tensor_name(module: str) -> str:
    _, _, layer, rest = module.split(".", 3)
    return f"blk.{layer}.{_TENSOR_NAMES.get(rest, rest)}.weight"


def _permuted_heads(header: GgufHeader, name: str) -> int | None:
    keys = {".attn_q.": "head_count", ".attn_k.": "head_count_kv"}
    for part, key in keys.items():
        if part in name:
            heads = header.metadata.get(f"llama.attention.{key}")
            if not isinstance(heads, int) or heads < 1:
                raise cannot_merge(f"the base does not say llama.attention.{key}")
            return heads
    return None


def _permuted(weight: numpy.ndarray, heads: int) -> numpy.ndarray:
    """Rows in the order in which GGUFs of llama keep queries and keys.

    The two halves of each head's rows are interleaved, for another form of the rotary embedding.
    """
    rows, columns = weight.shape
    halves = weight.reshape(heads, 2, rows // heads // 2, columns)
    return halves.swapaxes(1, 2).reshape(rows, columns)
