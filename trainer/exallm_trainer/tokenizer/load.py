"""Tokenizers by their place."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from exallm_udfs.errors import ExallmError


def load_tokenizer(place: str) -> Any:
    """The tokenizer of a GGUF file, of a folder, or of ``owner/name`` on the Hub.

    :raises ExallmError: E-EXALLM-TRAIN-53 where there is none.
    """
    path = Path(place)
    folder, file = (path.parent, path.name) if path.suffix == ".gguf" else (place, None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return AutoTokenizer.from_pretrained(folder, gguf_file=file, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ExallmError(
            "E-EXALLM-TRAIN-53",
            f"{place} has no tokenizer that can be loaded:"
            f" {(str(error) or type(error).__name__).splitlines()[0]}",
            "name a folder of exallm tokenizer train, a checkpoint folder, a GGUF file or"
            " owner/name of the Hub",
        ) from error
