"""The folder of synthetic questions: what was written, what was kept, and the record of it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from exallm_trainer.data.file_text import sha256_of_file
from exallm_trainer.data.synthetic_source import QUESTIONS_FILE, RECORD_FILE
from exallm_trainer.run_folder import write_whole
from exallm_trainer.synthesize.candidate import Candidate
from exallm_trainer.synthesize.generator import Completion, ModelIdentity
from exallm_trainer.synthesize.prompt import PROMPT_VERSION
from exallm_udfs.errors import ExallmError

GENERATIONS_FILE = "generations.jsonl"


@dataclass(frozen=True)
class Generation:
    """What a writer gave for one passage.

    :param questions: that it was asked for.
    :param generated_at: in UTC.
    """

    passage_sha256: str
    generator: str
    generator_sha256: str | None
    prompt_version: str
    questions: int
    generated_at: str
    text: str
    cut: bool


class SyntheticFolder:
    """``generations.jsonl`` grows as a writer works; ``questions.jsonl`` and ``synthesis.json`` are
    written when all is done, the record last: its presence means that the folder is whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self) -> dict[str, Any] | None:
        """What ``synthesis.json`` says, None where there is none yet.

        :raises ExallmError: E-EXALLM-DATA-33 where it is broken.
        """
        file = self.path / RECORD_FILE
        if not file.is_file():
            return None
        try:
            values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
            return values
        except (OSError, ValueError) as error:
            raise _broken(file, error) from error

    def begin(self, generator: ModelIdentity, questions: int) -> dict[str, Generation]:
        """Passage to what this generator has written about it before, asked in the same way.

        The last line of a killed call may be cut off; it goes, so that the next one begins a line.

        :raises ExallmError: E-EXALLM-DATA-33 where another line is broken.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        file = self.path / GENERATIONS_FILE
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            write_whole(file, whole)
        try:
            known = [Generation(**json.loads(line)) for line in whole.split("\n") if line]
        except (ValueError, TypeError) as error:
            raise _broken(file, error) from error
        asked = (generator.name, generator.sha256, PROMPT_VERSION, questions)
        return {
            each.passage_sha256: each
            for each in known
            if (each.generator, each.generator_sha256, each.prompt_version, each.questions) == asked
        }

    def add(
        self,
        generator: ModelIdentity,
        questions: int,
        passage_sha256: str,
        completion: Completion,
    ) -> Generation:
        """Keep what was written about a passage."""
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        generation = Generation(
            passage_sha256,
            generator.name,
            generator.sha256,
            PROMPT_VERSION,
            questions,
            now.replace("+00:00", "Z"),
            completion.text,
            completion.cut,
        )
        with (self.path / GENERATIONS_FILE).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(generation)) + "\n")
        return generation

    def finish(
        self, generator: ModelIdentity, kept: Sequence[Candidate], record: dict[str, Any]
    ) -> dict[str, Any]:
        """Write questions and record; the record with the sha256 of the questions."""
        lines = (json.dumps(_row(generator, each), ensure_ascii=False) + "\n" for each in kept)
        write_whole(self.path / QUESTIONS_FILE, "".join(lines))
        values = {**record, "questions_sha256": sha256_of_file(self.path / QUESTIONS_FILE)}
        text = json.dumps(values, ensure_ascii=False, indent=2, sort_keys=True)
        write_whole(self.path / RECORD_FILE, text + "\n")
        return values


def _broken(file: Path, error: Exception) -> ExallmError:
    return ExallmError("E-EXALLM-DATA-33", f"{file} is broken: {error}", "name a new folder")


def _row(generator: ModelIdentity, candidate: Candidate) -> dict[str, Any]:
    """One question, marked with where it came from."""
    return {
        "id": candidate.id,
        "document": candidate.passage.document,
        "context": candidate.passage.text,
        "question": candidate.question,
        "answers": [candidate.answer],
        "synthetic": {
            "generator": generator.name,
            "generator_sha256": generator.sha256,
            "prompt_version": PROMPT_VERSION,
            "generated_at": candidate.generated_at,
            "passage_sha256": candidate.passage.sha256,
            "passage_source": candidate.passage.source,
        },
    }
