"""The checks of ``exallm doctor``: each says what it saw, or raises what to do about it."""

from __future__ import annotations

import json
from importlib import metadata
from types import SimpleNamespace

import exasol.bucketfs as bfs
import pyexasol
import requests
from packaging.version import Version

from exallm.installer.install import check_applied, require_language
from exallm.installer.made_objects import made_objects, present_objects
from exallm.installer.pruning import PACKAGES
from exallm.installer.roles import ROLES
from exallm.installer.sql_files import sql_files
from exallm.installer.statements import run, value
from exallm.installer.target import Target, bucketfs_error
from exallm.installer.upgrade import require_installed
from exallm.sql_text import quote_identifier, quote_text
from exallm_udfs.errors import ExallmError
from exallm_udfs.functions.function_body import FunctionBody
from exallm_udfs.names import ModelReference
from exallm_udfs.registry import RegisteredModel, RegisteredVersion, Registry

# What an installation needs; EXALLM_ADMIN alone is enough to manage models.
_INSTALL_PRIVILEGES = (
    "CREATE SCHEMA",
    "CREATE ROLE",
    "ALTER ANY SCHEMA",
    "GRANT ANY PRIVILEGE",
    "GRANT ANY ROLE",
    "GRANT ANY OBJECT PRIVILEGE",
)
_ADMIN = "EXALLM_ADMIN"


def database(connection: pyexasol.ExaConnection, target: Target) -> str:
    """The version of the database, and who is connected."""
    release = connection.login_info["releaseVersion"]
    return f"{target.database.dsn} as {target.database.user}, version {release}"


