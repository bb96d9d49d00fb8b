"""The project's own sets, which never change: figures over time are of the same questions."""

from __future__ import annotations

from pathlib import Path

from exallm_udfs.errors import ExallmError
from exallm_udfs.package import file_sha256

NARRATIVES = "narratives"
ADVERSARIAL = "adversarial"

# Another set gets another name; a file here is never edited.
_FILES = {
    NARRATIVES: "narratives.txt",
    ADVERSARIAL: "cases.toml",
}
SHA256 = {
    NARRATIVES: "e8af3f746953a39338e68f3928a4337548d1f53b518908f2ebf78f4284b1fae7",
    ADVERSARIAL: "4e7e20f60a695e5b05702ccd6db9038c99b96aaf9e24cdbe70af00fb65fa7378",
}
_PACKAGE = Path(__file__).parents[1]


def own_set_file(name: str) -> Path:
    """The file of ``narratives`` or ``adversarial``, in the installed package or the checkout.

    :raises ExallmError: E-EXALLM-TRAIN-21 where it is missing or was changed.
    """
    parts = (name, _FILES[name])
    for root in (_PACKAGE, _PACKAGE.parent):
        file = root.joinpath(*parts)
        if file.is_file():
            return checked(name, file)
    raise _changed(name, "is missing")


def checked(name: str, file: Path) -> Path:
    """The file, once its sha256 is the one that is pinned."""
    if file_sha256(file) != SHA256[name]:
        raise _changed(name, "was changed, so figures of it compare with no others")
    return file


def _changed(name: str, problem: str) -> ExallmError:
    return ExallmError("E-EXALLM-TRAIN-21", f"the set {name} {problem}", "install exallm again")
