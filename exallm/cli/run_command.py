"""How a command of the project ends."""

from __future__ import annotations

import os
import sys

import click

from exallm_udfs.errors import ExallmError


def run_command(command: click.Command, *told: type[Exception]) -> None:
    """Run a command: 0 done, 1 failed, 2 bad usage, 130 interrupted.

    :param told: errors that are one line for the user, beside ``ExallmError``.
    """
    expected: tuple[type[Exception], ...] = (ExallmError, *told)
    os.environ.setdefault("EXASOL_TELEMETRY_DISABLE", "1")
    os.environ.setdefault("TQDM_DISABLE", "1")  # libraries' bars; commands show their own progress
    try:
        command(standalone_mode=False)
    except expected as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
