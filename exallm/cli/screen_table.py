"""Tables of reports on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as ScreenTable
from rich.text import Text

if TYPE_CHECKING:
    from exallm_trainer.evaluate.report import Table


def print_table(table: Table) -> None:
    """Print a table with its title."""
    screen = ScreenTable(title=Text(table.title), title_justify="left")
    for column in table.columns:
        screen.add_column(Text(column), overflow="fold")
    for row in table.rows:
        screen.add_row(*map(Text, row))
    Console().print(screen)
