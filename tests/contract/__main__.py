"""``python -m tests.contract``: every case on every runner; its last line is a JSON object."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys

from tests.contract.case import EXASOL, LOCAL
from tests.contract.figures import PARTS
from tests.contract.outcomes import Outcome, figures, outcomes
from tests.contract.page import PAGE, write_page
from tests.contract.places import (
    BUCKETFS_PASSWORD_VARIABLE,
    PASSWORD_VARIABLE,
    ExasolServer,
    exasol_runner,
    local_runner,
)
from tests.contract.script_runners import SCRIPT_RUNNERS
from tests.contract.suite import CASES


def _say(line: str) -> None:
    print(line, flush=True)


def _server(arguments: list[str]) -> ExasolServer | None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.contract",
        description="Runs the contract without a database and on an embedded engine, and with --dsn"
        " on a real Exasol too.",
        epilog=f"Passwords: {PASSWORD_VARIABLE}, {BUCKETFS_PASSWORD_VARIABLE}.",
    )
    parser.add_argument("--dsn", default="", help="host:port of a real Exasol")
    parser.add_argument("--user", default="sys", help="an administrator there")
    parser.add_argument("--bucketfs-url", default="", help="of its BucketFS")
    given = parser.parse_args(arguments)
    return ExasolServer(given.dsn, given.user, given.bucketfs_url) if given.dsn else None


def main(arguments: list[str]) -> int:
    """Run everything; 0 where all that applies has passed."""
    os.environ["EXASOL_TELEMETRY_DISABLE"] = "1"
    server = _server(arguments)
    found: dict[str, list[Outcome]] = {}
    for runner, run in SCRIPT_RUNNERS.items():
        _say(f"{runner}:")
        found[runner] = outcomes(CASES, runner, run, _say)
    _say(f"{LOCAL}:")
    with local_runner() as engine:
        found[LOCAL] = outcomes(CASES, LOCAL, engine.run, _say)
    if server is not None:
        _say(f"{EXASOL}:")
        real = exasol_runner(server)
        cases = [case for case in CASES if server.bucketfs_url or case.group != "BucketFS"]
        found[EXASOL] = outcomes(cases, EXASOL, real.run, _say)
    write_page(PAGE, CASES, found, datetime.date.today())
    report: dict[str, object] = dict(figures(CASES, found))
    for part in PARTS:
        report.update(part())
    print(json.dumps(report))
    return 1 if any(o.difference for of in found.values() for o in of) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
