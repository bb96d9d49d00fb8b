"""AI_COMPLETE_EXTENDED of exasol-transformers-extension: its own script on its own mock runtime.

Arguments: a folder that stands for its bucket, the sub-folder of its models, the model's name.
A request names ``prompts`` and ``max_new_tokens``. The reply has ``texts``, ``seconds`` for all
rows without loading the model, and ``load_seconds``.
"""

from __future__ import annotations

import importlib.resources
import json
import sys
import time
from typing import Any

from exasol_transformers_extension.utils.load_local_model import LoadLocalModel
from exasol_udf_mock_python.column import Column
from exasol_udf_mock_python.connection import Connection
from exasol_udf_mock_python.group import Group
from exasol_udf_mock_python.mock_exa_environment import MockExaEnvironment
from exasol_udf_mock_python.mock_meta_data import MockMetaData
from exasol_udf_mock_python.udf_mock_executor import UDFMockExecutor

from bench.programs.json_lines import serve

_CONNECTION = "BENCH_BUCKET"
_TEXT = "VARCHAR(2000000)"
_INPUTS = [
    Column("device_id", int, "INTEGER"),
    Column("bucketfs_conn", str, _TEXT),
    Column("sub_dir", str, _TEXT),
    Column("model_name", str, _TEXT),
    Column("text_data", str, _TEXT),
    Column("max_new_tokens", int, "INTEGER"),
    Column("return_full_text", bool, "BOOLEAN"),
]
_OUTPUTS = [
    *_INPUTS[1:],
    Column("generated_text", str, _TEXT),
    Column("error_message", str, _TEXT),
]


class LoadTimer:
    """Measures how long the extension loads models, without changing what it does."""

    def __init__(self) -> None:
        self.seconds = 0.0
        load_models = LoadLocalModel.load_models

        def timed(loader: LoadLocalModel) -> Any:
            began = time.perf_counter()
            try:
                return load_models(loader)
            finally:
                self.seconds += time.perf_counter() - began

        LoadLocalModel.load_models = timed


def environment(bucket: str) -> MockExaEnvironment:
    """What the script sees of the database; the bucket is a folder."""
    script = importlib.resources.files("exasol_transformers_extension.udfs.callers").joinpath(
        "ai_complete_extended_udf_call.py"
    )
    meta = MockMetaData(
        script_code_wrapper_function=None,
        input_type="SET",
        input_columns=_INPUTS,
        output_type="EMITS",
        output_columns=_OUTPUTS,
    )
    meta._script_code = script.read_text()  # the mock takes a function's body only
    address = json.dumps({"backend": "mounted", "base_path": bucket})
    connection = Connection(address, user="{}", password="{}")
    return MockExaEnvironment(meta, {_CONNECTION: connection})


def main() -> None:
    bucket, sub_dir, model = sys.argv[1:]
    exa = environment(bucket)
    timer = LoadTimer()

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        rows = [
            (None, _CONNECTION, sub_dir, model, prompt, request["max_new_tokens"], False)
            for prompt in request["prompts"]
        ]
        timer.seconds = 0.0
        began = time.perf_counter()
        emitted = UDFMockExecutor().run([Group(rows)], exa)[0].rows
        seconds = time.perf_counter() - began
        failed = [row[-1] for row in emitted if row[-1] is not None]
        if failed:
            raise RuntimeError(f"AI_COMPLETE_EXTENDED failed: {failed[0]}")
        by_prompt = {row[3]: row[-2] for row in emitted}
        return {
            "texts": [by_prompt[prompt] for prompt in request["prompts"]],
            "seconds": seconds - timer.seconds,
            "load_seconds": timer.seconds,
        }

    serve(answer)


if __name__ == "__main__":
    main()
