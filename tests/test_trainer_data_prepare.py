"""Preparing as a whole: what is kept, what is left out and why, what is refused."""

from __future__ import annotations

import errno
import json
import os
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasketch", reason="the trainer's packages are not installed")

from exallm_trainer.data import prepare as prepare_module
from exallm_trainer.data.card import read_card
from exallm_trainer.data.prepare import PrepareRequest, prepare
from exallm_trainer.data.prepared import FILES, Prepared, read_prepared
from exallm_trainer.data.settings import PrepareSettings
from exallm_trainer.data.sources import parse_source
from exallm_trainer.data.split import is_validation
from exallm_udfs.errors import ExallmError

pytestmark = pytest.mark.trainer

SETTINGS = PrepareSettings(validation_share=0.3)


def words(count: int, seed: int) -> str:
    """So many words that no other seed has."""
    draw = random.Random(seed)
    return " ".join(f"w{seed}x{draw.randrange(1000)}" for _ in range(count))


def articles(numbers: Sequence[int], length: int = 40) -> dict[str, list[dict[str, Any]]]:
    """Title to paragraphs; each with two questions, of which the second has no answer."""
    return {
        f"Article {number}": [
            {
                "context": (context := words(length, 10 * number + part)),
                "qas": [
                    {
                        "id": f"{number}.{part}.a",
                        "question": f"What is first in {number}.{part}?",
                        "answers": [{"text": context.split()[0]}],
                    },
                    {
                        "id": f"{number}.{part}.b",
                        "question": f"Why {number}.{part}?",
                        "answers": [],
                    },
                ],
            }
            for part in range(2)
        ]
        for number in numbers
    }


def squad(file: Path, content: dict[str, list[dict[str, Any]]]) -> str:
    """Write SQuAD's JSON; the source's name."""
    data = [{"title": title, "paragraphs": content[title]} for title in content]
    file.write_text(json.dumps({"data": data}), encoding="utf-8")
    return f"squad:{file}"


def request(*sources: str, held_out: Sequence[str] = (), **settings: Any) -> PrepareRequest:
    return PrepareRequest(
        [parse_source(source) for source in sources],
        [parse_source(source) for source in held_out],
        replace(SETTINGS, **settings),
    )


def dropped(prepared: Prepared) -> dict[tuple[str, str, str], int]:
    return {(d.source, d.unit, d.reason): d.count for d in prepared.card.dropped}


def documents(prepared: Prepared) -> tuple[set[str], set[str]]:
    train = {e.document for e in prepared.train} | {c.document for c in prepared.train_texts}
    held = {e.document for e in prepared.validation}
    return train, held | {c.document for c in prepared.validation_texts}


def error_of(asked: PrepareRequest, target: Path) -> ExallmError:
    with pytest.raises(ExallmError) as raised:
        prepare(asked, target)
    return raised.value


