"""A container into a database: upload, wait, check, activate; and back again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from exallm.installer.models import Uploaded
from exallm.installer.script_languages import (
    SESSION,
    SYSTEM,
    activate,
    activation_statement,
    alias_url,
    container_path,
    container_url,
    script_languages,
    with_alias,
)
from exallm.installer.target import Target
from exallm.models.source import Progress
from exallm.slc.archive import ContainerArchive
from exallm.slc.bucket_store import BucketStore
from exallm.slc.nodes import NodeReport, Probe, wait_for_nodes
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class Activation:
    """A container that answered on every node.

    :param reports: what each node said.
    :param statement: what activates it for the session, or has activated it for the system.
    """

    url: str
    reports: tuple[NodeReport, ...]
    statement: str

    @property
    def path(self) -> str | None:
        """Of the unpacked container, as UDFs see it; None for a built-in language."""
        return container_path(self.url)


@dataclass(frozen=True)
class Deployment:
    """One call of ``exallm slc deploy``.

    :param version: of the container, which names its folder.
    :param deadline_s: seconds that nodes have to answer in.
    :param scope: ``SYSTEM`` or ``SESSION``.
    """

    archive: ContainerArchive
    version: str
    deadline_s: float
    scope: str = SYSTEM


def deploy(target: Target, request: Deployment, told: Progress, uploaded: Uploaded) -> Activation:
    """Upload a container and activate it once every node has answered out of it.

    What is active stays active until then, and whatever fails leaves it so.

    :raises ExallmError: E-EXALLM-SLC-7 for a container of another kind of database, -8 to -12 as
        they say, -13 where the alias is ambiguous.
    """
    _require_kind(target, request.archive)
    store = BucketStore(target.bucket)
    path = store.udf_path(request.version)
    _require_replaceable(target, store, request, path)
    told(f"uploading {request.archive.file.name}")
    store.upload(request.archive, request.version, uploaded)
    url = container_url(path)
    facts = request.archive.facts
    probe = Probe(url, facts.build, facts.accelerator, request.deadline_s)
    return _activate(target, store, probe, request.scope, told)


def activate_version(
    target: Target, version: str, deadline_s: float, scope: str, told: Progress
) -> Activation:
    """Activate a container that lies in BucketFS already.

    :raises ExallmError: E-EXALLM-SLC-16 where there is none of this version, and as :func:`deploy`.
    """
    store = BucketStore(target.bucket)
    stored = store.stored(version)
    if stored is None or not stored.is_whole:
        raise ExallmError(
            "E-EXALLM-SLC-16",
            f"no container {version} lies whole in the bucket",
            "upload it with exallm slc deploy",
        )
    url = container_url(store.udf_path(version))
    probe = Probe(url, stored.facts.build, stored.facts.accelerator, deadline_s)
    return _activate(target, store, probe, scope, told)


def roll_back(target: Target, deadline_s: float, told: Progress) -> Activation:
    """Activate for the system what the alias meant before exallm last changed it.

    :raises ExallmError: E-EXALLM-SLC-17 where nothing was before, or somebody else has changed the
        alias since.
    """
    store = BucketStore(target.bucket)
    urls = store.activations(target.language)
    with target.database.session() as connection:
        active = alias_url(script_languages(connection, SYSTEM), target.language)
    if len(urls) < 2:
        raise _no_way_back(target, "it had no other container before")
    if active != urls[-1]:
        raise _no_way_back(target, "the alias was changed by other means since")
    reports = _answers(target, Probe(urls[-2], None, None, deadline_s), told)
    _, statement = _set(target, urls[-2])
    store.remember(target.language, urls[:-1])
    return Activation(urls[-2], reports, statement)


def require_engines(reports: Sequence[NodeReport], accelerator: str | None) -> None:
    """:raises ExallmError: E-EXALLM-SLC-11 where an engine of the container cannot be imported."""
    engines = ("openvino",) if accelerator is None else ("openvino", "torch")
    problems = [
        f"node {each.node}: {engine} {each.report['engines'][engine]}"
        for each in reports
        for engine in engines
        if each.report["engines"][engine] is not None
    ]
    if problems:
        raise ExallmError(
            "E-EXALLM-SLC-11",
            f"the container runs, and its packages do not: {'; '.join(problems)}",
            "nothing was activated; build the container again and run exallm slc check",
        )


def _activate(
    target: Target, store: BucketStore, probe: Probe, scope: str, told: Progress
) -> Activation:
    reports = _answers(target, probe, told)
    if scope == SESSION:
        with target.database.session() as connection:
            languages = script_languages(connection, SESSION)
        statement = activation_statement(with_alias(languages, target.language, probe.url), SESSION)
        return Activation(probe.url, reports, statement)
    told("activating")
    before, statement = _set(target, probe.url)
    if before != probe.url:
        known = store.activations(target.language)
        if before is not None and known[-1:] != (before,):
            known = (*known, before)
        store.remember(target.language, (*known, probe.url))
    return Activation(probe.url, reports, statement)


def _answers(target: Target, probe: Probe, told: Progress) -> tuple[NodeReport, ...]:
    reports = wait_for_nodes(target.database, probe, told)
    told("checking what the nodes have answered")
    require_engines(reports, probe.accelerator)
    return reports


def _set(target: Target, url: str) -> tuple[str | None, str]:
    """What the alias meant before, and the statement that has changed it."""
    with target.database.session() as connection:
        before = alias_url(script_languages(connection, SYSTEM), target.language)
        statement = activate(connection, SYSTEM, target.language, url)
        connection.commit()
    return before, statement


def _require_kind(target: Target, archive: ContainerArchive) -> None:
    if archive.is_embedded == target.is_embedded:
        return
    kind, other = "an Exasol", "the embedded engine"
    if archive.is_embedded:
        kind, other = other, kind
    raise ExallmError(
        "E-EXALLM-SLC-7",
        f"{archive.file.name} is a container for {kind}, not for {other}",
        "build the other one: exallm slc build, with or without --embedded",
    )


def _require_replaceable(
    target: Target, store: BucketStore, request: Deployment, path: str
) -> None:
    """What an alias means may not be overwritten: it has to stay until the new one answers."""
    stored = store.stored(request.version)
    if stored is None or stored.sha256 == request.archive.sha256:
        return
    with target.database.session() as connection:
        languages = script_languages(connection, SYSTEM)
    if path in (container_path(part.partition("=")[2]) for part in languages.split()):
        raise ExallmError(
            "E-EXALLM-SLC-12",
            f"the container {request.version} is active, and the file is another one",
            "deploy the file beside it, under another --version",
        )


def _no_way_back(target: Target, problem: str) -> ExallmError:
    return ExallmError(
        "E-EXALLM-SLC-17",
        f"{target.language} cannot be rolled back: {problem}",
        "activate a container by its version: exallm slc activate VERSION",
    )
