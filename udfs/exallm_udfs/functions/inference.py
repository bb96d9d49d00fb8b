"""Answers, one row at a time: what ``GPT2_INFERENCE`` and functions like it run."""

from __future__ import annotations

from typing import Any

from exallm_udfs.answer import extract_answer
from exallm_udfs.model_cache import LoadedModel, close_all, loaded_model
from exallm_udfs.names import ModelReference
from exallm_udfs.options import GenerationOptions
from exallm_udfs.prompt import build_prompt
from exallm_udfs.registry import load_registry
from exallm_udfs.row_error import RowError


class Inference:
    """A scalar function of one text.

    :param exa: the script's ``exa``.
    :param reference: the model, as ``qa``, ``qa@challenger`` or ``qa@v3``.
    :param options: JSON text, see :class:`GenerationOptions`; None leaves all to the package.
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
        self._exa = exa
        self._reference = ModelReference.parse(reference)
        self._options = GenerationOptions.parse(options)
        self._registry_schema = registry_schema
        self._model: LoadedModel | None = None

    def run(self, ctx: Any) -> str | None:
        """The answer to the row's parameter ``ctx``.

        None for NULL, for a blank text, for an empty answer and for a row error. An unknown model
        or a broken package raises, since no row could be answered.
        """
        text: str | None = ctx.ctx
        if text is None or not text.strip():
            return None
        model = self._loaded()
        settings = self._options.settings(model.manifest)
        prompt = build_prompt(model.manifest.prompt.template, text)
        result = model.engine.generate([prompt], settings)[0]
        if isinstance(result, RowError):
            return None
        return extract_answer(result.text, settings.stop)

    def close(self) -> None:
        """Free the model; for the script's ``cleanup()``."""
        self._model = None
        close_all()

    def _loaded(self) -> LoadedModel:
        if self._model is None:
            registry = load_registry(self._exa, self._registry_schema)
            self._model = loaded_model(registry.resolve(self._reference), self._options.threads)
        return self._model
