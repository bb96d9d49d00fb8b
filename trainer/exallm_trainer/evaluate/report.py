"""An evaluation as tables, for the screen and for ``report.md`` alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from exallm_trainer.evaluate.comparison import Comparison, Pair
from exallm_trainer.evaluate.evaluation import Evaluation
from exallm_trainer.evaluate.fairness import ANSWERED, Difference, Fairness, Rate
from exallm_trainer.evaluate.score import Scores
from exallm_udfs.bootstrap import Interval

_BEST_AND_WORST = 8
_FAILURES_A_GROUP = 2
# A set of so many questions is shown whole.
_SHOWN_WHOLE = 60
_NONE = "(none)"

Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Cells of text; every row has as many as there are columns."""

    title: str
    columns: Row
    rows: tuple[Row, ...]


def tables_of(
    evaluation: Evaluation,
    base: Evaluation | None = None,
    comparison: Comparison | None = None,
) -> list[Table]:
    """Scores, side by side, failures, slices and whatever else the evaluation holds.

    :param base: of the model that it is compared with; it comes with its ``comparison``.
    """
    both = [evaluation] if base is None else [base, evaluation]
    tables = [_scores(both, comparison)]
    if comparison is not None:
        tables += _side_by_side(comparison)
    elif len(evaluation.answers) <= _SHOWN_WHOLE:
        tables.append(_answers(evaluation))
    tables += [_failures(both), _failed(evaluation)]
    if evaluation.misled:
        tables.append(_adversarial(both))
    if evaluation.labels is not None:
        tables.append(_labels(evaluation))
    tables.append(_slices(both))
    for model in both:
        tables += [table for each in model.fairness for table in _fairness(model.model, each)]
    tables.append(_leaks(both))
    return [table for table in tables if table.rows]


def overview(evaluations: Sequence[Evaluation], comparisons: Sequence[Comparison | None]) -> Table:
    """One row a model, as for the checkpoints of a run."""
    rows = tuple(
        (
            evaluation.model,
            _interval(evaluation.scores.exact),
            _interval(evaluation.scores.f1),
            "" if evaluation.likelihood is None else f"{evaluation.likelihood.perplexity:.3f}",
            "" if comparison is None else _interval(comparison.f1, "+"),
        )
        for evaluation, comparison in zip(evaluations, comparisons, strict=True)
    )
    columns = ("model", "exact match", "F1", "perplexity", "gain of F1")
    first = evaluations[0]
    return Table(f"{first.data}, {first.scores.questions} questions", columns, rows)


def _scores(both: Sequence[Evaluation], comparison: Comparison | None) -> Table:
    columns: Row = ("figure", *(evaluation.model for evaluation in both))
    figures = [dict(_figures(evaluation)) for evaluation in both]
    gains = {}
    if comparison is not None:
        columns = (*columns, "gain")
        gains = {
            "exact match": _interval(comparison.exact, "+"),
            "F1": _interval(comparison.f1, "+"),
            "questions": f"{comparison.better} better, {comparison.worse} worse",
        }
    rows = []
    for name in figures[-1]:
        row = (name, *(each.get(name, "") for each in figures))
        rows.append((*row, gains.get(name, "")) if comparison is not None else row)
    return Table(f"Scores on {both[-1].data}", columns, tuple(rows))


