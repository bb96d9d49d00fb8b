"""A text in, the model's answer out: what ``GPT2_INFERENCE`` and functions like it run."""

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


class Inference(ScalarFunction):
    """A scalar function of one text, the parameter ``ctx``.

    :param exa: the script's ``exa``.
    :param reference: the model, as ``qa``, ``qa@challenger`` or ``qa@v3``.
    :param options: JSON text, see :class:`Options`; None leaves all to the package.
    :param registry_schema: where exallm is installed; by default the schema of the script.

    Reference and options are checked here, the model is loaded with the first row that has text.
    """

    def __init__(
        self,
        exa: Any,
        reference: str,
        options: str | None = None,
        registry_schema: str | None = None,
    ) -> None:
        task = Completion()
        parsed = Options.parse(options)
        task.check(parsed)
        model = parsed.model or ModelReference.parse(reference)

        def read(ctx: Any) -> Request:
            return Request(None, model, parsed, filled(ctx.ctx))

        super().__init__(Models(exa, registry_schema), task, read)


class InferenceBatch(SetFunction):
    """A set function of ``row_id, ctx [, options]``; options may differ from row to row.

    :param reference: the model of the rows whose options name none.
    """

    def __init__(self, exa: Any, reference: str, registry_schema: str | None = None) -> None:
        task = Completion()
        default = ModelReference.parse(reference)
        arguments = Arguments(exa, ("row_id", "ctx", "options"), required=2)

        def read(ctx: Any) -> Request:
            row_id, text, options = arguments.read(ctx)
            parsed = Options.parse(options)
            task.check(parsed)
            return Request(row_id, parsed.model or default, parsed, filled(text))

        super().__init__(Models(exa, registry_schema), task, read)
