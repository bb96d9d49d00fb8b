"""Runs the scripts of sql/udfs, as their files have them, on two runtimes, with an engine by rule.

The two runtimes are exasol-udf-mock-python, which others wrote, and the embedded engine's strict
one. Both run in this process, so a test can put an engine in the place of a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import pytest

from exallm.installer.sql_files import sql_files
from exallm.local.exasol_type import Column, ExasolType
from exallm.local.udf.script import UdfScript, parse_udf_script
from exallm_udfs.answer import cut_at_stop
from exallm_udfs.batch import model as batch_model
from exallm_udfs.engines.engine import Generation, GenerationSettings
from exallm_udfs.manifest import EngineFiles, GenerationDefaults, Manifest, PromptSettings
from exallm_udfs.model_cache import LoadedModel
from exallm_udfs.package_file import PackageFile
from exallm_udfs.registry import RegisteredModel, RegisteredVersion, Registry
from exallm_udfs.row_error import RowError
from tests.udf_runtimes import Rows, ScriptCall, run_mock, run_strict

SCHEMA = "EXALLM"
TEMPLATE = "Example. {ctx}"
SPECIAL_TOKEN = "<|im_end|>"
POISON = "POISON"
_TOKEN = re.compile(re.escape(SPECIAL_TOKEN) + r"|\w+|[^\w\s]")


def scripts() -> dict[str, UdfScript]:
    """Every UDF script of sql/udfs by its name."""
    statements = [sql for file in sql_files("udfs") for sql in file.statements()]
    parsed = [parse_udf_script(sql, SCHEMA) for sql in statements if sql.startswith("CREATE")]
    return {script.name: script for script in parsed}


SCRIPTS = scripts()


class Runtime(Protocol):
    """Runs scripts."""

    def run(self, name: str, rows: Rows, registry: Registry | None = None) -> Rows:
        """Run a script over one group of rows.

        :returns: the emitted rows, or for a RETURNS script one row of one value for each value.
        """
        ...


class MockRuntime:
    """exasol-udf-mock-python. Exceptions of a script come out as they are."""

    def run(self, name: str, rows: Rows, registry: Registry | None = None) -> Rows:
        return run_mock(_call(name, rows, registry), checks_arguments=False)


class StrictRuntime:
    """The embedded engine's. Exceptions of a script come out as ``SqlError`` with their text."""

    def run(self, name: str, rows: Rows, registry: Registry | None = None) -> Rows:
        return run_strict(_call(name, rows, registry))


def _call(name: str, rows: Rows, registry: Registry | None) -> ScriptCall:
    script = SCRIPTS[name]
    text = "" if registry is None else f'REGISTRY = "{registry.encode()}"'
    arguments = script.inputs or arguments_of(rows)
    return ScriptCall(script, arguments, None, [rows], {f"{SCHEMA}.REGISTRY": text})


def arguments_of(rows: Rows) -> tuple[Column, ...]:
    """The columns that a variadic script gets for rows of texts."""
    return tuple(Column(str(i), ExasolType("VARCHAR", size=2_000_000)) for i in range(len(rows[0])))


@dataclass
class RuleEngine:
    """An engine that answers by a rule instead of weights.

    A token is a word, a mark, or the special token, which ends a prompt's effect: nothing that
    stands before it is seen. A prompt that holds :data:`POISON` fails the whole call, as a native
    engine may.

    :param rule: prompt to the text that is generated after it.
    :param score: prompt to the score of that text.
    """

    rule: Callable[[str], str]
    context_length: int = 200
    score: Callable[[str], float] = lambda prompt: 0.5
    calls: list[list[str]] = field(default_factory=list)

    def generate(
        self, prompts: Sequence[str], settings: GenerationSettings
    ) -> list[Generation | RowError]:
        self.calls.append(list(prompts))
        if any(POISON in prompt for prompt in prompts):
            raise RuntimeError("Exception from src/cpu.cpp:7:\nshape\nmismatch")
        return [self._generate(prompt, settings) for prompt in prompts]

    def _generate(self, prompt: str, settings: GenerationSettings) -> Generation | RowError:
        tokens = self.count_tokens(prompt)
        if tokens + settings.max_new_tokens > self.context_length:
            return RowError("E-EXALLM-ROW-1", f"the prompt has {tokens} tokens")
        generated = self.rule(prompt.rpartition(SPECIAL_TOKEN)[2])
        words = generated.split(" ")
        cut = " ".join(words[: settings.max_new_tokens])
        text = cut_at_stop(cut, settings.stop)
        return Generation(
            text=text,
            prompt_tokens=tokens,
            completion_tokens=self.count_tokens(text),
            finish_reason="stop" if text != cut or cut == generated else "length",
            score=self.score(prompt) if text else 0.0,
        )

    def encode(self, prompt: str) -> list[int]:
        return [len(token) for token in _TOKEN.findall(prompt)]

    def count_tokens(self, text: str) -> int:
        return len(_TOKEN.findall(text))

    def close(self) -> None:
        self.calls.clear()


