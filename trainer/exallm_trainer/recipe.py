"""Recipes: what is trained, and how. One file of ``trainer/recipes`` each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from exallm_udfs.errors import ExallmError

Method = Literal["lora", "finetune", "span", "dpo", "scratch", "continue"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True)
class LoraSettings:
    """A low-rank adapter on every linear layer (Hu et al., 2021)."""

    rank: int = 16
    """Columns of each factor."""
    alpha: int = 32
    """The product is scaled by ``alpha / rank``."""
    dropout: float = 0.0
    """Share of the inputs of the adapter that is left out in training."""

    def __post_init__(self) -> None:
        _require(1 <= self.rank <= 512, "lora.rank is from 1 to 512")
        _require(self.alpha > 0, "lora.alpha is above 0")
        _require(0 <= self.dropout < 1, "lora.dropout is from 0 to below 1")


@dataclass(frozen=True)
class DpoSettings:
    """Direct preference optimisation (Rafailov et al., 2023)."""

    beta: float = 0.1
    """How much a change of the log probability is worth; a lower one lets the model move farther
    away from where it started."""

    def __post_init__(self) -> None:
        _require(self.beta > 0, "dpo.beta is above 0")


@dataclass(frozen=True)
class Architecture:
    """A GPT that begins with random weights: GPT-2's layers (Radford et al., 2019)."""

    block_size: int
    """Tokens that it reads at most; longer texts are cut into windows of so many."""
    n_layer: int
    n_head: int
    """Heads of attention, which divide the width among themselves."""
    n_embd: int
    """The width: numbers that stand for a token."""
    dropout: float = 0.0
    """Share of the numbers between layers and of attention that is left out in training."""

    def __post_init__(self) -> None:
        _require(self.block_size >= 16, "architecture.block_size is at least 16")
        for name in ("n_layer", "n_head", "n_embd"):
            _require(getattr(self, name) >= 1, f"architecture.{name} is at least 1")
        _require(
            self.n_embd % self.n_head == 0,
            f"architecture.n_head divides n_embd; {self.n_head} does not divide {self.n_embd}",
        )
        _require(0 <= self.dropout < 1, "architecture.dropout is from 0 to below 1")


@dataclass(frozen=True)
class FormerData:
    """Texts of the kind that a model was trained on before, among those that it learns now."""

    share: float
    """Of the bytes of all texts."""

    def __post_init__(self) -> None:
        _require(0 < self.share < 1, "former.share is above 0 and below 1")


@dataclass(frozen=True)
class Optimisation:
    """Steps, their size and what ends them."""

    learning_rate: float
    """The highest, reached after the warm-up."""
    final_learning_rate: float = 0.0
    """Where the cosine ends at the last step."""
    warmup_steps: int = 20
    epochs: int = 1
    """Times that each example is seen."""
    samples_per_step: int = 4
    """Samples that make one step: passages, each with all its questions, or windows of texts."""
    row_tokens: int = 512
    """Samples of a step share a row of up to so many tokens; the rows of a step are accumulated.
    What is best depends on the device, what is computed does not."""
    max_tokens: int = 1024
    """An example of more tokens is left out, and counted; a text is cut into windows of so many.
    Where the recipe has an architecture, texts go by its block_size instead."""
    weight_decay: float = 0.0
    clip: float = 1.0
    """Gradients are scaled to this norm at most."""
    precision: Precision = "auto"
    """auto: bf16 where the device computes with it, else fp32."""
    validate_every: int = 100
    """Steps between two looks at the validation split, and between two checkpoints."""
    patience: int = 5
    """Looks without a better result after which training ends."""
    seed: int = 0

    def __post_init__(self) -> None:
        _require(0 < self.learning_rate < 1, "learning_rate is above 0 and below 1")
        _require(
            0 <= self.final_learning_rate <= self.learning_rate,
            "final_learning_rate is from 0 to learning_rate",
        )
        for name in ("epochs", "samples_per_step", "validate_every", "patience"):
            _require(getattr(self, name) >= 1, f"{name} is at least 1")
        _require(self.warmup_steps >= 0, "warmup_steps is at least 0")
        _require(self.max_tokens >= 16, "max_tokens is at least 16")
        _require(self.row_tokens >= 1, "row_tokens is at least 1")
        _require(self.weight_decay >= 0, "weight_decay is at least 0")
        _require(self.clip > 0, "clip is above 0")
        _require(self.precision in get_args(Precision), f"precision is {_one_of(Precision)}")


@dataclass(frozen=True)
class SpanSettings:
    """How an encoder reads a context that may be longer than it takes at once."""

    window_tokens: int = 384
    """Of the question, a part of the context, and the marks around them."""
    overlap_tokens: int = 128
    """That neighbouring windows of a context share."""
    max_answer_tokens: int = 30
    """No longer answer is given."""

    def __post_init__(self) -> None:
        _require(self.window_tokens >= 16, "span.window_tokens is at least 16")
        _require(
            0 <= self.overlap_tokens < self.window_tokens // 2,
            "span.overlap_tokens is from 0 to below half of window_tokens",
        )
        _require(
            1 <= self.max_answer_tokens <= self.window_tokens,
            "span.max_answer_tokens is from 1 to window_tokens",
        )


