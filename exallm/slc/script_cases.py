"""A call of every script in ``sql/udfs``, and what its answer has to be like.

The expectations are loose on purpose: they tell an answer from a failure, on any processor. What
the scripts answer exactly is the business of the tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exallm_udfs.manifest import Manifest
from exallm_udfs.names import package_path
from exallm_udfs.registry import RegisteredModel, RegisteredVersion, Registry

Row = tuple[Any, ...]
MODEL = "qa"
# A model that points at answers, which the runner makes itself.
SPAN_MODEL = "span"
SPAN_PIECES = ("cologne", "lies", "on", "the")
_QUESTION = "Which river flows through Cologne?"
_CONTEXT = "Cologne lies on the Rhine. The city is more than two thousand years old."


@dataclass(frozen=True)
class ScriptCase:
    """One group of rows for a script.

    :param answers: whether the rows that came out are an answer.
    """

    script: str
    rows: tuple[Row, ...]
    answers: Callable[[list[Row]], bool]


def bucket_path(model: str = MODEL) -> str:
    """Where a model's package lies for UDFs."""
    return f"/buckets/bfsdefault/default/{package_path(model, 1)}"


def registry(sha256: str, model: str = MODEL) -> Registry:
    """A registry in which the package is the champion of the model."""
    version = RegisteredVersion(model, 1, bucket_path(model), sha256)
    return Registry({model: RegisteredModel({1: version}, {"champion": 1})})


def script_cases(manifest: Manifest, sha256: str) -> tuple[ScriptCase, ...]:
    """The calls, for a package with this manifest.

    :param sha256: of the package.
    """
    few = json.dumps({"max_new_tokens": 8})
    return (
        *_model_cases(few),
        ScriptCase("VERIFY_PACKAGE", ((bucket_path(), sha256),), lambda rows: rows[0][2] is None),
        ScriptCase("CONTAINER_REPORT", ((1,),), lambda rows: "python" in json.loads(rows[0][1])),
        ScriptCase(
            "COMPILE_REGISTRY",
            (
                ("VERSION", MODEL, 1, None, bucket_path(), sha256),
                ("ALIAS", MODEL, 1, "champion", None, None),
            ),
            lambda rows: Registry.decode(rows[0][0]) == registry(sha256),
        ),
        ScriptCase(
            "CHECK_DATASET",
            (("answer", "1", _CONTEXT, _QUESTION, '["the Rhine"]'),),
            lambda rows: rows[0][0] == 1 and rows[0][2] is None,
        ),
        ScriptCase(
            "EVALUATION_OPTIONS",
            (("answer", f"{MODEL}@v1", manifest.to_json(), few),),
            lambda rows: rows[0][3] is None,
        ),
        ScriptCase(
            "SCORE_ANSWER",
            (("answer", "the Rhine", '["Rhine"]', None),),
            lambda rows: rows[0] == (1.0, 1.0),
        ),
        ScriptCase(
            "COMPARE_SCORES",
            ((0.0, 1.0, 0.95, 0), (1.0, 1.0, 0.95, 0)),
            lambda rows: rows[0][0] == 2 and rows[0][3] == 0.5,
        ),
        ScriptCase(
            "FUNCTION_BODY",
            (("answer", f"{MODEL}@champion", "EXALLM"),),
            lambda rows: "exallm_udfs" in rows[0][0],
        ),
        ScriptCase(
            "READ_RUN",
            (("AI_ANSWER", "SELECT ROW_ID, QUESTION, CONTEXT FROM S.T", "S.ANSWERS", "{}"),),
            lambda rows: rows[0][-1] is None,
        ),
    )


def _model_cases(few: str) -> tuple[ScriptCase, ...]:
    prompt = f"Context: {_CONTEXT}\nQuestion: {_QUESTION}\nAnswer:"
    return (
        ScriptCase("GPT2_INFERENCE", ((prompt,),), _has_text(0)),
        ScriptCase("GPT2_INFERENCE_BATCH", (("1", prompt, few),), _has_text(1)),
        ScriptCase("AI_COMPLETE", ((MODEL, prompt, few),), _has_text(0)),
        ScriptCase("AI_COMPLETE_BATCH", (("1", MODEL, prompt, few),), _has_text(1)),
        ScriptCase(
            "AI_ANSWER",
            ((_QUESTION, _CONTEXT, json.dumps({"model": SPAN_MODEL})),),
            lambda rows: rows == [("Cologne",)],
        ),
        ScriptCase(
            "AI_ANSWER_BATCH",
            (("1", _QUESTION, _CONTEXT),),
            lambda rows: rows[0][0] == "1" and rows[0][-2] is None,
        ),
        ScriptCase("TOKEN_COUNT", ((MODEL, prompt),), lambda rows: rows[0][0] > 10),
    )


def _has_text(column: int) -> Callable[[list[Row]], bool]:
    return lambda rows: isinstance(rows[0][column], str) and bool(rows[0][column].strip())


def missing_cases(cases: tuple[ScriptCase, ...], scripts: Mapping[str, Any]) -> list[str]:
    """Scripts that no case calls."""
    return sorted(set(scripts) - {case.script for case in cases})
