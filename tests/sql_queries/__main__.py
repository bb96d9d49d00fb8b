"""Runs every query of this folder: ``python -m tests.sql_queries``; the last line is JSON."""

from __future__ import annotations

import json
import sys

from tests.sql_queries.run import run_queries


def main() -> int:
    """Say what fails; 1 where something does."""
    figures = run_queries(print)
    print(json.dumps(figures))
    return 0 if figures["sql_queries"] == figures["sql_passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
