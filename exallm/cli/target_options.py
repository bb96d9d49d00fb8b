"""The options that every extension of Exasol has, and the target that they name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import click

from exallm.installer.target import (
    DEFAULT_LANGUAGE,
    DEFAULT_SCHEMA,
    BucketTarget,
    DatabaseTarget,
    Target,
    local_target,
    secret,
)
from exallm.local.control import require_running
from exallm.local.engine_home import EngineHome
from exallm.sql_text import fold_identifier

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--local", is_flag=True, help="The embedded engine; no other option is needed."),
    click.option("--dsn", help="Database, as host:port or host/fingerprint:port."),
    click.option("--db-user", help="User; the password comes from DB_PASSWORD."),
    click.option(
        "--schema", default=DEFAULT_SCHEMA, show_default=True, help="Schema of exallm's objects."
    ),
    click.option("--bucketfs-host", help="Host of BucketFS; the database's if it is not given."),
    click.option("--bucketfs-port", type=int, default=2581, show_default=True),
    click.option("--bucketfs-use-https", type=bool, default=True, show_default=True),
    click.option(
        "--bucketfs-user",
        default="w",
        show_default=True,
        help="User that writes; the password comes from BUCKETFS_PASSWORD.",
    ),
    click.option("--bucketfs-name", default="bfsdefault", show_default=True, help="Service."),
    click.option("--bucket", default="default", show_default=True),
    click.option("--path-in-bucket", default="", help="Folder in the bucket."),
    click.option(
        "--language-alias",
        default=DEFAULT_LANGUAGE,
        show_default=True,
        help="Script language with exallm's container behind it.",
    ),
    click.option(
        "--accelerator",
        type=click.Choice(["GpuNvidia"]),
        help="What scripts with a model ask the database for; for a container of the flavor cuda.",
    ),
    click.option(
        "--use-ssl-cert-validation",
        type=bool,
        default=True,
        show_default=True,
        help="Whether certificates have to be trusted ones.",
    ),
)

DEADLINE_OPTION = click.option(
    "--deadline",
    type=click.FloatRange(1),
    default=900.0,
    show_default=True,
    help="Seconds in which every node has to answer.",
)


def target_options(command: F) -> F:
    """Add the options to a command; it gets them as keywords for :func:`target_of`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def target_of(options: dict[str, Any]) -> Target:
    """The target that the options name.

    :raises click.UsageError: where neither ``--local`` nor a database is named.
    """
    schema = fold_identifier(options["schema"])
    if options["local"]:
        if options["dsn"]:
            raise click.UsageError("--local and --dsn exclude each other")
        home = EngineHome.default()
        local = local_target(home, require_running(home), schema)
        return replace(local, accelerator=options["accelerator"])
    if not options["dsn"] or not options["db_user"]:
        raise click.UsageError("name a database with --dsn and --db-user, or use --local")
    validated = options["use_ssl_cert_validation"]
    host = options["bucketfs_host"] or options["dsn"].split(":")[0].split("/")[0]
    scheme = "https" if options["bucketfs_use_https"] else "http"
    return Target(
        DatabaseTarget(
            options["dsn"],
            options["db_user"],
            secret("DB_PASSWORD"),
            certificate_validation=validated,
        ),
        BucketTarget(
            f"{scheme}://{host}:{options['bucketfs_port']}",
            options["bucketfs_user"],
            options["bucketfs_name"],
            options["bucket"],
            options["path_in_bucket"],
            secret("BUCKETFS_PASSWORD"),
            validated,
        ),
        schema,
        fold_identifier(options["language_alias"]),
        options["accelerator"],
    )
