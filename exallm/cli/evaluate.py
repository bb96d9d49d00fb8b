"""``exallm evaluate``: what a model answers, how good that is, and what it gains over another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exallm.cli.opened_model import opened_model, usual_template
from exallm.cli.progress import Progress, progress
from exallm.cli.screen_table import print_table
from exallm.cli.trainer_extra import require_trainer

if TYPE_CHECKING:
    from exallm_trainer.evaluate.comparison import Comparison
    from exallm_trainer.evaluate.decoding import Decoding
    from exallm_trainer.evaluate.evaluation import Evaluation, EvaluationRequest
    from exallm_trainer.evaluate.evaluation_set import EvaluationSet
    from exallm_trainer.evaluate.model_place import ModelPlace

_EXISTING_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@dataclass(frozen=True)
class _Asking:
    """How every model of a command is asked."""

    data: EvaluationSet
    base: str | None
    labels: tuple[str, ...]
    positive: str | None
    max_new_tokens: int | None
    batch_rows: int | None
    cpu: bool

    def decoding(self, place: ModelPlace, template: Path | None) -> Decoding | None:
        """How a model that writes is asked; None for one that points, which takes no template."""
        if place.span() is not None:
            if template is not None:
                raise click.UsageError(f"{place.name} points at answers and takes no template")
            return None
        text = usual_template(place) if template is None else _text(template)
        usual: Decoding = import_module("exallm_trainer.evaluate.decoding").Decoding(text)
        return replace(
            usual,
            max_new_tokens=self.max_new_tokens or usual.max_new_tokens,
            batch_rows=self.batch_rows or usual.batch_rows,
        )

    def require_use(self, requests: Sequence[EvaluationRequest]) -> None:
        """Refuse options of generation where no model generates."""
        if self.max_new_tokens is None and self.batch_rows is None:
            return
        if all(request.decoding is None for request in requests):
            raise click.UsageError(
                "--max-new-tokens and --batch-rows are for models that write, and none does"
            )


@dataclass(frozen=True)
class _Result:
    """One model, and what it gains over the other where there is one."""

    evaluation: Evaluation
    comparison: Comparison | None


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--data",
    required=True,
    help="squad:FILE, questions:FILE, table:FILE, a folder of exallm data prepare, train:FOLDER for"
    " its training questions, narratives or adversarial.",
)
@click.option("--against", help="Another model that is asked the same, to show what is gained.")
@click.option("--base", help="What an adapter is put on, instead of what its run names.")
@click.option("--rows", type=click.IntRange(1), help="So many questions, spread over the set.")
@click.option(
    "--template",
    type=_EXISTING_FILE,
    help="How MODEL is asked: a text with one {ctx}. Models that exallm trained on questions are"
    " asked bare, all others with worked examples; one that points takes no template.",
)
@click.option("--against-template", type=_EXISTING_FILE, help="The same for the other model.")
@click.option("--label", "labels", multiple=True, help="Every label, where answers are labels.")
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="FIELD",
    help="Compare the groups that this field of the data names. May be repeated.",
)
@click.option(
    "--counterpart",
    metavar="FIELD",
    help="A field shared by questions that ask the same of another group each.",
)
@click.option("--positive", metavar="LABEL", help="Compare how often groups get this label.")
@click.option(
    "--max-new-tokens",
    type=click.IntRange(1),
    help="A generated answer ends there if not before.  [default: 32]",
)
@click.option(
    "--batch-rows",
    type=click.IntRange(1),
    help="Prompts that are computed together.  [default: 16]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="New folder for evaluation.json, answers.jsonl and report.md.",
)
@click.option(
    "--record", is_flag=True, help="Add the figures to MODEL's run folder, for its package."
)
@click.option("--cpu", is_flag=True, help="Compute on the CPU even where there is an accelerator.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object.")
def evaluate(
    models: tuple[str, ...],
    data: str,
    against: str | None,
    base: str | None,
    rows: int | None,
    template: Path | None,
    against_template: Path | None,
    labels: tuple[str, ...],
    groups: tuple[str, ...],
    counterpart: str | None,
    positive: str | None,
    max_new_tokens: int | None,
    batch_rows: int | None,
    out: Path | None,
    record: bool,
    cpu: bool,
    as_json: bool,
) -> None:
    """Let each MODEL answer the questions of a set, and score the answers.

    MODEL is a run folder, one of its checkpoints, an adapter, a checkpoint folder, a GGUF file,
    smollm2, or owner/name of the Hugging Face Hub. Several give one line each.

    \b
    Example:
      exallm evaluate runs/qa --against smollm2 --data squad:dev.json --out evaluations/qa
      exallm evaluate runs/qa/checkpoints/step-* --data DATA
      exallm evaluate runs/qa --data adversarial
      exallm evaluate runs/qa --data table:letters.csv --group REGION
    """
    if (counterpart or positive) and not groups:
        raise click.UsageError("--counterpart and --positive compare groups: name a --group")
    require_trainer()
    folders = import_module("exallm_trainer.evaluate.evaluation_folder")
    runs = [_run_folder(model) for model in models] if record else []
    if out is not None:
        folders.require_new(out)
    chosen = import_module("exallm_trainer.evaluate.evaluation_set").read_evaluation_set(data)
    chosen = chosen if rows is None else chosen.spread(rows)
    if groups:
        with_groups = import_module("exallm_trainer.evaluate.groups").with_groups
        chosen = with_groups(chosen, data, groups, counterpart)
    asking = _Asking(chosen, base, labels, positive, max_new_tokens, batch_rows, cpu)
    # All are looked at before the first one answers, which may take long.
    asked = [_request(model, asking, template) for model in models]
    asked_other = None if against is None else _request(against, asking, against_template)
    asking.require_use([*asked, *([asked_other] if asked_other else [])])
    with progress("reading the questions") as shown:
        other = None if asked_other is None else _evaluate(asked_other, shown)
        results = [_result(_evaluate(request, shown), other) for request in asked]
    for run, result in zip(runs, results[: len(runs)], strict=True):
        folders.record_figures(run, result.evaluation)
    if out is not None:
        _write(out, results, other)
    if as_json:
        _print_json(results, other)
        return
    _print_tables(results, other)
    if out is not None:
        click.echo(f"written to {out}")


def _result(evaluation: Evaluation, other: Evaluation | None) -> _Result:
    if other is None:
        return _Result(evaluation, None)
    compare = import_module("exallm_trainer.evaluate.comparison").compare
    return _Result(evaluation, compare(other, evaluation))


def _request(model: str, asking: _Asking, template: Path | None) -> EvaluationRequest:
    evaluation = import_module("exallm_trainer.evaluate.evaluation")
    place = import_module("exallm_trainer.evaluate.model_place").model_place(opened_model(model))
    named = asking.base or place.base
    request: EvaluationRequest = evaluation.EvaluationRequest(
        place=place,
        data=asking.data,
        decoding=asking.decoding(place, template),
        base=None if named is None else opened_model(named),
        labels=asking.labels,
        positive=asking.positive,
        cpu=asking.cpu,
    )
    return request


def _evaluate(request: EvaluationRequest, shown: Progress) -> Evaluation:
    def observe(what: str, done: int, total: int) -> None:
        counted = f": {done} of {total}" if total else ""
        shown.step(f"{request.place.name}: {what}{counted}")

    result: Evaluation = import_module("exallm_trainer.evaluate.evaluation").evaluate(
        request, observe
    )
    return result


def _run_folder(model: str) -> Path:
    folder = Path(model)
    if not (folder / "run.json").is_file():
        raise click.UsageError(f"--record needs a run folder, and {model} is none")
    return folder


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip("\n")
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{file} is not UTF-8 at byte {error.start}") from error


def _write(out: Path, results: Sequence[_Result], other: Evaluation | None) -> None:
    """One model's folder is ``out``; several get one each below it, by number."""
    write = import_module("exallm_trainer.evaluate.evaluation_folder").write_evaluation
    for number, result in enumerate(results, start=1):
        folder = out if len(results) == 1 else out / str(number)
        write(folder, result.evaluation, other, result.comparison)


def _print_json(results: Sequence[_Result], other: Evaluation | None) -> None:
    models = [
        {
            "evaluation": _figures(result.evaluation),
            "comparison": result.comparison and result.comparison.values(),
        }
        for result in results
    ]
    click.echo(json.dumps({"models": models, "against": other and _figures(other)}))


def _figures(evaluation: Evaluation) -> dict[str, Any]:
    """All but the answers, which stand in answers.jsonl."""
    return {name: value for name, value in evaluation.values().items() if name != "answers"}


def _print_tables(results: Sequence[_Result], other: Evaluation | None) -> None:
    """All of one model; of several a line each."""
    report = import_module("exallm_trainer.evaluate.report")
    if len(results) > 1:
        evaluations = [result.evaluation for result in results]
        print_table(report.overview(evaluations, [result.comparison for result in results]))
        return
    for table in report.tables_of(results[0].evaluation, other, results[0].comparison):
        print_table(table)
