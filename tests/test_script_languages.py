"""SCRIPT_LANGUAGES as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exallm.installer.script_languages import (
    alias_url,
    container_path,
    container_url,
    with_alias,
    without_alias,
)
from exallm.local.udf.container import BUILTIN
from exallm_udfs.errors import ExallmError

PATH = "/buckets/bfsdefault/default/exallm/slc/exallm-0.1.0-cpu"
URL = container_url(PATH)
WORD = st.text("abcXYZ019_", min_size=1, max_size=8).map(lambda text: "L" + text)
BLANK = st.sampled_from([" ", "  ", "\n", "\t "])


def test_the_url_of_a_container_is_the_one_that_exasol_documents() -> None:
    assert (
        "localzmq+protobuf:///bfsdefault/default/exallm/slc/exallm-0.1.0-cpu?lang=python"
        f"#{PATH}/exaudf/exaudfclient"
    ) == URL
    assert container_path(URL) == PATH
    assert container_path(BUILTIN) is None


def test_a_new_alias_is_added_at_the_end() -> None:
    assert with_alias("R=builtin_r", "MINE", "u") == "R=builtin_r MINE=u"
    assert with_alias("", "MINE", "u") == "MINE=u"


def test_an_alias_is_changed_where_it_stands_whatever_its_case() -> None:
    before = "  JAVA=builtin_java   mine=old?x=1\tR=builtin_r "
    after = "  JAVA=builtin_java   mine=new?x=2\tR=builtin_r "
    assert with_alias(before, "MINE", "new?x=2") == after
    assert alias_url(after, "Mine") == "new?x=2"
    assert alias_url(after, "MIN") is None


def test_an_alias_that_stands_twice_is_not_guessed() -> None:
    with pytest.raises(ExallmError, match=r"E-EXALLM-SLC-13: .*MINE.* 2 times"):
        with_alias("MINE=a mine=b", "MINE", "c")


@given(st.dictionaries(WORD.map(str.upper), WORD, min_size=1, max_size=5), BLANK, WORD)
def test_all_others_stay_byte_for_byte(entries: dict[str, str], blank: str, url: str) -> None:
    text = blank + blank.join(f"{alias}={value}" for alias, value in entries.items()) + blank
    for alias, value in entries.items():
        changed = with_alias(text, alias, url)
        assert alias_url(changed, alias) == url
        assert with_alias(changed, alias, value) == text
    added = with_alias(text, "OTHER", url)
    assert added.startswith(text)
    assert without_alias(added, "OTHER").split() == text.split()
