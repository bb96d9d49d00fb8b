"""A classifier of the user's: its labels, its probabilities, and what is no classifier."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exallm_trainer.synthesize.harm_classifier import TransformersHarmClassifier
from exallm_udfs.errors import ExallmError
from tests.trainer_tiny_models import save_tiny_model

pytestmark = pytest.mark.trainer


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Classifiers for which all of three labels are as likely, whatever the text."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

    base = save_tiny_model(tmp_path_factory.mktemp("models") / "base", learnt=())
    tokenizer = AutoTokenizer.from_pretrained(base)
    made = {"base": base}
    for kind in ("single", "multi"):
        config = LlamaConfig.from_pretrained(
            base,
            num_labels=3,
            id2label={0: "fine", 1: "rude", 2: "cruel"},
            label2id={"fine": 0, "rude": 1, "cruel": 2},
            problem_type=f"{kind}_label_classification",
            pad_token_id=0,
        )
        model: Any = LlamaForSequenceClassification(config)
        with torch.no_grad():
            model.score.weight.zero_()
        made[kind] = tmp_path_factory.mktemp(kind)
        model.save_pretrained(made[kind])
        tokenizer.save_pretrained(made[kind])
    return made


def test_labels_that_exclude_each_other_add_up(folders: dict[str, Path]) -> None:
    classifier = TransformersHarmClassifier(str(folders["single"]), ["rude", "cruel"])
    texts = ["A text.", "word " * 5000]
    assert classifier.harm(texts) == pytest.approx([2 / 3, 2 / 3])
    assert classifier.identity.name == folders["single"].name


def test_of_several_labels_the_likeliest_counts(folders: dict[str, Path]) -> None:
    classifier = TransformersHarmClassifier(str(folders["multi"]), ["rude", "cruel"])
    assert classifier.harm(["A text."]) == pytest.approx([0.5])


def test_labels_have_to_be_its_own(folders: dict[str, Path], tmp_path: Path) -> None:
    for labels in (["evil"], []):
        with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-30.*fine, rude, cruel"):
            TransformersHarmClassifier(str(folders["single"]), labels)
    with pytest.raises(ExallmError, match=r"E-EXALLM-DATA-30.*cannot be loaded"):
        TransformersHarmClassifier(str(tmp_path), ["rude"])
