"""``exallm data synthesize``: from passages to marked questions that prepared data tells of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("datasketch", reason="the trainer's packages are not installed")

from exallm.cli.main import exallm
from exallm_trainer.data.prepare import PrepareRequest, prepare
from exallm_trainer.data.settings import PrepareSettings
from exallm_trainer.data.sources import parse_source
from exallm_trainer.evaluate.answers import GivenAnswer, Observer
from exallm_trainer.example import Example
from exallm_trainer.synthesize import prompt
from exallm_trainer.synthesize.generator import Completion, ModelIdentity
from exallm_trainer.synthesize.prompt import PROMPT_VERSION, synthesis_prompt
from exallm_trainer.synthesize.second_model import SecondModel
from exallm_trainer.synthesize.settings import SynthesisSettings
from exallm_trainer.synthesize.synthesize import SynthesisRequest, synthesize
from exallm_udfs.errors import ExallmError
from exallm_udfs.prompt import ContextQuestion
from tests.chat_server import ChatServer, chat_server, refusal, said
from tests.trainer_tiny_models import EXAMPLES, save_tiny_model, save_tiny_run

pytestmark = pytest.mark.trainer

TOWNS = ("Leith", "Oslo", "Turin", "Graz", "Basel", "Porto")
WRITER = ModelIdentity("writer", "w" * 64)


def passage(town: str) -> str:
    year = 1600 + TOWNS.index(town)
    trades = " ".join(f"{town.lower()}{at}" for at in range(12))
    return f"The mill of {town} was built in {year} by Hugo Varga. Its trades were {trades}."


@pytest.fixture
def books(tmp_path: Path) -> str:
    """Six documents of one passage each."""
    folder = tmp_path / "books"
    folder.mkdir()
    for town in TOWNS:
        (folder / f"{town}.txt").write_text(passage(town), encoding="utf-8")
    return f"documents:{folder}"


def two_questions(town: str) -> str:
    year = 1600 + TOWNS.index(town)
    return (
        f"Question: When was the mill of {town} built?\nAnswer: {year}\n"
        f"Question: Who built the mill of {town}?\nAnswer: Hugo Varga\n"
    )


def town_of(text: str) -> str:
    return next(town for town in TOWNS if f"mill of {town} was" in text)


class Writer:
    """Writes what a test says about each passage; it may break off."""

    at_once = 2

    def __init__(self, write: Callable[[str], str] = two_questions, breaks_after: int = 99) -> None:
        self.identity = WRITER
        self.prompts: list[str] = []
        self._write, self._left = write, breaks_after

    def complete(self, prompts: Sequence[str]) -> Iterator[tuple[int, Completion]]:
        self._left -= 1
        if self._left < 0:
            raise KeyboardInterrupt
        self.prompts += prompts
        for at, text in enumerate(prompts):
            yield at, Completion(self._write(town_of(text)), False)


class Knowing:
    """Answers every question with the year, whatever was asked."""

    def answer(self, questions: Sequence[ContextQuestion], observe: Observer) -> list[GivenAnswer]:
        years = [str(1600 + TOWNS.index(town_of(asked.context))) for asked in questions]
        return [GivenAnswer(year) for year in years]


SECOND = SecondModel(ModelIdentity("second", None), Knowing())


def request(source: str, writer: Writer, **settings: Any) -> SynthesisRequest:
    return SynthesisRequest(
        [parse_source(source)], writer, settings=SynthesisSettings(questions=2, **settings)
    )


def counts(record: dict[str, Any]) -> dict[str, int]:
    return {entry["reason"]: entry["count"] for entry in record["dropped"]}


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "questions.jsonl").read_text().splitlines()]


def test_questions_are_marked_with_where_they_came_from(books: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    record = synthesize(request(books, Writer()), out)
    assert (record["passages"], record["written"], record["kept"]) == (6, 12, 12)
    assert record["second"] is None and record["generator"] == WRITER.values()
    found = rows(out)
    assert len({row["id"] for row in found}) == 12
    first = found[0]
    town = town_of(first["context"])
    assert first["context"] == passage(town)
    assert first["document"] == f"{town}.txt"
    mark = first["synthetic"]
    assert (mark["generator"], mark["prompt_version"]) == ("writer", PROMPT_VERSION)
    assert (mark["generator_sha256"], mark["passage_source"]) == ("w" * 64, "books")
    assert record["first_generated_at"] <= mark["generated_at"] <= record["last_generated_at"]
    assert mark["generated_at"].endswith("Z") and len(mark["passage_sha256"]) == 64


def test_half_a_character_in_a_reply_stops_nothing(books: str, tmp_path: Path) -> None:
    def with_half(town: str) -> str:
        return two_questions(town).replace(f"built the mill of {town}?", f"built \ud83d {town}?")

    record = synthesize(request(books, Writer(with_half)), tmp_path / "out")
    assert record["kept"] == 12
    asked = [row["question"] for row in rows(tmp_path / "out")]
    assert "Who built \\ud83d Leith?" in asked


def test_the_data_card_says_that_a_model_wrote_them(books: str, tmp_path: Path) -> None:
    record = synthesize(replace(request(books, Writer()), second=SECOND), tmp_path / "out")
    prepared = prepare(
        PrepareRequest(
            [parse_source(f"synthetic:{tmp_path / 'out'}")],
            settings=PrepareSettings(validation_share=0.0),
        ),
        tmp_path / "data",
    )
    card = prepared.card.sources[0]
    assert (card.name, card.kind, card.questions) == ("out", "synthetic", 6)
    assert card.synthetic is not None
    assert card.synthetic["generator"]["name"] == "writer"
    assert card.synthetic["second"] == {"name": "second", "sha256": None}
    assert card.synthetic["first_generated_at"] == record["first_generated_at"]
    assert {example.answers for example in prepared.train} == {(str(1600 + at),) for at in range(6)}
    assert all(example.id.startswith("synthetic/") for example in prepared.train)


def test_the_second_model_has_to_agree(books: str, tmp_path: Path) -> None:
    record = synthesize(replace(request(books, Writer()), second=SECOND), tmp_path / "out")
    assert counts(record) == {"the second model answers otherwise": 6}
    assert {row["answers"][0] for row in rows(tmp_path / "out")} == {
        str(1600 + at) for at in range(6)
    }


def test_each_reason_is_counted(books: str, tmp_path: Path) -> None:
    def write(town: str) -> str:
        wrong = {
            "Leith": "Question: Who owned it then?\nAnswer: Ines Ferro\n",
            "Oslo": "Question: Who?\nAnswer: Hugo Varga\n",
            "Turin": "Question: When was the MILL of Turin built?\nAnswer: 1602\n",
            "Graz": "Question: Whom does one write to at hugo@graz.example?\nAnswer: Hugo Varga\n",
            "Basel": "Question: Which damn miller built it?\nAnswer: Hugo Varga\n",
            "Porto": "Question: Where is it?\n",
        }
        return two_questions(town) + wrong[town]

    asked = replace(request(books, Writer(write)), harmful_words=("damn",))
    record = synthesize(asked, tmp_path / "out")
    assert counts(record) == {
        "answer not in its passage": 1,
        "question too short": 1,
        "duplicate": 1,
        "personal data: e-mail": 1,
        "harmful word": 1,
        "not in the form asked for": 1,
    }
    assert record["kept"] == 12 and record["written"] == 17
    assert "hugo@graz.example" not in (tmp_path / "out" / "synthesis.json").read_text()


def test_a_classifier_of_the_user_has_its_say(books: str, tmp_path: Path) -> None:
    class Strict:
        identity = ModelIdentity("strict", None)

        def harm(self, texts: Sequence[str]) -> list[float]:
            return [0.5 if text.startswith("Who") else 0.49 for text in texts]

    record = synthesize(replace(request(books, Writer()), classifier=Strict()), tmp_path / "out")
    assert counts(record) == {"harmful by the classifier": 6}
    assert record["classifier"] == {"name": "strict", "sha256": None}


def test_a_call_that_was_killed_goes_on(books: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = Writer(breaks_after=2)
    with pytest.raises(KeyboardInterrupt):
        synthesize(request(books, first), out)
    assert len(first.prompts) == 4 and not (out / "synthesis.json").exists()
    with (out / "generations.jsonl").open("a") as lines:
        lines.write('{"passage_sha256": "cut')
    second = Writer()
    record = synthesize(request(books, second), out)
    assert len(second.prompts) == 2 and record["kept"] == 12
    assert not set(first.prompts) & set(second.prompts)
    assert len((out / "generations.jsonl").read_text().splitlines()) == 6
    third = Writer()
    assert synthesize(request(books, third), out) == record and third.prompts == []
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-14"):
        synthesize(request(books, Writer(), passages=2), out)


@pytest.mark.parametrize(("file", "text"), [("generations.jsonl", "{}\n"), ("synthesis.json", "[")])
def test_a_folder_with_something_else_is_refused(
    file: str, text: str, books: str, tmp_path: Path
) -> None:
    (tmp_path / file).write_text(text)
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-33.*is broken"):
        synthesize(request(books, Writer()), tmp_path)


def test_passages_are_spread_and_asked_once(books: str, tmp_path: Path) -> None:
    (tmp_path / "books" / "copy.txt").write_text(passage("Leith"))
    writer = Writer()
    record = synthesize(request(books, writer), tmp_path / "all")
    assert record["passages"] == 6 and counts(record) == {"duplicate": 1}
    some = Writer()
    assert synthesize(request(books, some, passages=3), tmp_path / "some")["passages"] == 3
    assert some.prompts == writer.prompts[::2]


def test_nothing_that_is_good_enough_is_an_error(books: str, tmp_path: Path) -> None:
    writer = Writer(lambda town: "I would rather not.")
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-35.*6 for 'not in the form asked for'"):
        synthesize(request(books, writer), tmp_path / "out")
    assert not (tmp_path / "out" / "synthesis.json").exists()


def test_a_passage_that_the_writer_has_no_room_for_is_told(books: str, tmp_path: Path) -> None:
    class Small(Writer):
        def complete(self, prompts: Sequence[str]) -> Iterator[tuple[int, Completion]]:
            yield 0, Completion("", True)
            for _, completion in super().complete(prompts[1:]):
                yield 1, completion

    record = synthesize(request(books, Small()), tmp_path / "out")
    assert counts(record) == {"no room for it in the writer": 3} and record["kept"] == 6


class Choosy(Writer):
    """Refuses to write about some towns."""

    def __init__(self, refused: Sequence[str]) -> None:
        super().__init__()
        self._refused = refused

    def complete(self, prompts: Sequence[str]) -> Iterator[tuple[int, Completion]]:
        for at, completion in super().complete(prompts):
            refused = town_of(prompts[at]) in self._refused
            yield at, Completion("as asked", False, "status 400") if refused else completion


def test_a_passage_that_the_writer_refuses_is_counted(books: str, tmp_path: Path) -> None:
    record = synthesize(request(books, Choosy(["Graz", "Oslo"])), tmp_path / "out")
    assert counts(record) == {"the writer refuses it: status 400": 2} and record["kept"] == 8
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-31.*6 prompts: status 400, as asked"):
        synthesize(request(books, Choosy(TOWNS)), tmp_path / "none")


def test_what_was_written_before_an_error_is_kept(books: str, tmp_path: Path) -> None:
    class Breaking(Writer):
        def complete(self, prompts: Sequence[str]) -> Iterator[tuple[int, Completion]]:
            for _, completion in super().complete(prompts[:1]):
                yield 0, completion
            raise ExallmError("E-EXALLM-DATA-31", "the host is silent", "check it")

    with pytest.raises(ExallmError, match="E-EXALLM-DATA-31"):
        synthesize(request(books, Breaking()), tmp_path / "out")
    assert len((tmp_path / "out" / "generations.jsonl").read_text().splitlines()) == 1


def test_a_question_that_the_second_model_refuses_is_counted(books: str, tmp_path: Path) -> None:
    class Silent(Knowing):
        def answer(
            self, questions: Sequence[ContextQuestion], observe: Observer
        ) -> list[GivenAnswer]:
            return [GivenAnswer(None, refused=True), *super().answer(questions[1:], observe)]

    second = SecondModel(ModelIdentity("second", None), Silent())
    record = synthesize(replace(request(books, Writer()), second=second), tmp_path / "out")
    reasons = counts(record)
    assert reasons["the second model refuses it"] == 1 and record["kept"] == 5


def test_a_model_does_not_judge_itself(books: str) -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-30.*the writer itself"):
        replace(request(books, Writer()), second=SecondModel(WRITER, Knowing()))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("synthesis.json", None),
        ("synthesis.json", "{"),
        ("synthesis.json", "{}"),
        ("questions.jsonl", "{}\n"),
    ],
)
def test_a_folder_that_is_not_whole_is_no_source(
    file: str, text: str | None, books: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    synthesize(request(books, Writer()), out)
    if text is None:
        (out / file).unlink()
    else:
        (out / file).write_text(text)
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-33"):
        prepare(PrepareRequest([parse_source(f"synthetic:{out}")]), tmp_path / "data")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    """A writer on the loopback, which also answers."""

    def answer(body: dict[str, Any]) -> Any:
        town = town_of(body["messages"][0]["content"])
        if body["model"] == "second":
            return said(str(1600 + TOWNS.index(town)))
        return said(two_questions(town))

    with chat_server(answer) as running:
        yield running


def call(*arguments: str | Path, keys: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(
        exallm, ["data", "synthesize", *map(str, arguments)], env={**(keys or {})}
    )


def test_the_command_with_two_addresses(server: ChatServer, books: str, tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("damn\n")
    options = ["--source", books, "--generator", server.url, "--generator-model", "large"]
    options += ["--second", server.url, "--second-model", "second", "--questions", "2"]
    options += ["--harmful-words", str(words), "--out", str(tmp_path / "out")]
    keys = {"GENERATOR_KEY": "sk-one", "SECOND_KEY": "sk-two"}
    shown = call(*options, keys=keys)
    assert shown.exit_code == 0, shown.output
    assert "6 of 12 questions are kept, about 6 passages" in shown.output
    assert "the second model answers otherwise" in shown.output
    assert {
        (r["model"], h["authorization"])
        for r, h in zip(server.requests, server.headers, strict=True)
    } == {
        ("large", "Bearer sk-one"),
        ("second", "Bearer sk-two"),
    }
    written = "".join(file.read_text() for file in (tmp_path / "out").iterdir())
    assert "sk-" not in shown.output + written
    record = json.loads(call(*options, "--json", keys=keys).stdout)
    assert record["second"] == {"name": "second", "sha256": None}
    arguments = ["data", "prepare", "--validation-share", "0"]
    prepared = CliRunner().invoke(
        exallm,
        [*arguments, "--source", f"synthetic:{tmp_path / 'out'}", "--out", str(tmp_path / "data")],
    )
    assert "out, which a model wrote" in prepared.output


def test_the_command_refuses_what_does_not_go_together(books: str, tmp_path: Path) -> None:
    common = ["--source", books, "--out", str(tmp_path / "out"), "--generator"]
    for options, told in (
        (["https://host/v1"], "--generator-model is missing"),
        ([str(tmp_path), "--generator-model", "x"], "there is none"),
        ([str(tmp_path), "--harm-label", "x"], "belong together"),
    ):
        result = call(*common, *options)
        assert result.exit_code == 2 and told in result.output


def test_a_server_that_refuses_ends_the_command(books: str, tmp_path: Path) -> None:
    with chat_server(lambda body: refusal(401, "who are you")) as running:
        options = ["--generator", running.url, "--generator-model", "x", "--source", books]
        result = call(*options, "--out", tmp_path / "out")
    assert isinstance(result.exception, ExallmError)
    assert "status 401, who are you" in str(result.exception)


class Written(Example):
    """What a tiny model learns to write about a passage."""

    def prompt(self) -> str:
        return synthesis_prompt(self.context, 1)

    def completion(self) -> str:
        return f"Question: {self.question}\nAnswer: {self.answers[0]}\n\nPassage:\n"


def test_the_command_with_models_of_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = EXAMPLES[0]
    # A tiny model learns a short prompt sooner.
    monkeypatch.setattr(prompt, "_PROMPT", "{count} about: {passage}\n")
    writing = Written(**vars(learnt))
    save_tiny_model(tmp_path / "writer", learnt=[writing])
    run = save_tiny_run(tmp_path / "run")
    file = tmp_path / "mill.txt"
    file.write_text(learnt.context)
    options = ["--source", f"documents:{file}", "--generator", tmp_path / "writer", "--cpu"]
    options += ["--second", run, "--questions", "1", "--out", tmp_path / "out", "--json"]
    result = call(*options)
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert (record["written"], record["kept"]) == (1, 1)
    assert len(record["generator"]["sha256"]) == 64 and record["second"]["name"] == "run/best"
    found = rows(tmp_path / "out")[0]
    assert (found["question"], found["answers"]) == (learnt.question, ["1682"])
