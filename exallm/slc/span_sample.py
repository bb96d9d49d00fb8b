"""A package whose model points at answers by a rule, to check that such models run.

The model is OpenVINO IR and the tokenizer a ``tokenizer.json``, as in real packages; in place of
learnt weights there is one rule: a token of the context that stands in the question too may begin
and end an answer. So the question ``rhine`` is answered with Rhine where that is in the context.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exallm_udfs.engines.span_reader import MODEL_FILE
from exallm_udfs.manifest import EngineFiles, ExtractionSettings, Manifest
from exallm_udfs.package import describe_file
from exallm_udfs.package_file import MANIFEST_NAME

_MARKS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_CLS, _SEP = 2, 3
_TOKENIZER_FILE = "tokenizer.json"
# Logits: of a token that is asked for, of "no answer", and of all others.
_ASKED, _NONE, _OTHER = 8.0, 4.0, 0.0


def write_span_sample(
    folder: Path,
    name: str,
    pieces: Sequence[str],
    window_tokens: int = 24,
    overlap_tokens: int = 6,
) -> Manifest:
    """Write version 1 of the package into ``folder``, which exists.

    :param name: of the model.
    :param pieces: the WordPiece vocabulary beside the marks, in lower case.
    """
    import openvino

    file = folder / MODEL_FILE
    openvino.save_model(_model(), file, compress_to_fp16=False)
    _tokenizer(pieces).save(str(folder / _TOKENIZER_FILE))
    names = (_TOKENIZER_FILE, MODEL_FILE, file.with_suffix(".bin").name)
    manifest = Manifest(
        name=name,
        version=1,
        task="answer",
        base=None,
        engines={"openvino": EngineFiles(".")},
        files=tuple(describe_file(folder / each, folder) for each in sorted(names)),
        prompt=None,
        generation=None,
        context_length=window_tokens,
        tokenizer=_TOKENIZER_FILE,
        training=None,
        evaluation=(),
        licence="MIT",
        created_at="2026-01-31T12:00:00Z",
        extraction=ExtractionSettings(overlap_tokens, max_answer_tokens=8),
    )
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def _tokenizer(pieces: Sequence[str]) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {piece: number for number, piece in enumerate((*_MARKS, *pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", _SEP), ("[CLS]", _CLS))
    tokenizer.add_special_tokens(list(_MARKS))
    return tokenizer


def _model() -> Any:
    import numpy
    import openvino
    from openvino import opset13 as ops

    shape = openvino.PartialShape([-1, -1])
    ids = ops.parameter(shape, numpy.int64, name="input_ids")
    attended = ops.parameter(shape, numpy.int64, name="attention_mask")
    types = ops.parameter(shape, numpy.int64, name="token_type_ids")

    def number(value: float, kind: Any = numpy.int64) -> Any:
        return ops.constant(numpy.asarray(value, kind))

    in_question = ops.logical_and(
        ops.equal(types, number(0)), ops.greater(ids, number(len(_MARKS) - 1))
    )
    asked = ops.select(in_question, ids, number(-1))
    rows, columns = ops.unsqueeze(ids, number(2)), ops.unsqueeze(asked, number(1))
    met = ops.reduce_logical_or(ops.equal(rows, columns), number(2), keep_dims=False)
    met = ops.logical_and(met, ops.equal(attended, number(1)))
    other = ops.select(
        ops.equal(ids, number(_CLS)), number(_NONE, numpy.float32), number(_OTHER, numpy.float32)
    )
    scores = ops.select(met, number(_ASKED, numpy.float32), other)
    results = []
    for name in ("start_logits", "end_logits"):
        result = ops.result(ops.convert(scores, numpy.float32))
        result.output(0).get_tensor().set_names({name})
        results.append(result)
    for parameter, name in (
        (ids, "input_ids"),
        (attended, "attention_mask"),
        (types, "token_type_ids"),
    ):
        parameter.output(0).get_tensor().set_names({name})
    return openvino.Model(results, [ids, attended, types], "span sample")
