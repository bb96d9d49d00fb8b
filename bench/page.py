"""The page that shows what the bench found."""

from __future__ import annotations

from pathlib import Path

from bench.error import BenchError
from bench.project import PROJECT

PAGE = PROJECT / "docs" / "performance.md"
TABLE_COMMAND = "python -m bench --write"
CURVES_COMMAND = "python -m bench.curves"


def marks(command: str) -> tuple[str, str]:
    """The lines of the page between which a command writes."""
    return f"<!-- written by {command} -->", f"<!-- end of {command} -->"


def write_section(page: Path, command: str, content: str) -> None:
    """Put the content between the command's two marks; all else stays.

    :raises BenchError: where the page has not each mark once, in their order.
    """
    opening, closing = marks(command)
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(opening)
    _, end, after = rest.partition(closing)
    if not begin or not end or opening in rest or closing in after:
        raise BenchError(
            f"{page.name} has not the lines {opening} and {closing}, each once; put them in"
        )
    page.write_text(f"{before}{opening}\n\n{content}\n\n{closing}{after}", encoding="utf-8")
