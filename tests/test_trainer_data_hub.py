"""Datasets of the Hub, where there is one and where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("datasets", reason="the trainer's packages are not installed")

from exallm_trainer.data.drops import Drops
from exallm_trainer.data.hub_source import HubSource
from exallm_trainer.data.rows import Columns
from exallm_udfs.errors import ExallmError

pytestmark = pytest.mark.trainer


def test_rows_of_a_dataset_as_the_library_loads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    from huggingface_hub import constants

    asked: list[tuple[Any, ...]] = []

    def load(repository: str, subset: str | None, *, split: str, **_: Any) -> Any:
        asked.append((repository, subset, split))
        answers = {"text": ["Ann"], "answer_start": [0]}
        rows = [{"title": "T", "context": "Ann ran.", "question": "Who?", "answers": answers}]
        return datasets.Dataset.from_list(rows)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets, "load_dataset", load)
    source = HubSource("h", "owner/name#part@validation", Columns(), "MIT")
    (document,) = source.documents(Drops())
    assert asked == [("owner/name", "part", "validation")]
    assert (document.source, document.name, document.title) == ("h", "T", "T")
    assert [(p.text, [(q.text, q.answers) for q in p.questions]) for p in document.paragraphs] == [
        ("Ann ran.", [("Who?", ("Ann",))])
    ]
    assert source.licence == "MIT"
    list(HubSource("h", "name", Columns()).documents(Drops()))
    assert asked[1] == ("name", None, "train")
    renamed = HubSource("h", "name", Columns(context="body"))
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-2"):
        renamed.sha256()
    assert HubSource("h", "name", Columns()).sha256() == source.sha256()


@pytest.mark.parametrize("name", ["a/b/c", "http://x/y", "a b", "a/b@", ""])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ExallmError, match="E-EXALLM-DATA-5"):
        HubSource("h", name, Columns()).sha256()


def test_without_a_network_the_hub_is_one_clear_error(tmp_path: Path) -> None:
    program = (
        "from exallm_trainer.data.hub_source import HubSource\n"
        "from exallm_trainer.data.rows import Columns\n"
        "from exallm_udfs.errors import ExallmError\n"
        "try:\n"
        "    HubSource('h', 'rajpurkar/squad', Columns()).sha256()\n"
        "except ExallmError as error:\n"
        "    print(error)\n"
    )
    # Nothing listens on port 9.
    unreachable = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **unreachable, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done.stdout
    assert lines[0].startswith("E-EXALLM-DATA-10: the Hub does not give rajpurkar/squad: ")
