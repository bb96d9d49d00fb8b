"""A classifier of harmful texts that the user names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from exallm_trainer.synthesize.generator import ModelIdentity
from exallm_trainer.synthesize.settings import refused


class HarmClassifier(Protocol):
    """Tells how likely a text is harmful."""

    @property
    def identity(self) -> ModelIdentity:
        """Which model it is."""

    def harm(self, texts: Sequence[str]) -> list[float]:
        """0 to 1 for each text."""


class TransformersHarmClassifier:
    """A checkpoint for sequence classification, of safetensors; texts are cut at its length.

    The harm of a text is the probability of its likeliest harmful label where a text may have
    several labels, and that of all harmful labels together where it has one.

    :param place: a folder or ``owner/name``.
    :param labels: those of its labels that are harmful.
    :raises ExallmError: E-EXALLM-DATA-30 where it cannot be loaded or has no such label.
    """

    def __init__(self, place: str, labels: Sequence[str]) -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        try:
            self._model = AutoModelForSequenceClassification.from_pretrained(
                place, use_safetensors=True, trust_remote_code=False
            )
            self._tokenizer = AutoTokenizer.from_pretrained(place)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            problem = (str(error) or type(error).__name__).splitlines()[0]
            raise refused(
                f"the classifier {place} cannot be loaded: {problem}",
                "name a checkpoint for sequence classification with safetensors",
            ) from error
        known: dict[int, str] = self._model.config.id2label
        missing = sorted(set(labels) - set(known.values()))
        if missing or not labels:
            raise refused(
                f"the classifier {place} has no label {', '.join(missing) or '(none is named)'}",
                f"name harmful ones of {', '.join(known.values())}",
            )
        self._harmful = [number for number, label in known.items() if label in labels]
        self._model.eval()
        self._name = place

    @property
    def identity(self) -> ModelIdentity:
        return ModelIdentity(self._name.rstrip("/").rsplit("/", 1)[-1], None)

    def harm(self, texts: Sequence[str]) -> list[float]:
        """0 to 1 for each text."""
        import torch

        # Each by itself: a small checkpoint may have no token for padding.
        limit = int(self._model.config.max_position_embeddings)
        scores = []
        with torch.inference_mode():
            for text in texts:
                tokens: Any = self._tokenizer(
                    text, return_tensors="pt", truncation=True, max_length=limit
                )
                logits = self._model(**tokens).logits[0].float()
                if self._model.config.problem_type == "multi_label_classification":
                    scores.append(float(logits.sigmoid()[self._harmful].max()))
                else:
                    scores.append(float(logits.softmax(dim=-1)[self._harmful].sum()))
        return scores
