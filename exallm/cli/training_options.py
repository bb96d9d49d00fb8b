"""Options that the commands of the trainer share."""

from __future__ import annotations

from pathlib import Path

import click

PREPARED_OPTION = click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="A folder that exallm data prepare made.",
)
ADAPTER_OPTION = click.option(
    "--adapter",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Begin from this adapter, the folder best of another run.",
)
TOKENIZER_OPTION = click.option(
    "--tokenizer",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of exallm tokenizer train, for the recipe scratch.",
)
FORMER_OPTION = click.option(
    "--former",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A prepared folder of the base's former kind of data, for a recipe with a share of it.",
)
BASE_OPTION = click.option(
    "--base", help="A GGUF file, checkpoint folder or owner/name instead of the recipe's base."
)
