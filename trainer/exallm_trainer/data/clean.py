"""What does not belong to a text: tags, broken encodings, control characters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ftfy import TextFixerConfig, fix_text

from exallm_trainer.data.document import Document, Paragraph, Question, writable
from exallm_trainer.data.drops import Drops

# HTML's elements. What merely looks like a tag, as <EOS> or a < b, is left alone.
_INLINE = (
    "a|abbr|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|label|mark|q|s|samp|small|span"
    "|strike|strong|sub|sup|tt|u|var|wbr"
)
_BLOCK = (
    "address|article|aside|blockquote|body|br|button|caption|center|col|colgroup|dd|div|dl|dt"
    "|fieldset|figcaption|figure|footer|form|h[1-6]|head|header|hr|html|iframe|img|input|li|link"
    "|main|meta|nav|noscript|ol|option|p|pre|ref|script|section|select|style|svg|table|tbody|td"
    "|textarea|tfoot|th|thead|title|tr|ul|video"
)
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_UNSHOWN = re.compile(r"<(script|style)(?:\s[^<>]*)?>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--[^<>]*-->")
# Soft hyphens, marks of width and direction, and code points for private use: nobody sees them.
# The joiners U+200C and U+200D stay, since they are spelling in several scripts.
_UNSEEN = re.compile("[\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ue000-\uf8ff]")
_BLANKS = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r" ?\n ?")
_MANY_LINES = re.compile(r"\n{3,}")
_BROKEN = "\ufffd"
_BROKEN_AT_MOST = 0.01
# Quotation marks and full-width letters stay as they are: the rows of a database have them, too.
_FTFY = TextFixerConfig(
    unescape_html=True, uncurl_quotes=False, fix_character_width=False, explain=False
)


def clean_text(text: str) -> str:
    """The text without tags, with its encoding repaired (ftfy), in Unicode's composed form (NFC).

    Control and invisible characters go, blanks in a row become one, and more than two line breaks
    become two.
    """
    if "<" in text:
        text = _COMMENT.sub(" ", "".join(_shown(text)))
        text = _BLOCK_TAG.sub(" ", _INLINE_TAG.sub("", text))
    text = _UNSEEN.sub("", fix_text(text, _FTFY))
    text = _LINE_ENDS.sub("\n", _BLANKS.sub(" ", text))
    return _MANY_LINES.sub("\n\n", text).strip()


def cleaned(document: Document, drops: Drops) -> Document:
    """The document with every text cleaned, and without those that are then empty or unreadable.

    Context, question and answers are cleaned alike, so that what was in the context still is.
    """
    paragraphs = []
    for paragraph in document.paragraphs:
        text = clean_text(paragraph.text)
        if not text:
            drops.add_paragraph(document, "no text", paragraph)
        elif text.count(_BROKEN) > _BROKEN_AT_MOST * len(text):
            drops.add_paragraph(document, "broken encoding", paragraph)
        else:
            questions = tuple(_cleaned(paragraph, document.source, drops))
            paragraphs.append(replace(paragraph, text=text, questions=questions))
    return replace(document, name=writable(document.name), paragraphs=tuple(paragraphs))


def _cleaned(paragraph: Paragraph, source: str, drops: Drops) -> Iterator[Question]:
    for question in paragraph.questions:
        text = " ".join(clean_text(question.text).split())
        answers = dict.fromkeys(clean_text(answer) for answer in question.answers)
        answers.pop("", None)
        if not text:
            drops.add(source, "question", "no text", question.id)
        elif question.answers and not answers:
            drops.add(source, "question", "no text in the answers", question.id)
        else:
            first_stays = question.answers[:1] and clean_text(question.answers[0])
            occurrence = question.occurrence if first_stays else None
            yield Question(writable(question.id), text, tuple(answers), occurrence)


def _shown(text: str) -> Iterator[str]:
    """The parts outside of scripts and styles."""
    position = 0
    while opening := _UNSHOWN.search(text, position):
        closing = re.compile(rf"</{opening[1]}\s*>", re.IGNORECASE).search(text, opening.end())
        if closing is None:
            break
        yield text[position : opening.start()]
        yield " "
        position = closing.end()
    yield text[position:]
