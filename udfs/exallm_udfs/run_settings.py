"""The settings of a batch run, which a caller gives as one JSON text."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from exallm_udfs.errors import ExallmError
from exallm_udfs.json_object import Fields, parse_object
from exallm_udfs.names import DEFAULT_ALIAS, ModelReference
from exallm_udfs.options import Options

CHUNK_ROWS_LIMIT = 1_000_000
BUDGET_LIMIT = 10**15
ON_BUDGET = ("refuse", "stop")
DEFAULT_MODEL = ModelReference("qa", DEFAULT_ALIAS)


@dataclass(frozen=True)
class Budget:
    """What a run may take; None has no end.

    :param tokens: of prompts and completions together.
    :param seconds: by the clock.
    """

    rows: int | None = None
    tokens: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class RunSettings:
    """How a batch runs.

    :param model: what answers.
    :param options: JSON of the function's own options, with sorted keys.
    :param chunk_rows: rows of one transaction.
    :param on_budget: whether a run that counts more than its budget is refused, or begins and
        stops.
    :param retry_errors: run the rows that failed before, and no others.
    :param dry_run: count, and change nothing.
    """

    model: ModelReference = DEFAULT_MODEL
    options: str = "{}"
    chunk_rows: int = 1000
    budget: Budget = Budget()
    on_budget: str = "refuse"
    retry_errors: bool = False
    dry_run: bool = False

    @classmethod
    def parse(cls, text: str | None) -> RunSettings:
        """Read the JSON text; NULL and ``{}`` ask for nothing.

        Raises E-EXALLM-SQL-1 where it is no JSON object, -2 for an unknown key, -3 for a value of
        another type or outside its limits, and E-EXALLM-MODEL-1 for what is no model reference.
        """
        try:
            values = Fields({} if text is None else parse_object(text), "settings")
        except ValueError as error:
            raise ExallmError(
                "E-EXALLM-SQL-1", f"the settings are {error}", """write them as '{"key": value}'"""
            ) from None
        _refuse_unknown(values, cls)
        try:
            return cls(**_read(values))
        except ValueError as error:
            raise ExallmError("E-EXALLM-SQL-3", str(error), "correct the value") from None


def _read(values: Fields) -> dict[str, Any]:
    readers = {
        "model": lambda key: ModelReference.parse(values.take_text(key)),
        "options": lambda key: _options(values.take_object(key)),
        "chunk_rows": lambda key: values.take_integer(key, 1, CHUNK_ROWS_LIMIT),
        "budget": lambda key: _budget(values.take_object(key)),
        "on_budget": lambda key: values.take_choice(key, ON_BUDGET),
        "retry_errors": values.take_boolean,
        "dry_run": values.take_boolean,
    }
    return {key: read(key) for key, read in readers.items() if key in values}


def _options(value: dict[str, Any]) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    Options.parse(text).refuse("model", "stands beside the options of a run")
    return text


def _budget(value: dict[str, Any]) -> Budget:
    values = Fields(value, "budget")
    _refuse_unknown(values, Budget)
    return Budget(
        rows=values.take_integer("rows", 0, BUDGET_LIMIT) if "rows" in values else None,
        tokens=values.take_integer("tokens", 0, BUDGET_LIMIT) if "tokens" in values else None,
        seconds=values.take_number("seconds", 0.0, 1e9) if "seconds" in values else None,
    )


def _refuse_unknown(values: Fields, kind: type[RunSettings] | type[Budget]) -> None:
    try:
        values.refuse_unknown(field.name for field in fields(kind))
    except ValueError as error:
        raise ExallmError(
            "E-EXALLM-SQL-2", str(error), "correct the key's spelling or leave it out"
        ) from None
