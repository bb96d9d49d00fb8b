"""The bench's own arithmetic, its data and its last line: what can be wrong without a model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from bench.curves import joined_passages
from bench.environments import Environment
from bench.error import BenchError
from bench.machine import cpu_flags
from bench.measurement import Timed, median_rate, ratio, share_equal
from bench.page import CURVES_COMMAND, PAGE, TABLE_COMMAND, marks, write_section
from bench.program import Program
from bench.question_source import load_questions, read_parquet
from bench.questions import (
    Question,
    copied,
    five_a_passage,
    read_questions,
    shuffled,
    spread_by_length,
)
from bench.result import AIMS, Result, json_line, markdown_table, result_table
from bench.second_process import pss_bytes, worker_processes
from bench.settings import BenchSettings
from bench.throughput import Side
from exallm_udfs.errors import ExallmError

PROJECT = Path(__file__).parents[1]
MILL = "The mill at Oster burned down in 1931."


def squad(*passages: tuple[str, list[tuple[str, list[str]]]]) -> dict[str, Any]:
    """SQuAD's form for passages and their questions with accepted answers."""
    return {
        "data": [
            {
                "title": "t",
                "paragraphs": [
                    {
                        "context": context,
                        "qas": [
                            {"question": asked, "answers": [{"text": text} for text in answers]}
                            for asked, answers in questions
                        ],
                    }
                    for context, questions in passages
                ],
            }
        ]
    }


def written(folder: Path, content: object) -> Path:
    file = folder / "questions.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def question(number: int, document: int = 0, length: int = 1) -> Question:
    return Question(str(number), document, "c" * length, "Why?", ("c",))


def test_a_rate_is_rows_by_seconds_and_a_ratio_compares_medians() -> None:
    ours = [Timed(100, 10.0), Timed(100, 5.0), Timed(100, 1.0)]
    theirs = [Timed(2, 8.0), Timed(2, 4.0), Timed(2, 1.0)]
    assert [timed.rate for timed in ours] == [10.0, 20.0, 100.0]
    assert median_rate(ours) == 20.0
    assert ratio(ours, theirs) == 40.0


@pytest.mark.parametrize(("rows", "seconds"), [(0, 1.0), (1, 0.0), (1, -1.0)])
def test_a_measurement_without_rows_or_time_is_refused(rows: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="rows, and seconds above 0"):
        Timed(rows, seconds)


def test_equal_answers_take_null_for_an_empty_one() -> None:
    assert share_equal(["a", None, "b", ""], ["a", "", "c", None]) == 0.75
    with pytest.raises(ValueError, match="shorter"):
        share_equal(["a", "b"], ["a"])


def test_questions_keep_the_order_of_the_file_and_know_their_passage(tmp_path: Path) -> None:
    content = squad(
        (MILL, [("When did it burn?", ["1931", "in 1931"]), ("Where?", ["Oster"])]),
        ("Copper went to Hamburg.", [("What went to Hamburg?", ["Copper"])]),
    )
    first, second, third = read_questions(written(tmp_path, content))
    assert first == Question("0", 0, MILL, "When did it burn?", ("1931", "in 1931"))
    assert (second.row_id, second.document) == ("1", 0)
    assert (third.row_id, third.document, third.answers) == ("2", 1, ("Copper",))
    assert first.ctx == f"Context: {MILL}\nQuestion: When did it burn?\nAnswer:"


@pytest.mark.parametrize(
    ("content", "code", "problem"),
    [
        ([], "DATA-2", "no list 'data'"),
        ({"data": 3}, "DATA-2", "no list 'data'"),
        ({"data": [{"title": "t"}]}, "DATA-2", "no list 'paragraphs'"),
        ({"data": [{"paragraphs": [{"qas": []}]}]}, "DATA-2", "no text 'context'"),
        ({"data": [{"paragraphs": [{"context": MILL, "qas": [{}]}]}]}, "DATA-2", "'answers'"),
        (squad((MILL, [("Why?", [3])])), "DATA-2", "no text 'text'"),  # type: ignore[list-item]
        (squad((MILL, [])), "DATA-3", "has no question"),
    ],
)
def test_data_of_another_form_are_refused(
    tmp_path: Path, content: object, code: str, problem: str
) -> None:
    with pytest.raises(ExallmError, match=problem) as caught:
        read_questions(written(tmp_path, content))
    assert caught.value.code == f"E-EXALLM-{code}"
    assert "SQuAD v1.1" in caught.value.remedy


