"""Where the bench stands, and where it may write."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

PROJECT = Path(__file__).resolve().parents[1]


def bench_folder() -> Path:
    """The folder of environments, checkpoint, engine and logs; git does not see it."""
    folder = PROJECT / ".bench"
    folder.mkdir(exist_ok=True)
    return folder


def say(text: str) -> None:
    """Tell the user what goes on, beside the results."""
    click.echo(f"{datetime.datetime.now():%H:%M:%S} {text}", err=True)
