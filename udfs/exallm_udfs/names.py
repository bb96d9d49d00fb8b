"""Model names, aliases and model references, as SQL and package folders spell them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from exallm_udfs.errors import ExallmError

DEFAULT_ALIAS = "champion"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VERSION = re.compile(r"v([1-9][0-9]{0,8})")
_LIKE_VERSION = re.compile(r"v[0-9]+")
_NAME_RULE = "1 to 63 of a-z, 0-9, _ and -, lower case, beginning with a letter"


def check_model_name(name: str) -> str:
    """The name itself; raises E-EXALLM-MODEL-1 where it is not a model name."""
    if _NAME.fullmatch(name) is None:
        raise ExallmError("E-EXALLM-MODEL-1", f"{name!r} is not a model name", f"use {_NAME_RULE}")
    return name


def check_alias(alias: str) -> str:
    """The alias itself; raises E-EXALLM-MODEL-1 where it is not an alias or looks like ``v3``."""
    if _LIKE_VERSION.fullmatch(alias):
        raise ExallmError(
            "E-EXALLM-MODEL-1",
            f"alias {alias!r} looks like a version",
            "choose an alias that is not the letter v and digits",
        )
    if _NAME.fullmatch(alias) is None:
        raise ExallmError("E-EXALLM-MODEL-1", f"{alias!r} is not an alias", f"use {_NAME_RULE}")
    return alias


def check_version(version: int) -> int:
    """The version itself; raises E-EXALLM-MODEL-1 outside 1 to 999,999,999."""
    if isinstance(version, bool) or not isinstance(version, int) or not 1 <= version < 10**9:
        raise ExallmError(
            "E-EXALLM-MODEL-1",
            f"{version!r} is not a version",
            "use a whole number from 1 to 999999999",
        )
    return version


@dataclass(frozen=True)
class ModelReference:
    """What a caller names: one model, by an alias or by a version, never by both."""

    model: str
    alias: str | None = None
    version: int | None = None

    def __post_init__(self) -> None:
        check_model_name(self.model)
        if (self.alias is None) == (self.version is None):
            raise ValueError("a model reference has either an alias or a version")
        if self.alias is not None:
            check_alias(self.alias)
        if self.version is not None:
            check_version(self.version)

    @classmethod
    def parse(cls, text: str) -> ModelReference:
        """Read ``qa`` (which means ``qa@champion``), ``qa@challenger`` or ``qa@v3``.

        Raises E-EXALLM-MODEL-1 on anything else; blanks are not trimmed and case is not folded.
        """
        model, separator, selector = text.partition("@")
        if separator and not selector:
            raise ExallmError(
                "E-EXALLM-MODEL-1",
                f"{text!r} names no alias or version after the @",
                "write model, model@alias or model@v3",
            )
        version = _VERSION.fullmatch(selector)
        if version is not None:
            return cls(model, version=int(version[1]))
        return cls(model, alias=selector or DEFAULT_ALIAS)

    def __str__(self) -> str:
        return f"{self.model}@{self.alias if self.version is None else f'v{self.version}'}"


def package_path(model: str, version: int) -> str:
    """Where a version's package lies below its bucket: ``exallm/models/qa/v3``."""
    return f"exallm/models/{check_model_name(model)}/v{check_version(version)}"
