"""The models that this process has loaded."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from exallm_udfs.buckets import real_path
from exallm_udfs.engines.choice import engine_name, open_engine
from exallm_udfs.engines.engine import Engine
from exallm_udfs.engines.span_reader import SpanReader
from exallm_udfs.errors import ExallmError
from exallm_udfs.manifest import Manifest
from exallm_udfs.package import check_sizes, package_sha256, read_manifest
from exallm_udfs.registry import RegisteredVersion

_MEBIBYTE = 1 << 20
# Measured: an engine's own code and buffers, and the weights once as they are on the disk and once
# as the processor's instructions want them.
_ENGINE_BYTES = 300 * _MEBIBYTE
_WEIGHT_COPIES = 2


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to answer.

    :param bytes: memory that it is reckoned to take.
    """

    manifest: Manifest
    engine: Engine | SpanReader
    bytes: int


_Key = tuple[str, str, int | None]
# The model that was asked for last stands last.
_loaded: OrderedDict[_Key, LoadedModel] = OrderedDict()


def loaded_model(
    registered: RegisteredVersion,
    threads: int | None = None,
    *,
    engine: str | None = None,
    memory_limit: int | None = None,
) -> LoadedModel:
    """The registered version, from memory where this process has it.

    Models are kept by the sha256 of their package, engine and ``threads``. Where another one does
    not fit beside them, those that were not asked for the longest are closed: ask again for a model
    rather than keep it. Before a package is loaded, its manifest's digest and the sizes of its
    files are checked; reading every byte is left to VERIFY_PACKAGE.

    :param engine: ``openvino`` or ``torch``; None takes what suits package and hardware.
    :param memory_limit: bytes for all models of this process, as ``exa.meta.memory_limit`` has it.

    Raises E-EXALLM-MODEL-7 to -14, -27 for a model larger than the limit and -28 where the
    container lacks the engine.
    """
    folder = real_path(registered.path)
    known = [
        key
        for key in _loaded
        if key[0] == registered.sha256 and key[1] == (engine or key[1]) and key[2] == threads
    ]
    if known:
        _loaded.move_to_end(known[0])
        return _loaded[known[0]]
    manifest = _checked_manifest(folder, registered)
    name = f"{registered.model}@v{registered.version}"
    chosen = engine_name(manifest, name, engine)
    needed = _needed_bytes(manifest, chosen)
    if memory_limit is not None:
        _make_room(name, needed, memory_limit)
    model = LoadedModel(manifest, open_engine(manifest, folder, chosen, threads), needed)
    _loaded[registered.sha256, chosen, threads] = model
    return model


def close_all() -> None:
    """Free every loaded model."""
    while _loaded:
        _close_oldest()


def _close_oldest() -> None:
    _, model = _loaded.popitem(last=False)
    model.engine.close()


def _make_room(name: str, needed: int, memory_limit: int) -> None:
    if needed > memory_limit:
        raise ExallmError(
            "E-EXALLM-MODEL-27",
            f"{name} needs about {needed // _MEBIBYTE} MiB, and a process of the script may have "
            f"{memory_limit // _MEBIBYTE} MiB",
            "register a smaller model, or let the database give its scripts more memory",
        )
    while _loaded and needed + sum(model.bytes for model in _loaded.values()) > memory_limit:
        _close_oldest()


def _needed_bytes(manifest: Manifest, engine: str) -> int:
    weights = sum(file.bytes for file in manifest.files_of(manifest.engines[engine].path))
    return _ENGINE_BYTES + _WEIGHT_COPIES * weights


def _checked_manifest(folder: Path, registered: RegisteredVersion) -> Manifest:
    manifest = read_manifest(folder)
    name = f"{registered.model}@v{registered.version}"
    if package_sha256(folder) != registered.sha256:
        raise ExallmError(
            "E-EXALLM-MODEL-10",
            f"the package of {name} is not the one that was registered",
            "upload the registered package again, or register this one as a new version",
        )
    problems = check_sizes(folder, manifest)
    if problems:
        raise ExallmError(
            "E-EXALLM-MODEL-11",
            f"the package of {name} is not whole: {problems[0].path} {problems[0].problem}",
            "wait until the upload is done, or upload the package again",
        )
    return manifest
