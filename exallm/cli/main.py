"""The command ``exallm`` and its groups."""

from __future__ import annotations

import click

from exallm.cli.bundle import bundle
from exallm.cli.data import data
from exallm.cli.data_pairs import pairs_command
from exallm.cli.demo import demo
from exallm.cli.doctor import doctor
from exallm.cli.economics import economics
from exallm.cli.evaluate import evaluate
from exallm.cli.install import install
from exallm.cli.local import local
from exallm.cli.model import model
from exallm.cli.package import package_command
from exallm.cli.report import report
from exallm.cli.run_command import run_command
from exallm.cli.slc import slc
from exallm.cli.sweep import sweep
from exallm.cli.synthesize import synthesize_command
from exallm.cli.tokenizer import tokenizer
from exallm.cli.train import train
from exallm.cli.uninstall import uninstall
from exallm.cli.upgrade import upgrade


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="exallm")
def exallm() -> None:
    """Your own language model inside Exasol, driven with SQL.

    \b
    Example:
      exallm local start
      exallm install --local
      exallm local sql "SELECT EXALLM.GPT2_INFERENCE('Question: ...')"
    """


for command in (
    *(bundle, data, demo, doctor, economics, evaluate, install, local, model),
    *(package_command, report, slc, sweep, tokenizer, train, uninstall, upgrade),
):
    exallm.add_command(command)
data.add_command(pairs_command)
data.add_command(synthesize_command)


def main() -> None:
    """Run the command: 0 done, 1 failed, 2 bad usage, 130 interrupted."""
    run_command(exallm)


if __name__ == "__main__":
    main()
