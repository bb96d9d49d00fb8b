"""Files as text: bounded in size, whatever their encoding."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from exallm_udfs.errors import ExallmError

MAX_LINE = 16 << 20
"""Bytes that a line of a table or of questions may have."""
MAX_FILE = 256 << 20
"""Bytes that a file may have that has to be read as a whole."""
_CHUNK = 1 << 22


def read_bytes(file: Path, at_most: int = MAX_FILE) -> bytes:
    """The whole file.

    :raises ExallmError: E-EXALLM-DATA-6 where it cannot be read, -9 where it is too large.
    """
    try:
        size = file.stat().st_size
        if size > at_most:
            raise too_long(f"{file} has {size} bytes, and at most {at_most} can be read")
        return file.read_bytes()
    except OSError as error:
        raise unreadable(file, error) from error


def read_text(file: Path) -> str:
    """The whole file as :func:`decode` gives it; errors as of :func:`read_bytes`."""
    return decode(read_bytes(file))


def decode(data: bytes) -> str:
    """Bytes as text: by byte order mark, else UTF-8, line by line.

    Lines that are no UTF-8 are decoded together in the encoding that charset-normalizer finds for
    them, Windows-1252 where it finds none. So a file in one old encoding and a file that mixes one
    with UTF-8 both come out readable.
    """
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_lines(data.split(b"\n"))


def utf8_lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file with their numbers from 1; memory holds one line.

    :raises ExallmError: E-EXALLM-DATA-1, -6 or -9: no UTF-8, not readable, a line too long.
    """
    try:
        with file.open("rb") as stream:
            number = 0
            while line := stream.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise too_long(f"{file}, line {number} has more than {MAX_LINE} bytes")
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise not_utf8(file, number) from error
    except OSError as error:
        raise unreadable(file, error) from error


def sha256_of_file(file: Path) -> str:
    """Of its bytes.

    :raises ExallmError: E-EXALLM-DATA-6 where it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with file.open("rb") as content:
            while chunk := content.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise unreadable(file, error) from error
    return digest.hexdigest()


def sha256_of_names(digests: Iterable[tuple[str, str]]) -> str:
    """One sha256 for files: of a line ``sha256  name`` each, in the order of the names.

    :param digests: name and sha256 of each file.
    """
    listing = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests))
    return hashlib.sha256(listing.encode("utf-8", errors="surrogateescape")).hexdigest()


def unreadable(path: Path, error: OSError) -> ExallmError:
    """E-EXALLM-DATA-6 for what the file system says."""
    return ExallmError(
        "E-EXALLM-DATA-6", f"{path} cannot be read: {error.strerror}", "check the source's path"
    )


def too_long(problem: str) -> ExallmError:
    """E-EXALLM-DATA-9."""
    return ExallmError(
        "E-EXALLM-DATA-9", problem, "divide it, or see whether it is what the source says it is"
    )


def not_utf8(file: Path, line: int) -> ExallmError:
    """E-EXALLM-DATA-1."""
    return ExallmError(
        "E-EXALLM-DATA-1", f"{file}, line {line} is no UTF-8 text", "convert the file to UTF-8"
    )


def _decode_lines(lines: list[bytes]) -> str:
    from charset_normalizer import from_bytes

    texts: list[str | None] = []
    for line in lines:
        try:
            texts.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            texts.append(None)
    other = [line for line, text in zip(lines, texts, strict=True) if text is None]
    found = from_bytes(b"\n".join(other)).best()
    encoding = found.encoding if found is not None else "cp1252"
    return "\n".join(
        line.decode(encoding, errors="replace") if text is None else text
        for line, text in zip(lines, texts, strict=True)
    )
