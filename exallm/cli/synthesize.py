"""``exallm data synthesize``: questions about one's own passages, written by a model."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from exallm.cli.data import COLUMN_OPTION, access_of, database_options, source_option
from exallm.cli.opened_model import opened_model, usual_template
from exallm.cli.progress import progress
from exallm.cli.trainer_extra import require_trainer

if TYPE_CHECKING:
    from exallm_trainer.evaluate.model_place import ModelPlace
    from exallm_trainer.synthesize.generator import Generator
    from exallm_trainer.synthesize.harm_classifier import HarmClassifier
    from exallm_trainer.synthesize.second_model import SecondModel

_GENERATOR_KEY = "GENERATOR_KEY"
_SECOND_KEY = "SECOND_KEY"


@dataclass(frozen=True)
class _Named:
    """A model as the command names it.

    :param model: what an address calls it; None where the place is the model itself.
    :param key: variable of the environment that may hold the key of an address.
    """

    option: str
    place: str
    model: str | None
    key: str
    seconds: float
    cpu: bool

    @property
    def is_address(self) -> bool:
        return self.place.startswith(("http://", "https://"))


@click.command("synthesize")
@source_option("Passages, named as for exallm data prepare. May be repeated.")
@COLUMN_OPTION
@click.option(
    "--generator",
    required=True,
    metavar="MODEL-OR-ADDRESS",
    help="Who writes: a model as for exallm evaluate, or https://host/v1.",
)
@click.option("--generator-model", help="What the address calls the model.")
@click.option(
    "--second",
    metavar="MODEL-OR-ADDRESS",
    help="Another model, which has to answer each question alike.",
)
@click.option("--second-model", help="What its address calls it.")
@click.option(
    "--questions",
    type=click.IntRange(1, 20),
    default=3,
    show_default=True,
    help="Questions about a passage.",
)
@click.option("--passages", type=click.IntRange(1), help="So many passages, spread over all.")
@click.option("--chunk-words", type=click.IntRange(16), default=200, show_default=True)
@click.option("--language", metavar="CODE", help="Language that questions have to be in, as en.")
@click.option(
    "--harmful-words",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with a word or phrase a line that no question or answer may hold.",
)
@click.option("--harm-classifier", metavar="MODEL", help="A checkpoint that classifies texts.")
@click.option(
    "--harm-label", "harm_labels", multiple=True, help="Its label that is harmful. May be repeated."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=120.0,
    show_default=True,
    help="Seconds in which an address has to reply.",
)
@database_options
@click.option("--cpu", is_flag=True, help="Compute on the CPU even where there is an accelerator.")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print the record as one JSON object.")
def synthesize_command(
    sources: tuple[str, ...],
    columns: tuple[str, ...],
    generator: str,
    generator_model: str | None,
    second: str | None,
    second_model: str | None,
    questions: int,
    passages: int | None,
    chunk_words: int,
    language: str | None,
    harmful_words: Path | None,
    harm_classifier: str | None,
    harm_labels: tuple[str, ...],
    timeout: float,
    local: bool,
    dsn: str | None,
    db_user: str | None,
    cpu: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Let a model write questions with answers about your passages, into the folder OUT.

    What is not good enough is left out and counted by its reason. The key of an address comes from
    GENERATOR_KEY, that of the second model's from SECOND_KEY. A call that was killed goes on.

    \b
    Example:
      exallm data synthesize --source documents:handbook --generator https://host/v1 \\
        --generator-model large --second runs/qa --language en --out data/written
      exallm data prepare --source synthetic:data/written --out data/qa
    """
    writer = _Named("generator", generator, generator_model, _GENERATOR_KEY, timeout, cpu)
    other = second and _Named("second", second, second_model, _SECOND_KEY, timeout, cpu)
    if bool(harm_classifier) != bool(harm_labels):
        raise click.UsageError("--harm-classifier and --harm-label belong together")
    require_trainer()
    kinds = import_module("exallm_trainer.data.sources")
    core = import_module("exallm_trainer.synthesize.synthesize")
    settings = import_module("exallm_trainer.synthesize.settings").SynthesisSettings(
        questions=questions, passages=passages, chunk_words=chunk_words, language=language
    )
    asked = [kinds.parse_source(source) for source in sources]
    access = access_of(columns, local, dsn, db_user)
    read_words = import_module("exallm_trainer.synthesize.word_list").read_word_list
    with progress("opening the models") as shown:
        request = core.SynthesisRequest(
            sources=asked,
            generator=_generator(writer),
            second=_second(other) if other else None,
            classifier=_classifier(harm_classifier, harm_labels),
            harmful_words=() if harmful_words is None else read_words(harmful_words),
            settings=settings,
            access=access,
        )
        record = core.synthesize(request, out, shown.step)
    if as_json:
        click.echo(json.dumps(record))
        return
    _show(record, Console())
    if second is None:
        click.echo("no second model has answered them: name one with --second")
    click.echo(f"to use them: exallm data prepare --source synthetic:{out} --out DATA")


def _generator(named: _Named) -> Generator:
    if named.is_address:
        return _chat(named)
    place, base = _weights(named)
    module = import_module("exallm_trainer.synthesize.transformers_generator")
    made: Generator = module.TransformersGenerator(place, base, named.cpu)
    return made


def _second(named: _Named) -> SecondModel:
    module = import_module("exallm_trainer.synthesize.second_model")
    made: SecondModel
    if named.is_address:
        made = module.chat_second(_chat(named))
        return made
    place, base = _weights(named)
    made = module.transformers_second(place, base, usual_template(place), named.cpu)
    return made


def _weights(named: _Named) -> tuple[ModelPlace, str | None]:
    """A model in this process, and what it is put on where it is an adapter."""
    if named.model is not None:
        raise click.UsageError(f"--{named.option}-model goes with an address, and there is none")
    place: ModelPlace = import_module("exallm_trainer.evaluate.model_place").model_place(
        opened_model(named.place)
    )
    return place, None if place.base is None else opened_model(place.base)


def _chat(named: _Named) -> Generator:
    if not named.model:
        raise click.UsageError(f"--{named.option}-model is missing: an address serves several")
    chat = import_module("exallm_trainer.synthesize.chat_address")
    key = os.environ.get(named.key) or None
    address = chat.ChatAddress(named.place, named.model, key, seconds=named.seconds)
    made: Generator = chat.ChatGenerator(address)
    return made


def _classifier(place: str | None, labels: tuple[str, ...]) -> HarmClassifier | None:
    if place is None:
        return None
    module = import_module("exallm_trainer.synthesize.harm_classifier")
    made: HarmClassifier = module.TransformersHarmClassifier(place, labels)
    return made


def _show(record: dict[str, Any], console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("left out", "of", "reason", "count"):
        table.add_column(column, justify="right" if column == "count" else "left")
    for entry in record["dropped"]:
        table.add_row(entry["unit"], entry["source"], entry["reason"], str(entry["count"]))
    if record["dropped"]:
        console.print(table)
    click.echo(
        f"{record['kept']} of {record['written']} questions are kept,"
        f" about {record['passages']} passages"
    )
