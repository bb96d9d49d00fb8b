"""A run of the recipe span as a package: the engine scores as the checkpoint does."""

from __future__ import annotations

from pathlib import Path

import pytest

from exallm.installer.packaging_cost import packaging_cost
from exallm.models.hub_source import folder_source
from exallm.models.package_folder import write_package
from exallm.models.run_source import run_source
from exallm_udfs.engines.choice import open_engine
from exallm_udfs.engines.span_reader import SpanReader
from exallm_udfs.errors import ExallmError
from exallm_udfs.row_error import RowError
from tests.test_trainer_spans import recipe, request
from tests.trainer_tiny_models import EXAMPLES, save_tiny_encoder, save_tiny_span_run

pytestmark = pytest.mark.hub


def test_a_package_scores_windows_as_the_checkpoint_does(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForQuestionAnswering

    run = save_tiny_span_run(tmp_path / "run")
    model = AutoModelForQuestionAnswering.from_pretrained(run / "best").eval()
    source = run_source(run, None, tmp_path / "cache", lambda step: None)
    manifest = write_package(source, "qa", 1, tmp_path / "package")
    reader = open_engine(manifest, tmp_path / "package", "openvino", 1)
    assert isinstance(reader, SpanReader)
    for example in EXAMPLES:
        windows = reader.windows(example.question, example.context)
        assert not isinstance(windows, RowError)
        for window, scores in zip(windows, reader.read(windows, reproducible=True), strict=True):
            with torch.inference_mode():
                output = model(
                    input_ids=torch.from_numpy(window.token_ids)[None],
                    token_type_ids=torch.from_numpy(window.type_ids)[None],
                )
            # Weights have 8 bits.
            assert scores.starts == pytest.approx(output.start_logits[0].numpy(), abs=0.02)
            assert scores.ends == pytest.approx(output.end_logits[0].numpy(), abs=0.02)
    assert manifest.licence == "LicenseRef-unknown" and manifest.prompt is None
    assert {file.path for file in manifest.files} >= {"tokenizer.json", "training/run.json"}


def test_what_both_answer_right_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Questions without an answer among them: both sides say so in the same way."""
    from exallm_trainer.data import prepared
    from exallm_trainer.run_folder import RunFolder
    from exallm_trainer.train.train import train

    base, run = save_tiny_encoder(tmp_path / "base"), tmp_path / "run"
    train(request(base, recipe()), RunFolder(run))
    (run / "card.json").write_text("{}")
    data = prepared.in_memory(EXAMPLES, EXAMPLES)
    monkeypatch.setattr(prepared, "read_prepared", lambda folder: data)
    source = run_source(run, None, tmp_path / "cache", lambda step: None)
    figures = packaging_cost(source, run, None, tmp_path, len(EXAMPLES), lambda step: None)
    assert (figures["f1_checkpoint"], figures["f1_package"]) == (100.0, 100.0)
    assert figures["questions"] == len(EXAMPLES) and not all(each.answers for each in EXAMPLES)


def test_an_encoder_is_told_how_it_gets_into_a_package(tmp_path: Path) -> None:
    encoder = save_tiny_encoder(tmp_path / "encoder")
    with pytest.raises(ExallmError, match=r"MODEL-25: .*exallm train span"):
        folder_source(encoder, tmp_path / "cache", lambda step: None)
