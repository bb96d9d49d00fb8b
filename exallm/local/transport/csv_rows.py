"""The bytes of a CSV file, made ready for a reader that knows one kind of line only.

The reader takes LF, CR and CRLF alike for the end of a row. In Exasol one of them ends rows and the
others are characters of values. So whatever ends a row becomes LF here, and the others become
bytes that UTF-8 never has; :meth:`CsvRows.restored` turns them back in the values.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from exallm.local.sql.transfers import CsvFormat
from exallm.local.sql_error import SqlError

_LF, _CR = b"\n", b"\r"
_FOR_LF, _FOR_CR, _FOR_END = b"\xfe", b"\xff", b"\xfd"
_NO_UTF8 = (_FOR_LF, _FOR_CR, _FOR_END)
_COMMENT = b"#"


class CsvRows:
    """The rows of one file: no comments, no skipped lines, LF at every end.

    :param skip: lines to leave out at the beginning.
    """

    def __init__(self, form: CsvFormat, skip: int) -> None:
        self._form = form
        self._skip = skip
        self._delimiter = form.delimiter.encode()
        self._inside = False  # of delimiters, where the current piece begins
        self._at_line_start = True
        self._in_comment = False
        self._changed = form.row_end != "\n"

    def pieces(self, data: Iterable[bytes]) -> Iterator[bytes]:
        """The file's data, in UTF-8; :raises SqlError: 42636 for bytes of another encoding."""
        for piece in self._ends_unified(self._decoded(data)):
            rows = self._without_comments(self._after_skipped(piece))
            if rows:
                yield rows

    def restored(self, values: pa.Array) -> pa.Array:
        """Values as read, as texts with their own line ends.

        :raises SqlError: 42636 for bytes that are no UTF-8.
        """
        if self._changed:
            for found, meant in self._replacements():
                values = pc.replace_substring(values, pattern=found, replacement=meant)
        try:
            return values.cast(pa.string())
        except pa.ArrowInvalid as error:
            raise self._wrong_encoding() from error

    def _replacements(self) -> tuple[tuple[bytes, bytes], ...]:
        match self._form.row_end:
            case "\r\n":
                return ((_LF, _CR + _LF), (_FOR_LF, _LF), (_FOR_CR, _CR))
            case "\r":
                return ((_LF, _CR), (_FOR_LF, _LF))
        return ((_FOR_CR, _CR),)

    def _decoded(self, data: Iterable[bytes]) -> Iterator[bytes]:
        if self._form.encoding == "utf-8":
            yield from data
            return
        decoder = codecs.getincrementaldecoder(self._form.encoding)()
        try:
            for piece in data:
                yield decoder.decode(piece).encode()
            yield decoder.decode(b"", final=True).encode()
        except UnicodeDecodeError as error:
            raise self._wrong_encoding() from error

    def _ends_unified(self, data: Iterable[bytes]) -> Iterator[bytes]:
        held = b""  # a CR whose LF may be the beginning of the next piece
        for piece in data:
            piece = held + piece
            held = _CR if self._form.row_end == "\r\n" and piece.endswith(_CR) else b""
            yield self._unified(piece[: len(piece) - len(held)])
        yield self._unified(held)

    def _unified(self, piece: bytes) -> bytes:
        row_end = self._form.row_end.encode()
        if any(byte in piece for byte in _NO_UTF8):
            raise self._wrong_encoding()
        if row_end == _LF and _CR not in piece:
            return piece
        self._changed = True
        if row_end == _LF:
            return piece.replace(_CR, _FOR_CR)
        piece = piece.replace(row_end, _FOR_END)
        return piece.replace(_LF, _FOR_LF).replace(_CR, _FOR_CR).replace(_FOR_END, _LF)

    def _after_skipped(self, piece: bytes) -> bytes:
        while self._skip and piece:
            _, end, piece = piece.partition(_LF)
            self._skip -= bool(end)
        return piece

    def _without_comments(self, piece: bytes) -> bytes:
        """The piece without lines that begin with # outside delimiters."""
        kept: list[bytes] = []
        while piece:
            if self._in_comment:
                _, end, piece = piece.partition(_LF)
                self._in_comment, self._at_line_start = not end, True
                continue
            place = self._comment_in(piece)
            rows = piece if place < 0 else piece[:place]
            if self._delimiter:
                self._inside ^= rows.count(self._delimiter) % 2 == 1
            if rows:
                self._at_line_start = rows.endswith(_LF)
            kept.append(rows)
            piece = piece[len(rows) :]
            # A # inside delimiters is a character of a value: step over it.
            self._in_comment = bool(piece) and not self._inside
            if piece and self._inside:
                kept.append(_COMMENT)
                piece, self._at_line_start = piece[1:], False
        return b"".join(kept)

    def _comment_in(self, piece: bytes) -> int:
        """Where the next line that begins with # begins, -1 for nowhere."""
        if self._at_line_start and piece.startswith(_COMMENT):
            return 0
        place = piece.find(_LF + _COMMENT)
        return place + 1 if place >= 0 else -1

    def _wrong_encoding(self) -> SqlError:
        return SqlError(
            "42636", f"ETL-5105: the file has characters that are not {self._form.encoding.upper()}"
        )
