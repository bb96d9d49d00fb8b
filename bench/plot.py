"""Draws the points of ``bench.curves``; runs in the environment that has matplotlib.

Arguments: the JSON file with the points, the SVG file to write.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot


def main() -> None:
    points, drawing = Path(sys.argv[1]), Path(sys.argv[2])
    curves = json.loads(points.read_text())
    # Text stays text, and the same points give the same file.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "exallm"})
    figure, axes = pyplot.subplots(1, len(curves), figsize=(4 * len(curves), 3), sharey=True)
    for axis, (name, curve) in zip(axes, curves.items(), strict=True):
        axis.plot([x for x, _ in curve], [rate for _, rate in curve], marker="o")
        axis.set_xlabel(name)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        if name.startswith("batch"):
            axis.set_xscale("log", base=2)
            axis.xaxis.set_major_formatter("{x:g}")
        if name == "processes":
            axis.set_xticks([x for x, _ in curve])
    axes[0].set_ylabel("rows a second")
    figure.tight_layout()
    figure.savefig(drawing, metadata={"Date": None})


if __name__ == "__main__":
    main()
