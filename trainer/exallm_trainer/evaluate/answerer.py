"""What lets a loaded model answer, by how it is asked."""

from __future__ import annotations

from exallm_trainer.evaluate.decoding import Decoding
from exallm_trainer.evaluate.model_under_test import ModelUnderTest
from exallm_trainer.evaluate.span_answerer import SpanAnswerer
from exallm_trainer.evaluate.transformers_answerer import TransformersAnswerer
from exallm_trainer.recipe import SpanSettings


def answerer_of(
    under_test: ModelUnderTest, asking: Decoding | SpanSettings
) -> SpanAnswerer | TransformersAnswerer:
    """The answerer of a model.

    :param asking: how one that writes generates, or how one that points reads.
    """
    if isinstance(asking, SpanSettings):
        return SpanAnswerer(under_test, asking)
    return TransformersAnswerer(under_test, asking)
