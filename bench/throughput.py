"""Rows a second: exallm in SQL beside the article's function, the extension and the bare engine.

All sides take turns in each round and get the same prompts. On exallm's side the whole statement
counts, with starting processes and loading the model, and so it does for the bare engine, whose
processes are new in each round: a cache that has seen the prompts would compute nothing. On the
others' side loading does not count, except where the article's function loads in every row. Where a
side is slow, few rows stand for all.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby

from bench.database import Answers
from bench.error import BenchError
from bench.measurement import Timed, median_rate, ratio, share_equal
from bench.program import Program
from bench.questions import Question, spread_by_length
from bench.result import Result
from bench.workbench import Workbench
from exallm_udfs.metrics import f1_score, normalise_answer

PRINTED_NEW_TOKENS = 128


@dataclass
class Side:
    """What one side did in the rounds so far.

    :param answers: by row id, the last round's.
    """

    timed: list[Timed] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)

    def add(self, questions: Sequence[Question], seconds: float, answers: Sequence[str]) -> None:
        self.timed.append(Timed(len(questions), seconds))
        self.answers |= {q.row_id: a for q, a in zip(questions, answers, strict=True)}

    def equal_to(self, other: Side) -> float:
        """Share of equal answers, by SQuAD's normal form, among the rows that both have."""
        both = self.answers.keys() & other.answers.keys()
        return share_equal(
            [normalise_answer(self.answers[row_id]) for row_id in both],
            [normalise_answer(other.answers[row_id]) for row_id in both],
        )

    def f1(self, questions: Sequence[Question]) -> float:
        """Mean F1 in points over the rows that this side has answered."""
        answered = [q for q in questions if q.row_id in self.answers]
        scores = [f1_score(self.answers[q.row_id], q.answers) for q in answered]
        return 100 * sum(scores) / len(scores)


class Rounds:
    """The six sides, in turns."""

    def __init__(self, bench: Workbench, programs: ExitStack) -> None:
        self._bench = bench
        settings = bench.settings
        self._printed_rows = self._share(settings.printed_rows)
        self._cached_rows = self._share(settings.cached_rows)
        self._extension_rows = self._share(settings.extension_rows)
        self._article = programs.enter_context(bench.article())
        self._extension = programs.enter_context(bench.transformers_extension())
        self.batch, self.scalar, self.raw = Side(), Side(), Side()
        self.printed, self.cached, self.extension = Side(), Side(), Side()

    def run(self) -> None:
        """All rounds; a first turn of one row each is not counted."""
        self._warm_up()
        for number in range(self._bench.settings.rounds):
            self._bench.say(f"throughput, round {number + 1} of {self._bench.settings.rounds}")
            self._run_raw()
            self._run_batch()
            self._run_article(self.printed, self._printed_rows[number], "printed")
            self._run_article(self.cached, self._cached_rows[number], "cached")
            self._run_extension(self._extension_rows[number])
            self._run_scalar()

    def _share(self, rows: int) -> list[list[Question]]:
        """For each round other rows; all rounds together stand for all questions."""
        rounds = self._bench.settings.rounds
        chosen = spread_by_length(self._bench.questions, rows * rounds)
        return [chosen[number::rounds] for number in range(rounds)]

    def _warm_up(self) -> None:
        prompt = self._bench.database.prompt(self._bench.questions[0])
        request = {"prompts": [prompt], "max_new_tokens": 1, "stop": list(self._bench.stop)}
        self._extension.ask(request)
        self._article.ask({**request, "mode": "cached"})

    def _run_batch(self) -> None:
        bench = self._bench
        given = bench.database.answer_batch(bench.settings.processes, bench.process_options)
        self._add(self.batch, given)
        self.batch_tokens = sum(int(row["PROMPT_TOKENS"]) for row in given.rows.values())

    def _run_scalar(self) -> None:
        self._add(self.scalar, self._bench.database.answer_scalar())

    def _add(self, side: Side, given: Answers) -> None:
        questions = self._bench.questions
        if given.rows.keys() != {q.row_id for q in questions}:
            raise BenchError("a statement did not give every row exactly once")
        side.add(
            questions, given.seconds, [given.rows[q.row_id]["ANSWER"] or "" for q in questions]
        )

    def _run_raw(self) -> None:
        """All processes at once, each with its own passages, from their start to the last's end."""
        count = self._bench.settings.processes
        shares = [
            [q for q in self._bench.questions if q.document % count == number]
            for number in range(count)
        ]
        began = time.perf_counter()
        with ExitStack() as stack:
            programs = [stack.enter_context(self._bench.raw_engine()) for _ in shares]
            for program, questions in zip(programs, shares, strict=True):
                program.send(self._raw_request(questions))
            replies = [program.receive() for program in programs]
            seconds = time.perf_counter() - began
        answers = [self._bench.answer(text) for reply in replies for text in reply["texts"]]
        self.raw.add([q for share in shares for q in share], seconds, answers)
        self.raw_tokens = sum(reply["prompt_tokens"] for reply in replies)
        self.raw_load_seconds = max(reply["load_seconds"] for reply in replies)

    def _run_article(self, side: Side, questions: Sequence[Question], mode: str) -> None:
        request = {**self._request(questions), "mode": mode}
        if mode == "printed":
            request["max_new_tokens"] = PRINTED_NEW_TOKENS
        self._run_program(side, questions, self._article, request)

    def _run_extension(self, questions: Sequence[Question]) -> None:
        self._run_program(self.extension, questions, self._extension, self._request(questions))

    def _run_program(
        self,
        side: Side,
        questions: Sequence[Question],
        program: Program,
        request: dict[str, object],
    ) -> None:
        reply = program.ask(request)
        side.add(questions, reply["seconds"], [self._bench.answer(text) for text in reply["texts"]])

    def _raw_request(self, questions: Sequence[Question]) -> dict[str, object]:
        passages = [
            [self._bench.database.prompt(question) for question in passage]
            for _, passage in groupby(questions, key=lambda question: question.document)
        ]
        request = self._request([])
        del request["prompts"]
        return {**request, "passages": passages}

    def _request(self, questions: Sequence[Question]) -> dict[str, object]:
        return {
            "prompts": [self._bench.database.prompt(question) for question in questions],
            "max_new_tokens": self._bench.max_new_tokens,
            "stop": list(self._bench.stop),
        }