def test_the_same_sources_give_the_same_bytes_and_are_prepared_once(tmp_path: Path) -> None:
    source = squad(tmp_path / "a.json", articles(range(12)))
    steps: list[str] = []
    one = prepare(request(source), tmp_path / "one", steps.append)
    prepare(request(source), tmp_path / "two")
    for name in (*FILES, "card.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert "writing" in steps
    steps.clear()
    again = prepare(request(source), tmp_path / "one", steps.append)
    assert again == one == read_prepared(tmp_path / "one")
    assert "writing" not in steps
    assert len(one.train) + len(one.validation) == 48
    assert one.card.dropped == ()


def test_another_setting_is_refused_in_the_same_folder(tmp_path: Path) -> None:
    source = squad(tmp_path / "a.json", articles(range(12)))
    prepare(request(source), tmp_path / "out")
    assert error_of(request(source, seed=1), tmp_path / "out").code == "E-EXALLM-DATA-14"
    squad(tmp_path / "a.json", articles(range(13)))
    assert error_of(request(source), tmp_path / "out").code == "E-EXALLM-DATA-14"


def test_the_split_is_by_document_and_an_added_source_moves_none(tmp_path: Path) -> None:
    first = squad(tmp_path / "a.json", articles(range(12)))
    second = squad(tmp_path / "b.json", articles(range(12, 30)))
    train, validation = documents(prepare(request(first), tmp_path / "one"))
    more_train, more_validation = documents(prepare(request(first, second), tmp_path / "two"))
    assert train and validation and not train & validation
    assert train < more_train and validation < more_validation
    assert not more_train & more_validation


def test_the_share_and_the_seed_decide_the_split() -> None:
    names = [f"d{n}" for n in range(4000)]
    chosen = {name for name in names if is_validation(name, 0.1, 0)}
    assert 330 < len(chosen) < 470
    assert chosen < {name for name in names if is_validation(name, 0.2, 0)}
    assert chosen != {name for name in names if is_validation(name, 0.1, 1)}
    assert not any(is_validation(name, 0, 0) for name in names)


def test_a_held_out_set_that_is_a_source_is_refused_by_name_and_count(tmp_path: Path) -> None:
    source = squad(tmp_path / "a.json", articles(range(12)))
    held = squad(tmp_path / "exam.json", articles([3]))
    error = error_of(request(source, held_out=[held]), tmp_path / "out")
    assert error.code == "E-EXALLM-DATA-12"
    assert error.problem == (
        "2 paragraphs of the held-out set exam stand in the sources, first in Article 3 of a"
    )
    assert not (tmp_path / "out").exists()


def test_a_held_out_paragraph_is_found_in_other_clothes(tmp_path: Path) -> None:
    content = articles(range(12))
    held = squad(tmp_path / "exam.json", {"Other": [dict(content["Article 3"][0])]})
    paragraph = content["Article 3"][0]
    paragraph["context"] = f"<p>{paragraph['context'].upper().replace(' ', ',  ')}</p>"
    source = squad(tmp_path / "a.json", content)
    assert error_of(request(source, held_out=[held]), tmp_path / "out").code == "E-EXALLM-DATA-12"


def test_shared_text_shared_titles_and_shared_questions_are_left_out(tmp_path: Path) -> None:
    content = articles(range(12))
    exam = articles([50, 51, 52])
    exam["Article 4"] = exam.pop("Article 52")
    # Thirteen words in a row are too many, twelve are not.
    content["Article 1"][0]["context"] += " " + " ".join(
        exam["Article 50"][0]["context"].split()[:13]
    )
    content["Article 2"][0]["context"] += " " + " ".join(
        exam["Article 50"][1]["context"].split()[:12]
    )
    # The same question about a text of which every twelfth word is another.
    told = exam["Article 51"][0]["context"].split()
    told[::12] = ["changed"] * len(told[::12])
    question = exam["Article 51"][0]["qas"][1]["question"]
    content["Article 5"].append(
        {
            "context": " ".join(told),
            "qas": [
                {"id": "x", "question": question.upper(), "answers": []},
                {"id": "y", "question": "Another?", "answers": []},
            ],
        }
    )
    # The same question about something else.
    content["Article 6"][0]["qas"][1]["question"] = question
    prepared = prepare(
        request(
            squad(tmp_path / "a.json", content), held_out=[squad(tmp_path / "exam.json", exam)]
        ),
        tmp_path / "out",
    )
    assert dropped(prepared) == {
        ("a", "paragraph", "shares text with held-out exam"): 1,
        ("a", "question", "shares text with held-out exam"): 2,
        ("a", "paragraph", "has a title of held-out exam"): 2,
        ("a", "question", "has a title of held-out exam"): 4,
        ("a", "question", "is asked in held-out exam"): 1,
    }
    assert {"y", "6.0.b"} < {e.id for e in prepared.train + prepared.validation}
    (card,) = prepared.card.held_out
    assert (card.name, card.documents, card.paragraphs, card.questions) == ("exam", 3, 6, 12)


def test_duplicates_go_and_their_questions_move_to_the_first(tmp_path: Path) -> None:
    content, other = articles(range(12)), articles([20, 21])
    same, near = other["Article 20"][0], other["Article 21"][0]
    original = content["Article 0"][0]["context"]
    same["context"] = original.replace(" ", "  ")
    same["qas"] = [
        {"id": "new", "question": "New?", "answers": [{"text": original.split()[3]}]},
        {"id": "old", "question": "what is FIRST in 0.0", "answers": []},
        {"id": "lost", "question": "Lost?", "answers": [{"text": "nowhere"}]},
    ]
    near["context"] = content["Article 1"][0]["context"] + " end"
    near["qas"][0]["answers"] = [{"text": "end"}]
    prepared = prepare(
        request(squad(tmp_path / "a.json", content), squad(tmp_path / "b.json", other)),
        tmp_path / "out",
    )
    assert dropped(prepared) == {
        ("b", "paragraph", "duplicate"): 1,
        ("b", "question", "duplicate"): 1,
        ("b", "question", "answer not in its context"): 1,
        ("b", "paragraph", "near duplicate"): 1,
        ("b", "question", "near duplicate"): 2,
    }
    moved = {e.id: e for e in prepared.train + prepared.validation}["new"]
    assert (moved.document, moved.source, moved.context) == ("Article 0", "a", original)


def test_every_question_that_is_read_is_kept_or_counted(tmp_path: Path) -> None:
    content = articles(range(20))
    draw = random.Random(1)
    for paragraphs in content.values():
        for paragraph in paragraphs:
            kind = draw.randrange(5)
            if kind == 0:
                paragraph["context"] = "<br>"
            elif kind == 1:
                paragraph["context"] = content["Article 0"][1]["context"]
            elif kind == 2:
                paragraph["qas"][0]["answers"] = [{"text": "nowhere"}]
            elif kind == 3:
                paragraph["qas"][1]["question"] = ""
    prepared = prepare(request(squad(tmp_path / "a.json", content)), tmp_path / "out")
    left_out = sum(d.count for d in prepared.card.dropped if d.unit == "question")
    kept = len(prepared.train) + len(prepared.validation)
    assert prepared.card.sources[0].questions == 80 == kept + left_out
    assert left_out > 20
    for example in prepared.train + prepared.validation:
        assert all(answer in example.context for answer in example.answers)


def test_documents_become_chunks_of_text(tmp_path: Path) -> None:
    folder = tmp_path / "handbook"
    folder.mkdir()
    for number in range(12):
        text = f"All rights reserved\n\n{words(30, number)}\n\n{words(30, 100 + number)}"
        (folder / f"{number}.txt").write_text(text, encoding="utf-8")
    (folder / "scan.docx").write_bytes(b"")
    prepared = prepare(request(f"documents:{folder}", chunk_words=40), tmp_path / "out")
    assert prepared.train == prepared.validation == []
    chunks = prepared.train_texts + prepared.validation_texts
    assert len(chunks) == 24
    assert {(c.source, c.document, c.position) for c in chunks} == {
        ("handbook", f"{n}.txt", position) for n in range(12) for position in (0, 1)
    }
    assert dropped(prepared) == {
        ("handbook", "file", "broken"): 1,
        ("handbook", "line", "boilerplate"): 12,
        ("handbook", "paragraph", "boilerplate"): 12,
    }
    assert "markitdown" in prepared.card.versions
    assert prepared.card.train.texts == len(prepared.train_texts)


def test_a_source_without_text_is_refused_with_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "a.docx").write_bytes(b"")
    error = error_of(request(f"documents:{tmp_path / 'scans'}"), tmp_path / "out")
    assert str(error).startswith(
        "E-EXALLM-DATA-7: the source scans gives no text (a.docx: broken); "
    )
    source = squad(tmp_path / "a.json", articles(range(9)))
    empty = squad(tmp_path / "exam.json", {})
    error = error_of(request(source, held_out=[empty]), tmp_path / "out")
    assert error.problem == "the held-out set exam holds no text"


