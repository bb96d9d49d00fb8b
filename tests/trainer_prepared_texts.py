"""A small prepared folder: contexts with a question each, and texts without any."""

from __future__ import annotations

import json
import random
from pathlib import Path

_WORDS = ("lantern", "harbour", "copper", "window", "orchard", "miller", "winter", "ferry")
# A word of the validation split alone.
ZEPPELIN = "zeppelin"


def prepare_texts(folder: Path) -> Path:
    """24 articles with a question each and 12 without; about a third of them for validation."""
    from exallm_trainer.data.prepare import PrepareRequest, prepare
    from exallm_trainer.data.settings import PrepareSettings
    from exallm_trainer.data.sources import parse_source

    settings = PrepareSettings(validation_share=0.3)
    lines = []
    for number in range(24):
        text = _article(f"Article {number}", settings.validation_share)
        lines += [f"# Article {number}", "", text, "? Which word is first?", f"= {text.split()[0]}"]
        lines.append("")
    (folder / "asked.txt").write_text("\n".join(lines), encoding="utf-8")
    rows = [
        {"document": name, "text": _article(name, settings.validation_share)}
        for name in (f"Note {number}" for number in range(12))
    ]
    (folder / "notes.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    sources = [f"questions:{folder / 'asked.txt'}", f"table:{folder / 'notes.jsonl'}"]
    request = PrepareRequest([parse_source(source) for source in sources], settings=settings)
    prepare(request, folder / "data")
    return folder / "data"


def _article(name: str, share: float) -> str:
    from exallm_trainer.data.split import is_validation

    generator = random.Random(name)
    words = [generator.choice(_WORDS) for _ in range(40)]
    if is_validation(name, share, seed=0):
        words[5] = ZEPPELIN
    return " ".join(words) + "."
