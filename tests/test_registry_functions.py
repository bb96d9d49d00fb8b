"""Functions that CREATE_FUNCTION makes for analysts."""

from __future__ import annotations

from collections.abc import Callable

import pyexasol
import pytest

from exallm.installer.sql_files import split_statements
from exallm.sql_text import quote_identifier
from tests.registry_harness import InstalledRegistry
from tests.test_sql_files import SQL

NAMES = [
    "GPT2_INFERENCE",
    "lower case",
    "SELECT",
    'x"; DROP SCHEMA "y\'; --',
    "%env A=B;",
    "ß😀 :m ::s",
    "N" * 128,
]


@pytest.fixture
def sales(three: InstalledRegistry) -> InstalledRegistry:
    """qa with versions 1 to 3, and the schema SALES of the analysts."""
    three.run("CREATE SCHEMA SALES")
    three.run("CLOSE SCHEMA")
    return three


def scripts(registry: InstalledRegistry, schema: str = "SALES") -> list[tuple[str, str]]:
    return registry.rows(
        "SELECT SCRIPT_NAME, SCRIPT_LANGUAGE FROM EXA_ALL_SCRIPTS"
        f" WHERE SCRIPT_SCHEMA = '{schema}' ORDER BY 1"
    )


def test_a_function_is_made_bound_and_dropped(sales: InstalledRegistry) -> None:
    sales.call("CREATE_FUNCTION", "SALES", "GPT2_INFERENCE", "qa@champion", "answer")
    assert scripts(sales) == [("GPT2_INFERENCE", "PYTHON3_EXALLM")]
    assert sales.rows(
        "SELECT FUNCTION_SCHEMA, FUNCTION_NAME, MODEL_REFERENCE, TASK, CREATED_BY"
        " FROM {s}.FUNCTIONS"
    ) == [("SALES", "GPT2_INFERENCE", "qa@champion", "answer", "SYS")]
    ((comment,),) = sales.rows(
        "SELECT SCRIPT_COMMENT FROM EXA_ALL_SCRIPTS WHERE SCRIPT_SCHEMA = 'SALES'"
    )
    assert comment.startswith("Made by exallm")
    sales.call("CREATE_FUNCTION", "SALES", "GPT2_INFERENCE", "qa@v2", "complete")
    assert sales.rows("SELECT MODEL_REFERENCE, TASK FROM {s}.FUNCTIONS") == [("qa@v2", "complete")]
    sales.call("DROP_FUNCTION", "SALES", "GPT2_INFERENCE")
    assert scripts(sales) == []
    assert sales.rows("SELECT * FROM {s}.FUNCTIONS") == []
    sales.fails(46, "DROP_FUNCTION", "SALES", "GPT2_INFERENCE")


def test_null_and_blank_texts_need_no_model(sales: InstalledRegistry) -> None:
    sales.call("CREATE_FUNCTION", "SALES", "ASK", "qa", "answer")
    sales.call("CREATE_FUNCTION", "SALES", "WRITE_ON", "qa", "complete")
    assert sales.rows(
        "SELECT SALES.ASK(''), SALES.ASK('Who?', NULL), SALES.WRITE_ON(' '),"
        " SALES.WRITE_ON(NULL, '{}')"
    ) == [(None, None, None, None)]


@pytest.mark.parametrize(
    ("call", "code"), [("ASK('a', 'b', 'c', 'd')", "SQL-4"), ("ASK('a', 'b', '{x')", "SQL-1")]
)
def test_wrong_arguments_stop_the_statement(sales: InstalledRegistry, call: str, code: str) -> None:
    sales.call("CREATE_FUNCTION", "SALES", "ASK", "qa", "answer")
    with pytest.raises(pyexasol.ExaQueryError, match=f"E-EXALLM-{code}"):
        sales.rows(f"SELECT SALES.{call}")


def test_the_function_reads_the_registry_of_its_installation(sales: InstalledRegistry) -> None:
    sales.call("CREATE_FUNCTION", "SALES", "ASK", "qa@champion", "answer")
    # The package holds no model: that its header is read shows that it was found.
    with pytest.raises(pyexasol.ExaQueryError, match="E-EXALLM-MODEL-12"):
        sales.rows("SELECT SALES.ASK('Who?')")