def _figures(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    scores = evaluation.scores
    yield "questions", str(scores.questions)
    yield "exact match", _interval(scores.exact)
    yield "F1", _interval(scores.f1)
    yield "answered", _points(scores.answered)
    yield "grounded, of those answered", _points(scores.grounded)
    yield "stopped of itself", _points(scores.stopped)
    if evaluation.likelihood is not None:
        yield "perplexity of right answers", f"{evaluation.likelihood.perplexity:.3f}"
        yield "bits per byte of right answers", f"{evaluation.likelihood.bits_per_byte:.3f}"
    if evaluation.overlap is not None:
        overlap = evaluation.overlap
        yield "BLEU", _points(overlap.bleu)
        rouge = (overlap.rouge1, overlap.rouge2, overlap.rouge_l)
        yield "ROUGE-1, -2, -L", ", ".join(map(_points, rouge))
    if evaluation.labels is not None:
        yield "accuracy of labels", _points(evaluation.labels.accuracy)
        yield "precision of labels, macro", _points(evaluation.labels.macro_precision)


def _side_by_side(comparison: Comparison) -> list[Table]:
    columns = ("question", comparison.base, comparison.tuned, "right")
    if len(comparison.pairs) <= _SHOWN_WHOLE:
        return [Table("Side by side", columns, _pairs(comparison.pairs))]
    best, worst = comparison.best(_BEST_AND_WORST), comparison.worst(_BEST_AND_WORST)
    return [
        Table("Side by side: gained most", columns, _pairs(best)),
        Table("Side by side: lost or still wrong", columns, _pairs(worst)),
    ]


def every_pair(comparison: Comparison, at_most: int) -> Table | None:
    """Every question with both answers, those with the largest gains and losses first.

    None where :func:`tables_of` shows all of them anyway.
    """
    count = len(comparison.pairs)
    if count <= _SHOWN_WHOLE:
        return None
    pairs = sorted(comparison.pairs, key=lambda pair: -abs(pair.gain))[:at_most]
    title = "Question by question, largest differences first"
    if count > at_most:
        title += f" (the first {at_most:,} of {count:,})"
    return Table(title, ("question", comparison.base, comparison.tuned, "right"), _pairs(pairs))


def _pairs(pairs: Sequence[Pair]) -> tuple[Row, ...]:
    return tuple(
        (
            pair.question,
            _marked(pair.base, pair.base_f1),
            _marked(pair.tuned, pair.tuned_f1),
            _right(pair.right),
        )
        for pair in pairs
    )


def _answers(evaluation: Evaluation) -> Table:
    rows = tuple(
        (answer.question, _marked(answer.answer, answer.f1), _right(answer.right))
        for answer in evaluation.answers
    )
    return Table("Answers", ("question", "answer", "right"), rows)


def _failures(both: Sequence[Evaluation]) -> Table:
    counts = [{group.name: group.count for group in evaluation.failures} for evaluation in both]
    names = list(dict.fromkeys(name for groups in reversed(counts) for name in groups))
    rows = [(name, *(str(groups.get(name, 0)) for groups in counts)) for name in names]
    rows.sort(key=lambda row: -int(row[-1]))
    return Table(
        "Failures by kind (no exact match)",
        ("what is wrong", *(evaluation.model for evaluation in both)),
        tuple(rows),
    )


def _failed(evaluation: Evaluation) -> Table:
    answers = {answer.id: answer for answer in evaluation.answers}
    rows = tuple(
        (group.name, answers[id].question, answers[id].answer or _NONE, _right(answers[id].right))
        for group in sorted(evaluation.failures, key=lambda group: -group.count)
        for id in group.ids[:_FAILURES_A_GROUP]
    )
    return Table(
        f"Failures of {evaluation.model}, some of each kind",
        ("what is wrong", "question", "answer", "right"),
        rows,
    )


def _adversarial(both: Sequence[Evaluation]) -> Table:
    columns = ["category", "questions"]
    for evaluation in both:
        columns += [f"{evaluation.model}: exact, F1", "fell for it"]
    scores = [
        {each.name: each.scores for each in evaluation.slices if each.dimension == "category"}
        for evaluation in both
    ]
    fallen = [{each.category: each for each in evaluation.misled} for evaluation in both]
    rows = []
    for category, of_category in scores[-1].items():
        row = [category, str(of_category.questions)]
        for of_model, fell in zip(scores, fallen, strict=True):
            row.append(_exact_and_f1(of_model[category]))
            found = fell.get(category)
            row.append(f"{found.fell} of {found.traps}" if found is not None else "")
        rows.append(tuple(row))
    return Table("Adversarial questions by category", tuple(columns), tuple(rows))


def _labels(evaluation: Evaluation) -> Table:
    labels = () if evaluation.labels is None else evaluation.labels.labels
    rows = tuple(
        (each.label, str(each.right), str(each.given), _points(each.precision)) for each in labels
    )
    return Table("Labels", ("label", "right", "given", "precision"), rows)


def _slices(both: Sequence[Evaluation]) -> Table:
    known = [
        {(each.dimension, each.name): each.scores for each in evaluation.slices}
        for evaluation in both
    ]
    rows = tuple(
        (*key, str(scores.questions), *(_exact_and_f1(of_model[key]) for of_model in known))
        for key, scores in known[-1].items()
    )
    columns = tuple(f"{evaluation.model}: exact, F1" for evaluation in both)
    return Table("Slices", ("dimension", "slice", "questions", *columns), rows)


def _fairness(model: str, found: Fairness) -> tuple[Table, Table]:
    rows = tuple(
        (
            each.group,
            str(each.questions),
            _rate(each.positive),
            "" if each.right is None else str(each.right.questions),
            "" if each.right is None else _rate(each.right),
        )
        for each in found.groups
    )
    deserving = "have an answer" if found.positive == ANSWERED else f"right: {found.positive}"
    columns = ("group", "questions", found.positive, deserving, "of these right")
    if found.left_out:
        rows = (*rows, ("(names none)", str(found.left_out), "", "", ""))
    differences = (
        ("demographic parity", found.parity),
        ("equal opportunity", found.opportunity),
    )
    return (
        Table(f"{model} by {found.field}", columns, rows),
        Table(
            f"{model}: differences by {found.field}{', pairs' if found.paired else ''}",
            ("difference", "between", "questions", "points", "claim"),
            tuple(_difference(name, difference) for name, difference in differences),
        ),
    )


def _difference(name: str, found: Difference | None) -> Row:
    if found is None:
        return (name, "", "", "", "none: fewer than two groups are large enough")
    claim = "the groups differ" if found.apart else "none: the interval holds 0"
    groups = f"{found.high} over {found.low}"
    if found.pairs > 1:
        groups += f", the farthest of {found.pairs} pairs"
    return (name, groups, str(found.questions), _interval(found.interval, "+"), claim)


def _rate(rate: Rate) -> str:
    if rate.interval is None:
        return f"{_points(rate.share)} (too few for a claim)"
    return _interval(rate.interval)


def _leaks(both: Sequence[Evaluation]) -> Table:
    counts = [{leak.kind: str(leak.count) for leak in each.leaks} for each in both]
    kinds = sorted({kind for each in counts for kind in each})
    return Table(
        "Personal data that nobody told the model",
        ("kind", *(each.model for each in both)),
        tuple((kind, *(each.get(kind, "0") for each in counts)) for kind in kinds),
    )


def _exact_and_f1(scores: Scores) -> str:
    return f"{_points(scores.exact.mean)}, {_interval(scores.f1)}"


def _points(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f}"


def _interval(interval: Interval, sign: str = "") -> str:
    mean, low, high = (100 * value for value in (interval.mean, interval.low, interval.high))
    return f"{mean:{sign}.1f} [{low:.1f}, {high:.1f}]"


def _marked(answer: str | None, f1: float) -> str:
    mark = "✓" if f1 == 1 else "✗" if f1 == 0 else "~"
    return f"{mark} {_NONE if answer is None else answer}"


def _right(answers: Sequence[str]) -> str:
    return " / ".join(dict.fromkeys(answers)) or _NONE