@pytest.mark.parametrize(
    ("content", "code", "problem"),
    [
        (None, "DATA-1", "No such file"),
        (b"\xff\xfe{}", "DATA-1", "not UTF-8 at byte 0"),
        (b'{"data":\n [', "DATA-3", "line 2"),
    ],
)
def test_files_that_cannot_be_read_are_refused(
    tmp_path: Path, content: bytes | None, code: str, problem: str
) -> None:
    file = tmp_path / "questions.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ExallmError, match=problem) as caught:
        read_questions(file)
    assert caught.value.code == f"E-EXALLM-{code}"


def test_bad_data_end_the_command_before_anything_is_started(tmp_path: Path) -> None:
    missing = tmp_path / "missing.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--data", str(missing)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("E-EXALLM-DATA-1: ")
    assert done.stdout == ""


def test_the_hub_s_columns_give_the_same_questions(tmp_path: Path) -> None:
    table = pyarrow.table(
        {
            "id": ["x", "y"],
            "context": [MILL, MILL],
            "question": ["When did it burn?", "Where?"],
            "answers": [
                {"text": ["1931"], "answer_start": [33]},
                {"text": ["Oster"], "answer_start": [12]},
            ],
        }
    )
    file = tmp_path / "xquad.parquet"
    pyarrow.parquet.write_table(table, file)
    content = squad((MILL, [("When did it burn?", ["1931"]), ("Where?", ["Oster"])]))
    assert read_parquet(file) == read_questions(written(tmp_path, content))


def test_the_file_beside_the_project_is_found_and_a_named_one_wins(tmp_path: Path) -> None:
    project, beside = tmp_path / "project", tmp_path / "shared" / "data"
    project.mkdir()
    beside.mkdir(parents=True)
    (beside / "xquad-en-24-articles.json").write_text(json.dumps(squad((MILL, [("A?", ["a"])]))))
    named = written(tmp_path, squad((MILL, [("B?", ["b"])])))
    assert load_questions(None, project, tmp_path)[0].question == "A?"
    assert load_questions(named, project, tmp_path)[0].question == "B?"


def test_few_questions_stand_for_all_by_length() -> None:
    questions = [question(n, length=n) for n in range(1, 101)]
    chosen = spread_by_length(list(reversed(questions)), 4)
    assert [len(q.context) for q in chosen] == [13, 38, 63, 88]
    assert spread_by_length(questions[:2], 5) == questions[:2]


def test_five_questions_are_taken_of_passages_that_have_them() -> None:
    questions = [question(n, document=0) for n in range(4)]
    questions += [question(n, document=1) for n in range(10, 16)]
    questions += [question(n, document=2) for n in range(20, 25)]
    assert [q.row_id for q in five_a_passage(questions, 1)] == ["10", "11", "12", "13", "14"]
    two = five_a_passage(questions, 9)
    assert [q.row_id for q in two[5:]] == ["20", "21", "22", "23", "24"]
    assert [q.document for q in two] == [0] * 5 + [1] * 5


def test_longer_contexts_take_each_passage_once_and_leave_a_rest_out() -> None:
    questions = [
        Question(str(n), n // 2, f"passage {n // 2}", f"question {n}?", ()) for n in range(10)
    ]
    joined = joined_passages(questions, 2)
    assert [q.context for q in joined] == ["passage 0 passage 1", "passage 2 passage 3"]
    assert [q.question for q in joined] == ["question 0?", "question 4?"]


def test_copies_have_row_ids_of_their_own_and_shuffling_loses_none() -> None:
    rows = copied([question(1), question(2)], 10)
    assert len({row.row_id for row in rows}) == 20
    mixed = shuffled(rows, seed=3)
    assert mixed != rows
    assert sorted(row.row_id for row in mixed) == sorted(row.row_id for row in rows)
    assert mixed == shuffled(rows, seed=3)


def test_sides_compare_only_rows_that_both_answered() -> None:
    rows = [question(1), question(2), question(3)]
    many, few = Side(), Side()
    many.add(rows, 2.0, ["The mill.", "b", "c"])
    few.add(rows[:2], 1.0, ["mill", "x"])
    assert many.equal_to(few) == 0.5
    assert many.f1(rows) == pytest.approx(100 / 3)
    assert few.f1(rows) == 0.0


def test_the_last_line_has_every_figure_and_null_for_what_was_not_measured() -> None:
    line = json_line([Result("prefix", 1.23456, "x"), Result("second_process_memory", None, "y")])
    assert "\n" not in line
    figures = json.loads(line)
    assert list(figures) == [
        "batch_vs_article",
        "batch_vs_cached",
        "scalar_vs_article",
        "batch_vs_te",
        "batch_vs_raw",
        "prefix",
        "duplicates",
        "int8_f1_delta",
        "first_answer_s",
        "second_process_memory",
    ]
    assert figures.pop("prefix") == 1.235
    assert set(figures.values()) == {None}


def test_a_figure_that_is_not_of_the_bench_is_refused() -> None:
    with pytest.raises(ValueError, match="no figure of the bench"):
        Result("speed", 1.0, "")


@pytest.mark.parametrize(
    ("key", "met", "missed"),
    [("prefix", 1.6, 1.59), ("first_answer_s", 3.0, 3.01), ("int8_f1_delta", -1.0, -1.01)],
)
def test_limits_are_met_on_the_right_side(key: str, met: float, missed: float) -> None:
    assert AIMS[key].met_by(met)
    assert not AIMS[key].met_by(missed)


def test_the_table_has_a_row_a_result() -> None:
    results = [Result("prefix", 2.0, "x"), Result("second_process_memory", None, "y")]
    assert result_table(results).row_count == 2


@pytest.mark.parametrize("field", ["rows", "rounds", "processes", "copies"])
def test_settings_below_one_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match=f"{field} has to be at least 1"):
        BenchSettings(**{field: 0})