@pytest.mark.parametrize("name", NAMES)
def test_any_legal_name_works(
    install_registry: Callable[[str], InstalledRegistry], name: str
) -> None:
    analysts = f"{name[:-1]}a" if len(name) == 128 else f"{name} a"
    installed = install_registry(name)
    installed.add(1)
    quoted = f"{quote_identifier(analysts)}.{quote_identifier(name)}"
    installed.run(f"CREATE SCHEMA {quote_identifier(analysts)}")
    try:
        installed.call("CREATE_FUNCTION", analysts, name, "qa", "answer")
        assert installed.rows(f"SELECT {quoted}('')") == [(None,)]
        with pytest.raises(pyexasol.ExaQueryError, match="E-EXALLM-MODEL-12"):
            installed.rows(f"SELECT {quoted}('Who?', 'Jan.')")
        installed.call("SET_ALIAS", "qa", "challenger", 1, "{}")
        installed.call("DROP_FUNCTION", analysts, name)
        with pytest.raises(pyexasol.ExaQueryError, match="not found"):
            installed.rows(f"SELECT {quoted}('')")
    finally:
        installed.run(f"DROP SCHEMA {quote_identifier(analysts)} CASCADE")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("sales", "F", "qa", "answer"), 44, "there is no schema sales"),
        (("SALES", "", "qa", "answer"), 44, "no name of 1 to 128"),
        ((None, "F", "qa", "answer"), 44, "no name of 1 to 128"),
        (("SALES", "F" * 129, "qa", "answer"), 44, "no name of 1 to 128"),
        (("SALES", "F", "qb", "answer"), 3, "no model qb"),
        (("SALES", "F", "qa@nobody", "answer"), 5, "has no alias nobody"),
        (("SALES", "F", "qa@v9", "answer"), 4, "no version 9"),
        (("SALES", "F", "qa@", "answer"), 1, "not a model reference"),
        (("SALES", "F", "@champion", "answer"), 1, "not a model reference"),
        (("SALES", "F", None, "answer"), 3, "no model"),
        (("SALES", "F", "qa", "translate"), 43, "no task translate"),
        (("SALES", "F", "qa", None), 43, "no task"),
    ],
)
def test_what_cannot_be_bound_is_refused(
    sales: InstalledRegistry, arguments: tuple[str | None, ...], code: int, words: str
) -> None:
    assert words in sales.fails(code, "CREATE_FUNCTION", *arguments)
    assert scripts(sales) == []


def test_a_function_of_text_is_not_bound_to_a_model_that_points(sales: InstalledRegistry) -> None:
    sales.add(1, "span", points=True)
    for reference in ("span", "span@champion", "span@v1"):
        sales.fails(50, "CREATE_FUNCTION", "SALES", "WRITE_ON", reference, "complete")
    assert scripts(sales) == []
    sales.call("CREATE_FUNCTION", "SALES", "ASK", "span", "answer")


@pytest.mark.parametrize("reference", ["other", "other@champion"])
def test_a_champion_that_functions_ask_for_text_goes_on_writing(
    sales: InstalledRegistry, reference: str
) -> None:
    sales.add(1, "other")
    sales.add(2, "other", points=True)
    sales.evaluate_as(1, [0.0] * 20, "other")
    sales.evaluate_as(2, [1.0] * 20, "other")
    sales.call("CREATE_FUNCTION", "SALES", "WRITE_ON", reference, "complete")
    message = sales.fails(51, "PROMOTE", "other", 2, "{}")
    assert "other@champion for text: SALES.WRITE_ON;" in message and "FORCE_PROMOTE" in message
    sales.call("SET_ALIAS", "other", "challenger", 2, "{}")
    sales.call("CREATE_FUNCTION", "SALES", "WRITE_ON", reference, "answer")
    sales.call("PROMOTE", "other", 2, "{}")
    assert sales.champion("other") == 2


def test_an_alias_that_functions_ask_for_text_goes_on_writing(sales: InstalledRegistry) -> None:
    sales.add(4, points=True)
    sales.call("SET_ALIAS", "qa", "tried", 4, "{}")
    sales.call("SET_ALIAS", "qa", "tried", 2, "{}")
    sales.call("CREATE_FUNCTION", "SALES", "WRITE_ON", "qa@tried", "complete")
    assert "FORCE_PROMOTE" not in sales.fails(51, "SET_ALIAS", "qa", "tried", 4, "{}")
    sales.fails(51, "ROLLBACK", "qa", '{"alias": "tried"}')
    sales.call("SET_ALIAS", "qa", "tried", None, "{}")
    sales.fails(51, "SET_ALIAS", "qa", "tried", 4, "{}")
    sales.call("DROP_FUNCTION", "SALES", "WRITE_ON")
    sales.call("SET_ALIAS", "qa", "tried", 4, "{}")


def test_gpt2_inference_gets_text_until_it_is_forced_not_to(three: InstalledRegistry) -> None:
    for version in (4, 5):
        three.add(version, points=True)
        three.evaluate_as(version, [1.0] * 20)
    three.evaluate_as(1, [0.0] * 20)
    message = three.fails(51, "PROMOTE", "qa", 4, '{"margin": -1}')
    assert "qa@champion for text: GPT2_INFERENCE;" in message
    assert three.champion() == 1
    three.call("FORCE_PROMOTE", "qa", 4, "nobody calls GPT2_INFERENCE here")
    three.call("PROMOTE", "qa", 5, '{"margin": -0.1}')
    assert three.champion() == 5