def measure(bench: Workbench) -> list[Result]:
    """The five ratios of rows a second."""
    bench.database.load(bench.questions)
    with ExitStack() as programs:
        rounds = Rounds(bench, programs)
        rounds.run()
    if rounds.batch_tokens != rounds.raw_tokens:
        raise BenchError(
            f"the prompts differ: {rounds.batch_tokens} tokens in SQL, {rounds.raw_tokens} directly"
        )
    return _results(bench, rounds)


def _results(bench: Workbench, rounds: Rounds) -> list[Result]:
    settings, batch = bench.settings, rounds.batch
    ours = f"{_rate(batch)} rows/s in SQL, model loading included"
    limit = bench.max_new_tokens

    def against(key: str, side: Side, text: str, first: Side = batch, start: str = ours) -> Result:
        equal = f"equal answers {100 * first.equal_to(side):.0f}% of {len(side.answers)}"
        return Result(key, ratio(first.timed, side.timed), f"{start}; {text}; {equal}")

    printed = (
        f"{_rate(rounds.printed)} rows/s, {len(rounds.printed.answers)} rows, loaded in each row, "
        f"{PRINTED_NEW_TOKENS} new tokens without a stop rule"
    )
    shared_out = f"{settings.processes} processes with {settings.threads} threads on both sides"
    return [
        against("batch_vs_article", rounds.printed, printed),
        against(
            "batch_vs_cached",
            rounds.cached,
            f"{_rate(rounds.cached)} rows/s, {len(rounds.cached.answers)} rows, same stop rule",
        ),
        against(
            "scalar_vs_article",
            rounds.printed,
            printed,
            rounds.scalar,
            f"{_rate(rounds.scalar)} rows/s in SQL, model loading included",
        ),
        against(
            "batch_vs_te",
            rounds.extension,
            f"{_rate(rounds.extension)} rows/s, {len(rounds.extension.answers)} rows, loading not "
            f"counted, same limit of {limit} new tokens, it has no stop rule",
        ),
        against(
            "batch_vs_raw",
            rounds.raw,
            f"{_rate(rounds.raw)} rows/s, of them {rounds.raw_load_seconds:.1f} s loading; "
            f"{shared_out}; F1 {batch.f1(bench.questions):.1f} in SQL, where answers are grounded, "
            f"{rounds.raw.f1(bench.questions):.1f} directly; {len(bench.questions)} rows, "
            f"{rounds.raw_tokens} prompt tokens",
        ),
    ]


def _rate(side: Side) -> str:
    rate = median_rate(side.timed)
    return f"{rate:.1f}" if rate >= 10 else f"{rate:.2f}"
