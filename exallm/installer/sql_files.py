"""The files of ``sql/`` and the statements in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from exallm_udfs.errors import ExallmError

_SCRIPT_START = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:\w+\s+)?(?:(?:SCALAR|SET|ADAPTER)\s+)?SCRIPT\b", re.I
)
_SCRIPT_END = re.compile(r"^/[ \t]*$", re.M)
# A string, a quoted identifier, a comment, or the end of a statement.
_PIECE = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|;", re.S)
_BLANK = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.S)


@dataclass(frozen=True)
class SqlFile:
    """One file of ``sql/``.

    :param name: file name, as ``V001__registry.sql``.
    :param text: its content.
    """

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """The hash by which an applied migration is known."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def statements(self) -> list[str]:
        """The statements in order, without what ends them."""
        return list(split_statements(self.text))


def sql_files(folder: str) -> list[SqlFile]:
    """The files of ``sql/<folder>``, by name.

    :raises ExallmError: E-EXALLM-DEPLOY-2 where there are none: the installation is broken.
    """
    found = sorted(
        (entry for entry in _folder(folder).iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    return [SqlFile(entry.name, entry.read_text(encoding="utf-8")) for entry in found]


def all_sql_files() -> dict[str, str]:
    """Path below ``sql/`` to the text of every file that an installation runs."""
    folders = ("migrations", "routines", "udfs")
    return {f"{folder}/{file.name}": file.text for folder in folders for file in sql_files(folder)}


def example_text(name: str) -> str:
    """The content of ``sql/examples/<name>``."""
    return (_folder("examples") / name).read_text(encoding="utf-8")


def uninstall_file() -> SqlFile:
    """``sql/uninstall.sql``."""
    name = "uninstall.sql"
    return SqlFile(name, (_root() / name).read_text(encoding="utf-8"))


def split_statements(text: str) -> Iterator[str]:
    """Cut a script of SQL into statements.

    A statement ends at ``;``, a CREATE SCRIPT at a line that holds only ``/``, as in Exasol's own
    command line.

    :raises ExallmError: E-EXALLM-DEPLOY-3 where the last one has no end.
    """
    place = 0
    while (start := _BLANK.match(text, place).end()) < len(text):  # type: ignore[union-attr]
        if _SCRIPT_START.match(text, start):
            end = _SCRIPT_END.search(text, start)
            stop = end.start() if end else None
            after = end.end() if end else None
        else:
            semicolon = next((m for m in _PIECE.finditer(text, start) if m[0] == ";"), None)
            stop = semicolon.start() if semicolon else None
            after = semicolon.end() if semicolon else None
        if stop is None or after is None:
            raise ExallmError(
                "E-EXALLM-DEPLOY-3",
                f"a statement has no end: {text[start : start + 60].splitlines()[0]}",
                "end it with ;, or a script with a line that holds only /",
            )
        yield text[start:stop].rstrip()
        place = after


def _folder(name: str) -> Traversable:
    folder = _root() / name
    if not folder.is_dir():
        raise _missing(name)
    return folder


def _root() -> Traversable:
    """``sql`` of the installed package, or of the checkout that is used in place."""
    for root in (resources.files("exallm") / "sql", Path(__file__).parents[2] / "sql"):
        if root.is_dir():
            return root
    raise _missing("")


def _missing(name: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-DEPLOY-2", f"the folder sql/{name} is missing", "install exallm again"
    )
