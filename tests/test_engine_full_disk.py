"""A disk without room: the statement fails, the engine and its data stay."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

LIMIT = 8 * 1024 * 1024

# Runs in a process whose files may not grow beyond the limit, as on a disk that is full.
PROGRAM = """
import json, random, sys
from pathlib import Path
from exallm.local.engine.database import Database, DatabaseSettings
from exallm.local.engine.session import Session
from exallm.local.sql_error import SqlError

folder = Path(sys.argv[1])
database = Database(DatabaseSettings(folder / "d.duckdb", folder))
session = Session(database, "SYS")
session.execute("CREATE SCHEMA S")
session.execute("CREATE TABLE T (A VARCHAR(2000000))")
written, failure = 0, None
while failure is None:
    text = "%x" % random.getrandbits(4_000_000)
    try:
        session.execute(f"INSERT INTO T VALUES ('{text}')")
        written += 1
    except SqlError as error:
        failure = [error.code, error.text]
count = session.execute("SELECT COUNT(*) FROM T").table.to_pylist()[0]["COUNT(*)"]
session.execute("CREATE TABLE SMALL (A DOUBLE)")
print(json.dumps({"written": written, "failure": failure, "count": count}))
"""


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))


def test_a_full_disk_fails_the_statement_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit_files,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["failure"][0] == "40005"
    assert seen["failure"][1].startswith("E-EXALLM-LOCAL-7: the disk refused: ")
    assert seen["written"] > 3
    assert seen["count"] == seen["written"]
