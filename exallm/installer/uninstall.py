"""Takes exallm out of a database and its packages out of BucketFS."""

from __future__ import annotations

import re
from dataclasses import dataclass

import exasol.bucketfs as bfs
import pyexasol
import requests

from exallm.installer.install import check_applied, deactivate_local_language
from exallm.installer.made_objects import MadeObject, made_objects, present_objects
from exallm.installer.pruning import PACKAGES, UNREGISTERED, PrunePlan, StalePackage, prune
from exallm.installer.registered_packages import paths_of_others, registered_paths
from exallm.installer.roles import drop_unused_roles
from exallm.installer.sql_files import sql_files, uninstall_file
from exallm.installer.statements import run
from exallm.installer.target import Target, bucketfs_error
from exallm.installer.upgrade import require_installed
from exallm.models.source import Progress
from exallm.sql_text import quote_identifier
from exallm_udfs.errors import ExallmError

_SCHEMA_IN_FILE = re.compile(r"\bEXALLM\b")


@dataclass(frozen=True)
class UninstallRequest:
    """What is to stay.

    :param keep_tables: the schema with its tables, for whoever reads the history later.
    :param keep_files: the packages in BucketFS.
    """

    keep_tables: bool = False
    keep_files: bool = False


@dataclass(frozen=True)
class UninstallPlan:
    """What goes.

    :param statements: in order, without those for the roles.
    :param functions: made by CREATE_FUNCTION, as ``SALES.ASK``.
    :param strangers: objects in the schema that exallm has not made and that go with it.
    :param packages: whose files go, in the order of their names.
    :param elsewhere: registered packages outside this bucket's folder, and those that another
        installation names; they stay.
    """

    statements: tuple[str, ...]
    functions: tuple[str, ...]
    strangers: tuple[str, ...]
    packages: tuple[StalePackage, ...]
    elsewhere: tuple[str, ...]


def plan_uninstall(
    connection: pyexasol.ExaConnection, target: Target, request: UninstallRequest
) -> UninstallPlan:
    """What is to be done; reads database and bucket and changes nothing.

    :raises ExallmError: E-EXALLM-DEPLOY-15 where nothing is installed, -17 for a schema that an
        earlier exallm has left, -8 and -9 as :func:`plan_install`, -6 where BucketFS refuses.
    """
    _require_current(connection, target.schema)
    present, made = present_objects(connection, target.schema), made_objects()
    statements = _drops_of_pending(connection, target.schema)
    if request.keep_tables:
        statements += _drops_of_code(target.schema, present & made)
        strangers: frozenset[MadeObject] = frozenset()
    else:
        statements += _file_statements(target.schema)
        strangers = present - made
    packages, elsewhere = ((), ()) if request.keep_files else _packages(connection, target)
    functions = run(
        connection,
        f"SELECT FUNCTION_SCHEMA, FUNCTION_NAME FROM {quote_identifier(target.schema)}.FUNCTIONS"
        " ORDER BY FUNCTION_SCHEMA, FUNCTION_NAME",
    )
    return UninstallPlan(
        tuple(statements),
        tuple(f"{schema}.{name}" for schema, name in functions),
        tuple(each.name for each in sorted(strangers)),
        packages,
        elsewhere,
    )


def uninstall(
    connection: pyexasol.ExaConnection, target: Target, plan: UninstallPlan, progress: Progress
) -> tuple[str, ...]:
    """Run a plan: the database first, in one transaction that is committed here, then the files.

    A failure in the database leaves both as they were.

    :returns: the roles that went with it.
    :raises ExallmError: E-EXALLM-DEPLOY-1 where the database refuses, -18 where files stay behind.
    """
    for statement in plan.statements:
        progress(statement.split("\n")[0])
        run(connection, statement)
    roles = drop_unused_roles(connection)
    if target.is_embedded:
        deactivate_local_language(connection, target.language)
    connection.commit()
    try:
        prune(target, PrunePlan(plan.packages, ()), progress)
    except ExallmError as error:
        raise ExallmError(
            "E-EXALLM-DEPLOY-18",
            f"exallm is out of the database, but packages stay: {error.problem}",
            f"remove {', '.join(package.path for package in plan.packages)}",
        ) from error
    return roles


def _require_current(connection: pyexasol.ExaConnection, schema: str) -> None:
    applied = require_installed(connection, schema)
    files = sql_files("migrations")
    check_applied(applied, files)
    if len(applied) < len(files):
        raise ExallmError(
            "E-EXALLM-DEPLOY-17",
            f"the schema {schema} is of an earlier exallm",
            "run exallm upgrade first: only then it is known what belongs to it",
        )


def _drops_of_pending(connection: pyexasol.ExaConnection, schema: str) -> list[str]:
    """What killed batch runs have left beside their targets."""
    rows = run(
        connection,
        "SELECT DISTINCT T.TABLE_SCHEMA, T.TABLE_NAME FROM EXA_ALL_TABLES T"
        f" INNER JOIN {quote_identifier(schema)}.RUNS R ON T.TABLE_SCHEMA = R.TARGET_SCHEMA"
        " AND T.TABLE_NAME = 'EXALLM_PENDING_' || UPPER(SUBSTR(HASH_MD5(R.TARGET_TABLE), 1, 16))"
        " ORDER BY T.TABLE_SCHEMA, T.TABLE_NAME",
    )
    return [
        f"DROP TABLE {quote_identifier(owner)}.{quote_identifier(name)}" for owner, name in rows
    ]


def _drops_of_code(schema: str, objects: frozenset[MadeObject]) -> list[str]:
    """Everything but the tables; the script that drops the functions goes last."""
    place = quote_identifier(schema)
    return [f"EXECUTE SCRIPT {place}.DROP_FUNCTIONS"] + [
        f"DROP {each.kind} {place}.{quote_identifier(each.name)}"
        for each in sorted(objects)
        if each.kind != "TABLE"
    ]


def _file_statements(schema: str) -> list[str]:
    """``sql/uninstall.sql`` for this schema; the roles have conditions of their own."""
    return [
        _SCHEMA_IN_FILE.sub(lambda _: quote_identifier(schema), statement)
        for statement in uninstall_file().statements()
        if not statement.startswith("DROP ROLE")
    ]


def _packages(
    connection: pyexasol.ExaConnection, target: Target
) -> tuple[tuple[StalePackage, ...], tuple[str, ...]]:
    """The registered packages that can go, and the paths of those that stay."""
    paths = registered_paths(connection, target.schema)
    shared = paths_of_others(connection, target.schema)
    found, elsewhere = [], []
    try:
        root = target.bucket.path() / PACKAGES
        within = f"{root.as_udf_path()}/"
        for path in sorted(paths):
            if path in shared or not path.startswith(within):
                elsewhere.append(path)
            elif files := _files_below(root / path.removeprefix(within)):
                name = path.removeprefix(within)
                found.append(StalePackage(name, path, UNREGISTERED, files))
    except (bfs.BucketFsError, requests.RequestException) as error:
        raise bucketfs_error(target.bucket.url, error) from error
    return tuple(found), tuple(elsewhere)


def _files_below(package: bfs.path.PathLike) -> tuple[str, ...]:
    """The files of a package, below its folder; none where it is gone."""
    if not package.exists():
        return ()
    return tuple(
        (folder / file).relative_to(package).as_posix()
        for folder, _, files in package.walk()
        for file in files
    )
