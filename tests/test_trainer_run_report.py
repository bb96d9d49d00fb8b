"""``exallm report``: one file that is whole, safe, and shows what is there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from exallm.cli.economics import economics
from exallm.cli.report import report
from exallm_trainer.evaluate.comparison import compare
from exallm_trainer.evaluate.evaluation_folder import read_evaluation, write_evaluation
from exallm_trainer.run_report.run_report import ReportRequest, report_text
from exallm_udfs.errors import ExallmError
from tests.evaluations import evaluation_of, example

SHIPPED = Path(__file__).parents[1] / "trainer" / "runs" / "qa"
VOID = {"meta", "br"}
EVIL = '</td><script>alert("x")</script>&amp;<img src=x onerror=y>\x00'


class Page(HTMLParser):
    """A page as a parser sees it; it has to be well formed."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def shows(self, text: str) -> bool:
        return any(text in each for each in self.texts)


def page(run: Path, evaluations: Sequence[Path] = (), costs: Path | None = None) -> Page:
    return Page(report_text(ReportRequest(run, evaluations, costs)))


@pytest.fixture
def evaluation(tmp_path: Path) -> Path:
    """Of a tuned model beside its base, with groups, and a question that is no good HTML."""
    examples = [example(str(at)) for at in range(70)] + [example("evil", EVIL, EVIL)]
    groups = {str(at): "north" if at % 2 else "south" for at in range(70)}
    tuned = evaluation_of("tuned", examples, ["1682"] * 70 + [EVIL], groups)
    base = evaluation_of("base", examples, ["1682", None] * 35 + [None], groups)
    folder = tmp_path / "evaluation"
    write_evaluation(folder, tuned, base, compare(base, tuned))
    return folder


@pytest.fixture
def costs(tmp_path: Path) -> Path:
    file = tmp_path / "cost.json"
    options = "--prompt-tokens 190 --completion-tokens 6 --rows-per-second 5 --training-hours 2"
    options += " --hosted-input 0.15 --hosted-output 0.6 --machine 0.1 --labour 0 --rows 1000"
    result = CliRunner().invoke(economics, [*options.split(), "--out", str(file)])
    assert result.exit_code == 0, result.output
    return file


def test_the_run_that_ships_and_has_no_evaluation() -> None:
    shown = page(SHIPPED)
    record = json.loads((SHIPPED / "run.json").read_text())
    card = json.loads((SHIPPED / "card.json").read_text())
    for text in (
        "Run qa",
        f"Finished after {record['steps']} steps and {record['seconds'] / 60:.0f} min",
        "optimisation.learning_rate",
        *(source["name"] for source in card["sources"]),
        *(dropped["reason"] for dropped in card["dropped"]),
        "Loss, in nats",
        "Checkpoints judged",
        "XQuAD English, AI_ANSWER_BATCH in SQL",
    ):
        assert shown.shows(text), text
    assert not shown.shows("Economics")
    assert shown.tags.count("svg") == 3
    lines = [json.loads(line) for line in (SHIPPED / "metrics.jsonl").read_text().splitlines()]
    judged = [line for line in lines if "validation_loss" in line]
    assert sum(
        text == f"{line['validation_loss']:.4f}" for line in judged for text in shown.texts
    ) >= len(judged)
    assert shown.texts.count("best") == 1


def test_nothing_is_fetched_and_nothing_runs(evaluation: Path, costs: Path) -> None:
    shown = page(SHIPPED, [evaluation], costs)
    assert not {"script", "link", "iframe", "img", "object", "embed", "base"} & set(shown.tags)
    for name, value in shown.attributes:
        assert name not in ("href", "src", "srcset", "style", "action") and name[:2] != "on", name
        assert "://" not in value and "url(" not in value
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in shown.attributes


def test_what_is_shown_is_escaped(evaluation: Path) -> None:
    text = report_text(ReportRequest(SHIPPED, [evaluation]))
    assert "<script" not in text and "<img" not in text and "\x00" not in text
    assert any(
        EVIL.replace("\x00", "\ufffd").split("\ufffd")[0] in each for each in Page(text).texts
    )


def test_questions_groups_and_failures_are_shown(evaluation: Path) -> None:
    shown = page(SHIPPED, [evaluation])
    for text in (
        "tuned on mills",
        "Question by question, largest differences first",
        "Side by side: gained most",
        "Failures by kind",
        "Slices",
        "base by region",
        "base: differences by region",
        "the groups differ",
    ):
        assert shown.shows(text), text
    # Every one of 71 questions beside the 8 that gained most.
    assert sum(text == "When was it built?" for text in shown.texts) >= 70 + 8


def test_economics_are_shown(costs: Path) -> None:
    shown = page(SHIPPED, costs=costs)
    for text in ("Economics", "Do not train.", "Cost of rows", "crossover, rows", "busy share"):
        assert shown.shows(text), text
    assert shown.tags.count("svg") == 4


