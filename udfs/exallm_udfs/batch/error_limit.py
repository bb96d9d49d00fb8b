"""How many rows of a group may fail before the statement does."""

from __future__ import annotations

from dataclasses import dataclass

from exallm_udfs.errors import ExallmError
from exallm_udfs.options import Options
from exallm_udfs.row_error import RowError


@dataclass
class _Count:
    rows: int = 0
    errors: int = 0
    first: str = ""


class ErrorLimit:
    """Counts rows by their options, which may differ from row to row.

    :param group_rows: the rows of the group, of which there may be no more of any options.
    """

    def __init__(self, group_rows: int) -> None:
        self._group_rows = group_rows
        self._counts: dict[Options, _Count] = {}

    def count(self, options: Options, error: RowError | None) -> None:
        """Count a row; raises E-EXALLM-ROW-5 as soon as its options allow no more errors."""
        if not options.fail_on_error and options.max_error_ratio is None:
            return
        count = self._counts.setdefault(options, _Count())
        count.rows += 1
        if error is None:
            return
        count.errors += 1
        count.first = count.first or f"{error.code}: {error.message}"
        ratio = options.max_error_ratio or 0.0
        if count.errors > ratio * self._group_rows:
            raise _exceeded(count, options)

    def finish(self) -> None:
        """Raise E-EXALLM-ROW-5 where more rows of some options failed than these allow."""
        for options, count in self._counts.items():
            if count.errors > (options.max_error_ratio or 0.0) * count.rows:
                raise _exceeded(count, options)


def _exceeded(count: _Count, options: Options) -> ExallmError:
    option = (
        "fail_on_error" if options.fail_on_error else f"max_error_ratio {options.max_error_ratio:g}"
    )
    return ExallmError(
        "E-EXALLM-ROW-5",
        f"{count.errors} of the first {count.rows} rows failed, more than {option} allows; the "
        f"first one with {count.first}",
        "leave the option out to get the errors as rows",
    )
