"""IMPORT and EXPORT of CSV files, as statements.

The files are those that a client holds at the other end of a tunnel: ``AT 'http://address' FILE
'name'``. All other sources and destinations are refused by name.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field, replace

from exallm.local.sql.names import quoted
from exallm.local.sql.refusal import refused, syntax_error
from exallm.local.sql.token_reader import QualifiedName, TokenReader
from exallm.local.sql_error import SqlError

_URL = re.compile(r"(https?)://([0-9.]+):([0-9]{1,5})/?")
_HEX = re.compile(r"0[xX]([0-9a-fA-F]{2})+")
_ABBREVIATIONS = {"NUL": "\0", "TAB": "\t", "LF": "\n", "CR": "\r", "ESC": "\x1b"}
_ROW_SEPARATORS = {"LF": "\n", "CR": "\r", "CRLF": "\r\n"}
_ENCODINGS = re.compile(
    r"UTF-?8|UTF-?16(LE|BE)?|(US-)?ASCII|ISO-?8859-\d+|LATIN-?\d+|WINDOWS-\d+|CP\d+|IBM\d+|KOI8-[RU]"
    r"|SHIFT[_-]JIS|EUC-(JP|KR)|GBK|GB2312|GB18030|BIG5",
    re.IGNORECASE,
)
_COLUMN = re.compile(r"(\d+)(?:\s*\.\.\s*(\d+))?(?:\s+(FORMAT|DELIMIT)\s*=\s*(.*))?", re.I | re.S)
_MOST_COLUMNS = 10_000
_BOOLEANS = {
    "1/0": ("1", "0"),
    "T/F": ("T", "F"),
    "t/f": ("t", "f"),
    "Y/N": ("Y", "N"),
    "y/n": ("y", "n"),
    "TRUE/FALSE": ("TRUE", "FALSE"),
    "True/False": ("True", "False"),
    "true/false": ("true", "false"),
    "YES/NO": ("YES", "NO"),
    "Yes/No": ("Yes", "No"),
    "yes/no": ("yes", "no"),
}


@dataclass(frozen=True)
class CsvFormat:
    """How a file is written.

    :param separator: between columns.
    :param delimiter: around a value, '' for none; inside of it the delimiter is doubled.
    :param row_end: after each row.
    :param null: what stands for NULL, beside nothing at all.
    :param encoding: of its characters, by Python's name.
    """

    separator: str = ","
    delimiter: str = '"'
    row_end: str = "\n"
    null: str = ""
    encoding: str = "utf-8"

    def check(self) -> None:
        """:raises SqlError: 42000 where a reader could not tell its parts from each other."""
        parts = [self.separator, self.delimiter, self.row_end]
        if not self.separator or len(set(parts)) < len(parts) or self.delimiter in ("\r", "\n"):
            raise SqlError("42000", "the separators and the delimiter must differ from each other")


@dataclass(frozen=True)
class TransferFile:
    """A file at the other end of a tunnel.

    :param public_key: ``sha256//...`` of the client's certificate, None without TLS.
    :param columns: numbers of its columns from 1, in the order of the table's; None for all.
    :param formats: of dates and times, by their place in ``columns``.
    """

    is_secure: bool
    host: str
    port: int
    public_key: str | None
    name: str
    columns: tuple[int, ...] | None = None
    formats: tuple[str | None, ...] = ()

    @property
    def url(self) -> str:
        """Its address as SQL writes it."""
        return f"{'https' if self.is_secure else 'http'}://{self.host}:{self.port}"


@dataclass(frozen=True)
class Import:
    """``IMPORT INTO table FROM CSV AT ... FILE ...``.

    :param columns: of the table, None for all.
    :param skip: lines at the beginning of each file that are no rows.
    :param trim: ``TRIM``, ``LTRIM``, ``RTRIM`` or '' for spaces that stay.
    :param reject_limit: the most rows that may be left out for their errors, None for any number.
    """

    table: QualifiedName
    columns: tuple[str, ...] | None
    files: tuple[TransferFile, ...] = ()
    format: CsvFormat = field(default_factory=CsvFormat)
    skip: int = 0
    trim: str = ""
    reject_limit: int | None = 0


@dataclass(frozen=True)
class Export:
    """``EXPORT table | (query) INTO CSV AT ... FILE ...``.

    :param query: text of the query whose rows are written, in Exasol's SQL.
    :param delimit: ``AUTO``, ``ALWAYS`` or ``NEVER``.
    :param booleans: what stands for TRUE and for FALSE.
    """

    query: str
    files: tuple[TransferFile, ...] = ()
    format: CsvFormat = field(default_factory=CsvFormat)
    delimit: str = "AUTO"
    booleans: tuple[str, str] = ("1", "0")
    with_column_names: bool = False


def read_transfer(reader: TokenReader) -> Import | Export | None:
    """The statement, None where it is another one.

    :raises SqlError: 42000 for wrong syntax, 0A000 for what is not supported.
    """
    if reader.accept("IMPORT"):
        return _import(reader)
    return _export(reader) if reader.accept("EXPORT") else None


def _import(reader: TokenReader) -> Import:
    reader.expect("INTO")
    if reader.peek() == "(":
        raise refused(60, "IMPORT INTO (columns)", "import into a table")
    table, columns = reader.qualified_name(), _columns(reader)
    reader.expect("FROM")
    _expect_csv(reader, "IMPORT FROM")
    result = Import(table, columns, _files(reader))
    while not reader.at_end():
        result = _import_option(reader, result)
    result.format.check()
    return reader.finish(result)


def _import_option(reader: TokenReader, result: Import) -> Import:
    if _option(reader, "SKIP"):
        return replace(result, skip=reader.number())
    if reader.peek() in ("TRIM", "LTRIM", "RTRIM"):
        return replace(result, trim=reader.word())
    if reader.accept("REJECT", "LIMIT"):
        limit = None if reader.accept("UNLIMITED") else reader.number()
        reader.accept("ERRORS")
        return replace(result, reject_limit=limit)
    if reader.accept("ERRORS", "INTO"):
        raise refused(60, "ERRORS INTO", "REJECT LIMIT alone is supported")
    return replace(result, format=_format_option(reader, result.format))


def _export(reader: TokenReader) -> Export:
    if reader.peek() == "(":
        query = reader.enclosed()
    else:
        name, columns = reader.dotted(), _columns(reader)
        listed = ", ".join(map(quoted, columns)) if columns else "*"
        query = f"SELECT {listed} FROM {'.'.join(map(quoted, name))}"
    reader.expect("INTO")
    _expect_csv(reader, "EXPORT INTO")
    result = Export(query, _files(reader))
    while not reader.at_end():
        result = _export_option(reader, result)
    result.format.check()
    return reader.finish(result)


def _export_option(reader: TokenReader, result: Export) -> Export:
    if _option(reader, "DELIMIT"):
        word = reader.word()
        if word not in ("AUTO", "ALWAYS", "NEVER"):
            raise syntax_error(f"unexpected '{word}', expected AUTO, ALWAYS or NEVER")
        return replace(result, delimit=word)
    if _option(reader, "BOOLEAN"):
        words = reader.string()
        if words not in _BOOLEANS:
            raise SqlError("42000", f"BOOLEAN takes one of {', '.join(_BOOLEANS)}, not {words}")
        return replace(result, booleans=_BOOLEANS[words])
    if reader.accept("WITH", "COLUMN", "NAMES"):
        return replace(result, with_column_names=True)
    if reader.accept("REPLACE") or reader.accept("TRUNCATE"):
        return result  # the file at the end of a tunnel is always a new one
    if reader.peek() in ("ERRORS", "REJECT"):
        raise refused(60, f"{reader.word()} in EXPORT")
    return replace(result, format=_format_option(reader, result.format))


def _format_option(reader: TokenReader, form: CsvFormat) -> CsvFormat:
    if _option(reader, "ENCODING"):
        return replace(form, encoding=_encoding(reader.string()))
    if _option(reader, "NULL"):
        return replace(form, null=reader.string())
    if _option(reader, "ROW", "SEPARATOR"):
        word = reader.string()
        if word.upper() not in _ROW_SEPARATORS:
            raise refused(60, f"ROW SEPARATOR '{word}'", "use LF, CR or CRLF")
        return replace(form, row_end=_ROW_SEPARATORS[word.upper()])
    if _option(reader, "COLUMN", "SEPARATOR"):
        return replace(form, separator=_characters(reader.string()))
    if _option(reader, "COLUMN", "DELIMITER"):
        return replace(form, delimiter=_characters(reader.string()))
    raise syntax_error(f"unexpected '{reader.peek()}', expected an option of the file")


def _expect_csv(reader: TokenReader, place: str) -> None:
    if not reader.accept("CSV"):
        word = reader.word()
        remedy = "use CSV AT ... FILE; a client's driver turns LOCAL files into such" * (
            word == "LOCAL"
        )
        raise refused(60, f"{place} {word}", remedy or "use CSV AT ... FILE")


def _files(reader: TokenReader) -> tuple[TransferFile, ...]:
    files = [_file(reader)]
    while reader.peek() == "AT":
        files.append(_file(reader))
    if reader.peek() == "FILE":
        raise refused(60, "several FILEs at one address", "give each an address of its own")
    if len({(file.columns, file.formats) for file in files}) > 1:
        raise refused(60, "files with different columns")
    return tuple(files)


def _file(reader: TokenReader) -> TransferFile:
    reader.expect("AT")
    if not reader.at_string():
        raise refused(60, "a named connection in IMPORT and EXPORT", "use AT 'http://address'")
    address = reader.string()
    url = _URL.fullmatch(address)
    if url is None:
        raise refused(60, f"AT '{address}'", "use the import and export functions of the client")
    key = None
    if reader.accept("PUBLIC", "KEY"):
        key = reader.string()
    if reader.peek() in ("USER", "IDENTIFIED", "IGNORE", "VERIFY"):
        raise refused(60, f"{reader.peek()} in IMPORT and EXPORT")
    is_secure = url[1] == "https"
    if is_secure != (key is not None):
        raise SqlError("42636", f"AT '{address}' needs PUBLIC KEY with https, and only there")
    reader.expect("FILE")
    name = reader.string()
    if not re.fullmatch(r"[\w.-]+", name):
        raise SqlError("42000", f"FILE '{name}' has other characters than letters, digits, . _ -")
    columns, formats = _file_columns(reader)
    return TransferFile(is_secure, url[2], int(url[3]), key, name, columns, formats)


def _file_columns(reader: TokenReader) -> tuple[tuple[int, ...] | None, tuple[str | None, ...]]:
    """``(1..3, 5 FORMAT='YYYY')`` after a file's name."""
    if reader.peek() != "(":
        return None, ()
    numbers: list[int] = []
    formats: list[str | None] = []
    for text in reader.arguments():
        match = _COLUMN.fullmatch(text.strip())
        if match is None:
            raise syntax_error(f"{text} is no column of a file")
        if match[3] and match[3].upper() == "DELIMIT":
            raise refused(60, "DELIMIT of a single column")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= _MOST_COLUMNS:
            raise SqlError("42000", f"{text} is no column of a file")
        numbers += range(first, last + 1)
        form = TokenReader(match[4]).string() if match[4] else None
        formats += [form] * (last + 1 - first)
    return tuple(numbers), tuple(formats)


def _columns(reader: TokenReader) -> tuple[str, ...] | None:
    """The columns of a table that are listed behind its name; None where all are meant."""
    return reader.names() if reader.peek() == "(" else None


def _option(reader: TokenReader, *words: str) -> bool:
    """Whether the option of these words comes next; then its value is what is read next."""
    if not reader.accept(*words):
        return False
    reader.expect("=")
    return True


def _characters(text: str) -> str:
    """``;``, ``TAB`` or ``0x09`` as the characters that it stands for."""
    if _HEX.fullmatch(text):
        try:
            return bytes.fromhex(text[2:]).decode()
        except UnicodeDecodeError as error:
            raise SqlError("42000", f"{text} is no text in UTF-8") from error
    return _ABBREVIATIONS.get(text.upper(), text)


def _encoding(name: str) -> str:
    if not _ENCODINGS.fullmatch(name):
        raise refused(60, f"ENCODING '{name}'")
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise refused(60, f"ENCODING '{name}'") from error
