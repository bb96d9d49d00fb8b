"""The page that shows what the bench found."""

from __future__ import annotations

from pathlib import Path

from bench.error import BenchError
from bench.project import PROJECT

PAGE = PROJECT / "docs" / "performance.md"
BEGIN = "<!-- written by python -m bench --write -->"
END = "<!-- end of what was written -->"


def write_section(page: Path, content: str) -> None:
    """Put the content between the page's two marks; all else stays.

    :raises BenchError: where the page has not each mark once, in their order.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in after:
        raise BenchError(f"{page.name} has not the lines {BEGIN} and {END}, each once; put them in")
    page.write_text(f"{before}{BEGIN}\n\n{content}\n\n{END}{after}", encoding="utf-8")
