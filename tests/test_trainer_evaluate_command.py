"""``exallm evaluate`` from the command line to the report, on tiny models."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from exallm.cli.evaluate import evaluate
from exallm.models.smollm2 import PROMPT_TEMPLATE
from exallm_trainer.evaluate.evaluation_folder import read_evaluation
from exallm_trainer.example import Example
from exallm_udfs.errors import ExallmError
from tests.trainer_tiny_models import EXAMPLES, save_tiny_model, save_tiny_run, save_tiny_span_run

pytestmark = pytest.mark.trainer

QUESTIONS = "".join(
    f"# {number}\n\n{example.context}\n? {example.question}\n"
    + ("".join(f"= {answer}\n" for answer in example.answers) or "= -\n")
    for number, example in enumerate(EXAMPLES)
)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder whose best checkpoint knows the answers."""
    return save_tiny_run(tmp_path_factory.mktemp("runs") / "tuned")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("models") / "base", learnt=())


@pytest.fixture
def questions(tmp_path: Path) -> str:
    file = tmp_path / "mills.txt"
    file.write_text(QUESTIONS, encoding="utf-8")
    return f"questions:{file}"


def call(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(evaluate, [*map(str, arguments), "--cpu"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_base_and_tuned_side_by_side(
    tuned: Path, base: Path, questions: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    template = tmp_path / "bare.txt"
    template.write_text("{ctx}\n")
    arguments = ["--data", questions, "--out", out, "--json", "--against-template", template]
    result = call(tuned, "--against", base, *arguments)
    shown = json.loads(result.stdout)
    model = shown["models"][0]
    scores = model["evaluation"]["scores"]
    assert scores["questions"] == 5
    assert scores["exact"] == {"mean": 1.0, "low": 1.0, "high": 1.0}
    assert (scores["stopped"], scores["grounded"], scores["answered"]) == (1.0, 1.0, 0.8)
    assert model["evaluation"]["likelihood"]["perplexity"] == pytest.approx(1.0, abs=0.1)
    assert shown["against"]["likelihood"]["perplexity"] > 10
    assert shown["against"]["computed"]["decoding"]["template"] == "{ctx}"
    gain = model["comparison"]["f1"]["mean"]
    assert gain == pytest.approx(1.0 - shown["against"]["scores"]["f1"]["mean"])
    assert model["comparison"]["f1"]["low"] <= gain <= model["comparison"]["f1"]["high"]
    assert model["comparison"]["better"] + model["comparison"]["equal"] == 5

    assert json.loads((out / "comparison.json").read_text()) == model["comparison"]
    assert json.loads((out / "evaluation.json").read_text()) == model["evaluation"]
    assert json.loads((out / "base" / "evaluation.json").read_text()) == shown["against"]
    answers = [json.loads(line) for line in (out / "answers.jsonl").read_text().splitlines()]
    assert [answer["answer"] for answer in answers] == [
        "1682",
        "Hugo Varga",
        "Ines Ferro",
        None,
        "in Oslo",
    ]
    assert len((out / "base" / "answers.jsonl").read_text().splitlines()) == 5
    report = (out / "report.md").read_text()
    assert "# tuned/best on mills.txt" in report
    assert "| question | base | tuned/best | right |" in report
    assert "| ✓ in Oslo | in Oslo |" in report
    assert "## Failures by kind" in report


def test_models_that_were_not_trained_here_get_worked_examples(base: Path, questions: str) -> None:
    shown = json.loads(call(base, "--data", questions, "--rows", "2", "--json").stdout)
    evaluation = shown["models"][0]["evaluation"]
    assert evaluation["computed"]["decoding"]["template"] == PROMPT_TEMPLATE
    assert evaluation["scores"]["questions"] == 2
    assert shown["models"][0]["comparison"] is None
    assert shown["against"] is None


def test_tables_for_people(tuned: Path, base: Path, questions: str) -> None:
    text = call(tuned, "--data", questions).output
    for part in ("Scores on mills.txt", "100.0 [100.0, 100.0]", "Answers", "Slices", "Hugo Varga"):
        assert part in text
    text = call(tuned, base, "--data", questions, "--max-new-tokens", "2").output
    assert "mills.txt, 5 questions" in text


@pytest.fixture(scope="module")
def pointing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_span_run(tmp_path_factory.mktemp("runs") / "pointing")


def test_how_a_model_points_is_recorded_and_shown(
    pointing: Path, base: Path, questions: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = ["--data", questions, "--out", out, "--against", base, "--batch-rows", "2"]
    shown = json.loads(call(pointing, *arguments, "--json").stdout)
    computed = shown["models"][0]["evaluation"]["computed"]
    assert (computed["decoding"], computed["span"]["window_tokens"]) == (None, 48)
    assert shown["against"]["computed"]["decoding"]["batch_rows"] == 2
    way = "pointing, windows of 48 tokens that overlap by 16, answers of at most 8"
    assert f"- {way}, " in (out / "report.md").read_text()
    assert read_evaluation(out).evaluation.computed.way() == way  # type: ignore[union-attr]


def test_a_pointing_checkpoint_says_itself_that_it_points(
    pointing: Path, questions: str, tmp_path: Path
) -> None:
    copied = shutil.copytree(pointing / "best", tmp_path / "copied")
    shown = json.loads(call(copied, "--data", questions, "--json").stdout)
    # It takes 128 tokens at once.
    assert shown["models"][0]["evaluation"]["computed"]["span"]["window_tokens"] == 128


def test_an_encoder_without_a_head_is_refused(pointing: Path, questions: str) -> None:
    arguments = [str(pointing / "encoder"), "--data", questions, "--cpu"]
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-25.*BertModel, which neither"):
        CliRunner().invoke(evaluate, arguments, catch_exceptions=False)


@pytest.mark.parametrize("option", ["--template", "--max-new-tokens", "--batch-rows"])
def test_options_of_generation_are_refused_where_nothing_generates(
    pointing: Path, questions: str, tmp_path: Path, option: str
) -> None:
    (tmp_path / "8").write_text("{ctx}")
    value = str(tmp_path / "8") if option == "--template" else "8"
    arguments = [str(pointing), "--data", questions, option, value, "--cpu"]
    result = CliRunner().invoke(evaluate, arguments)
    assert result.exit_code == 2
    assert "template" in result.output or "none does" in result.output


def test_adversarial_questions_are_told_by_category(tuned: Path) -> None:
    shown = json.loads(call(tuned, "--data", "adversarial", "--json").stdout)
    evaluation = shown["models"][0]["evaluation"]
    assert [(each["category"], each["traps"]) for each in evaluation["misled"]] == [
        ("distractor sentence", 15),
        ("instruction in the passage", 15),
        ("unanswerable", 10),
    ]
    assert "Adversarial questions" in call(tuned, "--data", "adversarial").output


def test_labels_are_scored(tuned: Path, tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    context = EXAMPLES[0].context
    file.write_text(f"# 1\n\n{context}\n? {EXAMPLES[0].question}\n= 1682\n? Who?\n= Hugo Varga\n")
    arguments = ["--data", f"questions:{file}", "--label", "1682", "--label", "Hugo Varga"]
    shown = json.loads(call(tuned, *arguments, "--json").stdout)
    labels = shown["models"][0]["evaluation"]["labels"]
    assert labels["accuracy"] in (0.5, 1.0)
    assert [each["right"] for each in labels["labels"]] == [1, 1]
    assert "accuracy of labels" in call(tuned, *arguments).output


def test_figures_are_recorded_for_the_package(tuned: Path, questions: str) -> None:
    for _ in range(2):
        call(tuned, "--data", questions, "--record", "--json")
    call(tuned, "--data", "narratives", "--rows", "3", "--record", "--json")
    recorded = json.loads((tuned / "evaluation.json").read_text())
    assert [(figures["data"], figures["questions"]) for figures in recorded] == [
        ("mills.txt", 5),
        ("narratives", 3),
    ]
    assert recorded[0]["f1"] == 1.0
    assert all(isinstance(value, str | int | float) for value in recorded[0].values())


def test_only_a_run_folder_takes_figures(base: Path, questions: str) -> None:
    result = CliRunner().invoke(evaluate, [str(base), "--data", questions, "--record"])
    assert result.exit_code == 2
    assert "--record needs a run folder" in result.output


def test_a_folder_with_something_in_it_is_left_alone(
    base: Path, questions: str, tmp_path: Path
) -> None:
    (tmp_path / "precious").write_text("x")
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-26.*something in it"):
        call(base, "--data", questions, "--out", tmp_path)


def test_other_questions_are_not_compared(questions: str) -> None:
    from exallm_trainer.evaluate.comparison import compare

    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-23"):
        compare(judged(EXAMPLES, ["x"] * 5), judged(EXAMPLES[:4], ["x"] * 4))


def judged(examples: Any, texts: list[str | None], name: str = "model") -> Any:
    from exallm_trainer.evaluate.answers import GivenAnswer
    from exallm_trainer.evaluate.evaluation import judge
    from exallm_trainer.evaluate.evaluation_set import EvaluationSet

    return judge(name, EvaluationSet("own", tuple(examples)), list(map(GivenAnswer, texts)))


def test_answers_from_sql_are_compared_and_reported() -> None:
    """Best and worst rows of a set that is too large to be shown whole."""
    from exallm_trainer.evaluate.comparison import compare
    from exallm_trainer.evaluate.evaluation_folder import report_text
    from exallm_trainer.evaluate.report import tables_of

    examples = [
        Example(str(number), f"It was {number} or so.", f"What {number}?", (str(number),), "s", "d")
        for number in range(100)
    ]
    base = judged(examples, [str(n) if n == 7 else "or" for n in range(100)], "base")
    tuned = judged(examples, ["or" if n == 7 else str(n) for n in range(100)], "tuned")
    comparison = compare(base, tuned)
    assert (comparison.better, comparison.equal, comparison.worse) == (99, 0, 1)
    assert comparison.f1.mean == pytest.approx(0.98)
    assert comparison.f1 == comparison.exact
    assert 0.9 < comparison.f1.low < 0.98 < comparison.f1.high <= 1.0
    assert [pair.id for pair in comparison.best(2)] == ["0", "1"]
    assert [pair.id for pair in comparison.worst(2)] == ["7"]
    titles = [table.title for table in tables_of(tuned, base, comparison)]
    assert titles == [
        "Scores on own",
        "Side by side: gained most",
        "Side by side: lost or still wrong",
        "Failures by kind (no exact match)",
        "Failures of tuned, some of each kind",
        "Slices",
    ]
    report = report_text(tuned, base, comparison)
    assert "answers were given, not computed here" in report
    assert "| questions | 100 | 100 | 99 better, 1 worse |" in report


def test_markup_in_an_answer_ends_no_cell() -> None:
    from exallm_trainer.evaluate.evaluation_folder import report_text

    example = Example("1", "It is a|b <script> \\ \n end", "What?", ("none",), "s", "d")
    report = report_text(judged([example], ["a|b <script> \\"]))
    assert "| What? | ✗ a\\|b &lt;script> \\\\ | none |" in report


def test_groups_of_a_table_are_compared(tuned: Path, tmp_path: Path) -> None:
    file = tmp_path / "mills.jsonl"
    rows = [
        {"context": e.context, "question": e.question, "answers": list(e.answers), "region": region}
        for e, region in zip(EXAMPLES, ("north", "north", "north", "north", None), strict=True)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["--data", f"table:{file}", "--group", "region"]
    shown = json.loads(call(tuned, *arguments, "--json").stdout)
    (fairness,) = shown["models"][0]["evaluation"]["fairness"]
    assert (fairness["field"], fairness["left_out"], fairness["parity"]) == ("region", 1, None)
    assert fairness["groups"][0]["positive"]["share"] == 0.75
    assert shown["models"][0]["evaluation"]["leaks"] == []
    alone = CliRunner().invoke(evaluate, [str(tuned), "--data", "narratives", "--positive", "x"])
    assert alone.exit_code == 2 and "--group" in alone.output
