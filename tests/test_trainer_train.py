"""Training: shared passages compute what separate examples do, and a run goes on to the bit."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exallm_trainer.data.prepared import in_memory
from exallm_trainer.economics.measured import training_hours
from exallm_trainer.example import Example
from exallm_trainer.recipe import LoraSettings, Optimisation, Recipe
from exallm_trainer.run_folder import METRICS_FILE, RunFolder
from exallm_udfs.errors import ExallmError
from tests.trainer_tiny_models import save_tiny_model

pytestmark = pytest.mark.trainer

CONTEXTS = (
    "The bridge was opened in 1894 by Ines Ferro and carries 12,000 cars a day.",
    "Copper went to Hamburg, silver to Lisbon, and tin to a small port near Oslo.",
    "The library burnt down twice, in 1701 and 1830, and was built again each time.",
)
QUESTIONS = (
    ("When was it?", "1894"),
    ("What is small?", "a small port"),
    ("Who or what came first in the text?", "The"),
)


def examples(document: str = "a") -> list[Example]:
    return [
        Example(f"{document}{c}{q}", context, question, (answer,), "own", document)
        for c, context in enumerate(CONTEXTS)
        for q, (question, answer) in enumerate(QUESTIONS)
    ]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of two layers."""
    return save_tiny_model(tmp_path_factory.mktemp("base"), learnt=())


def optimisation(**changed: Any) -> Optimisation:
    settings = Optimisation(
        learning_rate=1e-2,
        warmup_steps=2,
        epochs=6,
        samples_per_step=2,
        row_tokens=64,
        precision="fp32",
        validate_every=4,
        patience=9,
    )
    return replace(settings, **changed)


def recipe(method: str = "lora", **changed: Any) -> Recipe:
    lora = LoraSettings(rank=4, alpha=8, dropout=0.1) if method == "lora" else None
    return Recipe(method, "tiny", optimisation(**changed), lora)  # type: ignore[arg-type]


def request(base: Path, of: Recipe, **changed: Any) -> Any:
    from exallm_trainer.train.request import TrainRequest

    values: dict[str, Any] = {
        "recipe": of,
        "base": str(base),
        "data": in_memory(examples(), examples("b")[:3]),
        "cpu": True,
    } | changed
    return TrainRequest(**values)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / METRICS_FILE).read_text().splitlines()]


def test_shared_passages_have_the_logits_and_gradients_of_separate_examples(base: Path) -> None:
    import torch
    from torch.nn.functional import cross_entropy

    from exallm_trainer.tokenised import tokenise
    from exallm_trainer.train.base_model import load_base
    from exallm_trainer.train.order import fill_rows
    from exallm_trainer.train.passage import passages_of
    from exallm_trainer.train.row import row_of

    loaded = load_base(str(base), torch.float32)
    tokenised = tokenise(examples(), loaded.tokenizer)
    passages, left_out = passages_of(examples(), tokenised, 1000)
    assert (len(passages), left_out) == (3, 0)
    assert sum(passage.computed_tokens for passage in passages) < sum(
        len(tokens.prompt) + len(tokens.completion) for tokens in tokenised
    )
    assert sum(passage.example_tokens for passage in passages) == sum(
        len(tokens.prompt) + len(tokens.completion) for tokens in tokenised
    )
    shared = torch.zeros(())
    for row in map(row_of, fill_rows(passages, 10_000)):
        shared = shared + cross_entropy(row.logits(loaded.model), row.labels, reduction="sum")
    shared.backward()
    shared_gradients = [p.grad.clone() for p in loaded.model.parameters() if p.grad is not None]
    loaded.model.zero_grad()
    separate = torch.zeros(())
    for tokens in tokenised:
        ids = torch.tensor([tokens.prompt + tokens.completion])
        labels = ids.clone()
        labels[0, : len(tokens.prompt)] = -100
        logits = loaded.model(input_ids=ids).logits[0, :-1]
        separate = separate + cross_entropy(logits, labels[0, 1:], reduction="sum")
    separate.backward()
    torch.testing.assert_close(shared, separate, rtol=1e-5, atol=1e-4)
    for ours, theirs in zip(shared_gradients, loaded.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.grad, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    # An adapter cannot change the random embeddings, so it learns less of them.
    ("method", "share_of_loss"),
    [("lora", 0.96), ("finetune", 0.3)],
)
def test_training_learns_its_examples(
    base: Path, tmp_path: Path, method: str, share_of_loss: float
) -> None:
    from exallm_trainer.train.train import train

    asked = request(base, recipe(method, epochs=25), data=in_memory(examples(), examples()))
    record = train(asked, RunFolder(tmp_path / "run"))
    figures = lines(tmp_path / "run")
    assert record.state == "finished" and record.steps == 50
    assert figures[-1]["loss"] < figures[0]["loss"] * share_of_loss
    looks = [line["validation_loss"] for line in figures if "validation_loss" in line]
    assert looks[-1] < looks[0] * share_of_loss
    exact = [line["validation_exact"] for line in figures if "validation_exact" in line]
    assert record.best_exact == pytest.approx(max(exact), abs=1e-6)
    assert [line["step"] for line in figures] == list(range(1, 51))


