"""``exallm bundle install``: a bundle into a database, without any other network."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from exallm.bundle.bundle_file import CONTAINER, MODELS, SQL, Listing, unpack_bundle
from exallm.installer.install import apply_plan, plan_install, require_language
from exallm.installer.models import AddedModel, Uploaded, register_package
from exallm.installer.script_languages import SYSTEM
from exallm.installer.sql_files import all_sql_files
from exallm.installer.target import Target
from exallm.models.source import Progress
from exallm.slc.archive import read_archive
from exallm.slc.deploy import Activation, Deployment, deploy
from exallm_udfs.errors import ExallmError


@dataclass(frozen=True)
class InstalledBundle:
    """What a bundle has brought into a database."""

    container: Activation
    migrations: tuple[str, ...]
    models: tuple[AddedModel, ...]


def install_bundle(
    target: Target, file: Path, deadline_s: float, told: Progress, uploaded: Uploaded
) -> InstalledBundle:
    """Deploy the container, then install the SQL and register the models in one transaction.

    Every byte is compared with the bundle's listing before anything is changed.

    :raises ExallmError: E-EXALLM-SLC-20 where the bundle is damaged, -21 where it is of another
        exallm than this one; else as ``deploy``, ``plan_install`` and ``register_package``.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        listing = unpack_bundle(file, folder, told)
        _require_same_sql(listing, folder)
        archive = read_archive(folder / listing.below(CONTAINER)[0].path)
        request = Deployment(archive, archive.facts.version, deadline_s, SYSTEM)
        container = deploy(target, request, told, uploaded)
        place = replace(target, accelerator=archive.facts.accelerator)
        with target.database.session() as connection:
            require_language(connection, target.language)
            plan = plan_install(connection, place)
            apply_plan(connection, plan, lambda step: told(f"installing {step.source}"))
            models = tuple(
                register_package(connection, place, package, None, told, uploaded)
                for package in _packages(listing, folder)
            )
            connection.commit()
    return InstalledBundle(container, plan.migrations, models)


def _packages(listing: Listing, folder: Path) -> list[Path]:
    """The folders of the models, lower versions first."""
    places = {"/".join(file.path.split("/")[:3]) for file in listing.below(MODELS)}
    ordered = sorted(places, key=lambda place: (place.split("/")[1], int(place.split("/v")[-1])))
    return [folder / place for place in ordered]


def _require_same_sql(listing: Listing, folder: Path) -> None:
    ours = all_sql_files()
    theirs = {
        file.path.removeprefix(f"{SQL}/"): (folder / file.path).read_text(encoding="utf-8")
        for file in listing.below(SQL)
    }
    if ours != theirs:
        raise ExallmError(
            "E-EXALLM-SLC-21",
            f"the bundle holds the SQL of exallm {listing.exallm}, which is not that of this one",
            "install the bundle with the exallm that made it",
        )
    if len(listing.below(CONTAINER)) != 1:
        raise ExallmError(
            "E-EXALLM-SLC-20", "the bundle holds no single container", "make the bundle again"
        )
