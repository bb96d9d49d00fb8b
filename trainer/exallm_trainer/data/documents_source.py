"""Documents that people write: PDF, HTML, DOCX, Markdown and plain text."""

from __future__ import annotations

import os
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from exallm_trainer.data.document import Document, Paragraph
from exallm_trainer.data.drops import Drops
from exallm_trainer.data.file_text import (
    decode,
    read_bytes,
    sha256_of_file,
    sha256_of_names,
    unreadable,
)

_MAX_FILE = 64 << 20
# A DOCX is XML, which seldom packs to less than a twentieth.
_MAX_UNPACKED = 128 << 20
_MAX_RATIO = 100
_RATIO_COUNTS_FROM = 8 << 20
_BLOCK = 1 << 20
_PDF_STREAM = re.compile(rb"stream\r?\n")
_BETWEEN_PARAGRAPHS = re.compile(r"\n\s*\n")
_IMAGE = re.compile(r"!\[[^\[\]]*\]\([^()]*\)")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()]*\)")


class UnusableError(Exception):
    """Why a file gives no text; the reason that is counted."""


@dataclass(frozen=True)
class DocumentsSource:
    """A file, or all files of a folder and those below it; hidden ones and links are passed over.

    A file that gives no text is left out and counted by its reason; the rest is read.
    """

    name: str
    path: Path
    licence: str | None = None

    @property
    def location(self) -> str:
        return self.path.resolve().name

    def files(self) -> list[tuple[str, Path]]:
        """What is read, by its path below the folder, in that order.

        :raises ExallmError: E-EXALLM-DATA-6 where the folder cannot be read.
        """
        if self.path.is_file():
            return [(self.path.name, self.path)]
        return sorted((file.relative_to(self.path).as_posix(), file) for file in _files(self.path))

    def sha256(self) -> str:
        """Of the names and contents of the files."""
        return sha256_of_names((name, sha256_of_file(file)) for name, file in self.files())

    def documents(self, drops: Drops) -> Iterator[Document]:
        """Each file as one document, its paragraphs as blank lines divide them.

        :raises ExallmError: E-EXALLM-DATA-6 where the file system refuses.
        """
        for name, file in self.files():
            try:
                paragraphs = _paragraphs(_text(file))
            except UnusableError as reason:
                drops.add(self.name, "file", str(reason), name)
                continue
            yield Document(self.name, name, tuple(map(Paragraph, paragraphs)))


def _files(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise unreadable(folder, error)

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(parent, name)
            if not name.startswith(".") and not file.is_symlink():
                yield file


def _paragraphs(text: str) -> list[str]:
    paragraphs = [part.strip() for part in _BETWEEN_PARAGRAPHS.split(text)]
    if not any(paragraphs):
        raise UnusableError("no text")
    return [paragraph for paragraph in paragraphs if paragraph]


def _text(file: Path) -> str:
    """The file's text; :raises UnusableError: with the reason where it gives none."""
    reader = _READERS.get(file.suffix.casefold())
    if reader is None:
        raise UnusableError("a form that is not read")
    if file.stat().st_size > _MAX_FILE:
        raise UnusableError("more than 64 MiB")
    return reader(read_bytes(file))


def _plain(data: bytes) -> str:
    if b"\x00" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnusableError("binary, not text")
    return decode(data).replace("\r\n", "\n")


def _markdown(data: bytes) -> str:
    """Without images and the targets of links."""
    return _LINK.sub(r"\1", _IMAGE.sub("", _plain(data)))


def _html(data: bytes) -> str:
    """Its encoding is the one that the page declares, where it keeps to it."""
    from bs4.dammit import UnicodeDammit
    from markitdown.converters import HtmlConverter

    page = UnicodeDammit(data, is_html=True).unicode_markup
    if not page:
        raise UnusableError("no text")
    return _converted(HtmlConverter(), page.encode("utf-8", errors="replace"), ".html")


def _docx(data: bytes) -> str:
    from markitdown.converters import DocxConverter

    _refuse_bomb(data)
    return _converted(DocxConverter(), data, ".docx")


def _pdf(data: bytes) -> str:
    from markitdown.converters import PdfConverter
    from pdfminer.pdfdocument import PDFDocument, PDFPasswordIncorrect
    from pdfminer.pdfexceptions import PDFException
    from pdfminer.pdfparser import PDFParser
    from pdfminer.psexceptions import PSException

    _refuse_inflating(data)
    try:
        PDFDocument(PDFParser(BytesIO(data)))
    except PDFPasswordIncorrect as error:
        raise UnusableError("protected by a password") from error
    except (PDFException, PSException) as error:
        raise UnusableError("broken") from error
    text = _converted(PdfConverter(), data, ".pdf")
    if not text.strip():
        raise UnusableError("no text: empty, or a scan")
    return text


def _converted(converter: object, data: bytes, extension: str) -> str:
    """Markdown of a converter of markitdown, without images and the targets of links."""
    from markitdown import StreamInfo

    info = StreamInfo(extension=extension, charset="utf-8")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = converter.convert(BytesIO(data), info)  # type: ignore[attr-defined]
    except Exception as error:  # a library a form, each with errors of its own
        raise UnusableError("broken") from error
    return _LINK.sub(r"\1", _IMAGE.sub("", str(result.markdown)))


def _refuse_bomb(data: bytes) -> None:
    """Refuse an archive by what it says it unpacks to; zipfile reads no more than that."""
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise UnusableError("broken") from error
    ratio = unpacked / max(len(data), 1)
    if unpacked > _MAX_UNPACKED or (unpacked > _RATIO_COUNTS_FROM and ratio > _MAX_RATIO):
        raise UnusableError("unpacks to far more than it has")


def _refuse_inflating(data: bytes) -> None:
    """Refuse a PDF with a stream that inflates without end; pdfminer would hold all of it."""
    view = memoryview(data)
    for stream in _PDF_STREAM.finditer(data):
        inflater, size = zlib.decompressobj(), 0
        try:
            for at in range(stream.end(), len(data), _BLOCK):
                pending = bytes(view[at : at + _BLOCK])
                while pending and not inflater.eof:
                    size += len(inflater.decompress(pending, _BLOCK))
                    pending = inflater.unconsumed_tail
                    if size > _MAX_UNPACKED:
                        raise UnusableError("unpacks to far more than it has")
                if inflater.eof:
                    break
        except zlib.error:  # another filter than deflate, or none
            continue


_READERS: dict[str, Callable[[bytes], str]] = {
    ".pdf": _pdf,
    ".html": _html,
    ".htm": _html,
    ".docx": _docx,
    ".md": _markdown,
    ".markdown": _markdown,
    ".txt": _plain,
}