def test_processes_share_out_the_cores() -> None:
    assert BenchSettings(processes=1000).threads == 1
    assert BenchSettings(processes=1).threads >= 1


def test_flags_are_read_from_the_cpu_s_own_words() -> None:
    assert cpu_flags("flags\t\t: fpu avx2 avx512f sse\nflags\t\t: fpu\n") == "avx2 avx512f"
    assert cpu_flags("Features : fp asimd\n") == "none"


def test_an_environment_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    environment = Environment("own", ("a==1", "b==2"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "installed.txt").write_text("a==1\nb==2")
    said: list[str] = []
    assert environment.python(tmp_path, said.append) == tmp_path / "own" / "bin" / "python"
    assert said == []
    assert [file.name for file in (tmp_path / "own").iterdir()] == ["installed.txt"]


def test_a_program_that_ends_is_named_with_its_last_words(tmp_path: Path) -> None:
    with (
        Program(Path(sys.executable), "no_such_program", [], tmp_path) as program,
        pytest.raises(BenchError, match=r"no_such_program ended: .*No module named"),
    ):
        program.receive()


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc")
def test_udf_processes_are_found_below_their_engine_with_their_memory() -> None:
    code = (
        "import subprocess, sys\n"
        "sleep = [sys.executable, '-c', 'import time; time.sleep(60)']\n"
        "child = subprocess.Popen([*sleep, 'exallm.local.udf.worker'])\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.read()\n"
        "child.kill()\n"
        "child.wait()\n"
    )
    engine = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert engine.stdin is not None and engine.stdout is not None
    with engine.stdin, engine.stdout:
        worker = int(engine.stdout.readline())
        found = worker_processes(engine.pid)
        memory = pss_bytes(worker)
        engine.stdin.close()
        engine.wait(30)
    assert found == [worker]
    assert memory > 100_000
    assert pss_bytes(worker) == 0


BEGIN, END = marks(TABLE_COMMAND)


def test_a_page_gets_a_new_section_and_keeps_all_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n")
    content = markdown_table([Result("prefix", 2.0, "4 rows/s against 2")])
    write_section(page, TABLE_COMMAND, content)
    text = page.read_text()
    assert text.startswith("above\n") and text.endswith("\nbelow\n") and "old" not in text
    assert "| `prefix` | 2.00 | >= 1.6 | shared prefixes, on against off: 4 rows/s" in text
    write_section(page, TABLE_COMMAND, "newer")
    assert page.read_text() == f"above\n{BEGIN}\n\nnewer\n\n{END}\nbelow\n"


@pytest.mark.parametrize("text", ["", BEGIN, END + BEGIN, BEGIN + END + END, 2 * (BEGIN + END)])
def test_a_page_without_its_marks_is_left_alone(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(BenchError, match="each once"):
        write_section(page, TABLE_COMMAND, "new")
    assert page.read_text() == text


@pytest.mark.parametrize("command", [TABLE_COMMAND, CURVES_COMMAND])
def test_the_project_s_page_has_its_marks_once(command: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    opening, closing = marks(command)
    assert (text.count(opening), text.count(closing)) == (1, 1)
    assert text.index(opening) < text.index(closing)


@pytest.mark.parametrize("other", [["--quick"], ["--only", "prefix"]])
def test_parts_of_the_bench_are_not_written_into_the_page(other: list[str]) -> None:
    command = [sys.executable, "-m", "bench", "--write", *other]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "--write is for the whole bench" in done.stderr
