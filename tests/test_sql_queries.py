"""The queries of tests/sql_queries: types and rows as Exasol gives them, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sql_queries.cases import Topic, prepare, topics

TOPICS = list(topics())


@pytest.mark.parametrize("topic", TOPICS, ids=[topic.name for topic in TOPICS])
def test_queries(connect: Any, topic: Topic) -> None:
    with connect() as connection:
        prepare(connection, topic)
        failures = {case.name: case.failure(connection) for case in topic.cases}
        connection.execute(f"DROP SCHEMA QUERIES_{topic.name.upper()} CASCADE")
    assert not [f"{name}: {said}" for name, said in failures.items() if said is not None]


def test_there_are_enough_queries_and_none_stands_twice() -> None:
    cases = [case for topic in TOPICS for case in topic.cases]
    assert len(cases) >= 300
    assert all(case.error.startswith("0A000") for case in cases if case.topic == "refused")
    texts = [(case.topic, case.statements) for case in cases]
    assert len(texts) == len(set(texts))
