"""Files with one JSON object a line, each of them a dataclass."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from exallm_udfs.errors import ExallmError

_Value = TypeVar("_Value")


def write_json_lines(file: Path, values: Iterable[Any]) -> None:
    """Write dataclasses, one a line."""
    with file.open("w", encoding="utf-8", newline="\n") as lines:
        for value in values:
            lines.write(json.dumps(asdict(value), ensure_ascii=False, sort_keys=True) + "\n")


def read_json_lines(
    file: Path, made_of: Callable[[dict[str, Any]], _Value], what: str
) -> Iterator[_Value]:
    """What each line of a file holds that :func:`write_json_lines` wrote.

    :param made_of: the dataclass of an object; ``ValueError``, ``TypeError`` or ``KeyError`` where
        it is not one.
    :param what: how a message calls one of them, with its article.
    :raises ExallmError: E-EXALLM-DATA-4 where a line is not one.
    """
    with file.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                yield made_of(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise ExallmError(
                    "E-EXALLM-DATA-4",
                    f"{file}, line {number} is not {what}: {error}",
                    "prepare the data again",
                ) from error