def rights(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-DEPLOY-20 where the user may neither install nor administer."""
    held = {
        privilege for (privilege,) in run(connection, "SELECT PRIVILEGE FROM EXA_SESSION_PRIVS")
    }
    missing = [privilege for privilege in _INSTALL_PRIVILEGES if privilege not in held]
    if not missing:
        return "may install, upgrade and administer"
    if (_ADMIN,) in run(connection, "SELECT ROLE_NAME FROM EXA_SESSION_ROLES"):
        return f"may administer models; to install or upgrade lacks {', '.join(missing)}"
    raise ExallmError(
        "E-EXALLM-DEPLOY-20",
        f"{target.database.user} lacks {', '.join(missing)}",
        f"grant them to install, or {_ADMIN} to administer models only",
    )


def script_language(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-SLC-1 where no container has the alias."""
    require_language(connection, target.language)
    return f"{target.language} is active"


def bucketfs(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-DEPLOY-6 where the bucket cannot be read."""
    try:
        folder = target.bucket.path() / PACKAGES
        state = "has packages" if folder.exists() else "has no packages yet"
    except (bfs.BucketFsError, requests.RequestException) as error:
        raise bucketfs_error(target.bucket.url, error) from error
    return f"{folder.as_udf_path()} {state}"


def migrations(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-DEPLOY-15 for no installation, -8 and -9 for migrations that
    are not those of the files, -22 for some that have not run."""
    applied = require_installed(connection, target.schema)
    files = sql_files("migrations")
    check_applied(applied, files)
    pending = [file.name for file in files if file.name not in applied]
    if pending:
        raise ExallmError(
            "E-EXALLM-DEPLOY-22",
            f"{', '.join(pending)} has not run in {target.schema}",
            "run exallm upgrade",
        )
    return f"{len(applied)} have run, as the files are"


def objects(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-DEPLOY-23 where a table, view or script is missing."""
    made = made_objects()
    missing = made - present_objects(connection, target.schema)
    if missing:
        names = ", ".join(each.name for each in sorted(missing))
        raise ExallmError(
            "E-EXALLM-DEPLOY-23",
            f"{target.schema} lacks {names}, or {target.database.user} may not see it",
            "run exallm upgrade, which makes scripts and views again; tables come from a backup",
        )
    return f"all {len(made)} tables, views and scripts"


def roles(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-DEPLOY-24 where a role or the ownership is missing."""
    listed = ", ".join(quote_text(role) for role in ROLES)
    known = run(connection, f"SELECT ROLE_NAME FROM EXA_ALL_ROLES WHERE ROLE_NAME IN ({listed})")
    missing = [role for role in ROLES if (role,) not in known]
    owner = value(
        connection,
        f"SELECT SCHEMA_OWNER FROM EXA_SCHEMAS WHERE SCHEMA_NAME = {quote_text(target.schema)}",
    )
    if missing or owner != _ADMIN:
        problem = f"{', '.join(missing)} missing" if missing else f"the schema belongs to {owner}"
        schema = quote_identifier(target.schema)
        raise ExallmError(
            "E-EXALLM-DEPLOY-24",
            problem,
            f"EXECUTE SCRIPT {schema}.CREATE_ROLES, then EXECUTE SCRIPT {schema}.APPLY_GRANTS",
        )
    return f"{', '.join(ROLES)}; the schema belongs to {_ADMIN}"


def udf(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-DEPLOY-1 where a UDF of the container does not run, -21 where
    the container holds another exallm."""
    arguments = {
        "task": "answer",
        "model_reference": "qa@champion",
        "registry_schema": target.schema,
    }
    listed = ", ".join(quote_text(argument) for argument in arguments.values())
    call = f"{quote_identifier(target.schema)}.FUNCTION_BODY({listed})"
    try:
        text = value(connection, f"SELECT {call} FROM DUAL")
    except ExallmError as error:
        raise ExallmError(
            "E-EXALLM-DEPLOY-21",
            f"a UDF in {target.language} does not run: {error.problem}",
            "check the container's upload and its entry in SCRIPT_LANGUAGES",
        ) from error
    # A container that computes on a GPU asks for one before all else.
    if not text.strip().endswith(FunctionBody().run(SimpleNamespace(**arguments)).strip()):
        raise ExallmError(
            "E-EXALLM-DEPLOY-21",
            f"the container of {target.language} holds another exallm than this one",
            "deploy the container of this exallm, or use the exallm that it was made of",
        )
    return f"runs in {target.language}, with the exallm of this version"


def container(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-SLC-22 where a node's container is of another version than the
    SQL, E-EXALLM-DEPLOY-21 where a node's container does not run."""
    schema = quote_identifier(target.schema)
    try:
        rows = run(
            connection,
            f"SELECT {schema}.CONTAINER_REPORT(SEED) FROM {schema}.NODE_SEED GROUP BY IPROC()",
        )
    except ExallmError as error:
        raise ExallmError(
            "E-EXALLM-DEPLOY-21",
            f"a UDF in {target.language} does not run: {error.problem}",
            "deploy the container of this exallm: exallm slc deploy",
        ) from error
    ours = metadata.version("exallm")
    for node, text in rows:
        theirs = json.loads(text)["exallm"]
        if theirs != ours:
            older = theirs is None or Version(theirs) < Version(ours)
            raise ExallmError(
                "E-EXALLM-SLC-22",
                f"node {node}: the container holds exallm {theirs}, and the SQL is of {ours}",
                f"deploy the container of {ours}: exallm slc deploy"
                if older
                else f"upgrade the SQL with exallm {theirs}: exallm upgrade",
            )
    # Whether every node has answered is what the check of packages counts.
    expected = int(value(connection, "SELECT NPROC() FROM DUAL"))
    return f"exallm {ours} in the containers of {len(rows)} of {expected} nodes"


def packages(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-DEPLOY-25 for packages that differ on a node, -26 where not
    every node was seen."""
    schema = quote_identifier(target.schema)
    versions = run(
        connection,
        f"SELECT MODEL, MODEL_VERSION, PACKAGE_PATH, SHA256 FROM {schema}.CURRENT_VERSIONS"
        " WHERE VERSION_STATE <> 'DELETED' ORDER BY MODEL, MODEL_VERSION",
    )
    expected = int(value(connection, "SELECT NPROC() FROM DUAL"))
    for model, version, path, sha256 in versions:
        _check_package(connection, schema, f"{model} version {version}", (path, sha256), expected)
    return f"{len(versions)} whole on {expected} nodes"


def registry(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-DEPLOY-27 where the compiled registry is not the tables'."""
    compiled = _compiled(connection, target.schema)
    expected = _registry_of_tables(connection, target.schema)
    if compiled != expected:
        names = sorted({*compiled.models, *expected.models})
        differing = [n for n in names if compiled.models.get(n) != expected.models.get(n)]
        raise ExallmError(
            "E-EXALLM-DEPLOY-27",
            f"the compiled registry differs from the tables in {', '.join(differing)}",
            f"EXECUTE SCRIPT {quote_identifier(target.schema)}.REFRESH_REGISTRY",
        )
    return f"compiled as the tables are, {len(expected.models)} models"


def functions(connection: pyexasol.ExaConnection, target: Target) -> str:
    """:raises ExallmError: E-EXALLM-DEPLOY-28 for a function whose script or reference is gone."""
    compiled = _compiled(connection, target.schema)
    rows = run(
        connection,
        "SELECT F.FUNCTION_SCHEMA, F.FUNCTION_NAME, F.MODEL_REFERENCE, F.SCRIPT_SHA256,"
        f" HASH_SHA256(S.SCRIPT_TEXT) FROM {quote_identifier(target.schema)}.FUNCTIONS F"
        " LEFT JOIN EXA_ALL_SCRIPTS S ON F.FUNCTION_SCHEMA = S.SCRIPT_SCHEMA"
        " AND F.FUNCTION_NAME = S.SCRIPT_NAME ORDER BY F.FUNCTION_SCHEMA, F.FUNCTION_NAME",
    )
    problems = []
    problem: str | None
    for schema, name, reference, recorded, present in rows:
        if present is None:
            problem = f"is gone, or {target.database.user} may not see it"
        else:
            problem = _function_problem(compiled, reference, recorded, present)
        if problem is not None:
            problems.append(f"{schema}.{name} {problem}")
    if problems:
        raise ExallmError(
            "E-EXALLM-DEPLOY-28",
            "; ".join(problems),
            "bind it to another reference with CREATE_FUNCTION, or DROP_FUNCTION",
        )
    return f"{len(rows)} made by CREATE_FUNCTION, each bound to a version"


def _check_package(
    connection: pyexasol.ExaConnection,
    schema: str,
    version: str,
    package: tuple[str, str],
    expected: int,
) -> None:
    path, sha256 = (quote_text(part) for part in package)
    rows = run(
        connection,
        f"SELECT {schema}.VERIFY_PACKAGE(PACKAGE_PATH, SHA256) FROM (SELECT {path} AS PACKAGE_PATH,"
        f" {sha256} AS SHA256, SEED FROM {schema}.NODE_SEED) GROUP BY IPROC()",
    )
    for node, file, problem in rows:
        if problem is not None:
            raise ExallmError(
                "E-EXALLM-DEPLOY-25",
                f"{version}, node {node}, {file}: {problem}",
                f"upload its files to {package[0]} again, or point its aliases elsewhere",
            )
    seen = len({node for node, _, _ in rows})
    if seen != expected:
        raise ExallmError(
            "E-EXALLM-DEPLOY-26",
            f"{version} was seen on {seen} of {expected} nodes",
            "run exallm doctor again; if it stays so, NODE_SEED has lost rows",
        )


def _compiled(connection: pyexasol.ExaConnection, schema: str) -> Registry:
    text = value(connection, f"SELECT {quote_identifier(schema)}.REGISTRY() FROM DUAL")
    return Registry.decode(text)


def _registry_of_tables(connection: pyexasol.ExaConnection, schema: str) -> Registry:
    place = quote_identifier(schema)
    versions: dict[str, dict[int, RegisteredVersion]] = {}
    aliases: dict[str, dict[str, int]] = {}
    try:
        for model, number, path, sha256 in run(
            connection,
            f"SELECT MODEL, MODEL_VERSION, PACKAGE_PATH, SHA256 FROM {place}.CURRENT_VERSIONS"
            " WHERE VERSION_STATE <> 'DELETED'",
        ):
            versions.setdefault(model, {})[number] = RegisteredVersion(model, number, path, sha256)
        for model, alias, number in run(
            connection, f"SELECT MODEL, ALIAS_NAME, MODEL_VERSION FROM {place}.MODEL_ALIASES"
        ):
            aliases.setdefault(model, {})[alias] = number
        models = {*versions, *aliases}
        return Registry(
            {m: RegisteredModel(versions.get(m, {}), aliases.get(m, {})) for m in models}
        )
    except ValueError as error:
        raise ExallmError(
            "E-EXALLM-DEPLOY-27",
            f"the tables cannot be compiled: {error}",
            "undo what was changed in MODEL_VERSIONS or MODEL_ALIASES without the scripts",
        ) from error


def _function_problem(
    compiled: Registry, reference: str, recorded: str, present: str
) -> str | None:
    if present != recorded:
        return "was replaced by another script"
    try:
        compiled.resolve(ModelReference.parse(reference))
    except ExallmError as error:
        return f"is bound to {reference}: {error.problem}"
    return None
