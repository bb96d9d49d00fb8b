"""A question and its context in, the answer out: ``AI_ANSWER``."""

from __future__ import annotations

from typing import Any

from exallm_udfs.arguments import Arguments
from exallm_udfs.batch.answering import Answering
from exallm_udfs.batch.model import Models
from exallm_udfs.batch.request import Request, filled
from exallm_udfs.functions.scalar_function import ScalarFunction
from exallm_udfs.functions.set_function import SetFunction
from exallm_udfs.names import ModelReference
from exallm_udfs.options import Options

_NAMES = ("question", "context", "options")


class AiAnswer(ScalarFunction):
    """A scalar function of ``question, context [, options]``.

    :param exa: the script's ``exa``.
    :param reference: the model of the rows whose options name none.
    :param registry_schema: where exallm is installed; by default the schema of the script.
    """

    def __init__(self, exa: Any, reference: str, registry_schema: str | None = None) -> None:
        default = ModelReference.parse(reference)
        arguments = Arguments(exa, _NAMES, required=2)

        def read(ctx: Any) -> Request:
            question, context, options = arguments.read(ctx)
            return _request(default, None, question, context, options)

        super().__init__(Models(exa, registry_schema), Answering(), read)


class AiAnswerBatch(SetFunction):
    """A set function of ``row_id, question, context [, options]``."""

    def __init__(self, exa: Any, reference: str, registry_schema: str | None = None) -> None:
        default = ModelReference.parse(reference)
        arguments = Arguments(exa, ("row_id", *_NAMES), required=3)

        def read(ctx: Any) -> Request:
            row_id, question, context, options = arguments.read(ctx)
            return _request(default, row_id, question, context, options)

        super().__init__(Models(exa, registry_schema), Answering(), read)


def _request(
    default: ModelReference,
    row_id: str | None,
    question: str | None,
    context: str | None,
    options: str | None,
) -> Request:
    parsed = Options.parse(options)
    text, context = filled(question), filled(context)
    if context is None:
        text = None
    return Request(row_id, parsed.model or default, parsed, text, context)
