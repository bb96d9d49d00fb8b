"""What the bench has to show, and what it found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Aim:
    """A figure's meaning and its limit; None for a figure that is only reported."""

    what: str
    limit: float | None
    direction: Literal["at least", "at most"] = "at least"

    def met_by(self, value: float) -> bool:
        if self.limit is None:
            return True
        return value >= self.limit if self.direction == "at least" else value <= self.limit


AIMS: dict[str, Aim] = {
    "batch_vs_article": Aim("AI_ANSWER_BATCH against the article's function as printed", 60),
    "batch_vs_cached": Aim("the same, with its model cached and our stop rule", 10),
    "scalar_vs_article": Aim("GPT2_INFERENCE against the article's function as printed", 25),
    "batch_vs_te": Aim("AI_ANSWER_BATCH against exasol-transformers-extension 5.2.1", 15),
    "batch_vs_raw": Aim("AI_ANSWER_BATCH against the bare engine", 0.92),
    "prefix": Aim("shared prefixes, on against off", 1.6),
    "duplicates": Aim("every prompt ten times, collapsing on against off", 8),
    "int8_f1_delta": Aim("F1 of the default engine minus torch fp32, in points", -1.0),
    "first_answer_s": Aim("new process to first answer, in seconds", 3, "at most"),
    "second_process_memory": Aim("memory that a second process adds, over the first's", None),
}

TRAINING_AIMS: dict[str, Aim] = {
    "f1_tuned": Aim("F1 of the shipped adapter, through AI_ANSWER_BATCH in SQL", 70),
    "em_tuned": Aim("exact match of the same", 58),
    "f1_base": Aim("F1 of the base, shown four examples", None),
    "gain_low": Aim("lower end of the paired 95% interval of the F1 gain, in points", 30),
    "tokens_per_s_vs_trl": Aim("LoRA training, non-padding tokens a second, against TRL", 1.3),
    "resume_equal": Aim("a killed run goes on to the same bits", 1),
}

RECIPES_AIMS: dict[str, Aim] = {
    "scratch_bpb": Aim(
        "10 million parameters from scratch, ten minutes: bits a byte of held-out articles",
        3.2,
        "at most",
    ),
    "dpo_margin": Aim(
        "reward margin of held-out pairs after 60 steps over its start, lower end of the interval",
        0,
    ),
    "ddp_equal": Aim(
        "two processes against one, largest difference of a step's loss, in nats", 1e-4, "at most"
    ),
    "span_f1": Aim("F1 of the span recipe's encoder, through AI_ANSWER_BATCH in SQL", 55),
    "sweep_gain": Aim(
        "best of a sweep over the recipe's own settings, exact match in points", None
    ),
}

_ALL_AIMS = AIMS | TRAINING_AIMS | RECIPES_AIMS


@dataclass(frozen=True)
class Result:
    """One figure.

    :param key: one of :data:`AIMS`, :data:`TRAINING_AIMS` or :data:`RECIPES_AIMS`.
    :param value: None where this machine cannot measure it; the detail says why.
    :param detail: what was measured on both sides, in words and figures.
    """

    key: str
    value: float | bool | None
    detail: str

    def __post_init__(self) -> None:
        if self.key not in _ALL_AIMS:
            raise ValueError(f"{self.key} is no figure of the bench")


def result_table(results: Sequence[Result]) -> Table:
    """A row a figure, with its limit and how it came about."""
    table = Table(title="exallm beside what there is", title_justify="left", expand=True)
    table.add_column("key", style="bold", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("limit", justify="right", no_wrap=True)
    table.add_column("what", ratio=2)
    table.add_column("measured", ratio=5)
    for result in results:
        aim = _ALL_AIMS[result.key]
        table.add_row(
            result.key,
            _value(result, aim),
            _limit(aim),
            aim.what,
            result.detail,
        )
    return table


def markdown_table(results: Sequence[Result]) -> str:
    """The same table for a page."""
    lines = ["| key | value | limit | measured |", "|---|---|---|---|"]
    for result in results:
        aim = _ALL_AIMS[result.key]
        lines.append(
            f"| `{result.key}` | {_value(result, aim).plain} | {_limit(aim)} | "
            f"{aim.what}: {result.detail} |"
        )
    return "\n".join(lines)


def json_line(results: Sequence[Result], aims: Mapping[str, Aim] = AIMS) -> str:
    """All figures of a bench as one JSON object, null for what was not measured."""
    values = {result.key: result.value for result in results}
    figures = {key: values.get(key) for key in aims}
    return json.dumps(
        {
            key: _rounded(value) if isinstance(value, float) else value
            for key, value in figures.items()
        }
    )


def _rounded(value: float) -> float:
    """To three decimals, and of what is smaller to two digits."""
    return round(value, 3) if abs(value) >= 0.001 else float(f"{value:.1e}")


def _limit(aim: Aim) -> str:
    if aim.limit is None:
        return ""
    return f"{'>=' if aim.direction == 'at least' else '<='} {aim.limit:g}"


def _value(result: Result, aim: Aim) -> Text:
    if result.value is None:
        return Text("-", style="dim")
    if isinstance(result.value, bool):
        return Text(str(result.value).lower(), style="green" if result.value else "red")
    size = abs(result.value)
    shown = f"{result.value:.{1 if size >= 10 else 2}f}" if size >= 0.01 else f"{result.value:.1g}"
    return Text(shown, style="green" if aim.met_by(result.value) else "red")
