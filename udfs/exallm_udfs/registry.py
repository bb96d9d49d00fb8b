"""The compiled registry: which versions and aliases a model has, and where packages lie."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from exallm_udfs.errors import ExallmError
from exallm_udfs.json_object import Fields, parse_object
from exallm_udfs.names import ModelReference, check_alias, check_model_name, check_version
from exallm_udfs.package_file import check_sha256

FORMAT = 1
SCRIPT_NAME = "REGISTRY"

_PLAIN_IDENTIFIER = re.compile(r"[A-Z][A-Z0-9_]*")
_REPAIR = "call a registry script, PROMOTE for one, to compile the registry again"


@dataclass(frozen=True)
class RegisteredVersion:
    """One version of a model.

    :param path: the package's folder, ``/buckets/<service>/<bucket>/...``.
    :param sha256: digest of the package's manifest.
    """

    model: str
    version: int
    path: str
    sha256: str

    def __post_init__(self) -> None:
        check_model_name(self.model)
        check_version(self.version)
        if not self.path.startswith("/buckets/"):
            raise ValueError(f"path {self.path!r} is not below /buckets")
        check_sha256(self.sha256)


@dataclass(frozen=True)
class RegisteredModel:
    """The versions of a model by number, and its aliases as version numbers."""

    versions: Mapping[int, RegisteredVersion] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for alias, version in self.aliases.items():
            check_alias(alias)
            if version not in self.versions:
                raise ValueError(f"alias {alias!r} names version {version}, which is not there")


@dataclass(frozen=True)
class Registry:
    """All models by name."""

    models: Mapping[str, RegisteredModel]

    @classmethod
    def decode(cls, text: str) -> Registry:
        """Read the base64 text of the script ``REGISTRY``; E-EXALLM-MODEL-6 where it is broken."""
        try:
            content = base64.b64decode(text.encode("ascii"), validate=True).decode("utf-8")
            top = Fields(parse_object(content), "the registry")
            top.refuse_unknown(["format", "models"])
            top.take_integer("format", FORMAT, FORMAT)
            models = top.take_object("models")
            return cls({name: _read_model(name, value) for name, value in models.items()})
        except ExallmError as error:
            problem = error.problem
        except (ValueError, binascii.Error) as error:
            problem = str(error)
        raise ExallmError(
            "E-EXALLM-MODEL-6", f"the compiled registry is broken: {problem}", _REPAIR
        )

    def encode(self) -> str:
        """Base64 of JSON; the same registry always gives the same text."""
        models = {
            name: {
                "versions": {
                    str(number): {"path": version.path, "sha256": version.sha256}
                    for number, version in model.versions.items()
                },
                "aliases": dict(model.aliases),
            }
            for name, model in self.models.items()
        }
        content = json.dumps(
            {"format": FORMAT, "models": models}, sort_keys=True, separators=(",", ":")
        )
        return base64.b64encode(content.encode("utf-8")).decode("ascii")

    def resolve(self, reference: ModelReference) -> RegisteredVersion:
        """The version that a reference means now.

        Raises E-EXALLM-MODEL-3 for an unknown model, -4 for a version and -5 for an alias, each
        with the names that are there.
        """
        model = self.models.get(reference.model)
        if model is None:
            raise ExallmError(
                "E-EXALLM-MODEL-3",
                f"there is no model {reference.model!r}",
                _choose("models", sorted(self.models)),
            )
        if reference.version is None:
            version = model.aliases.get(reference.alias or "")
            if version is None:
                raise ExallmError(
                    "E-EXALLM-MODEL-5",
                    f"model {reference.model!r} has no alias {reference.alias!r}",
                    _choose("aliases", sorted(model.aliases)),
                )
            return model.versions[version]
        if reference.version not in model.versions:
            raise ExallmError(
                "E-EXALLM-MODEL-4",
                f"model {reference.model!r} has no version {reference.version}",
                _choose("versions", [f"v{number}" for number in sorted(model.versions)]),
            )
        return model.versions[reference.version]


def _choose(what: str, names: Iterable[str]) -> str:
    there = ", ".join(names)
    return f"the {what} there are: {there}" if there else f"there are no {what} yet"


def _read_model(name: str, value: Any) -> RegisteredModel:
    model = Fields(value, f"model {name}")
    model.refuse_unknown(["versions", "aliases"])
    aliases = Fields(model.take_object("aliases"), f"aliases of {name}")
    versions = {}
    for number, entry in model.take_object("versions").items():
        if not number.isascii() or not number.isdigit() or number.startswith("0"):
            raise ValueError(f"model {name}: {number!r} is not a version")
        fields = Fields(entry, f"version {number} of {name}")
        fields.refuse_unknown(["path", "sha256"])
        versions[int(number)] = RegisteredVersion(
            name, int(number), fields.take_text("path"), fields.take_text("sha256")
        )
    return RegisteredModel(
        versions,
        {alias: aliases.take_integer(alias, 1, 10**9 - 1) for alias in model.take("aliases")},
    )


def load_registry(exa: Any, schema: str | None = None) -> Registry:
    """Read the script ``REGISTRY`` of ``schema``, by default of the schema of the running script.

    Assumed of Exasol: ``exa.import_script`` takes a qualified name and folds it as SQL does, so
    that a schema whose name is not plain upper case has to be quoted; the statement keeps the
    text that the script had when the statement began. Raises E-EXALLM-MODEL-6 where the script is
    missing, may not be executed by the caller, or holds no registry.
    """
    name = f"{quote_identifier(schema or exa.meta.script_schema)}.{SCRIPT_NAME}"
    try:
        module = exa.import_script(name)
    except Exception as error:
        # The runtime has no exception class of its own for a script that is missing or forbidden.
        raise ExallmError(
            "E-EXALLM-MODEL-6",
            f"script {name} cannot be read: {' '.join(str(error).split())}",
            "install exallm in that schema and grant EXECUTE on it",
        ) from error
    text = vars(module).get(SCRIPT_NAME)
    if not isinstance(text, str):
        raise ExallmError("E-EXALLM-MODEL-6", f"script {name} holds no registry", _REPAIR)
    return Registry.decode(text)


def quote_identifier(name: str) -> str:
    """The identifier as SQL text: plain upper-case names bare, all others in double quotes."""
    if _PLAIN_IDENTIFIER.fullmatch(name):
        return name
    return '"' + name.replace('"', '""') + '"'