def test_a_split_that_would_be_empty_is_refused(tmp_path: Path) -> None:
    source = squad(tmp_path / "a.json", articles([1]))
    assert error_of(request(source, validation_share=0.01), tmp_path / "o").code == (
        "E-EXALLM-DATA-13"
    )
    prepared = prepare(request(source, validation_share=0), tmp_path / "o")
    assert (len(prepared.train), prepared.validation) == (4, [])


def test_sources_of_which_nothing_is_left_are_refused_with_the_reasons(tmp_path: Path) -> None:
    content = articles([1])
    for paragraph in content["Article 1"]:
        paragraph["qas"] = [{"id": "1", "question": "Why?", "answers": [{"text": "nowhere"}]}]
    error = error_of(request(squad(tmp_path / "a.json", content)), tmp_path / "o")
    assert error.code == "E-EXALLM-DATA-13"
    assert error.problem == (
        "nothing is left to train on: 2 of a for 'no question left';"
        " 2 of a for 'answer not in its context'"
    )


def test_names_and_texts_that_are_no_unicode(tmp_path: Path) -> None:
    content = articles(range(12))
    content["broken \ud800 title"] = content.pop("Article 3")
    content["Article 4"][0]["qas"][0].update(id="\udc80", question="Which \ud800?")
    (tmp_path / "a.json").write_text(
        json.dumps({"data": [{"title": t, "paragraphs": content[t]} for t in content]})
    )
    folder = tmp_path / "docs"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.txt")).write_text(words(40, 999))
    Path(os.fsdecode(os.fsencode(folder) + b"/\xfe.docx")).write_bytes(b"")
    prepared = prepare(
        request(f"squad:{tmp_path / 'a.json'}", f"documents:{folder}"), tmp_path / "out"
    )
    assert read_prepared(tmp_path / "out") == prepared
    names = set().union(*documents(prepared))
    assert {r"broken \ud800 title", r"\udcff.txt"} < names
    asked = {e.id: e.question for e in prepared.train + prepared.validation}
    assert asked[r"\udc80"] == "Which \ufffd?"
    assert prepared.card.dropped[0].names == (r"\udcfe.docx",)