def manifest_of(engine: RuleEngine, max_new_tokens: int = 8) -> Manifest:
    """A manifest for the engine."""
    return Manifest(
        name="qa",
        version=1,
        task="answer",
        base=None,
        engines={"openvino": EngineFiles("model.gguf")},
        files=(PackageFile("model.gguf", 1, "0" * 64),),
        prompt=PromptSettings(TEMPLATE, ("\n",)),
        generation=GenerationDefaults(max_new_tokens),
        context_length=engine.context_length,
        tokenizer="model.gguf",
        training=None,
        evaluation=(),
        licence="MIT",
        created_at="2026-01-31T12:00:00Z",
    )


def registry_of(*models: str) -> Registry:
    """A registry in which each model has version 1 as its champion and version 2."""
    return Registry(
        {
            model: RegisteredModel(
                {
                    number: RegisteredVersion(
                        model, number, f"/buckets/bfsdefault/default/{model}/v{number}", "0" * 64
                    )
                    for number in (1, 2)
                },
                {"champion": 1},
            )
            for model in models
        }
    )


REGISTRY = registry_of("qa", "other")
RUNTIMES: list[Runtime] = [MockRuntime(), StrictRuntime()]


UseEngine = Callable[[RuleEngine], RuleEngine]


@contextmanager
def engine_in_use() -> Iterator[UseEngine]:
    """A function that puts an engine in the place of every model, until the end of the block."""
    with pytest.MonkeyPatch.context() as patch:

        def use(engine: RuleEngine) -> RuleEngine:
            model = LoadedModel(manifest_of(engine), engine, bytes=0)
            patch.setattr(batch_model, "loaded_model", lambda *_, **__: model)
            return engine

        yield use


def find_answer(prompt: str) -> str:
    """The rule of a reader: a question ``find WORD`` is answered with the word where it stands
    in the context, and with ``unanswerable`` elsewhere."""
    form = re.search(r"Context: (.*)\nQuestion: find (.*)\nAnswer:$", prompt, re.DOTALL)
    if form is None:
        return " nothing to find"
    context, word = form.groups()
    return f" {word}" if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", context) else " unanswerable"


class Completed(NamedTuple):
    row_id: str | None
    text: str | None
    finish_reason: str
    model_version: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_ms: float | None
    error_code: str | None
    error_message: str | None


class Answered(NamedTuple):
    row_id: str | None
    answer: str | None
    start_pos: int | None
    end_pos: int | None
    score: float | None
    grounded: bool | None
    finish_reason: str
    model_version: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    latency_ms: float | None
    error_code: str | None
    error_message: str | None


def complete(runtime: Runtime, rows: Rows) -> dict[str | None, Completed]:
    emitted = [Completed(*row) for row in runtime.run("AI_COMPLETE_BATCH", rows, REGISTRY)]
    assert len(emitted) == len(rows)
    return {row.row_id: row for row in emitted}


def answer(runtime: Runtime, rows: Rows) -> dict[str | None, Answered]:
    emitted = [Answered(*row) for row in runtime.run("AI_ANSWER_BATCH", rows, REGISTRY)]
    assert len(emitted) == len(rows)
    return {row.row_id: row for row in emitted}


def options(**values: Any) -> str:
    return json.dumps(values)


def echo(prompt: str) -> str:
    return " " + prompt.removeprefix("Example. ").upper()