def test_it_prints() -> None:
    style = report_text(ReportRequest(SHIPPED)).partition("<style>")[2].partition("</style>")[0]
    for rule in ("@media print", "@page", "table-header-group", "break-inside: avoid"):
        assert rule in style


def test_an_evaluation_is_read_as_it_was_written(evaluation: Path, tmp_path: Path) -> None:
    read = read_evaluation(evaluation)
    assert read.base is not None and read.comparison is not None
    assert read.comparison == compare(read.base, read.evaluation)
    other = tmp_path / "other"
    write_evaluation(other, read.evaluation, read.base, read.comparison)
    for name in ("evaluation.json", "answers.jsonl", "comparison.json", "base/evaluation.json"):
        assert (other / name).read_bytes() == (evaluation / name).read_bytes()
    alone = tmp_path / "alone"
    write_evaluation(alone, read.evaluation)
    assert read_evaluation(alone) == replace(read, base=None, comparison=None)


def test_a_young_run_and_one_that_failed(tmp_path: Path) -> None:
    record = json.loads((SHIPPED / "run.json").read_text())
    record |= {"state": "failed", "reason": "the loss is <no> number, NaN", "best_step": 0}
    record |= {"best_exact": None, "ended_at": None}
    (tmp_path / "run.json").write_text(json.dumps(record))
    shown = page(tmp_path)
    for text in (
        "The loss is <no> number, NaN.",
        "no data card",
        "No step is recorded",
        "None is recorded",
    ):
        assert shown.shows(text), text
    # A line that a kill cut off, and a loss that is none.
    (tmp_path / "metrics.jsonl").write_text(
        '{"step": 1, "loss": NaN}\n{"step": 2, "loss": 1}\n{"st'
    )
    assert page(tmp_path).tags.count("svg") == 1


def test_a_run_on_preference_pairs(tmp_path: Path) -> None:
    record = json.loads((SHIPPED / "run.json").read_text())
    record |= {"best_exact": None, "best_loss": 0.5123, "best_step": 2}
    (tmp_path / "run.json").write_text(json.dumps(record))
    looks = {"validation_loss": 0.5123, "validation_preferred": 0.75, "validation_margin": 0.4321}
    lines = [{"step": 1, "loss": 0.6931}, {"step": 2, "loss": 0.6, **looks}]
    (tmp_path / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    shown = page(tmp_path)
    for text in (
        "with a validation loss of 0.5123",
        "Pairs whose chosen completion has the higher reward",
        "Reward margin of the pairs",
        "preferred, %",
        "75.0",
        "0.432",
    ):
        assert shown.shows(text), text
    assert not shown.shows("to the letter")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("run.json", None),
        ("run.json", "{"),
        ("run.json", "[]"),
        ("run.json", "{}"),
        ("run.json", '{"run_id": 1}'),
        ("card.json", "{}"),
        ("metrics.jsonl", "1\n"),
        ("metrics.jsonl", "{\n"),
        ("evaluation.json", "{}"),
    ],
)
def test_a_broken_folder_is_refused(file: str, text: str | None, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(SHIPPED, run)
    if text is None:
        (run / file).unlink()
    else:
        (run / file).write_text(text)
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-42"):
        report_text(ReportRequest(run))


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("evaluation.json", {"scores": 1}),
        ("evaluation.json", {"unheard": 1}),
        ("comparison.json", {"better": "many"}),
        ("base/evaluation.json", {"data_sha256": 7}),
    ],
)
def test_a_broken_evaluation_is_refused(
    file: str, change: dict[str, Any], evaluation: Path
) -> None:
    values = json.loads((evaluation / file).read_text())
    (evaluation / file).write_text(json.dumps({**values, **change}))
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-42"):
        report_text(ReportRequest(SHIPPED, [evaluation]))


def test_economics_that_are_none_are_refused(costs: Path) -> None:
    values = json.loads(costs.read_text())
    for change in ({"curve": 1}, {"advice": {"answer": "perhaps", "reasons": []}}):
        costs.write_text(json.dumps({**values, **change}))
        with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-42"):
            report_text(ReportRequest(SHIPPED, economics=costs))


def test_the_command_writes_the_file(tmp_path: Path) -> None:
    run = tmp_path / "qa"
    shutil.copytree(SHIPPED, run)
    result = CliRunner().invoke(report, [str(run), "--json"])
    assert json.loads(result.stdout) == {"report": str(run / "report.html")}
    assert (run / "report.html").read_text() == report_text(ReportRequest(run))
    nowhere = CliRunner().invoke(report, [str(run), "--out", str(tmp_path / "none" / "x.html")])
    assert isinstance(nowhere.exception, ExallmError)


def test_no_torch_and_no_numpy(evaluation: Path) -> None:
    program = (
        "import sys; from pathlib import Path;"
        "from exallm_trainer.run_report.run_report import ReportRequest, report_text;"
        f"report_text(ReportRequest(Path({str(SHIPPED)!r}), [Path({str(evaluation)!r})]));"
        "print([name for name in ('torch', 'numpy', 'sacrebleu') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
