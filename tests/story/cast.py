"""Who answers in the story: two real models, or two rules for a quick telling."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from exallm.demo.documents import parse_documents
from exallm.installer.models import ModelRequest, add_model, open_source, upload
from exallm.installer.sql_files import example_text
from exallm.models.package import build_manifest
from exallm.models.run_source import QA_NAME
from exallm.models.smollm2_source import NAME as SMOLLM2
from exallm.sql_text import quote_text
from exallm_udfs.names import package_path
from tests.registry_harness import stand_in, write_package
from tests.story.stage import Stage

MODEL = "qa"

# Version 1 knows what has an even number, later ones know all: the last word of the context.
KNOWING_RULE = """
import json
def run(ctx):
    while True:
        row_id, context, version = ctx[0], ctx[2], json.loads(ctx[3])["model"]
        answer = context.split()[-1] if version != "qa@v1" or int(row_id) % 2 == 0 else "unknown"
        ctx.emit(row_id, answer, 1, len(answer), 0.5, True, "stop", version, 5, 2, 2.0, None, None)
        if not ctx.next():
            return
"""
# Reads the compiled registry as every function of exallm does, and says which version it found.
CHAMPION_RULE = """
import time
from exallm_udfs.names import ModelReference
from exallm_udfs.registry import load_registry
registry = load_registry(exa, "{schema}")
def run(ctx):
    time.sleep(0.001)
    return registry.resolve(ModelReference.parse("qa@champion")).version
"""


class Question(NamedTuple):
    """A question whose answer is known."""

    number: int
    context: str
    question: str
    answer: str


class Cast(Protocol):
    """Who plays base and tuned."""

    def register_base(self, stage: Stage) -> str:
        """Version 1 into the tables of the first schema; says what it is."""

    def register_tuned(self, stage: Stage) -> str:
        """Version 2 with REGISTER_MODEL; says what it is."""

    def prepare_evaluation(self, stage: Stage) -> None:
        """What has to be there before EVALUATE."""

    def reply(self, stage: Stage) -> str:
        """SQL of what the consumer's view shows for QUESTION and CONTEXT."""

    def questions(self) -> list[Question]:
        """The labelled rows."""


class Models:
    """SmolLM2-135M-Instruct as published, and the one that exallm has trained.

    :param count: questions of the labelled table, 1 to 40.
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def register_base(self, stage: Stage) -> str:
        source = open_source(SMOLLM2, lambda step: None)
        manifest = build_manifest(source, MODEL, 1).to_json()
        folder = stage.registry.target.bucket.path() / package_path(MODEL, 1)
        upload(source.located(), manifest, folder, stage.registry.target.bucket, lambda *_: None)
        register_in_first_schema(stage, manifest, folder.as_udf_path())
        return f"{SMOLLM2} is {MODEL} version 1 and its champion"

    def register_tuned(self, stage: Stage) -> str:
        added = add_model(
            stage.registry.connection,
            stage.registry.target,
            ModelRequest(QA_NAME, MODEL),
            lambda step: None,
            lambda *_: None,
        )
        return f"{QA_NAME} is {MODEL} version {added.version}"

    def prepare_evaluation(self, stage: Stage) -> None:
        """The models are there."""

    def reply(self, stage: Stage) -> str:
        return "{w}.ASK(QUESTION, CONTEXT)"

    def questions(self) -> list[Question]:
        documents = parse_documents(example_text("docs.csv"), "docs.csv")[: self._count]
        return [Question(d.number, d.context, d.question, d.gold or "") for d in documents]


class Rules:
    """Two rules in place of the models; the packages hold no model."""

    def register_base(self, stage: Stage) -> str:
        manifest = write_package(stage.registry.buckets, MODEL, 1)
        path = f"/buckets/bfsdefault/default/{package_path(MODEL, 1)}"
        register_in_first_schema(stage, manifest, path)
        return f"a rule is {MODEL} version 1 and its champion"

    def register_tuned(self, stage: Stage) -> str:
        stage.registry.add(2)
        return f"a better rule is {MODEL} version 2"

    def prepare_evaluation(self, stage: Stage) -> None:
        stand_in(stage.registry, "AI_ANSWER_BATCH", KNOWING_RULE)

    def reply(self, stage: Stage) -> str:
        create_champion_rule(stage)
        return "{w}.CHAMPION_NOW(QUESTION)"

    def questions(self) -> list[Question]:
        return [Question(n, f"Text {n} is word{n}", "What?", f"word{n}") for n in range(1, 25)]


def create_champion_rule(stage: Stage) -> None:
    """CHAMPION_NOW(text): the number of the version that is the champion for the statement."""
    stage.run(
        "CREATE OR REPLACE PYTHON3_EXALLM SCALAR SCRIPT {w}.CHAMPION_NOW (TEXT_IN VARCHAR(2000000))"
        " RETURNS DECIMAL(9, 0) AS\n"
        + CHAMPION_RULE.replace("{schema}", stage.registry.target.schema)
    )


def register_in_first_schema(stage: Stage, manifest: str, path: str) -> None:
    """The rows that the first release's REGISTER_MODEL wrote, which the present one cannot."""
    text = quote_text(manifest)
    stage.run(f"INSERT INTO {{s}}.MODELS VALUES ('{MODEL}', 'answer', CURRENT_TIMESTAMP, 'SYS')")
    stage.run(
        f"INSERT INTO {{s}}.MODEL_VERSIONS VALUES ('{MODEL}', 1, {quote_text(path)},"
        f" HASH_SHA256({text}), {text}, CURRENT_TIMESTAMP, 'SYS')"
    )
    stage.run(f"INSERT INTO {{s}}.MODEL_ALIASES VALUES ('{MODEL}', 'champion', 1)")
    stage.run(
        f"INSERT INTO {{s}}.ALIAS_HISTORY VALUES ('{MODEL}', 'champion', NULL, 1, 'first version',"
        " CURRENT_TIMESTAMP, 'SYS')"
    )
