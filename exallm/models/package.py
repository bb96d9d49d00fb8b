"""From a source to a model package: a folder's files and the manifest that names them."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace

from exallm.models.source import PackageSource
from exallm_udfs.manifest import EngineFiles, Manifest
from exallm_udfs.package import describe_file

_OF_EACH_PACKAGE = ("version", "created_at")


def build_manifest(source: PackageSource, name: str, version: int) -> Manifest:
    """The manifest of a version, with the size and sha256 of every file."""
    files = tuple(describe_file(source.folder / path, source.folder) for path in source.files)
    files += tuple(
        replace(describe_file(file, file.parent), path=path) for path, file in source.added.items()
    )
    engines = {"openvino": EngineFiles(source.engine_path)}
    if source.checkpoint_path is not None:
        engines["torch"] = EngineFiles(source.checkpoint_path)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return Manifest(
        name=name,
        version=version,
        task="answer",
        base=None,
        engines=engines,
        files=files,
        prompt=source.settings.prompt,
        generation=source.settings.generation,
        context_length=source.settings.context_length,
        tokenizer=source.tokenizer,
        training=source.training,
        evaluation=source.evaluation,
        licence=source.settings.licence,
        created_at=now.isoformat().replace("+00:00", "Z"),
        adapter=source.adapter,
        extraction=source.settings.extraction,
    )


def is_same_model(manifest: Manifest, registered: str) -> bool:
    """Whether a registered manifest's text describes the same files and settings.

    Version and time differ between two packages of the same model; nothing else does.
    """
    ours, theirs = json.loads(manifest.to_json()), json.loads(registered)
    for key in _OF_EACH_PACKAGE:
        ours.pop(key)
        theirs.pop(key)
    return bool(ours == theirs)
