"""The scripts behind EVALUATE, PROMOTE and CREATE_FUNCTION, on both runtimes."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from exallm.local.sql_error import SqlError
from exallm_udfs.errors import ExallmError
from exallm_udfs.functions.bound_function import answer_function, complete_function
from exallm_udfs.paired_scores import compare
from tests.udf_harness import (
    REGISTRY,
    TEMPLATE,
    MockRuntime,
    Rows,
    RuleEngine,
    Runtime,
    UseEngine,
    find_answer,
    manifest_of,
)

ROWS: Rows = [
    ("answer", "1", "The sky is blue.", "Which colour?", '["blue"]'),
    ("answer", "2", "The sky is blue.", "Who?", "[]"),
    ("answer", "3", 'Grün, it\'s "new"\n', "Which?", '["grün"]'),
]


def test_a_dataset_has_a_hash_that_its_order_does_not_change(runtime: Runtime) -> None:
    ((count, digest, problem),) = runtime.run("CHECK_DATASET", ROWS)
    assert (count, problem) == (3, None)
    rows = sorted(hashlib.sha256(json.dumps(list(row)).encode()).digest() for row in ROWS)
    assert digest == hashlib.sha256(b"".join(rows)).hexdigest()
    for seed in range(4):
        shuffled = random.Random(seed).sample(ROWS, len(ROWS))
        assert runtime.run("CHECK_DATASET", shuffled) == [(3, digest, None)]


@pytest.mark.parametrize("place", range(1, 5))
def test_every_change_of_a_row_changes_the_hash(runtime: Runtime, place: int) -> None:
    ((_, before, _),) = runtime.run("CHECK_DATASET", ROWS)
    changed = list(ROWS[0])
    changed[place] = '["red"]' if place == 4 else "9"
    ((_, after, problem),) = runtime.run("CHECK_DATASET", [tuple(changed), *ROWS[1:]])
    assert problem is None
    assert after != before


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("answer", None, "c", "q", "[]"), "a row has NULL in place of its id"),
        (("answer", "1", "c", "q", "[]"), "the id '1' stands twice"),
        (("answer", "9", None, "q", "[]"), "row '9' has no context"),
        (("answer", "9", "c", None, "[]"), "row '9' has no question or prompt"),
        (("answer", "9", "c", "q", None), "row '9' has no label"),
        (("complete", "9", None, "q", None), "row '9' has no label"),
        (("answer", "x" * 99, "c", "q", "no"), f"row '{'x' * 57}...': the answers are not a JSON"),
        (("answer", "9", "c", "q", '{"text": []}'), "row '9': the answers are not a JSON list"),
        (("answer", "9", "c", "q", '["a", 1]'), "row '9': the answers are not a JSON list"),
        (("answer", "9", "c", "q", "[" * 100_000), "row '9': the answers are not a JSON list"),
    ],
)
def test_the_first_problem_of_a_dataset_is_told(
    runtime: Runtime, row: tuple[str | None, ...], problem: str
) -> None:
    ((count, digest, found),) = runtime.run("CHECK_DATASET", [ROWS[0], row])
    assert (count, digest) == (None, None)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    ("row", "scores"),
    [
        (("answer", "the Blue!", '["red", "blue"]', None), (1.0, 1.0)),
        (("answer", "deep blue", '["blue"]', None), (0.0, 2 / 3)),
        (("answer", None, "[]", None), (1.0, 1.0)),
        (("answer", "blue", "[]", None), (0.0, 0.0)),
        (("answer", None, '["blue"]', None), (0.0, 0.0)),
        (("answer", None, "[]", "E-EXALLM-ROW-1"), (0.0, 0.0)),
        (("complete", "Blue.", "blue", None), (1.0, 1.0)),
        (("complete", "x", '["x"]', None), (1.0, 1.0)),
    ],
)
def test_an_answer_has_a_worth(row: tuple[str | None, ...], scores: tuple[float, float]) -> None:
    assert MockRuntime().run("SCORE_ANSWER", [row]) == [pytest.approx(scores)]


def test_options_are_kept_as_they_were_asked_and_with_what_the_package_adds() -> None:
    manifest = manifest_of(RuleEngine(find_answer)).to_json()
    asked = '{"seed": 3, "max_new_tokens": 4}'
    for task, added in (("answer", {"model": "qa@v1"}), ("complete", {})):
        row = (task, "qa@v1", manifest, asked)
        ((call, kept, decoding, problem),) = MockRuntime().run("EVALUATION_OPTIONS", [row])
        assert json.loads(call) == {"seed": 3, "max_new_tokens": 4, **added}
        assert (kept, problem) == ('{"max_new_tokens": 4, "seed": 3}', None)
        assert json.loads(decoding)["template"] == TEMPLATE
        assert json.loads(decoding)["seed"] == 3
    ((call, kept, decoding, problem),) = MockRuntime().run(
        "EVALUATION_OPTIONS", [("answer", "qa@v1", manifest, '{"model": "qa"}')]
    )
    assert (call, kept, decoding) == (None, None, None)
    assert "'model' is the version that is evaluated" in problem


def test_a_comparison_is_paired_and_the_same_every_time(runtime: Runtime) -> None:
    pairs = [(0.0, 1.0)] * 30 + [(1.0, 1.0)] * 60 + [(1.0, 0.0)] * 10
    rows: Rows = [(*pair, 0.95, 3) for pair in pairs]
    ((count, first, second, gain, low, high, better, worse),) = runtime.run("COMPARE_SCORES", rows)
    assert (count, first, second, better, worse) == (100, 0.7, 0.9, 30, 10)
    assert gain == pytest.approx(0.2)
    # The normal approximation: 0.2 +- 1.96 * sqrt(0.36 / 100).
    assert low == pytest.approx(0.2 - 1.96 * 0.06, abs=0.015)
    assert high == pytest.approx(0.2 + 1.96 * 0.06, abs=0.015)
    for seed in range(3):
        shuffled = random.Random(seed).sample(rows, len(rows))
        assert runtime.run("COMPARE_SCORES", shuffled) == [
            (count, first, second, gain, low, high, better, worse)
        ]


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    draw = random.Random(1)
    covered = 0
    for trial in range(200):
        scores = [(float(draw.random() < 0.5), float(draw.random() < 0.6)) for _ in range(150)]
        found = compare(scores, confidence=0.9, seed=trial, resamples=1000)
        covered += found.lower <= 0.1 <= found.upper
    assert 0.84 <= covered / 200 <= 0.96


def test_pairing_makes_the_interval_narrow() -> None:
    """The same difference between answers to other questions says much less."""
    same = compare([(x, min(1.0, x + 0.1)) for x in [0.0, 0.9] * 50], 0.95, 0)
    other = compare(
        [(x, y) for x, y in zip([0.0, 0.9] * 50, [1.0, 0.1] * 50, strict=True)], 0.95, 0
    )
    assert same.difference == pytest.approx(other.difference)
    assert same.upper - same.lower < (other.upper - other.lower) / 5


def test_a_comparison_needs_pairs() -> None:
    with pytest.raises(ValueError, match="pairs"):
        compare([], 0.95, 0)


@pytest.mark.parametrize("schema", ["EXALLM", 'it\'s "odd"', "ß😀\\n\n/\n", "{x}%env A=B;"])
def test_the_body_of_a_function_is_ascii_and_holds_its_names(runtime: Runtime, schema: str) -> None:
    ((body,),) = runtime.run("FUNCTION_BODY", [("answer", "qa@champion", schema)])
    assert body.isascii()
    lines = body.splitlines()
    assert lines[0] == "%perNodeAndCallInstanceLimit 4;"
    assert lines[2] == f"function = answer_function(exa, 'qa@champion', {schema!a})"
    compile("\n".join(lines[1:]), "body", "exec")


@pytest.mark.parametrize(
    ("task", "reference", "code"),
    [
        ("answer", "qa'; import os; '", "MODEL-1"),
        ("answer", "QA", "MODEL-1"),
        ("import os", "qa", "MODEL-43"),
    ],
)
def test_no_body_is_made_of_what_is_not_well_formed(
    runtime: Runtime, task: str, reference: str, code: str
) -> None:
    with pytest.raises((ExallmError, SqlError), match=f"E-EXALLM-{code}:"):
        runtime.run("FUNCTION_BODY", [(task, reference, "EXALLM")])


@dataclass
class Exa:
    """``exa`` of a bound function that lies in another schema than exallm."""

    columns: int
    asked: list[str] = field(default_factory=list)

    @property
    def meta(self) -> SimpleNamespace:
        return SimpleNamespace(
            input_column_count=self.columns,
            script_name="ASK",
            script_schema="SALES",
            memory_limit=4 * 1024**3,
        )

    def import_script(self, name: str) -> SimpleNamespace:
        self.asked.append(name)
        return SimpleNamespace(REGISTRY=REGISTRY.encode())


class Call(tuple[str | None, ...]):
    """The arguments of one row."""


def test_bound_functions_answer_from_the_registry_of_their_installation(use: UseEngine) -> None:
    use(RuleEngine(find_answer))
    context, question = "The bridge is red.", "find bridge"
    exa = Exa(columns=2)
    bound = answer_function(exa, "qa@v2", 'my "EXALLM"')
    assert bound.run(Call((question, context))) == "bridge"
    assert bound.run(Call((question, None))) is None
    assert exa.asked == ['"my ""EXALLM""".REGISTRY']
    text = f"Context: {context}\nQuestion: {question}\nAnswer:"
    for function in (answer_function, complete_function):
        assert function(Exa(columns=1), "qa@v2", "EXALLM").run(Call((text,))) == "bridge"
    with pytest.raises(ExallmError, match="E-EXALLM-SQL-4"):
        answer_function(Exa(columns=4), "qa", "EXALLM")
