"""Functions that are bound to a model and may lie in another schema than exallm."""

from __future__ import annotations

from typing import Any

from exallm_udfs.arguments import Arguments
from exallm_udfs.batch.completion import Completion
from exallm_udfs.batch.model import Models
from exallm_udfs.batch.request import Request, filled
from exallm_udfs.functions.ai_answer import AiAnswer
from exallm_udfs.functions.scalar_function import ScalarFunction
from exallm_udfs.names import ModelReference
from exallm_udfs.options import Options


def answer_function(exa: Any, reference: str, registry_schema: str) -> ScalarFunction:
    """A function of ``ctx``, as GPT2_INFERENCE, or of ``question, context [, options]``.

    :param registry_schema: where exallm is installed.
    """
    if int(exa.meta.input_column_count) == 1:
        return _completion(exa, ("ctx",), reference, registry_schema)
    return AiAnswer(exa, reference, registry_schema)


def complete_function(exa: Any, reference: str, registry_schema: str) -> ScalarFunction:
    """A function of ``prompt [, options]``."""
    return _completion(exa, ("prompt", "options"), reference, registry_schema)


def _completion(
    exa: Any, names: tuple[str, ...], reference: str, registry_schema: str
) -> ScalarFunction:
    task = Completion()
    default = ModelReference.parse(reference)
    arguments = Arguments(exa, names, required=1)

    def read(ctx: Any) -> Request:
        text, *rest = arguments.read(ctx)
        options = Options.parse(rest[0] if rest else None)
        task.check(options)
        return Request(None, options.model or default, options, filled(text))

    return ScalarFunction(Models(exa, registry_schema), task, read)
