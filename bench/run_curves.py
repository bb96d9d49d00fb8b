"""``python -m bench.run_curves RUN``: a run's loss and what validation found, as RUN/curves.svg.

Runs in an environment that has matplotlib.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

_SMOOTHED_STEPS = 20


def main() -> None:
    run = Path(sys.argv[1])
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    looks = [line for line in lines if "validation_loss" in line]
    # Text stays text, and the same figures give the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "exallm"})
    figure, (losses, exact) = pyplot.subplots(1, 2, figsize=(9, 3))
    losses.plot(_steps(lines), _smoothed([line["loss"] for line in lines]), label="training")
    losses.plot(
        _steps(looks), [line["validation_loss"] for line in looks], marker="o", label="validation"
    )
    losses.set_ylabel("loss, nats a token of an answer")
    losses.legend()
    exact.plot(_steps(looks), [100 * line["validation_exact"] for line in looks], marker="o")
    exact.set_ylabel("validation answers to the letter, %")
    for axis in (losses, exact):
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(run / "curves.svg", metadata={"Date": None})


def _steps(lines: list[dict[str, Any]]) -> list[int]:
    return [line["step"] for line in lines]


def _smoothed(values: list[float]) -> list[float]:
    """Means over the steps up to each one."""
    parts = [values[max(0, end - _SMOOTHED_STEPS) : end] for end in range(1, len(values) + 1)]
    return [sum(part) / len(part) for part in parts]


if __name__ == "__main__":
    main()
