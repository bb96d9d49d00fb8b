"""Where the questions come from: a file that was named, one beside the project, or the Hub."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench.error import BenchError
from bench.questions import Question, questions_from_rows, read_questions

BESIDE_THE_PROJECT = Path("../shared/data/xquad-en-24-articles.json")
# XQuAD (English, CC BY-SA 4.0) at a fixed revision of google/xquad.
HUB_FILE = (
    "https://huggingface.co/datasets/google/xquad/resolve/"
    "51adfef1c1287aab1d2d91b5bead9bcfb9c68583/xquad.en/validation-00000-of-00001.parquet"
)
_TIMEOUT_S = 60


def load_questions(named: Path | None, project: Path, cache: Path) -> list[Question]:
    """The questions of :func:`question_file` in document order; its parameters and errors.

    :raises ExallmError: as ``read_questions``.
    """
    return read_question_file(question_file(named, project, cache))


def question_file(named: Path | None, project: Path, cache: Path) -> Path:
    """The file that the questions are in.

    :param named: the file that the caller named; it has to be good.
    :param project: the folder of the project.
    :param cache: where the Hub's file is kept.
    :raises BenchError: where there is no file and the Hub does not answer.
    """
    if named is not None:
        return named
    beside = project / BESIDE_THE_PROJECT
    if beside.is_file():
        return beside
    kept = cache / "xquad.en.parquet"
    if not kept.is_file():
        _download(HUB_FILE, kept)
    return kept


def read_question_file(file: Path) -> list[Question]:
    """The questions of a Parquet file of the Hub, or of one in SQuAD's JSON form."""
    return read_parquet(file) if file.suffix == ".parquet" else read_questions(file)


def read_parquet(file: Path) -> list[Question]:
    """The questions of a Parquet file with the columns that SQuAD has on the Hub."""
    import pyarrow.parquet

    rows = pyarrow.parquet.read_table(file, columns=["context", "question", "answers"]).to_pylist()

    def in_order() -> Iterator[tuple[str, str, list[str]]]:
        for row in rows:
            yield row["context"], row["question"], row["answers"]["text"]

    return questions_from_rows(in_order(), str(file))


def _download(address: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as response:
            content = response.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise BenchError(
            f"google/xquad cannot be loaded from the Hub: {error}; "
            "name a file in SQuAD's form with --data"
        ) from error
    file.write_bytes(content)