@dataclass(frozen=True)
class Recipe:
    """All of a recipe.

    :param base: the model it was tested with: a name, a GGUF file or a checkpoint folder; empty
        where training begins with random weights.
    :param base_sha256: of the base's GGUF, where it is one.
    """

    method: Method
    base: str
    optimisation: Optimisation
    lora: LoraSettings | None = None
    span: SpanSettings | None = None
    base_sha256: str | None = None
    dpo: DpoSettings | None = None
    architecture: Architecture | None = None
    former: FormerData | None = None

    def __post_init__(self) -> None:
        _require(self.method in get_args(Method), f"method is {_one_of(Method)}")
        _require(
            self.method in ("dpo", "continue")
            or (self.lora is not None) == (self.method == "lora"),
            "the section lora stands there with method = 'lora', and with 'dpo' or 'continue' if an"
            " adapter is trained and not all weights",
        )
        _require(
            (self.dpo is not None) == (self.method == "dpo"),
            "the section dpo stands there exactly with method = 'dpo'",
        )
        scratch = self.method == "scratch"
        _require(
            (self.architecture is not None) == scratch,
            "the section architecture stands there exactly with method = 'scratch'",
        )
        _require(
            (self.base == "") == scratch,
            "base is missing" if not scratch else "method = 'scratch' has no base",
        )
        _require(
            self.former is None or self.method == "continue",
            "the section former stands there with method = 'continue' alone",
        )
        _require(
            (self.span is not None) == (self.method == "span"),
            "the section span stands there exactly with method = 'span'",
        )

    @property
    def learns_texts(self) -> bool:
        """Whether it learns running text, and not answers."""
        return self.method in ("scratch", "continue")

    @property
    def window_tokens(self) -> int:
        """Tokens that a window of a text has at most."""
        if self.architecture is None:
            return self.optimisation.max_tokens
        return self.architecture.block_size


_SECTIONS: Mapping[str, type] = {
    "lora": LoraSettings,
    "dpo": DpoSettings,
    "architecture": Architecture,
    "former": FormerData,
    "span": SpanSettings,
}
_RECIPES = Path(__file__).with_name("recipes")
_RECIPES_OF_SOURCES = Path(__file__).parents[1] / "recipes"


def recipe_file(name: str) -> Path:
    """The file of a recipe of the project by its name, or the file of that path.

    :raises ExallmError: E-EXALLM-TRAIN-1 where there is neither.
    """
    folder = _RECIPES if _RECIPES.is_dir() else _RECIPES_OF_SOURCES
    known = {file.stem: file for file in sorted(folder.glob("*.toml"))}
    file = known.get(name, Path(name))
    if not file.is_file():
        raise ExallmError(
            "E-EXALLM-TRAIN-1",
            f"there is no recipe {name}",
            f"name a TOML file or one of {', '.join(known)}",
        )
    return file


def read_recipe(file: Path) -> Recipe:
    """Read a TOML file with ``method``, ``base``, ``[optimisation]`` and the sections that belong
    to the method: ``[lora]``, ``[dpo]``, ``[architecture]``, ``[former]``,
    ``[span]``.

    :raises ExallmError: E-EXALLM-TRAIN-1 for what is unknown, missing or contradictory.
    """
    try:
        text = file.read_text(encoding="utf-8")
        return recipe_from(tomllib.loads(text))
    except OSError as error:
        raise _invalid(file, str(error.strerror)) from error
    except (ValueError, TypeError) as error:
        raise _invalid(file, str(error)) from error


def recipe_from(values: dict[str, Any]) -> Recipe:
    """The recipe of a mapping as the TOML file holds; ``ValueError`` where it is not one."""
    values = dict(values)
    optimisation = _section(Optimisation, values.pop("optimisation", {}), "optimisation.")
    for name, kind in _SECTIONS.items():
        section = values.pop(name, None)
        values[name] = None if section is None else _section(kind, section, f"{name}.")
    values["optimisation"] = optimisation
    values.setdefault("base", "")
    return _section(Recipe, values, "")


_Settings = TypeVar("_Settings")


def _section(kind: type[_Settings], values: Any, prefix: str) -> _Settings:
    _require(isinstance(values, dict), f"{prefix.rstrip('.')} is a section")
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for name, value in values.items():
        _require(name in known, f"{prefix}{name} is unknown; there are {', '.join(known)}")
        declared = str(known[name].type)
        if declared == "float" and type(value) is int:
            values = {**values, name: float(value)}
        elif declared in ("int", "float"):
            _require(type(value).__name__ == declared, f"{prefix}{name} is not of type {declared}")
    return kind(**values)


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise ValueError(rule)


def _one_of(kind: Any) -> str:
    return " or ".join(get_args(kind))


def _invalid(file: Path, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-TRAIN-1", f"the recipe {file} is not valid: {problem}", "correct the recipe"
    )
