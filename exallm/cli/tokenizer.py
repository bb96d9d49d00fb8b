"""``exallm tokenizer``: a vocabulary of your own texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from exallm.cli.opened_model import opened_model
from exallm.cli.progress import progress
from exallm.cli.trainer_extra import require_trainer
from exallm.cli.training_options import PREPARED_OPTION

if TYPE_CHECKING:
    from exallm_trainer.tokenizer.judge import TokenizerFigures


@click.group()
def tokenizer() -> None:
    """What turns text into the tokens of a model.

    \b
    Example:
      exallm tokenizer train --data DATA --out tokenizers/own
    """


@tokenizer.command("train")
@PREPARED_OPTION
@click.option(
    "--vocabulary",
    type=int,
    default=8192,
    show_default=True,
    help="Tokens at most: 256 bytes, one that ends a text, and merges.",
)
@click.option(
    "--against",
    default="smollm2",
    show_default=True,
    help="Judge it beside the tokenizer of this GGUF file, folder or owner/name of the Hub.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="New folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as one JSON object.")
def train_command(data: Path, vocabulary: int, against: str, out: Path, as_json: bool) -> None:
    """Train a byte-level BPE tokenizer on the training split of DATA.

    Both tokenizers are judged on the validation split: how many bytes a token stands for, and
    whether texts come back from their tokens letter for letter.

    \b
    Example:
      exallm tokenizer train --data data/qa --vocabulary 4096 --out tokenizers/own
      exallm train scratch --tokenizer tokenizers/own --data data/qa --out runs/scratch
    """
    require_trainer()
    training = import_module("exallm_trainer.tokenizer.train")
    load = import_module("exallm_trainer.tokenizer.load").load_tokenizer
    judge = import_module("exallm_trainer.tokenizer.judge").judge
    settings = training.TokenizerSettings(vocabulary)
    with progress("reading the data") as shown:
        prepared = import_module("exallm_trainer.data.prepared").read_prepared(data)
        texts = import_module("exallm_trainer.data.texts").running_texts(
            prepared.validation_texts, prepared.validation
        )
        other = load(opened_model(against))
        shown.step("training the tokenizer")
        own = training.train_tokenizer(prepared, settings)
        shown.step("judging both tokenizers")
        judged = [judge(out.name, own, texts), judge(Path(against).name, other, texts)]
        training.save_tokenizer(own, out)
    if as_json:
        tokenizers = [figures.values() for figures in judged]
        click.echo(json.dumps({"data_sha256": prepared.sha256, "tokenizers": tokenizers}))
        return
    _show(judged)
    click.echo(f"to train on it: exallm train scratch --tokenizer {out} --data {data} --out RUN")


def _show(judged: Sequence[TokenizerFigures]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("tokenizer")
    for column in ("vocabulary", "bytes a token", "texts", "changed on the way back"):
        table.add_column(column, justify="right")
    for one in judged:
        counts = (f"{one.vocabulary:,}", f"{one.bytes_per_token:.2f}", f"{one.tried:,}")
        table.add_row(one.name, *counts, f"{one.changed:,}")
    Console().print(table)
