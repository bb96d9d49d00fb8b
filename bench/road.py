"""``python -m bench.road RUN...``: what the models of several runs make of the same beginnings."""

from __future__ import annotations

from pathlib import Path

import click

from bench.environments import TRAINER
from bench.error import BenchError
from bench.program import Program
from bench.project import bench_folder, say
from exallm.cli.opened_model import opened_model
from exallm.cli.run_command import run_command
from exallm_udfs.prompt import ContextQuestion

_MAX_NEW_TOKENS = 40
_FERRY = (
    "Marta Quill had steered the ferry across the sound for thirty-one years when the bridge was"
    " opened. On the last evening only a dog, two fishermen and a schoolteacher named Ivo Brandt"
    " came aboard."
)
PROMPTS = (
    "The city of",
    "In the nineteenth century",
    ContextQuestion(_FERRY, "How long had Marta Quill steered the ferry?").text(),
)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--base", default="smollm2", show_default=True, help="Base of adapters.")
def road(runs: tuple[Path, ...], base: str) -> None:
    """Print, as Markdown, how the model of each of RUNS goes on from the same three prompts.

    \b
    Example:
      python -m bench.road runs/few runs/more trainer/runs/qa
    """
    folder = bench_folder()
    python = TRAINER.python(folder, say)
    with Program(python, "completions", [], folder / "logs") as program:
        for run in runs:
            click.echo(f"\n`{run.name}`:\n")
            adapter = (run / "best" / "adapter_config.json").is_file()
            request = {
                "model": str(run.absolute()),
                "base": opened_model(base) if adapter else None,
                "prompts": PROMPTS,
                "max_new_tokens": _MAX_NEW_TOKENS,
            }
            for prompt, text in zip(PROMPTS, program.ask(request)["texts"], strict=True):
                click.echo(f"- {prompt.rpartition('Question: ')[2]!r} -> {text!r}")


if __name__ == "__main__":
    run_command(road, BenchError)
