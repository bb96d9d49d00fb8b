"""What lets a loaded model answer, by how it was trained."""

from __future__ import annotations

from exallm_trainer.evaluate.decoding import Decoding
from exallm_trainer.evaluate.model_place import ModelPlace
from exallm_trainer.evaluate.model_under_test import ModelUnderTest
from exallm_trainer.evaluate.span_answerer import SpanAnswerer
from exallm_trainer.evaluate.transformers_answerer import TransformersAnswerer


def answerer_of(
    place: ModelPlace, under_test: ModelUnderTest, decoding: Decoding
) -> SpanAnswerer | TransformersAnswerer:
    """The answerer of a model from its place.

    :param decoding: how a model that writes is asked; one that points knows no other way.
    """
    settings = place.span()
    if settings is not None:
        return SpanAnswerer(under_test, settings)
    return TransformersAnswerer(under_test, decoding)
