"""The call of REGISTER_MODEL, and the script with which a DBA makes it from any client."""

from __future__ import annotations

import json

from exallm.sql_text import quote_identifier, quote_text
from exallm_udfs.manifest import Manifest


def registration_call(
    schema: str, manifest: Manifest, manifest_text: str, path: str, alias: str | None = None
) -> str:
    """The statement that registers a version.

    :param manifest_text: of ``manifest.json``, to the letter.
    :param path: of the package as UDFs see it.
    :param alias: alias that is to mean the version, or None.
    """
    settings = {"alias": alias} if alias else {}
    arguments = (
        quote_text(manifest.name),
        str(manifest.version),
        quote_text(path),
        quote_text(manifest_text),
        quote_text(json.dumps(settings)),
    )
    call = f"{quote_identifier(schema)}.REGISTER_MODEL"
    return f"EXECUTE SCRIPT {call}(\n    " + ",\n    ".join(arguments) + "\n)"


def install_script_name(manifest: Manifest) -> str:
    """``install_qa_v2.sql``."""
    return f"install_{manifest.name}_v{manifest.version}.sql"


def install_script(schema: str, manifest: Manifest, manifest_text: str, path: str) -> str:
    """SQL that registers a version whose files lie at ``path``."""
    return (
        f"-- Registers version {manifest.version} of the model {manifest.name}.\n"
        "-- First upload the package's files, so that manifest.json lies in\n"
        f"-- {path}\n"
        "-- Every node reads every byte of them before the version counts. The first version of a\n"
        "-- model is its champion; a later one answers once an alias points to it.\n\n"
        f"{registration_call(schema, manifest, manifest_text, path)};\n\nCOMMIT;\n"
    )
