"""A run of the trainer as a package: how the model in it is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from exallm.models import smollm2
from exallm.models.run_source import run_source
from tests.trainer_tiny_models import save_tiny_model

pytestmark = pytest.mark.hub


def test_a_model_that_went_on_reading_is_asked_as_its_base(tmp_path: Path) -> None:
    save_tiny_model(tmp_path / "best", learnt=())
    (tmp_path / "card.json").write_text("{}")
    record = {"state": "finished", "reason": None, "run_id": "r", "versions": {}}
    record |= {"base_sha256": smollm2.SHA256, "data_sha256": "0" * 64}
    templates = {}
    for method in ("finetune", "continue"):
        recipe = {"method": method, "optimisation": {"seed": 0}}
        (tmp_path / "run.json").write_text(json.dumps({**record, "recipe": recipe}))
        source = run_source(tmp_path, None, tmp_path / "cache", lambda step: None)
        assert source.settings.prompt is not None
        templates[method] = source.settings.prompt.template
    assert templates == {"finetune": "{ctx}", "continue": smollm2.PROMPT_TEMPLATE}
