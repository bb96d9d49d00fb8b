"""``exallm local``: the embedded engine."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console

from exallm.cli.rows import print_rows
from exallm.installer.statements import execute, run
from exallm.installer.target import DEFAULT_SCHEMA, local_target
from exallm.local.control import DEFAULT_PORT, EngineSettings, require_running, start, stop
from exallm.local.engine_home import USER, EngineHome, RunningEngine
from exallm.sql_text import fold_identifier, quote_identifier


@click.group()
def local() -> None:
    """Start, stop and query the embedded engine, a development database on this machine.

    \b
    Example:
      exallm local start
      exallm local sql "SELECT CURRENT_USER"
      exallm local stop
    """


@local.command("start")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="Port of the SQL protocol; 0 for any that is free.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=EngineSettings().workers,
    show_default=True,
    help="The most UDF processes that one call may have.",
)
@click.option(
    "--udf-timeout",
    type=click.FloatRange(0, min_open=True),
    default=EngineSettings().reply_timeout_s,
    show_default=True,
    help="Seconds after which a silent UDF process is ended with its statement.",
)
@click.option(
    "--udf-memory",
    type=click.FloatRange(0, min_open=True),
    default=EngineSettings().udf_memory / 2**30,
    show_default=True,
    help="GiB of memory that a UDF process and those it starts may have.",
)
@click.option("--udf-network", is_flag=True, help="Let UDFs open sockets.")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as one JSON object.")
def start_command(
    port: int,
    workers: int,
    udf_timeout: float,
    udf_memory: float,
    udf_network: bool,
    as_json: bool,
) -> None:
    """Start the engine, or say where it runs.

    \b
    Example:
      exallm local start --port 0 --json
    """
    home = EngineHome.default()
    with Console(stderr=True).status("starting the embedded engine"):
        memory = max(int(udf_memory * 2**30), 1)
        settings = EngineSettings(port, workers, udf_timeout, memory, udf_network)
        running = start(home, settings)
    _show(home, running, as_json)


@local.command("stop")
def stop_command() -> None:
    """Stop the engine; its data stay.

    \b
    Example:
      exallm local stop
    """
    stopped = stop(EngineHome.default())
    click.echo("stopped" if stopped else "no embedded engine was running")


@local.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print the facts as one JSON object.")
def status_command(as_json: bool) -> None:
    """Say whether the engine runs and how to connect.

    \b
    Example:
      exallm local status --json
    """
    home = EngineHome.default()
    _show(home, require_running(home), as_json)


@local.command("sql")
@click.argument("statement")
@click.option("--schema", default="", help="Schema to open first.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as a JSON list of objects.")
def sql_command(statement: str, schema: str, as_json: bool) -> None:
    """Run one SQL STATEMENT and print its rows.

    \b
    Example:
      exallm local sql "SELECT TABLE_NAME FROM EXA_ALL_TABLES"
    """
    home = EngineHome.default()
    database = local_target(home, require_running(home), DEFAULT_SCHEMA).database
    with database.session() as connection:
        if schema:
            run(connection, f"OPEN SCHEMA {quote_identifier(fold_identifier(schema))}")
        connection.set_autocommit(True)
        result = execute(connection, statement)
        if result.result_type == "resultSet":
            print_rows(result.column_names(), result.fetchall(), as_json)
        elif not as_json:
            click.echo(f"{result.rowcount()} rows")


def _show(home: EngineHome, running: RunningEngine, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "dsn": running.dsn,
        "tls_dsn": f"127.0.0.1/{home.fingerprint()}:{running.port}",
        "fingerprint": home.fingerprint(),
        "user": USER,
        "password_file": str(home.password_file),
        "bucketfs_url": running.bucketfs_url,
        "pid": running.pid,
        "folder": str(home.folder),
    }
    if as_json:
        click.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        click.echo(f"{name:14} {value}")
