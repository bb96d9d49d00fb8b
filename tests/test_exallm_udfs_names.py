from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm_udfs.errors import ExallmError
from exallm_udfs.names import ModelReference, package_path

NAMES = st.from_regex(r"[a-z][a-z0-9_-]{0,62}", fullmatch=True)
ALIASES = NAMES.filter(lambda name: not (name[0] == "v" and name[1:].isdigit()))
VERSIONS = st.integers(1, 10**9 - 1)


def test_a_bare_name_means_champion() -> None:
    assert ModelReference.parse("qa") == ModelReference("qa", alias="champion")
    assert ModelReference.parse("qa@challenger") == ModelReference("qa", alias="challenger")
    assert ModelReference.parse("qa@v3") == ModelReference("qa", version=3)


@given(NAMES, ALIASES)
def test_a_reference_by_alias_is_read_as_it_was_written(name: str, alias: str) -> None:
    reference = ModelReference(name, alias=alias)
    assert ModelReference.parse(str(reference)) == reference


@given(NAMES, VERSIONS)
def test_a_reference_by_version_is_read_as_it_was_written(name: str, version: int) -> None:
    reference = ModelReference(name, version=version)
    assert ModelReference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@champion",
        "qa@",
        "qa@@v1",
        "qa@v0",
        "qa@v01",
        "qa@v9999999999",
        "Qa",
        " qa",
        "qa\n",
        "1qa",
        "qa@CHAMPION",
        "qa/../x",
        "a" * 64,
        "qä",
    ],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ExallmError) as caught:
        ModelReference.parse(text)
    assert caught.value.code == "E-EXALLM-MODEL-1"


def test_the_error_for_an_upper_case_name_says_lower_case() -> None:
    with pytest.raises(ExallmError, match="lower case"):
        ModelReference.parse("QA")


def test_a_reference_has_an_alias_or_a_version_never_both() -> None:
    with pytest.raises(ValueError):
        ModelReference("qa")
    with pytest.raises(ValueError):
        ModelReference("qa", alias="champion", version=1)


def test_package_path() -> None:
    assert package_path("qa", 3) == "exallm/models/qa/v3"
    for model, version in [("../qa", 1), ("qa", 0), ("qa", -1)]:
        with pytest.raises(ExallmError):
            package_path(model, version)
