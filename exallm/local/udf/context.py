"""The object ``ctx`` that ``run(ctx)`` gets, as strict as in the real runtime.

What is taken from where (the public source of the UDF client, if nothing else is said):

- columns: ``ctx.name``, ``ctx['name']``, ``ctx[0]``, by the names as written; 1082 and 1085 for a
  name that is not there, 1081 and 1084 after the last row;
- SCALAR: ``next`` and ``reset`` raise 1107, ``size`` is the engine's batch; ``get_dataframe`` never
  advances and repeats the row (inferred, not read), so 'all' would not end and is refused;
- SET: ``get_dataframe`` gives None once at the end, after that 1106 until ``reset``; 1103 to 1105
  for its arguments;
- RETURNS: ``emit`` raises 1107.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from exallm.local.udf.emission import Emission
from exallm_udfs.errors import ExallmError

if TYPE_CHECKING:
    import pandas

Row = tuple[Any, ...]


class GroupRows(Protocol):
    """The rows of one group, at least one."""

    @property
    def size(self) -> int:
        """How many rows there are."""

    def chunks(self) -> Iterator[Sequence[Row]]:
        """The rows from the first one on, in chunks of one row at least."""


class ListedRows:
    """The rows of a group that are all in memory."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self.size = len(rows)

    def chunks(self) -> Iterator[Sequence[Row]]:
        yield self._rows


class Context:
    """What SCALAR and SET contexts have in common: columns and ``emit``.

    :param names: the input columns' names, as the script sees them.
    :param emission: where ``emit`` goes, None for a RETURNS script.
    """

    def __init__(self, names: Sequence[str], emission: Emission | None) -> None:
        self._names = list(names)
        self._positions: dict[Any, int] = {name: index for index, name in enumerate(names)}
        self._positions.update({index: index for index in range(len(names))})
        self._emission = emission
        self._row: Row | None = None

    def __getitem__(self, key: Any) -> Any:
        if self._row is None:
            raise RuntimeError("E-UDF-CL-SL-PYTHON-1081: Iteration finished")
        position = self._positions.get(key)
        if position is None:
            problem = f"Column with name '{key}' does not exist"
            raise RuntimeError(f"E-UDF-CL-SL-PYTHON-1082: {problem}")
        return self._row[position]

    def __getattr__(self, name: str) -> Any:
        if self._row is None:
            raise RuntimeError("E-UDF-CL-SL-PYTHON-1084: Iteration finished")
        position = self._positions.get(name)
        if position is None:
            problem = f"Iterator has no object with name '{name}'"
            raise RuntimeError(f"E-UDF-CL-SL-PYTHON-1085: {problem}")
        return self._row[position]

    def emit(self, *values: Any) -> None:
        """Emit one row, or the rows of a DataFrame; see :meth:`Emission.emit`."""
        if self._emission is None:
            _disallowed()
        self._emission.emit(*values)

    def _check_frame_arguments(self, num_rows: Any, start_col: Any) -> None:
        prefix = "E-UDF-CL-SL-PYTHON"
        if num_rows != "all" and (type(num_rows) is not int or num_rows <= 0):
            raise RuntimeError(
                f"{prefix}-1103: get_dataframe() parameter 'num_rows' must be 'all' "
                "or an integer > 0"
            )
        if type(start_col) is not int or start_col < 0:
            raise RuntimeError(
                f"{prefix}-1104: get_dataframe() parameter 'start_col' must be an integer >= 0"
            )
        if start_col > len(self._names):
            raise RuntimeError(
                f"{prefix}-1105: get_dataframe() parameter 'start_col' is {start_col}, "
                f"but there are only {len(self._names)} input columns"
            )

    def _frame(self, rows: Sequence[Row], start_col: int) -> pandas.DataFrame:
        import pandas  # only a script that asks for a frame waits for it

        values = rows if start_col == 0 else [row[start_col:] for row in rows]
        names = self._names[start_col:]
        return pandas.DataFrame(values, columns=names, index=range(len(rows)))


