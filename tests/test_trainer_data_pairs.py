"""Preference pairs: read from tables, left out by reason, split like everything else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

pytest.importorskip("datasketch", reason="the trainer's packages are not installed")

from exallm_trainer.data.prepare import PrepareRequest, prepare
from exallm_trainer.data.prepared import PAIRS_FILES, Prepared, read_prepared
from exallm_trainer.data.settings import PrepareSettings
from exallm_trainer.data.sources import parse_source
from exallm_trainer.preference_pair import PreferencePair
from exallm_udfs.errors import ExallmError

pytestmark = pytest.mark.trainer

Rows = Sequence[Mapping[str, Any]]
HELD_OUT = (
    "The lighthouse keeper counted nineteen ships on the longest night of that very cold year."
)


def row(number: int, **changed: Any) -> dict[str, Any]:
    values = {
        "prompt": f"Question: what is {number} plus {number}?\nAnswer:",
        "chosen": str(2 * number),
        "rejected": str(number),
        "document": f"sums {number}",
    }
    return values | changed


def jsonl(folder: Path, rows: Rows, name: str = "pairs.jsonl") -> str:
    (folder / name).write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return f"pairs:{folder / name}"


def prepared(
    out: Path, *sources: str, held_out: Sequence[str] = (), share: float = 0.3
) -> Prepared:
    asked = PrepareRequest(
        [parse_source(source) for source in sources],
        [parse_source(source) for source in held_out],
        PrepareSettings(validation_share=share),
    )
    return prepare(asked, out)


def refusal(out: Path, *sources: str, **options: Any) -> ExallmError:
    with pytest.raises(ExallmError) as raised:
        prepared(out, *sources, **options)
    return raised.value


def reasons(data: Prepared) -> dict[str, int]:
    return {entry.reason: entry.count for entry in data.card.dropped if entry.unit == "pair"}


def test_pairs_are_split_by_document_and_read_again(tmp_path: Path) -> None:
    rows = [row(n, rejected=str(n + wrong)) for n in range(1, 21) for wrong in (0, 30)]
    data = prepared(tmp_path / "out", jsonl(tmp_path, rows))
    train = {pair.document for pair in data.train_pairs}
    validation = {pair.document for pair in data.validation_pairs}
    assert train and validation and not train & validation
    assert len(data.train_pairs) + len(data.validation_pairs) == 40
    assert data.card.sources[0].pairs == 40 and data.card.dropped == ()
    assert data.card.train.pairs == len(data.train_pairs)
    assert (data.card.train.documents, data.card.train.examples) == (len(train), 0)
    assert read_prepared(tmp_path / "out") == data
    first = min(data.train_pairs + data.validation_pairs, key=lambda pair: len(pair.prompt))
    assert first.completions()[0] == f" {first.chosen}\n"


def test_every_kind_of_table_gives_the_same_pairs(tmp_path: Path) -> None:
    rows = [row(n, id=f"p{n}") for n in range(1, 9)]
    jsonl(tmp_path, rows)
    (tmp_path / "pairs.json").write_text(json.dumps({"data": rows}), encoding="utf-8")
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "pairs.parquet")
    names = list(rows[0])
    lines = [",".join(names)] + [",".join(f'"{each[name]}"' for name in names) for each in rows]
    (tmp_path / "pairs.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found: list[list[PreferencePair]] = []
    for ending in ("jsonl", "json", "parquet", "csv"):
        source = f"pairs:{tmp_path / 'pairs'}.{ending}"
        found.append(prepared(tmp_path / ending, source, share=0).train_pairs)
    assert len(found[0]) == 8 and all(each == found[0] for each in found)


def test_what_teaches_nothing_is_left_out_by_its_reason(tmp_path: Path) -> None:
    (tmp_path / "exam.txt").write_text(
        f"# Exam\n\n{HELD_OUT}\n? How many ships?\n= nineteen\n", encoding="utf-8"
    )
    rows = [
        row(1),
        row(2, chosen="2 ", rejected=" 2"),
        row(1, chosen=" 2", id="again"),
        row(1, chosen="1", rejected="2"),
        row(3, rejected=None),
        row(4, rejected="\ud800"),
        row(5, prompt=f"Context: {HELD_OUT}\nQuestion: who?\nAnswer:"),
        row(6, document="Exam"),
    ]
    held_out = [f"questions:{tmp_path / 'exam.txt'}"]
    data = prepared(tmp_path / "out", jsonl(tmp_path, rows), held_out=held_out, share=0)
    assert [pair.chosen for pair in data.train_pairs] == ["2"]
    assert reasons(data) == {
        "chosen equals rejected": 1,
        "duplicate": 1,
        "an earlier pair prefers the opposite": 1,
        "no text": 1,
        "broken encoding": 1,
        "shares text with held-out exam": 1,
        "has a title of held-out exam": 1,
    }
    assert data.card.sources[0].pairs == len(rows)


def test_a_source_of_pairs_that_are_all_equal_is_refused(tmp_path: Path) -> None:
    source = jsonl(tmp_path, [row(n, rejected=str(2 * n)) for n in range(3)])
    error = refusal(tmp_path / "out", source)
    assert error.code == "E-EXALLM-DATA-40" and "3 of them: chosen equals rejected" in str(error)
    assert not (tmp_path / "out" / "card.json").exists()


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([{"prompt": "p", "chosen": "c"}], "E-EXALLM-DATA-2"),
        ([row(1, chosen=[{"role": "assistant", "content": "2"}])], "E-EXALLM-DATA-3"),
        ([row(1, prompt=1.5)], "E-EXALLM-DATA-3"),
        (["no object"], "E-EXALLM-DATA-8"),
    ],
)
def test_tables_without_pairs_are_refused(tmp_path: Path, rows: Rows, code: str) -> None:
    assert refusal(tmp_path / "out", jsonl(tmp_path, rows)).code == code


def test_a_split_without_pairs_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path / "out", jsonl(tmp_path, [row(1)]), share=0.01)
    assert error.code == "E-EXALLM-DATA-13" and "validation" in str(error)


def test_pairs_hold_nothing_out(tmp_path: Path) -> None:
    source = jsonl(tmp_path, [row(n) for n in range(20)])
    error = refusal(tmp_path / "out", source, held_out=[source])
    assert error.code == "E-EXALLM-DATA-5"


def test_data_without_pairs_has_no_files_of_pairs(tmp_path: Path) -> None:
    lines = [f"# A{n}\n\nIn {n} stood a mill.\n? When, {n}?\n= {n}\n" for n in range(20)]
    (tmp_path / "own.txt").write_text("\n".join(lines), encoding="utf-8")
    data = prepared(tmp_path / "out", f"questions:{tmp_path / 'own.txt'}")
    assert data.train and data.train_pairs == data.validation_pairs == []
    assert not any((tmp_path / "out" / name).exists() for name in PAIRS_FILES)
    # As a folder of an earlier version says it.
    card = json.loads((tmp_path / "out" / "card.json").read_text(encoding="utf-8"))
    for part in (*card["sources"], card["train"], card["validation"]):
        del part["pairs"]
    (tmp_path / "out" / "card.json").write_text(json.dumps(card), encoding="utf-8")
    assert read_prepared(tmp_path / "out") == data


def test_questions_and_pairs_of_a_document_fall_to_the_same_side(tmp_path: Path) -> None:
    lines = [f"# A{n}\n\nIn {n} stood a mill.\n? When, {n}?\n= {n}\n" for n in range(20)]
    (tmp_path / "own.txt").write_text("\n".join(lines), encoding="utf-8")
    pairs = jsonl(tmp_path, [row(n, document=f"own/A{n}") for n in range(1, 20)])
    data = prepared(tmp_path / "out", f"questions:{tmp_path / 'own.txt'}", pairs)
    asked = {example.document for example in data.validation}
    assert {pair.document for pair in data.validation_pairs} <= asked
    assert data.card.validation.documents == len(asked)
