"""Documents as people write them, and as an attacker or a scanner does."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import pytest

pytest.importorskip("markitdown", reason="the trainer's packages are not installed")

from exallm_trainer.data.document import Document
from exallm_trainer.data.documents_source import DocumentsSource
from exallm_trainer.data.drops import Drops

pytestmark = pytest.mark.trainer


def read(path: Path) -> tuple[list[Document], dict[str, str]]:
    """The documents, and of each reason for a file that is left out its name."""
    drops = Drops()
    documents = list(DocumentsSource("docs", path).documents(drops))
    return documents, {d.reason: d.names[0] for d in drops.counts()}


def texts(documents: list[Document]) -> dict[str, list[str]]:
    return {d.name: [p.text for p in d.paragraphs] for d in documents}


def pdf(content: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of one page with a content stream."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        trailer,
        start,
    )
    return bytes(out)


def docx(document: bytes) -> bytes:
    """A DOCX with a main part."""
    names = b"http://schemas.openxmlformats.org"
    types = (
        b'<Types xmlns="%s/package/2006/content-types"><Default Extension="rels" ContentType='
        b'"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml"'
        b' ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document'
        b'.main+xml"/></Types>' % names
    )
    relations = (
        b'<Relationships xmlns="%s/package/2006/relationships"><Relationship Id="r1" Type='
        b'"%s/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
        b"</Relationships>" % (names, names)
    )
    main = (
        b'<w:document xmlns:w="%s/wordprocessingml/2006/main"><w:body>%s</w:body></w:document>'
        % (names, document)
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", relations)
        archive.writestr("word/document.xml", main)
    return packed.getvalue()


def test_each_form_becomes_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_bytes(b"One\r\n\r\n\r\nTwo")
    (tmp_path / "b.md").write_text("# Head\n\nSee [the page](http://x) ![i](i.png)now.")
    page = "<html><head><title>T</title><script>var x;</script></head><body><p>Über</p></body>"
    (tmp_path / "c.html").write_bytes(page.encode())
    (tmp_path / "d.docx").write_bytes(docx(b"<w:p><w:r><w:t>Hello there.</w:t></w:r></w:p>"))
    (tmp_path / "e.pdf").write_bytes(pdf(b"BT /F1 12 Tf 20 100 Td (Hello pages.) Tj ET"))
    (tmp_path / ".hidden.txt").write_text("secret")
    (tmp_path / "link.txt").symlink_to(tmp_path / "b.md")
    documents, dropped = read(tmp_path)
    assert texts(documents) == {
        "b.md": ["# Head", "See the page now."],
        "c.html": ["Über"],
        "d.docx": ["Hello there."],
        "e.pdf": ["Hello pages."],
        "sub/a.txt": ["One", "Two"],
    }
    assert dropped == {}


def test_html_in_the_encoding_that_it_declares(tmp_path: Path) -> None:
    page = '<html><head><meta charset="iso-8859-2"></head><body><p>Łódź</p></body></html>'
    (tmp_path / "a.html").write_bytes(page.encode("iso-8859-2"))
    assert texts(read(tmp_path)[0]) == {"a.html": ["Łódź"]}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.pdf", pdf(b""), "no text: empty, or a scan"),
        ("a.pdf", b"", "broken"),
        ("a.pdf", b"%PDF-1.7\nnothing", "broken"),
        ("a.html", b"<html><script>document.write('x')</script></html>", "no text"),
        ("a.html", b"", "no text"),
        ("a.docx", b"PK\x03\x04", "broken"),
        ("a.docx", docx(b""), "no text"),
        ("a.docx", docx(b" " * (16 << 20)), "unpacks to far more than it has"),
        ("a.txt", b" \n\n\t", "no text"),
        ("a.txt", b"\x7fELF\x00\x00", "binary, not text"),
        ("a.xyz", b"text", "a form that is not read"),
    ],
)
def test_files_that_give_no_text_are_left_out_by_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "good.txt").write_text("A text.")
    documents, dropped = read(tmp_path)
    assert texts(documents) == {"good.txt": ["A text."]}
    assert dropped == {reason: name}


def test_a_pdf_that_asks_for_a_password(tmp_path: Path) -> None:
    locked = (
        b"/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]"
        b" /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>"
        % (b"11" * 32, b"22" * 32)
    )
    (tmp_path / "a.pdf").write_bytes(pdf(b"BT (x) Tj ET", locked))
    assert read(tmp_path) == ([], {"protected by a password": "a.pdf"})


def test_a_pdf_that_inflates_without_end(tmp_path: Path) -> None:
    def page(content: bytes) -> bytes:
        packed = zlib.compress(content, 9)
        length = b"<< /Length %d >>\nstream\n" % len(packed)
        return pdf(packed).replace(length, length.replace(b">>", b"/Filter /FlateDecode >>"))

    (tmp_path / "a.pdf").write_bytes(page(b"BT /F1 12 Tf 20 100 Td (Hello.) Tj ET"))
    (tmp_path / "b.pdf").write_bytes(page(b" " * (129 << 20)))
    documents, dropped = read(tmp_path)
    assert texts(documents) == {"a.pdf": ["Hello."]}
    assert dropped == {"unpacks to far more than it has": "b.pdf"}


def test_a_file_that_is_too_large_is_left_out_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.txt").open("wb") as sparse:
        sparse.truncate(500 << 20)
    assert read(tmp_path) == ([], {"more than 64 MiB": "a.txt"})


def test_the_sha256_is_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("A")
    one = DocumentsSource("docs", tmp_path).sha256()
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    two = DocumentsSource("docs", tmp_path).sha256()
    (tmp_path / "b.txt").write_text("B")
    assert len({one, two, DocumentsSource("docs", tmp_path).sha256()}) == 3
