"""What a container says of itself, in a file that lies beside its exallm."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from exallm.slc.description import ContainerDescription, Flavor
from exallm_udfs.container_report import FACTS_NAME, FACTS_NAMES
from exallm_udfs.errors import ExallmError

_ACCELERATOR = re.compile(r"\w+", re.ASCII)
_WHEEL = re.compile(r"exallm-(?P<version>[^-]+)-.*\.whl")


@dataclass(frozen=True)
class ContainerFacts:
    """Facts of one container.

    :param exallm: version of exallm in it.
    :param flavor: ``cpu`` or ``cuda``.
    :param python: version of Python in it, as ``3.12``.
    :param accelerator: what its scripts with a model ask for, one word, None for nothing.
    :param build: sha256 over its pins and its wheel of exallm: what tells two containers apart.
    """

    exallm: str
    flavor: str
    python: str
    accelerator: str | None
    build: str

    @property
    def version(self) -> str:
        """The version that it is deployed under where nobody names one."""
        return f"{self.exallm}-{self.flavor}"

    @property
    def name(self) -> str:
        """The folder and file name of the container, without an ending."""
        return f"exallm-{self.version}"

    def to_json(self) -> str:
        """The text of the file."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def of(cls, flavor: Flavor, description: ContainerDescription, wheel: Path) -> ContainerFacts:
        """The facts of a container that is to be built.

        :raises ExallmError: E-EXALLM-SLC-6 for a wheel that is not exallm's.
        """
        match = _WHEEL.fullmatch(wheel.name)
        if match is None:
            raise ExallmError(
                "E-EXALLM-SLC-6",
                f"{wheel.name} is no wheel of exallm",
                "name the wheel of this version with --wheel",
            )
        digest = hashlib.sha256(flavor.pins_text.encode())
        digest.update(flavor.base_image.encode())
        digest.update(wheel.read_bytes())
        return cls(
            match["version"],
            flavor.name,
            description.python,
            flavor.accelerator,
            digest.hexdigest(),
        )

    @classmethod
    def from_json(cls, text: bytes) -> ContainerFacts:
        """Read the file; :raises ValueError: for another text."""
        return cls.from_entries(json.loads(text))

    @classmethod
    def from_entries(cls, entries: Any) -> ContainerFacts:
        """Facts as JSON has them; :raises ValueError: for anything else.

        The accelerator stands in the text of scripts, so that it may be nothing but a word.
        """
        if not isinstance(entries, dict) or set(entries) != set(FACTS_NAMES):
            raise ValueError(f"{FACTS_NAME} has other entries than {', '.join(FACTS_NAMES)}")
        texts = {name: entries[name] for name in FACTS_NAMES if name != "accelerator"}
        if not all(isinstance(text, str) for text in texts.values()):
            raise ValueError(f"{FACTS_NAME} has an entry that is no text")
        accelerator = entries["accelerator"]
        if accelerator is not None and not (
            isinstance(accelerator, str) and _ACCELERATOR.fullmatch(accelerator)
        ):
            raise ValueError(f"{FACTS_NAME} has an accelerator that is no word")
        return cls(accelerator=accelerator, **texts)
