"""Lists of harmful words that the user names."""

from __future__ import annotations

from pathlib import Path

from exallm_trainer.data.document import words_of
from exallm_trainer.data.file_text import utf8_lines
from exallm_trainer.synthesize.settings import refused


def read_word_list(file: Path) -> tuple[str, ...]:
    """A word or phrase a line; blank lines and those that begin with ``#`` say nothing.

    :raises ExallmError: E-EXALLM-DATA-1, -6 or -9 where it cannot be read, E-EXALLM-DATA-30 where
        it has no words.
    """
    lines = (line.strip() for _, line in utf8_lines(file))
    found = tuple(line for line in lines if not line.startswith("#") and words_of(line))
    if not found:
        raise refused(f"{file} holds no words", "write a word or phrase a line")
    return found