class ScalarContext(Context):
    """The context of a SCALAR script: one row at a time, moved by the runtime only."""

    def __init__(self, names: Sequence[str], emission: Emission | None, batch_size: int) -> None:
        super().__init__(names, emission)
        self._batch_size = batch_size

    def next(self, *_args: Any, **_keywords: Any) -> NoReturn:
        """Raise 1107."""
        _disallowed()

    def reset(self, *_args: Any, **_keywords: Any) -> NoReturn:
        """Raise 1107."""
        _disallowed()

    def size(self) -> int:
        """The rows of the engine's batch, of which this row is one."""
        return self._batch_size

    def get_dataframe(self, num_rows: int | str = 1, start_col: int = 0) -> pandas.DataFrame:
        """The row, ``num_rows`` times.

        :raises ExallmError: E-EXALLM-LOCAL-21 for 'all', which has no end in a SCALAR script.
        """
        self._check_frame_arguments(num_rows, start_col)
        if self._row is None:
            raise RuntimeError("E-UDF-CL-SL-PYTHON-1106: Iteration finished")
        if not isinstance(num_rows, int):
            raise ExallmError(
                "E-EXALLM-LOCAL-21",
                "get_dataframe('all') repeats the row of a SCALAR script without end",
                "call get_dataframe() for the row, or make it a SET script",
            )
        return self._frame([self._row] * num_rows, start_col)


class SetContext(Context):
    """The context of a SET script: a cursor on the rows of one group, at first on the first."""

    def __init__(self, names: Sequence[str], emission: Emission | None, rows: GroupRows) -> None:
        super().__init__(names, emission)
        self._rows = rows
        self._frames_ended = False
        self._chunks: Iterator[Sequence[Row]] = iter(())
        self._chunk: Sequence[Row] = ()
        self._index = 0
        self._rewind()

    def next(self, reset: bool = False) -> bool:
        """Move to the next row, or to the first; False, and no row, after the last one."""
        if reset:
            self._rewind()
            return True
        if self._row is None:
            return False
        self._index += 1
        if self._index == len(self._chunk):
            self._chunk = next(self._chunks, ())
            self._index = 0
        self._row = self._chunk[self._index] if self._chunk else None
        return self._row is not None

    def reset(self) -> bool:
        """Move to the first row."""
        self._frames_ended = False
        return self.next(reset=True)

    def size(self) -> int:
        """The rows of the group."""
        return self._rows.size

    def get_dataframe(self, num_rows: int | str = 1, start_col: int = 0) -> pandas.DataFrame | None:
        """The next ``num_rows`` rows (fewer at the end) from the current one on, or 'all'.

        :returns: a frame with the columns from ``start_col`` on; None once after the last row.
        :raises RuntimeError: 1106 when called again after None.
        """
        self._check_frame_arguments(num_rows, start_col)
        if self._frames_ended:
            raise RuntimeError("E-UDF-CL-SL-PYTHON-1106: Iteration finished")
        if self._row is None:
            self._frames_ended = True
            return None
        wanted = num_rows if isinstance(num_rows, int) else self._rows.size
        return self._frame(self._take(wanted), start_col)

    def _rewind(self) -> None:
        self._chunks = self._rows.chunks()
        self._chunk = next(self._chunks)
        self._index = 0
        self._row = self._chunk[0]

    def _take(self, count: int) -> list[Row]:
        taken: list[Row] = []
        while self._row is not None and len(taken) < count:
            piece = self._chunk[self._index : self._index + count - len(taken)]
            taken.extend(piece)
            self._index += len(piece) - 1
            self.next()
        return taken


def _disallowed() -> NoReturn:
    raise RuntimeError(
        "F-UDF-CL-SL-PYTHON-1107: next(), reset() and emit() functions are not allowed "
        "in scalar context"
    )
