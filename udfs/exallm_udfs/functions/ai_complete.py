"""A model and a prompt in, what the model writes out: ``AI_COMPLETE``."""

from __future__ import annotations

from typing import Any

from exallm_udfs.arguments import Arguments
from exallm_udfs.batch.completion import Completion
from exallm_udfs.batch.model import Models
from exallm_udfs.batch.request import Request, filled
from exallm_udfs.functions.scalar_function import ScalarFunction
from exallm_udfs.functions.set_function import SetFunction
from exallm_udfs.names import ModelReference
from exallm_udfs.options import Options

_NAMES = ("model", "prompt", "options")


class AiComplete(ScalarFunction):
    """A scalar function of ``model, prompt [, options]``.

    :param exa: the script's ``exa``.
    :param registry_schema: where exallm is installed; by default the schema of the script.
    """

    def __init__(self, exa: Any, registry_schema: str | None = None) -> None:
        task = Completion()
        arguments = Arguments(exa, _NAMES, required=2)

        def read(ctx: Any) -> Request:
            model, prompt, options = arguments.read(ctx)
            return _request(task, None, model, prompt, options)

        super().__init__(Models(exa, registry_schema), task, read)


class AiCompleteBatch(SetFunction):
    """A set function of ``row_id, model, prompt [, options]``."""

    def __init__(self, exa: Any, registry_schema: str | None = None) -> None:
        task = Completion()
        arguments = Arguments(exa, ("row_id", *_NAMES), required=3)

        def read(ctx: Any) -> Request:
            row_id, model, prompt, options = arguments.read(ctx)
            return _request(task, row_id, model, prompt, options)

        super().__init__(Models(exa, registry_schema), task, read)


def _request(
    task: Completion,
    row_id: str | None,
    model: str | None,
    prompt: str | None,
    options: str | None,
) -> Request:
    parsed = Options.parse(options)
    task.check(parsed)
    parsed.refuse("model", "is the argument of the same name here")
    reference = None if model is None else ModelReference.parse(model)
    return Request(row_id, reference, parsed, filled(prompt))