@pytest.mark.parametrize("method", ["lora", "finetune"])
def test_a_killed_run_goes_on_to_the_same_bits(base: Path, tmp_path: Path, method: str) -> None:
    from safetensors.torch import load_file

    from exallm_trainer.train.train import train

    asked = request(base, recipe(method))
    train(asked, RunFolder(tmp_path / "whole"))
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        sys.path[:0] = [sys.argv[3]]
        import test_trainer_train as t
        from exallm_trainer.run_folder import RunFolder
        from exallm_trainer.train.train import train

        def kill(report):
            if report.step == 7:
                os.kill(os.getpid(), signal.SIGKILL)

        asked = t.request(Path(sys.argv[1]), t.recipe(sys.argv[4]))
        train(asked, RunFolder(Path(sys.argv[2])), kill)
        """
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, base, tmp_path / "killed", Path(__file__).parent, method],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert len(lines(tmp_path / "killed")) == 7
    record = train(asked, RunFolder(tmp_path / "killed"))
    assert record.state == "finished"
    last = f"checkpoints/step-{record.steps:08d}"
    for name in ("weights", "optimizer"):
        whole = load_file(tmp_path / "whole" / last / f"{name}.safetensors")
        resumed = load_file(tmp_path / "killed" / last / f"{name}.safetensors")
        assert set(whole) == set(resumed) and whole
        assert all(bool((whole[key] == resumed[key]).all()) for key in whole), name
    losses = [[line["loss"] for line in lines(tmp_path / run)] for run in ("whole", "killed")]
    assert losses[0] == losses[1]


def test_a_run_stops_at_its_time_and_goes_on(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    folder = RunFolder(tmp_path / "run")
    asked = request(base, recipe())
    stopped = train(replace(asked, max_minutes=1e-9), folder)
    assert (stopped.state, stopped.steps) == ("stopped", 0)
    assert train(asked, folder).state == "finished"
    before = (folder.path / METRICS_FILE).read_text()
    assert train(asked, folder).state == "finished"
    assert (folder.path / METRICS_FILE).read_text() == before


def test_patience_ends_a_run(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    asked = request(base, recipe(learning_rate=1e-9, validate_every=1, patience=3))
    record = train(asked, RunFolder(tmp_path / "run"))
    assert (record.state, record.steps, record.best_step) == ("finished", 4, 1)


def test_divergence_ends_a_run_for_good(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    from exallm_trainer.train.train import train

    broken = tmp_path / "broken"
    shutil.copytree(base, broken)
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"][0] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    folder = RunFolder(tmp_path / "run")
    asked = request(broken, recipe("finetune"))
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-8: training was ended: the loss of step"):
        train(asked, folder)
    record = folder.read() or {}
    assert (record["state"], record["steps"], record["device"]) == ("failed", 1, "cpu")
    assert record["seconds"] > 0 and len(record["base_sha256"]) == 64
    assert training_hours([folder.path]) == record["seconds"] / 3600
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-8: the run .* has failed"):
        train(asked, folder)


def test_a_loss_that_grows_is_divergence_and_one_bad_step_is_not() -> None:
    from exallm_trainer.train.checkpoint import Position
    from exallm_trainer.train.divergence import require_sound

    position = Position(step=1)
    require_sound(position, 2.0, 1.0, is_scaled=False)
    position.step = 2
    require_sound(position, 30.0, 1.0, is_scaled=False)
    with pytest.raises(ExallmError, match=r"has grown from 2\.00 to"):
        for _ in range(10):
            require_sound(position, 30.0, 1.0, is_scaled=False)
    with pytest.raises(ExallmError, match="its gradient inf"):
        require_sound(Position(step=1), 2.0, float("inf"), is_scaled=False)
    require_sound(Position(step=1), 2.0, float("inf"), is_scaled=True)


def test_a_folder_is_for_one_run(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    folder = RunFolder(tmp_path / "run")
    asked = request(base, recipe(epochs=1))
    with folder.locked(), pytest.raises(ExallmError, match="E-EXALLM-TRAIN-5"):
        train(asked, folder)
    train(asked, folder)
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-7: .* another recipe"):
        train(request(base, recipe(epochs=2)), folder)
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-7: .* another data_sha256"):
        train(replace(asked, data=in_memory(examples("c"), examples("b"))), folder)
    folder.write({"run_id": "of another version"})
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-7: .* cannot be read: RunRecord lacks"):
        train(asked, folder)


def test_a_checkpoint_of_another_architecture_is_refused(base: Path, tmp_path: Path) -> None:
    """The same weights, of which another configuration takes less."""
    from exallm_trainer.train.train import train

    other = tmp_path / "other"
    shutil.copytree(base, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}))
    folder = RunFolder(tmp_path / "run")
    asked = request(base, recipe())
    train(replace(asked, max_minutes=1e-9), folder)
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-7: the checkpoint"):
        train(replace(asked, base=str(other)), folder)


def test_a_run_begins_from_the_adapter_of_another(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    asked = request(base, recipe(epochs=25), data=in_memory(examples(), examples()))
    train(asked, RunFolder(tmp_path / "first"))
    learnt = lines(tmp_path / "first")[-1]["validation_loss"]
    best = RunFolder(tmp_path / "first").best
    again = replace(asked, recipe=recipe(epochs=1, learning_rate=1e-6), adapter=best)
    record = train(again, RunFolder(tmp_path / "second"))
    assert len(record.adapter_sha256) == 64
    begun = lines(tmp_path / "second")[-1]["validation_loss"]
    # An adapter is stored with 16 bits.
    assert begun == pytest.approx(learnt, rel=0.02)
    other = replace(again, recipe=replace(recipe(epochs=1), lora=LoraSettings(rank=4, alpha=4)))
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-3: .* rank and alpha are \(4, 8\)"):
        train(other, RunFolder(tmp_path / "third"))
    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-1: a recipe that trains all weights"):
        replace(asked, recipe=recipe("finetune"), adapter=best)
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-3: .*/first: it holds no adapter"):
        replace(again, adapter=best.parent)


@pytest.mark.parametrize("change", [{"num_hidden_layers": 3}, {"hidden_size": 128}])
def test_an_adapter_of_a_larger_model_is_refused(
    change: dict[str, int], base: Path, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from exallm_trainer.train.base_model import add_adapter, load_base

    config = AutoConfig.from_pretrained(base, **change)
    settings = LoraSettings(rank=2, alpha=4)
    add_adapter(AutoModelForCausalLM.from_config(config), settings).save_pretrained(tmp_path)
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-3: .* belongs to another base model"):
        add_adapter(load_base(str(base), torch.float32).model, settings, tmp_path)


def test_pickled_weights_are_not_opened(base: Path, tmp_path: Path) -> None:
    import torch

    from exallm_trainer.train.train import train

    pickled = tmp_path / "pickled"
    pickled.mkdir()
    for file in base.iterdir():
        if file.suffix != ".safetensors":
            (pickled / file.name).write_bytes(file.read_bytes())
    torch.save({}, pickled / "pytorch_model.bin")
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-3: .* no safetensors"):
        train(request(pickled, recipe()), RunFolder(tmp_path / "run"))


def test_a_split_without_examples_is_refused(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    with pytest.raises(ExallmError, match="E-EXALLM-TRAIN-9: the validation split"):
        train(request(base, recipe(), data=in_memory(examples(), [])), RunFolder(tmp_path / "run"))


def test_a_full_disk_leaves_the_last_whole_checkpoint(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exallm_trainer.train import checkpoint
    from exallm_trainer.train.train import train

    folder = RunFolder(tmp_path / "run")
    saved: list[Path] = []
    save = checkpoint.save_file

    def full(tensors: Any, file: Path) -> None:
        if "step-00000008" in str(file) and not saved:
            saved.append(file)
            raise OSError(28, "No space left on device")
        save(tensors, file)

    monkeypatch.setattr(checkpoint, "save_file", full)
    asked = request(base, recipe())
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-6: .*No space left on device"):
        train(asked, folder)
    assert [path.name for path in folder.checkpoints.iterdir()] == ["step-00000004"]
    assert train(asked, folder).state == "finished"


def test_a_full_disk_at_a_line_of_metrics_loses_no_look(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from exallm_trainer.train.train import train

    folder, asked = RunFolder(tmp_path / "run"), request(base, recipe())
    log = RunFolder.log

    def full(self: RunFolder, values: dict[str, float | int]) -> None:
        if values["step"] == 8:
            (self.path / METRICS_FILE).rename(tmp_path / "kept")
            (self.path / METRICS_FILE).mkdir()  # nothing can be added to a folder
        log(self, values)

    with monkeypatch.context() as patched, pytest.raises(ExallmError, match="E-EXALLM-TRAIN-6: "):
        patched.setattr(RunFolder, "log", full)
        train(asked, folder)
    (folder.path / METRICS_FILE).rmdir()
    (tmp_path / "kept").rename(folder.path / METRICS_FILE)
    train(asked, folder)
    assert [line["step"] for line in lines(folder.path) if "validation_loss" in line] == [4, 8, 12]


def test_an_observer_that_was_killed_sees_the_look_again(base: Path, tmp_path: Path) -> None:
    """A sweep keeps the looks of its trials as it is told of them."""
    from exallm_trainer.train.train import train

    folder, asked = RunFolder(tmp_path / "run"), request(base, recipe())

    def killed(report: Any) -> None:
        if report.step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(asked, folder, killed)
    looks: list[int] = []
    train(asked, folder, lambda report: looks.append(report.step) if report.validation else None)
    assert looks == [4, 8, 12]


def test_a_run_folder_below_a_file_is_refused(base: Path, tmp_path: Path) -> None:
    from exallm_trainer.train.train import train

    (tmp_path / "file").write_text("")
    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-6: .*Not a directory"):
        train(request(base, recipe()), RunFolder(tmp_path / "file" / "run"))


def test_an_estimate_above_the_memory_is_refused() -> None:
    import torch

    from exallm_trainer.train.memory import MemoryEstimate, require_memory

    with pytest.raises(ExallmError, match=r"E-EXALLM-TRAIN-4: training needs about 1024\.0 GiB"):
        require_memory(MemoryEstimate(1 << 39, 1 << 39, 0), torch.device("cpu"))
