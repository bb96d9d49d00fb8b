"""Every case of the contract, a module a topic."""

from __future__ import annotations

from tests.contract.case import Case
from tests.contract.cases import (
    bucketfs,
    lua_scripts,
    lua_transactions,
    rights,
    transactions,
    udf_calls,
    udf_cursor,
    udf_emit,
    udf_errors,
    udf_frames,
    udf_lifecycle,
    udf_nulls,
    udf_surroundings,
    udf_types,
)

_TOPICS = (
    udf_types, udf_nulls, udf_calls, udf_cursor, udf_frames, udf_emit, udf_errors, udf_surroundings,
    udf_lifecycle, lua_scripts, lua_transactions, transactions, rights, bucketfs,
)  # fmt: skip

CASES: list[Case] = [case for topic in _TOPICS for case in topic.CASES]