def test_the_card_tells_what_it_is_made_from_and_no_path(tmp_path: Path) -> None:
    source = squad(tmp_path / "a.json", articles(range(12)))
    asked = request(source)
    asked = replace(asked, sources=[replace(asked.sources[0], licence="CC0-1.0")])
    prepared = prepare(asked, tmp_path / "out")
    (told,) = prepared.card.sources
    assert (told.kind, told.location, told.licence) == ("squad", "a.json", "CC0-1.0")
    assert (told.documents, told.paragraphs, told.questions) == (12, 24, 48)
    assert prepared.card.settings == {
        "validation_share": 0.3,
        "seed": 0,
        "chunk_words": 200,
        "near_duplicate": 0.8,
        "shared_words": 13,
    }
    assert str(tmp_path) not in (tmp_path / "out" / "card.json").read_text(encoding="utf-8")
    assert read_card(tmp_path / "out") == prepared.card


def test_a_folder_that_is_not_whole_or_was_changed_is_not_read(tmp_path: Path) -> None:
    source = squad(tmp_path / "a.json", articles(range(12)))
    out = tmp_path / "out"
    prepare(request(source), out)
    (out / "train.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-15.*train.jsonl"):
        read_prepared(out)
    (out / "card.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-15.*card.json"):
        read_prepared(out)
    (out / "card.json").unlink()
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-15.*card.json"):
        read_prepared(out)
    assert prepare(request(source), out) == read_prepared(out)


def test_a_full_disk_leaves_no_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    source = squad(tmp_path / "a.json", articles(range(12)))
    with monkeypatch.context() as full:
        full.setattr(prepare_module, "write_chunks", refuse)
        error = error_of(request(source), tmp_path / "out")
    assert error.code == "E-EXALLM-DATA-17"
    assert not (tmp_path / "out" / "card.json").exists()
    assert prepare(request(source), tmp_path / "out").train


def test_requests_and_settings_that_contradict_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-5"):
        request()
    with pytest.raises(ExallmError, match="two sources have the name a"):
        request("squad:a.json", "table:a.csv")
    for wrong in (
        {"validation_share": 1.0},
        {"chunk_words": 1},
        {"near_duplicate": 0.0},
        {"shared_words": 4},
    ):
        with pytest.raises(ExallmError, match="E-EXALLM-DATA-16"):
            request("squad:a.json", **wrong)
