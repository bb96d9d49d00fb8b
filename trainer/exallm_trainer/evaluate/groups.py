"""Groups of questions, as fields of the data name them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from exallm_trainer.data.file_text import read_bytes
from exallm_trainer.data.rows import Columns
from exallm_trainer.data.table_source import TableSource
from exallm_trainer.evaluate.evaluation_set import EvaluationSet
from exallm_udfs.errors import ExallmError

# What a question, paragraph or article of SQuAD has anyway.
_SQUAD = {"answers", "context", "id", "is_impossible", "paragraphs", "qas", "question"}
_SQUAD |= {"plausible_answers", "title"}

_Fields = Mapping[str, Any]


def with_groups(
    data: EvaluationSet, form: str, fields: tuple[str, ...], counterpart: str | None = None
) -> EvaluationSet:
    """The set with a group for each question whose data has the field.

    ``source`` and ``document`` are known of every set. Of ``table:`` other columns may be named, of
    ``squad:`` other members of a question, else of its paragraph, else of its article.

    :param form: the text that named the set.
    :param counterpart: the field that questions share which ask the same of another group each.
    :raises ExallmError: E-EXALLM-TRAIN-43 where no question has such a field.
    """
    own = {
        example.id: {"source": example.source, "document": example.document}
        for example in data.examples
    }
    known = _known(data, form)
    values = {id: {**known.get(id, {}), **own[id]} for id in own}
    groups = {field: _of_field(data.name, values, field) for field in fields}
    pairs = None if counterpart is None else _of_field(data.name, values, counterpart)
    return replace(data, groups=groups, counterparts=pairs)


def _known(data: EvaluationSet, form: str) -> Mapping[str, _Fields]:
    """Id of a question to the fields that its file has for it."""
    kind, _, location = form.partition(":")
    if kind == "squad" and location:
        return dict(_squad(json.loads(read_bytes(Path(location)).decode("utf-8-sig"))))
    if kind == "table" and location:
        ids = {(example.context, example.question): example.id for example in data.examples}
        source = TableSource(Path(location).stem, Path(location), Columns())
        return {ids[asked]: row for asked, row in source.questions() if asked in ids}
    return {}


def _squad(values: Any) -> Iterator[tuple[str, _Fields]]:
    for article in values["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                fields = {**article, **paragraph, **question}
                told = {name: value for name, value in fields.items() if name not in _SQUAD}
                yield str(question["id"]), told


def _of_field(name: str, values: Mapping[str, _Fields], field: str) -> Mapping[str, str]:
    """Id to the value of the field, without those that have none."""
    found = {
        id: str(fields[field])
        for id, fields in values.items()
        if isinstance(fields.get(field), str | int | float) and fields[field] != ""
    }
    if not found:
        present = sorted({each for fields in values.values() for each in fields})
        raise ExallmError(
            "E-EXALLM-TRAIN-43",
            f"no question of {name} has the field {field}",
            f"name one of {', '.join(present)}",
        )
    return found
