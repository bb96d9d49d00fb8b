"""What is wrong with an installation, and what to do about it. Reads and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyexasol

from exallm.installer import checks
from exallm.installer.target import Target
from exallm_udfs.errors import ExallmError

OK, FAILED, SKIPPED = "ok", "failed", "skipped"


@dataclass(frozen=True)
class Finding:
    """What one check saw.

    :param state: ``ok``, ``failed``, or ``skipped`` where an earlier failure leaves nothing to see.
    :param found: what was seen, or what is wrong.
    :param code: of the error where it failed.
    :param remedy: what to do, None where all is well.
    """

    check: str
    state: str
    found: str
    code: str | None = None
    remedy: str | None = None

    def __post_init__(self) -> None:
        if (self.state == FAILED) != (self.code is not None and self.remedy is not None):
            raise ValueError("a failure has a code and a remedy, and nothing else has")


@dataclass(frozen=True)
class Check:
    """One thing to look at.

    :param look: says what it saw, or raises ExallmError with what to do.
    :param needs: names of the checks without which there is nothing to see.
    """

    name: str
    look: Callable[[pyexasol.ExaConnection, Target], str]
    needs: tuple[str, ...] = ()


CHECKS = (
    Check("rights", checks.rights),
    Check("script language", checks.script_language),
    Check("bucketfs", checks.bucketfs),
    Check("migrations", checks.migrations),
    Check("objects", checks.objects, ("migrations",)),
    Check("roles", checks.roles, ("migrations",)),
    Check("container", checks.container, ("script language", "objects")),
    Check("udf", checks.udf, ("script language", "objects", "container")),
    Check("packages", checks.packages, ("udf",)),
    Check("registry", checks.registry, ("udf",)),
    Check("functions", checks.functions, ("registry",)),
)


def diagnose(target: Target) -> Iterator[Finding]:
    """Look at everything, one finding a check, in order; the first one is of the connection."""
    try:
        connection = target.database.connect()
    except ExallmError as error:
        yield _failure("connection", error)
        for check in CHECKS:
            yield Finding(check.name, SKIPPED, "there is no connection")
        return
    try:
        yield Finding("connection", OK, checks.database(connection, target))
        passed: set[str] = set()
        for check in CHECKS:
            finding = _look(check, passed, connection, target)
            if finding.state == OK:
                passed.add(check.name)
            yield finding
    finally:
        connection.close()


def _look(
    check: Check, passed: set[str], connection: pyexasol.ExaConnection, target: Target
) -> Finding:
    for need in check.needs:
        if need not in passed:
            return Finding(check.name, SKIPPED, f"first correct: {need}")
    try:
        return Finding(check.name, OK, check.look(connection, target))
    except ExallmError as error:
        return _failure(check.name, error)
    finally:
        connection.rollback()


def _failure(check: str, error: ExallmError) -> Finding:
    return Finding(check, FAILED, error.problem, error.code, error.remedy)
