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
BASE_OPTION = click.option(
    "--base", help="A GGUF file, checkpoint folder or owner/name instead of the recipe's base."
)
