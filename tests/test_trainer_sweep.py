"""Sweeps: what is tried, what is ended early, what goes wrong, and what goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("optuna", reason="the trainer's packages are not installed")

from exallm.cli.main import exallm as cli
from exallm_trainer.data.prepared import in_memory
from exallm_trainer.run_folder import RunFolder
from exallm_trainer.sweep.search import Judge, Search
from exallm_trainer.sweep.sweep_recipe import Choices, Range, SweepRecipe, read_sweep_recipe
from exallm_trainer.sweep.sweep_record import Look, SweepRecord, TrialRecord
from exallm_trainer.sweep.sweep_report import sweep_chart, sweep_table
from exallm_udfs.errors import ExallmError
from tests.trainer_tiny_models import EXAMPLES, save_tiny_model

pytestmark = pytest.mark.trainer

RECIPE = """
method = "lora"
base = "tiny"

[optimisation]
learning_rate = 5e-3
warmup_steps = 0
epochs = 6
samples_per_step = 2
row_tokens = 400
precision = "fp32"
validate_every = 2
patience = 9

[lora]
rank = 4
alpha = 8
"""
SPACE = """
[sweep]
optimisation.learning_rate = { low = 1e-4, high = 1e-1, log = true }
lora.rank = { choices = [2, 4] }
"""


def sweep_of(folder: Path, text: str = RECIPE + SPACE) -> SweepRecipe:
    (folder / "sweep.toml").write_text(text, encoding="utf-8")
    return read_sweep_recipe(folder / "sweep.toml")


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(ExallmError) as raised:
        sweep_of(folder, text)
    assert raised.value.code == "E-EXALLM-TRAIN-60"
    return str(raised.value)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("base"), learnt=())


def request(base: Path, sweep: SweepRecipe, minutes: float) -> Any:
    from exallm_trainer.sweep.sweep import SweepRequest
    from exallm_trainer.train.request import TrainRequest

    start = TrainRequest(sweep.recipe, str(base), in_memory(EXAMPLES, EXAMPLES[:3]), cpu=True)
    return SweepRequest(sweep, start, minutes)


def trial(number: int, rate: float, *scores: float, state: Any = "finished") -> TrialRecord:
    looks = tuple(
        Look(step, step * 2, score, -score, None) for step, score in enumerate(scores, start=1)
    )
    return TrialRecord(number, {"rate": rate}, state, looks, 60.0)


def test_a_recipe_with_ranges_is_read(tmp_path: Path) -> None:
    sweep = sweep_of(tmp_path)
    assert sweep.space == {
        "optimisation.learning_rate": Range(1e-4, 1e-1, log=True),
        "lora.rank": Choices((2, 4)),
    }
    assert sweep.own == {"optimisation.learning_rate": 5e-3, "lora.rank": 4}
    changed = sweep.with_settings({"lora.rank": 2})
    assert changed.lora is not None and changed.lora.rank == 2
    assert changed.optimisation == sweep.recipe.optimisation


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        ("", "no section sweep"),
        ("[sweep]", "no section sweep"),
        ("[sweep]\nlora.rang = { choices = [2, 4] }", "lora.rang is no setting"),
        ("[sweep]\ndpo.beta = { low = 0.1, high = 0.3 }", "dpo.beta"),
        ("[sweep]\nlora.rank = 4", "lora.rank is not written"),
        ("[sweep]\nlora.rank = { choices = [4] }", "at least two"),
        ("[sweep]\nlora.rank = { choices = [4, 4] }", "at least two"),
        ("[sweep]\nlora.rank = { choices = [2, 4], log = true }", "lora.rank"),
        ("[sweep]\nlora.rank = { low = 2 }", "lora.rank"),
        ("[sweep]\nlora.rank = { low = 8, high = 2 }", "low is below high"),
        ("[sweep]\nlora.alpha = { low = 0, high = 8, log = true }", "above 0 with log"),
        ("[sweep]\nlora.rank = { low = 2.5, high = 8 }", "not of type int"),
        ("[sweep]\nlora.rank = { choices = [2, 8] }", "own lora.rank, 4"),
        ("[sweep]\nlora.rank = { low = 4, high = 900 }", "from 1 to 512"),
        ("[sweep]\noptimisation.patience = { low = 2, high = 9 }", "cannot be compared"),
        ("[sweep]\noptimisation.max_tokens = { choices = [64, 1024] }", "cannot be compared"),
    ],
)
def test_ranges_that_cannot_be_swept_are_refused(tmp_path: Path, space: str, problem: str) -> None:
    assert problem in refusal(tmp_path, RECIPE + space)


def test_windows_of_texts_may_be_swept_and_those_of_answers_not(tmp_path: Path) -> None:
    common = 'base = "tiny"\n[optimisation]\nlearning_rate = 1e-3\n'
    space = "[sweep]\noptimisation.max_tokens = { choices = [512, 1024] }"
    assert sweep_of(tmp_path, f'method = "continue"\n{common}{space}').space
    space = "[span]\n[sweep]\nspan.window_tokens = { choices = [256, 384] }"
    assert "cannot be compared" in refusal(tmp_path, f'method = "span"\n{common}{space}')


def test_ends_of_a_range_may_be_written_without_a_point(tmp_path: Path) -> None:
    space = "[sweep]\noptimisation.weight_decay = { low = 0, high = 1 }"
    values = sweep_of(tmp_path, RECIPE + space).space["optimisation.weight_decay"]
    assert isinstance(values, Range) and not values.whole


def test_the_record_alone_decides_what_is_tried_next() -> None:
    space = {"rate": Range(0.0, 1.0)}
    known: list[TrialRecord] = []
    for number in range(8):
        one, other = (Search(space, {"rate": 0.5}, 2, 0, known).suggest() for _ in range(2))
        assert one is not None and one == other
        known.append(trial(number, float(one["rate"]), -1.0, -0.5))
    rates = [each.settings["rate"] for each in known]
    assert rates[0] == 0.5 and len(set(rates)) == 8


def test_a_small_space_is_exhausted() -> None:
    known = [TrialRecord(n, {"rank": rank}, "failed") for n, rank in enumerate((2, 4))]
    space = {"rank": Choices((2, 4))}
    assert Search(space, {"rank": 2}, 2, 0, known).suggest() is None
    assert Search(space, {"rank": 2}, 2, 0, known[:1]).suggest() == {"rank": 4}


def test_a_trial_that_is_worse_after_as_many_samples_is_ended() -> None:
    known = [trial(n, n / 10, -1.0 - n / 10, -0.9) for n in range(6)]
    search = Search({"rate": Range(0.0, 1.0)}, {"rate": 0.0}, 2, 0, known)
    assert search.begin({"rate": 0.7}).is_hopeless(Look(1, 2, -3.0, 3.0, None))
    assert not search.begin({"rate": 0.8}).is_hopeless(Look(1, 2, -0.1, 0.1, None))


def test_the_table_and_the_chart_begin_with_the_best() -> None:
    trials = (
        trial(0, 0.5, -2.0, -1.5),
        trial(1, 0.25, -1.0, -0.5),
        TrialRecord(2, {"rate": 0.9}, "failed", (), 1.0, "the loss is nan"),
        trial(3, 0.1, -3.0, state="pruned"),
    )
    record = SweepRecord({}, trials)
    assert record.best == trials[1] and record.seconds == 181.0
    table = sweep_table(record)
    assert [row[0] for row in table.rows] == ["1", "0 (the recipe's own)", "3", "2"]
    assert table.rows[0][1:] == ("0.25", "0.5", "2", "finished", "60")
    names = [line.name for line in sweep_chart(record).lines]
    assert names == ["trial 1", "the recipe's own", "trial 3"]


def test_a_sweep_finds_better_settings_and_goes_on(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.sweep.sweep import CHART_FILE, run_sweep

    # The recipe's own rate learns next to nothing.
    text = RECIPE.replace("learning_rate = 5e-3", "learning_rate = 1e-4")
    text += "[sweep]\noptimisation.learning_rate = { choices = [1e-4, 3e-2] }"
    sweep = sweep_of(tmp_path, text)
    reports = []

    def interrupt(trial: TrialRecord, report: Any) -> None:
        reports.append((trial.number, report.step))
        if (trial.number, report.step) == (1, 3):
            raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run_sweep(request(base, sweep, 30), out, interrupt)
    assert json.loads((out / "sweep.json").read_text())["trials"][1]["state"] == "running"
    record = run_sweep(
        request(base, sweep, 30), out, lambda t, r: reports.append((t.number, r.step))
    )
    # Both combinations were tried, the second from the checkpoint of its second step.
    assert [t.settings["optimisation.learning_rate"] for t in record.trials] == [1e-4, 3e-2]
    assert reports.count((0, 1)) == 1 and reports.count((1, 2)) == 1 and reports.count((1, 3)) == 2
    best = record.best
    assert best is not None and best.number == 1 and best.state == "finished"
    run = RunFolder(out / best.folder).read()
    assert run is not None and run["state"] == "finished" and (out / best.folder / "best").is_dir()
    assert (out / CHART_FILE).read_text().startswith("<svg")
    assert [look.step for look in best.looks] == sorted({look.step for look in best.looks})
    with pytest.raises(ExallmError) as raised:
        run_sweep(request(base, sweep_of(tmp_path), 30), out)
    assert raised.value.code == "E-EXALLM-TRAIN-62"


def test_a_trial_that_is_ended_early_leaves_a_run_that_was_stopped(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exallm_trainer.sweep.sweep import run_sweep

    monkeypatch.setattr(Judge, "is_hopeless", lambda self, look: look.step == 4)
    sweep = sweep_of(tmp_path, RECIPE + "[sweep]\nlora.rank = { choices = [2, 4] }")
    record = run_sweep(request(base, sweep, 30), tmp_path / "out")
    assert [trial.state for trial in record.trials] == ["pruned", "pruned"]
    for trial in record.trials:
        run = RunFolder(tmp_path / "out" / trial.folder).read()
        assert run is not None and (run["state"], run["steps"]) == ("stopped", 4)


def test_a_trial_that_was_killed_before_its_verdict_is_ended_when_it_goes_on(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exallm_trainer.sweep import sweep as core

    def killed(self: Judge, look: Look) -> bool:
        raise KeyboardInterrupt

    sweep = sweep_of(tmp_path, RECIPE + "[sweep]\nlora.rank = { choices = [2, 4] }")
    monkeypatch.setattr(Judge, "is_hopeless", killed)
    with pytest.raises(KeyboardInterrupt):
        core.run_sweep(request(base, sweep, 30), tmp_path / "out")
    monkeypatch.setattr(Judge, "is_hopeless", lambda self, look: True)
    record = core.run_sweep(request(base, sweep, 30), tmp_path / "out")
    assert record.trials[0].state == "pruned"
    run = RunFolder(tmp_path / "out" / record.trials[0].folder).read()
    assert run is not None and (run["state"], run["steps"]) == ("stopped", 1)


def test_a_trial_that_cannot_run_is_recorded_and_the_sweep_goes_on(
    base: Path, tmp_path: Path
) -> None:
    from exallm_trainer.sweep.sweep import run_sweep

    space = '[sweep]\noptimisation.precision = { choices = ["fp32", "fp16"] }'
    record = run_sweep(request(base, sweep_of(tmp_path, RECIPE + space), 30), tmp_path / "out")
    assert [trial.state for trial in record.trials] == ["finished", "failed"]
    assert "fp16" in str(record.trials[1].reason)


def test_more_minutes_continue_a_sweep_whose_time_ended(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.sweep.sweep import run_sweep

    sweep = sweep_of(tmp_path, RECIPE + "[sweep]\nlora.rank = { choices = [2, 4] }")
    with pytest.raises(ExallmError) as raised:
        run_sweep(request(base, sweep, 1e-6), tmp_path / "out")
    assert raised.value.code == "E-EXALLM-TRAIN-61" and "minutes" in str(raised.value)
    record = run_sweep(request(base, sweep, 30), tmp_path / "out")
    assert [trial.state for trial in record.trials if trial.state != "pruned"]
    assert [trial.number for trial in record.trials] == [0, 1]


def test_a_trial_that_diverges_is_recorded_and_the_sweep_goes_on(
    base: Path, tmp_path: Path
) -> None:
    from exallm_trainer.sweep.sweep import run_sweep

    text = RECIPE.replace("[lora]", "clip = 1e9\n[lora]").replace('method = "lora"', "METHOD")
    text = text.replace("METHOD", 'method = "finetune"').split("[lora]")[0]
    sweep = sweep_of(
        tmp_path, text + "[sweep]\noptimisation.learning_rate = { choices = [5e-3, 0.99] }"
    )
    record = run_sweep(request(base, sweep, 30), tmp_path / "out")
    assert [trial.state for trial in record.trials] == ["finished", "failed"]
    assert "loss" in str(record.trials[1].reason)
    assert record.best == record.trials[0]


def test_a_sweep_in_which_every_trial_diverges_is_an_error(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.sweep.sweep import run_sweep

    text = RECIPE.replace('method = "lora"', 'method = "finetune"').split("[lora]")[0]
    text = text.replace("5e-3", "0.98").replace("patience", "clip = 1e9\npatience")
    text = text.replace("epochs = 6", "epochs = 40")
    sweep = sweep_of(
        tmp_path, text + "[sweep]\noptimisation.learning_rate = { choices = [0.98, 0.99] }"
    )
    with pytest.raises(ExallmError) as raised:
        run_sweep(request(base, sweep, 30), tmp_path / "out")
    assert raised.value.code == "E-EXALLM-TRAIN-61" and "2 trials" in str(raised.value)
    trials = json.loads((tmp_path / "out" / "sweep.json").read_text())["trials"]
    assert [trial["state"] for trial in trials] == ["failed", "failed"]


def test_the_command_prints_a_table_or_json(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exallm_trainer.data.prepare import PrepareRequest, prepare
    from exallm_trainer.data.settings import PrepareSettings
    from exallm_trainer.data.sources import parse_source

    lines = [f"# M{n}\n\nMill {n} is old.\n? Which is old?\n= Mill {n}\n" for n in range(12)]
    (tmp_path / "own.txt").write_text("\n".join(lines), encoding="utf-8")
    source = parse_source(f"questions:{tmp_path / 'own.txt'}")
    prepare(PrepareRequest([source], settings=PrepareSettings(0.3)), tmp_path / "data")
    sweep_of(tmp_path, RECIPE + "[sweep]\nlora.rank = { choices = [2, 4] }")
    arguments = [tmp_path / "sweep.toml", "--data", tmp_path / "data", "--out", tmp_path / "out"]
    arguments += ["--minutes", "30", "--base", base, "--cpu"]
    shown = CliRunner().invoke(cli, ["sweep", *map(str, arguments)])
    assert shown.exit_code == 0, shown.output
    assert "Trials, the best first" in shown.output and "sweep.svg" in shown.output
    told = CliRunner().invoke(cli, ["sweep", *map(str, arguments), "--json"])
    values = json.loads(told.stdout)
    assert len(values["trials"]) == 2 and Path(values["best"]).parent == tmp_path / "out"