def test_a_script_that_it_did_not_make_is_left_alone(sales: InstalledRegistry) -> None:
    own = "CREATE OR REPLACE PYTHON3 SCALAR SCRIPT SALES.F () RETURNS INT AS\n"
    own += "def run(ctx): return 7\n"
    sales.run(own)
    sales.fails(45, "CREATE_FUNCTION", "SALES", "F", "qa", "answer")
    sales.fails(46, "DROP_FUNCTION", "SALES", "F")
    sales.run("DROP SCRIPT SALES.F")
    sales.call("CREATE_FUNCTION", "SALES", "F", "qa", "answer")
    sales.run(own)
    sales.fails(45, "CREATE_FUNCTION", "SALES", "F", "qa", "answer")
    sales.fails(45, "DROP_FUNCTION", "SALES", "F")
    assert sales.rows("SELECT SALES.F()") == [(7,)]
    sales.run("DROP SCRIPT SALES.F")
    sales.call("DROP_FUNCTION", "SALES", "F")
    assert sales.rows("SELECT * FROM {s}.FUNCTIONS") == []


def test_a_table_of_that_name_is_left_alone(sales: InstalledRegistry) -> None:
    sales.run("CREATE TABLE SALES.F (A INT)")
    with pytest.raises(pyexasol.ExaQueryError, match="already exists"):
        sales.call("CREATE_FUNCTION", "SALES", "F", "qa", "answer")
    assert sales.rows("SELECT * FROM {s}.FUNCTIONS") == []


def test_a_version_that_a_function_is_bound_to_stays(sales: InstalledRegistry) -> None:
    sales.call("CREATE_FUNCTION", "SALES", "F", "qa@v2", "answer")
    assert "SALES.F is bound to qa@v2" in sales.fails(34, "DELETE_VERSION", "qa", 2, "{}")
    sales.call("DROP_FUNCTION", "SALES", "F")
    sales.call("DELETE_VERSION", "qa", 2, "{}")
    sales.fails(33, "CREATE_FUNCTION", "SALES", "F", "qa@v2", "answer")


def test_a_view_on_a_function_follows_the_champion(
    install_registry: Callable[[str], InstalledRegistry],
) -> None:
    installed = install_registry("FOLLOWED")
    for version in (1, 2):
        installed.add(version, "followed")
    # The first version has no model in its file, the second one has no manifest.
    folder = installed.buckets / "bfsdefault/default/exallm/models/followed/v2"
    (folder / "manifest.json").unlink()
    installed.run("CREATE SCHEMA SALES")
    try:
        installed.call("CREATE_FUNCTION", "SALES", "ASK", "followed", "answer")
        installed.run("CREATE VIEW SALES.REPLIES AS SELECT SALES.ASK('Who?') AS A")
        for code in ("MODEL-12", "MODEL-7", "MODEL-12"):
            with pytest.raises(pyexasol.ExaQueryError, match=f"E-EXALLM-{code}:"):
                installed.rows("SELECT A FROM SALES.REPLIES")
            if code == "MODEL-7":
                installed.call("ROLLBACK", "followed", "{}")
            elif installed.champion("followed") == 1:
                installed.call("FORCE_PROMOTE", "followed", 2, "the same view")
    finally:
        installed.run("DROP SCHEMA SALES CASCADE")


def test_uninstalling_takes_the_functions_along(
    install_registry: Callable[[str], InstalledRegistry],
) -> None:
    installed = install_registry("EXALLM")
    installed.add(1)
    installed.run("CREATE SCHEMA SALES")
    try:
        installed.call("CREATE_FUNCTION", "SALES", "ASK", "qa", "answer")
        installed.call("CREATE_FUNCTION", "SALES", "MINE", "qa", "answer")
        installed.run(
            "CREATE OR REPLACE PYTHON3 SCALAR SCRIPT SALES.MINE () RETURNS INT AS\n"
            "def run(ctx): return 7\n"
        )
        for statement in split_statements((SQL / "uninstall.sql").read_text(encoding="utf-8")):
            if not statement.startswith("DROP ROLE"):  # other tests have installations too
                installed.run(statement)
        assert scripts(installed) == [("MINE", "PYTHON3")]
        assert installed.rows("SELECT * FROM EXA_SCHEMAS WHERE SCHEMA_NAME = 'EXALLM'") == []
    finally:
        installed.run("DROP SCHEMA SALES CASCADE")
