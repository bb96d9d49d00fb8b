"""What an installation makes in its schema, by the files of ``sql/``, and what is there."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyexasol

from exallm.installer.sql_files import sql_files
from exallm.installer.statements import run
from exallm.sql_text import quote_text
from exallm_udfs.registry import SCRIPT_NAME

_CREATED = re.compile(
    r'CREATE (?:OR REPLACE )?(?:\w+ )*?(TABLE|VIEW|SCRIPT) (?:"(\w+)"|(\w+))', re.ASCII
)
_DROPPED = re.compile(r"DROP (TABLE|VIEW|SCRIPT) (\w+)", re.ASCII)


@dataclass(frozen=True, order=True)
class MadeObject:
    """One object; ``kind`` is TABLE, VIEW or SCRIPT, as in EXA_ALL_OBJECTS."""

    kind: str
    name: str


def present_objects(connection: pyexasol.ExaConnection, schema: str) -> frozenset[MadeObject]:
    """What is in a schema, as far as the user may see it."""
    rows = run(
        connection,
        "SELECT OBJECT_TYPE, OBJECT_NAME FROM EXA_ALL_OBJECTS"
        f" WHERE ROOT_NAME = {quote_text(schema)}",
    )
    return frozenset(MadeObject(kind, name) for kind, name in rows)


def made_objects() -> frozenset[MadeObject]:
    """The tables, views and scripts that are there after an installation."""
    made = {MadeObject("SCRIPT", SCRIPT_NAME)}
    for folder in ("migrations", "udfs", "routines"):
        for file in sql_files(folder):
            for statement in file.statements():
                if created := _CREATED.match(statement):
                    made.add(MadeObject(created[1], created[2] or created[3]))
                elif dropped := _DROPPED.match(statement):
                    made.discard(MadeObject(dropped[1], dropped[2]))
    return frozenset(made)
