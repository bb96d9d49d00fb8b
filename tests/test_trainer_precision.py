"""Accumulation, clipping and mixed precision change what is computed as little as they should."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from exallm_trainer.run_folder import RunFolder
from tests.test_trainer_train import lines, recipe, request
from tests.trainer_tiny_models import save_tiny_model

pytestmark = pytest.mark.trainer


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("base"), learnt=())


def figures(base: Path, run: Path, method: str = "finetune", **optimisation: Any) -> list[Any]:
    """The lines of ``metrics.jsonl``; dropout is off, since other rows draw other numbers."""
    from exallm_trainer.train.train import train

    of = recipe(method, **{"samples_per_step": 3} | optimisation)
    if of.lora is not None:
        of = replace(of, lora=replace(of.lora, dropout=0.0))
    train(request(base, of), RunFolder(run))
    return lines(run)


def column(found: list[Any], name: str) -> list[float]:
    return [line[name] for line in found]


@pytest.mark.parametrize("method", ["lora", "finetune"])
def test_accumulated_rows_are_one_step(base: Path, tmp_path: Path, method: str) -> None:
    many = figures(base, tmp_path / "many", method, row_tokens=1)
    one = figures(base, tmp_path / "one", method, row_tokens=10_000)
    for name in ("loss", "gradient_norm"):
        assert column(many, name) == pytest.approx(column(one, name), rel=1e-4, abs=1e-4)


def test_the_gradient_that_is_applied_has_the_norm_of_clip(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reported is the norm from before; directions stay as they are."""
    import torch

    applied: list[torch.Tensor] = []
    step = torch.optim.AdamW.step

    def watched(self: Any, *arguments: Any) -> Any:
        gradients = [p.grad.flatten() for group in self.param_groups for p in group["params"]]
        applied.append(torch.cat(gradients).clone())
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    clipped = figures(base, tmp_path / "clipped", epochs=1, clip=0.25)
    free = figures(base, tmp_path / "free", epochs=1, clip=1e6)
    norms = column(free, "gradient_norm")
    assert column(clipped, "gradient_norm") == pytest.approx(norms, rel=1e-4) and min(norms) > 0.25
    small, large = applied[: len(clipped)], applied[len(clipped) :]
    assert [float(g.norm()) for g in small] == pytest.approx([0.25] * len(clipped), rel=1e-4)
    assert [float(g.norm()) for g in large] == pytest.approx(norms, rel=1e-4)
    assert torch.allclose(small[0] / 0.25, large[0] / norms[0], atol=1e-5)


@pytest.mark.parametrize("method", ["lora", "finetune"])
def test_bf16_follows_fp32(base: Path, tmp_path: Path, method: str) -> None:
    exact = figures(base, tmp_path / "fp32", method, learning_rate=2e-3)
    rounded = figures(base, tmp_path / "bf16", method, learning_rate=2e-3, precision="bf16")
    assert column(rounded, "loss") != column(exact, "loss")
    assert column(rounded, "loss") == pytest.approx(column(exact, "loss"), rel=0.02)


@contextmanager
def scaled_fp16(scale: float) -> Iterator[Any]:
    """The trainer computes in fp16, as accelerate does on a GPU, with torch's scaler for CPUs."""
    import accelerate
    import torch

    from exallm_trainer.train import run

    scaler = torch.amp.GradScaler("cpu", init_scale=scale)

    class Scaling(accelerate.Accelerator):  # type: ignore[misc]
        def __init__(self, *, mixed_precision: str, **settings: Any) -> None:
            super().__init__(mixed_precision=mixed_precision, **settings)
            self.scaler, self.native_amp = scaler, True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "Accelerator", Scaling)
        patch.setattr(run, "choose_precision", lambda *_: "fp16")
        yield scaler


@pytest.mark.parametrize("method", ["lora", "finetune"])
def test_scaled_fp16_follows_fp32(base: Path, tmp_path: Path, method: str) -> None:
    with scaled_fp16(2.0**12) as scaler:
        scaled = figures(base, tmp_path / "fp16", method, learning_rate=2e-3)
    assert scaler.get_scale() == 2.0**12
    exact = figures(base, tmp_path / "fp32", method, learning_rate=2e-3)
    assert column(scaled, "loss") != column(exact, "loss")
    for name in ("loss", "gradient_norm"):
        assert column(scaled, name) == pytest.approx(column(exact, name), rel=0.02)


def test_a_step_that_overflows_is_left_out(base: Path, tmp_path: Path) -> None:
    """The scale is halved, and the run goes on."""
    with scaled_fp16(2.0**30) as scaler:
        found = figures(base, tmp_path / "run", learning_rate=2e-3, epochs=40)
    assert scaler.get_scale() < 2.0**30
    assert not math.isfinite(found[0]["gradient_norm"])
    assert found[-1]["loss"] < found[0]["loss"]
