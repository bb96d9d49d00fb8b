"""How the embedded engine refuses what it cannot do faithfully."""

from __future__ import annotations

from exallm.local.sql_error import SqlError

FEATURE_NOT_SUPPORTED = "0A000"
SYNTAX_OR_ACCESS = "42000"


def refused(code: int, construct: str, remedy: str = "see docs/local-engine.md") -> SqlError:
    """The error for a construct outside the allowlist.

    :param code: number of the error in area LOCAL.
    :param construct: what was refused, by the name that Exasol's SQL has for it.
    """
    return SqlError(
        FEATURE_NOT_SUPPORTED,
        f"E-EXALLM-LOCAL-{code}: {construct} is not supported by the embedded engine; {remedy}",
    )


def syntax_error(detail: str) -> SqlError:
    """An error in the statement's syntax, with Exasol's code for it."""
    return SqlError(SYNTAX_OR_ACCESS, f"syntax error, {detail}")
