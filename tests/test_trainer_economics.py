"""What rows cost, from when on tuning pays, and when the answer is not to train."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from exallm.cli.economics import economics as command
from exallm_trainer.chart import Chart, Line, Mark, svg
from exallm_trainer.economics.cost import cost_of
from exallm_trainer.economics.economics import economics
from exallm_trainer.economics.inputs import Prices, Quality, Use
from exallm_trainer.economics.measured import read_batch_runs, training_hours
from exallm_udfs.errors import ExallmError

ROOT = Path(__file__).parents[1]
PRICES = Prices(
    hosted_input=1.0, hosted_output=4.0, machine=0.36, training_machine=2.0, labour=90.0
)
USE = Use(
    prompt_tokens=100,
    completion_tokens=25,
    hosted_prompt_tokens=100,
    rows_per_second=10,
    training_hours=5,
)
OPTIONS = {
    "--prompt-tokens": "100",
    "--completion-tokens": "25",
    "--rows-per-second": "10",
    "--training-hours": "5",
    "--hosted-input": "1",
    "--hosted-output": "4",
    "--machine": "0.36",
    "--training-machine": "2",
    "--labour": "90",
}
RUNS = """run_id,RUN_STATE,DONE_ROWS,ERROR_ROWS,PROMPT_TOKENS,COMPLETION_TOKENS,SECONDS
a,DONE,1100,100,100000,5000,80
b,INTERRUPTED,1000,0,100000,7000,120
c,RUNNING,0,0,0,0,0
"""


def call(changes: dict[str, str | None] | None = None, *flags: str) -> Result:
    options = {**OPTIONS, **(changes or {})}
    pairs = [text for name, value in options.items() if value is not None for text in (name, value)]
    return CliRunner().invoke(command, [*pairs, *flags])


def test_costs_and_crossover_by_hand() -> None:
    found = economics(PRICES, USE)
    # 100 tokens at 1 and 25 at 4 a million; 0.36 an hour for 36,000 rows; 5 hours at 2, and 90.
    assert (found.hosted_row, found.own_row) == (0.0002, 0.00001)
    assert (found.training_cost, found.labour_cost) == (10.0, 90.0)
    # 100 / 0.00019 = 526,315.79: the next whole row.
    assert found.crossover == 526_316
    assert found.advice.answer == "it depends on the rows"
    assert "526,316 rows" in found.advice.reasons[0]


def test_an_exact_meeting_point_is_not_rounded_up() -> None:
    prices = replace(PRICES, labour=9.0, machine=0.0, hosted_input=0.1, hosted_output=0.0)
    use = replace(USE, training_hours=0)
    assert economics(prices, use).crossover == 900_000


@given(
    once=st.decimals(0, 10_000, places=2),
    hosted=st.decimals("0.01", 100, places=2),
    machine=st.decimals(0, 50, places=2),
    rate=st.decimals("0.01", 1000, places=2),
)
def test_the_crossover_is_the_first_row_at_which_the_own_model_costs_no_more(
    once: Any, hosted: Any, machine: Any, rate: Any
) -> None:
    cost = cost_of(
        Prices(float(hosted), 0.0, float(machine), 0.0, float(once)),
        Use(10, 0, 10, float(rate), 0),
    )
    rows = cost.crossover()
    if rows is None:
        assert cost.own_row >= cost.hosted_row
        assert all(cost.own(n) > cost.hosted(n) or n == 0 for n in (0, 1, 10**12))
        return
    assert cost.own(rows) <= cost.hosted(rows)
    assert rows == 0 or cost.own(rows - 1) > cost.hosted(rows - 1)


def test_rows_that_do_not_pay() -> None:
    found = economics(PRICES, USE, rows=400_000)
    assert found.advice.answer == "do not train"
    assert "400,000 rows cost 80.00 hosted and 104.00 with an own model" in found.advice.reasons[0]
    assert economics(PRICES, USE, rows=526_315).advice.answer == "do not train"
    assert economics(PRICES, USE, rows=526_316).advice.answer == "train"


def test_no_number_of_rows_pays_for_a_slow_machine() -> None:
    found = economics(PRICES, replace(USE, rows_per_second=0.5), rows=10**9)
    assert found.crossover is None
    assert found.advice.answer == "do not train"
    assert "no number of rows" in found.advice.reasons[0]


def test_a_machine_that_waits_costs_more_a_row() -> None:
    assert economics(PRICES, replace(USE, busy_share=0.25)).own_row == 0.00004


def test_prompting_that_reaches_the_goal_needs_no_training_whatever_it_costs() -> None:
    found = economics(PRICES, USE, 10**9, Quality(goal=60, prompting=60, tuned=80))
    assert found.advice.answer == "do not train"
    assert "good enough without training" in found.advice.reasons[0]
    # Honest on both sides: what cost alone would say is told, too.
    assert found.advice.reasons[1].startswith("by cost alone: 1,000,000,000 rows cost")


def test_quality_that_only_tuning_reaches_outweighs_cost() -> None:
    slow = replace(USE, rows_per_second=0.5)
    assert economics(PRICES, slow, 10, Quality(60, 40, 70)).advice.answer == "train"
    assert economics(PRICES, USE, 10**9, Quality(60, 40, 50)).advice.answer == "do not train"
    untried = economics(PRICES, USE, 10**9, Quality(60, 40)).advice
    assert untried.answer == "train" and "no tuned model" in untried.reasons[0]


@pytest.mark.parametrize("name", list(vars(PRICES)))
@pytest.mark.parametrize("value", [-0.01, float("nan"), float("inf"), 1e300, 1e-300])
def test_a_price_that_is_none_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ExallmError, match=f"E-EXALLM-TRAIN-40.*{name}"):
        replace(PRICES, **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("rows_per_second", 0), ("prompt_tokens", -1), ("busy_share", 0), ("busy_share", 1.5)],
)
def test_a_measurement_that_cannot_be_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ExallmError, match=f"E-EXALLM-TRAIN-40.*{name}"):
        replace(USE, **{name: value})


def test_json_holds_every_figure(tmp_path: Path) -> None:
    plot, out = tmp_path / "cost.svg", tmp_path / "economics.json"
    result = call({"--rows": "1000000", "--plot": str(plot), "--out": str(out)}, "--json")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert shown == json.loads(out.read_text())
    assert shown["crossover"] == 526_316 and shown["advice"]["answer"] == "train"
    assert shown["prices"]["training_machine"] == 2.0
    rows = [point["rows"] for point in shown["curve"]]
    assert rows == sorted(rows) and rows[0] <= 526_316 / 50 and rows[-1] >= 526_316 * 50
    drawing = plot.read_text()
    assert "crossover: 526,316" in drawing and "expected: 1,000,000" in drawing
    ElementTree.fromstring(drawing)


def test_what_costs_nothing_can_be_drawn(tmp_path: Path) -> None:
    free = dict.fromkeys(
        ("--hosted-input", "--hosted-output", "--machine", "--training-machine", "--labour"), "0"
    )
    plot = tmp_path / "cost.svg"
    result = call({**free, "--plot": str(plot)})
    assert result.exit_code == 0 and "crossover             0 rows" in result.output
    ElementTree.fromstring(plot.read_text())


@pytest.mark.parametrize("rows", [None, 1, 10**15])
@pytest.mark.parametrize("labour", [0, 1e-15, 1e15])
@pytest.mark.parametrize("price", [1e-15, 1e15])
def test_the_ends_of_what_may_be_given_can_be_drawn(
    price: float, labour: float, rows: int | None
) -> None:
    prices = Prices(price, 1e-15, 1e-15, 1e15, labour)
    for rate, busy in ((1e-15, 1e-15), (1e15, 1.0)):
        use = Use(1e15, 1e-15, 1e15, rate, 1e15, busy)
        ElementTree.fromstring(svg(economics(prices, use, rows).chart()))
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-40"):
        economics(prices, use, 10**400)


def test_people_read_the_answer(tmp_path: Path) -> None:
    lines = call({"--rows": "1000"}).output.splitlines()
    assert "crossover             526,316 rows" in lines
    assert "do not train:" in lines
    assert call({"--rows-per-second": "0.1"}).output.count("none") == 1


@pytest.mark.parametrize("option", ["--hosted-input", "--machine", "--labour", "--prompt-tokens"])
def test_what_is_missing_is_named(option: str) -> None:
    result = call({option: None})
    assert result.exit_code == 2
    assert option in result.output


def test_a_negative_price_is_refused_by_the_command() -> None:
    refused = call({"--machine": "-1"}).exception
    assert isinstance(refused, ExallmError)
    assert str(refused).startswith("E-EXALLM-TRAIN-40") and "the price machine is -1.0" in str(
        refused
    )


def test_quality_needs_a_goal_and_what_prompting_reaches() -> None:
    assert "--goal" in call({"--prompting-quality": "40"}).output
    assert "--prompting-quality" in call({"--goal": "40"}).output
    assert call({"--goal": "40", "--prompting-quality": "50"}).output.count("do not train") == 1


def test_batch_runs_are_measured_from_csv_and_json(tmp_path: Path) -> None:
    file = tmp_path / "runs.csv"
    file.write_text(RUNS)
    found = read_batch_runs(file)
    assert (found.runs, found.rows) == (2, 2000)
    assert (found.prompt_tokens, found.completion_tokens, found.rows_per_second) == (100, 6, 10)
    rows = [
        dict(zip(RUNS.splitlines()[0].lower().split(","), line.split(","), strict=True))
        for line in RUNS.splitlines()[1:]
    ]
    other = tmp_path / "runs.json"
    other.write_text(json.dumps(rows))
    assert read_batch_runs(other) == found
    measured = dict.fromkeys(list(OPTIONS)[:3])
    result = call({**measured, "--runs": str(file)}, "--json")
    assert json.loads(result.stdout)["use"]["completion_tokens"] == 6


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "[1]",
        "nothing",
        '[{"DONE_ROWS": 1}]',
        RUNS.replace("1100,100,", "0,0,").replace("1000,0,", "0,0,"),
        RUNS.replace("7000", "-7000"),
        RUNS.replace("7000", "many"),
        RUNS.replace("120", ""),
    ],
)
def test_an_export_that_tells_nothing_is_refused(text: str, tmp_path: Path) -> None:
    for name in ("runs.json", "runs.csv"):
        file = tmp_path / name
        file.write_text(text)
        with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-41"):
            read_batch_runs(file)


def test_hours_of_training_runs_add_up(tmp_path: Path) -> None:
    shipped = ROOT / "trainer" / "runs" / "qa"
    seconds = json.loads((shipped / "run.json").read_text())["seconds"]
    assert training_hours([shipped, shipped]) == 2 * seconds / 3600
    (tmp_path / "run.json").write_text('{"state": "failed", "seconds": 36}')
    assert training_hours([tmp_path]) == 0.01
    for text in ("{}", '{"state": "running", "seconds": 36}', "no JSON"):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-41"):
            training_hours([tmp_path])
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-41"):
        training_hours([tmp_path / "none"])


def test_neither_torch_nor_numpy_is_needed() -> None:
    program = (
        "import sys; import exallm.cli.economics, exallm_trainer.economics.economics;"
        "print([name for name in ('torch', 'numpy', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_chart_is_one_element_and_escapes_what_it_shows() -> None:
    chart = Chart(
        "<a> & b",
        "x <",
        "y",
        (Line("<script>", ((1, 10), (100, 1000))), Line("empty", ((0, 0),))),
        (Mark(10, "<m>"), Mark(1e9, "far")),
        log_x=True,
        log_y=True,
    )
    drawing = svg(chart)
    texts = [node.text for node in ElementTree.fromstring(drawing).iter() if node.text]
    assert {"<a> & b", "x <", "<script>", "<m>", "10", "1,000"} <= set(texts)
    assert "far" not in texts and "empty" not in texts
    with pytest.raises(ValueError, match="no points"):
        svg(Chart("none", "x", "y", (Line("a", ((float("nan"), 1),)),)))


def test_points_stand_where_their_values_are() -> None:
    drawing = ElementTree.fromstring(svg(Chart("t", "x", "y", (Line("a", ((0, 0), (10, 5))),))))
    line = drawing.find("{http://www.w3.org/2000/svg}polyline")
    assert line is not None
    assert line.attrib["points"] == "70.0,254.0 620.0,44.0"
    narrow = svg(Chart("t", "x", "y", (Line("a", ((200, 1), (300, 2))),), log_x=True))
    assert ">220<" in narrow and ">300<" in narrow
    alone = svg(Chart("t", "x", "y", (Line("a", ((5, 5),)),)))
    assert "<circle" in alone
