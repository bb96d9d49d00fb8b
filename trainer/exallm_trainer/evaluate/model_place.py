"""Where a model stands, told from its files without loading any."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from exallm_trainer.recipe import Recipe, SpanSettings, recipe_from
from exallm_trainer.run_folder import BEST_FOLDER, CHECKPOINTS_FOLDER, RUN_FILE, RunFolder
from exallm_udfs.errors import ExallmError

_ADAPTER = "adapter_config.json"
_STEP = "state.json"
CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class ModelPlace:
    """A model that can be loaded.

    :param name: as reports call it: without the path of a machine.
    :param kind: ``model``, an ``adapter``, or a ``step`` that a run continues from.
    :param weights: a file, a folder or ``owner/name``.
    :param base: what the base of an adapter or step is called; None for a whole model.
    :param record: what ``run.json`` says of its run; empty where there is none.
    """

    name: str
    kind: Literal["model", "adapter", "step"]
    weights: str
    base: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def asked_bare(self) -> bool:
        """Whether it is asked with a question's prompt alone, without worked examples.

        So is what was trained on that form, and what has no base whose way could be kept. A model
        that went on reading texts is asked as its base is.

        :raises ExallmError: as :meth:`recipe`.
        """
        recipe = self.recipe()
        if recipe is None:
            return self.kind != "model"
        return not (recipe.learns_texts and recipe.base)

    def recipe(self) -> Recipe | None:
        """What the model was trained by; None where this trainer did not make it.

        :raises ExallmError: E-EXALLM-TRAIN-25 where it is no recipe, or has settings that this
            version does not know.
        """
        if not self.record:
            return None
        try:
            return recipe_from(self.record["recipe"])
        except (KeyError, TypeError, ValueError) as error:
            problem = f"the recipe in its {RUN_FILE} cannot be read: {error}"
            raise cannot_evaluate(self.name, problem) from error

    def span(self) -> SpanSettings | None:
        """How the model reads where it points at answers; None for one that writes them.

        A checkpoint folder outside of a run says that it points, and not what windows it learnt
        from: it is read in the usual ones, or in all that it takes at once.
        """
        recipe = self.recipe()
        if recipe is not None:
            return recipe.span
        config = Path(self.weights, CONFIG_FILE)
        return _span_of(config) if self.kind == "model" and config.is_file() else None


def model_place(model: str) -> ModelPlace:
    """The place of a run folder (its best checkpoint), ``RUN/best``, ``RUN/checkpoints/step-N``, an
    adapter folder, a checkpoint folder, a GGUF file or ``owner/name``.

    :raises ExallmError: E-EXALLM-TRAIN-25 where a run has no checkpoint yet or a broken record.
    """
    path = Path(model)
    if not path.is_dir():
        return ModelPlace(path.name if path.is_file() else model, "model", model)
    # Not resolved: a run may be reached through a link whose name says more.
    path = path.absolute()
    run: Path | None
    record: Mapping[str, Any]
    if (path / RUN_FILE).is_file():
        run, weights = path, path / BEST_FOLDER
        if not weights.is_dir():
            raise cannot_evaluate(model, "no checkpoint was chosen in it yet")
    elif path.name == BEST_FOLDER:
        run, weights = path.parent, path
    elif path.parent.name == CHECKPOINTS_FOLDER:
        run, weights = path.parent.parent, path
    else:
        run, weights = None, path
    record = {} if run is None else _record(run)
    name = path.name
    if run is not None and record:
        name = "/".join([run.name, *weights.relative_to(run).parts])
    if (weights / _STEP).is_file():
        if not record:
            raise cannot_evaluate(model, "it is of a run, and stands outside of its folder")
        return ModelPlace(name, "step", str(weights), _start(record, weights), record)
    if (weights / _ADAPTER).is_file():
        return ModelPlace(name, "adapter", str(weights), _base(weights, record), record)
    return ModelPlace(name, "model", str(weights), record=record)


def _span_of(config: Path) -> SpanSettings | None:
    try:
        values = json.loads(config.read_text(encoding="utf-8"))
        names = values.get("architectures") or []
        if not any(name.endswith("ForQuestionAnswering") for name in names):
            return None
        window = min(SpanSettings().window_tokens, int(values["max_position_embeddings"]))
        return SpanSettings(window, window // 3)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise cannot_evaluate(str(config.parent), f"its {CONFIG_FILE} cannot be read") from error


def _start(record: Mapping[str, Any], step: Path) -> str:
    """What gives a step its architecture and tokenizer: the base, and from scratch ``best``."""
    return str(record["base"] or step.parents[1] / BEST_FOLDER)


def _base(adapter: Path, record: Mapping[str, Any]) -> str:
    try:
        values = json.loads((adapter / _ADAPTER).read_text(encoding="utf-8"))
        return str(record.get("base") or values["base_model_name_or_path"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise cannot_evaluate(str(adapter), f"its {_ADAPTER} cannot be read") from error


def _record(run: Path) -> Mapping[str, Any]:
    try:
        return RunFolder(run).read() or {}
    except (OSError, json.JSONDecodeError) as error:
        raise cannot_evaluate(str(run), f"its {RUN_FILE} cannot be read") from error


def cannot_evaluate(name: str, problem: str) -> ExallmError:
    """The error for a place that no model can be loaded from."""
    return ExallmError(
        "E-EXALLM-TRAIN-25",
        f"{name} cannot be evaluated: {problem}",
        "name a run folder, one of its checkpoints, an adapter, a GGUF file or a checkpoint folder",
    )
