"""What a run is asked for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from exallm_trainer.data.card import DataCard
from exallm_trainer.data.prepared import Prepared
from exallm_trainer.data.texts import running_texts
from exallm_trainer.recipe import Recipe
from exallm_trainer.run_folder import ADAPTER_FILE
from exallm_trainer.train.former import former_sample
from exallm_udfs.errors import ExallmError
from exallm_udfs.package import file_sha256

TOKENIZER_FILE = "tokenizer.json"


@dataclass(frozen=True)
class TrainRequest:
    """What to train, on what, and for how long.

    :param base: a GGUF file, a checkpoint folder or ``owner/name`` of the Hub; empty from scratch.
    :param named_base: how the base was asked for instead of the recipe's own, None for that one.
    :param adapter: folder of an adapter that the run begins from, None for a new one.
    :param tokenizer: folder of the tokenizer of a model from scratch, else None.
    :param former: prepared data of the model's former kind, where the recipe has a share for them.
    :param data: prepared; the validation split chooses the checkpoint.
    :param tokens: folder that keeps the examples' tokens for the next run, None to keep none.
    :param max_minutes: training stops cleanly after so many minutes; the same request continues.
    :param tracker: ``tensorboard`` or ``trackio``, which then get every figure, too.
    :param cpu: compute on the CPU even where there is an accelerator.
    """

    recipe: Recipe
    base: str
    data: Prepared
    named_base: str | None = None
    adapter: Path | None = None
    tokenizer: Path | None = None
    former: Prepared | None = None
    tokens: Path | None = None
    max_minutes: float | None = None
    tracker: str | None = None
    cpu: bool = False

    def __post_init__(self) -> None:
        self._require_what_the_recipe_takes()
        if self.adapter is not None and self.recipe.lora is None:
            raise ExallmError(
                "E-EXALLM-TRAIN-1",
                "a recipe that trains all weights cannot begin from an adapter",
                "take a recipe with the section lora, or leave the adapter out",
            )
        if self.adapter is not None and not (self.adapter / ADAPTER_FILE).is_file():
            raise unusable_adapter(self.adapter, "it holds no adapter")

    @property
    def base_name(self) -> str:
        """What records call the base; a path of this machine means nothing elsewhere."""
        if self.named_base is None:
            return self.recipe.base
        path = Path(self.named_base)
        return path.absolute().name if path.exists() else self.named_base

    @property
    def base_sha256(self) -> str | None:
        """What the base has to have: the recipe knows its own alone."""
        return self.recipe.base_sha256 if self.named_base in (None, self.recipe.base) else None

    def identity(self) -> dict[str, Any]:
        """What a run may not change on the way, by the names of its record."""
        return {
            "recipe": asdict(self.recipe),
            "base": self.base_name,
            "data_sha256": self.data.sha256,
            "adapter_sha256": self.adapter_sha256(),
            "tokenizer_sha256": self.tokenizer_sha256(),
            "former_sha256": "" if self.former is None else self.former.sha256,
        }

    @cached_property
    def training_texts(self) -> list[str]:
        """Of a recipe that learns texts: its own, then those of the former data."""
        own = running_texts(self.data.train_texts, self.data.train)
        return [*own, *self.former_texts]

    @cached_property
    def validation_texts(self) -> list[str]:
        """Those that a recipe which learns texts is judged by."""
        return running_texts(self.data.validation_texts, self.data.validation)

    @cached_property
    def former_texts(self) -> tuple[str, ...]:
        """The sample of the former data; empty where the recipe asks for none.

        :raises ExallmError: E-EXALLM-TRAIN-57 where they hold too little.
        """
        if self.former is None or self.recipe.former is None:
            return ()
        return former_sample(
            running_texts(self.data.train_texts, self.data.train),
            self.validation_texts,
            running_texts(self.former.train_texts, self.former.train),
            self.recipe.former.share,
            self.recipe.optimisation.seed,
        )

    def examples(self) -> tuple[int, int]:
        """How many there are to train on and to validate: texts or preference pairs where those
        are learnt, else questions."""
        if self.recipe.learns_texts:
            return len(self.training_texts), len(self.validation_texts)
        if self.recipe.method == "dpo":
            return len(self.data.train_pairs), len(self.data.validation_pairs)
        return len(self.data.train), len(self.data.validation)

    def tokenizer_sha256(self) -> str:
        """Of the tokenizer's file; empty where the model brings its own."""
        return "" if self.tokenizer is None else file_sha256(self.tokenizer / TOKENIZER_FILE)

    def adapter_sha256(self) -> str:
        """Of the adapter's weights; empty where the run begins without one."""
        if self.adapter is None:
            return ""
        return file_sha256(self.adapter / ADAPTER_FILE)

    def _require_what_the_recipe_takes(self) -> None:
        """Tokenizer, base and former data are there exactly where the recipe has a use for them."""
        method, scratch = self.recipe.method, self.recipe.method == "scratch"
        if scratch and self.tokenizer is None:
            raise _unfitting(
                "a model from scratch needs a tokenizer",
                "make one with exallm tokenizer train, and name its folder with --tokenizer",
            )
        if not scratch and self.tokenizer is not None:
            raise _unfitting(
                f"the method {method} keeps the tokenizer of its base", "leave --tokenizer out"
            )
        if self.tokenizer is not None and not (self.tokenizer / TOKENIZER_FILE).is_file():
            raise _unfitting(
                f"{self.tokenizer} holds no {TOKENIZER_FILE}",
                "name a folder that exallm tokenizer train made",
            )
        if scratch and self.base:
            raise _unfitting("a model from scratch has no base", "leave --base out")
        if (self.former is None) != (self.recipe.former is None):
            raise _unfitting(
                "former data and their share in the recipe come together",
                "name a prepared folder with --former, and its share in the section former",
            )
        if self.former is not None:
            _require_same_held_out(self.data.card, self.former.card)


def _require_same_held_out(data: DataCard, former: DataCard) -> None:
    """What the data must not hold must not come in with the former ones."""
    kept_apart = {known.sha256 for known in former.held_out}
    missing = [known.name for known in data.held_out if known.sha256 not in kept_apart]
    if missing:
        raise _unfitting(
            f"the former data were not kept apart from the held-out set {missing[0]} of the data",
            "prepare them again with the same --held-out, into a new folder",
        )


def _unfitting(problem: str, remedy: str) -> ExallmError:
    return ExallmError("E-EXALLM-TRAIN-58", problem, remedy)


def unusable_adapter(folder: Path, problem: str) -> ExallmError:
    """The error for an adapter that no run can begin from."""
    return ExallmError(
        "E-EXALLM-TRAIN-3",
        f"no run can begin from the adapter {folder}: {problem}",
        "name the folder best of a run with the recipe lora on the same base",
    )
