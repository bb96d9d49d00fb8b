"""V002 on a schema that V001 has filled."""

from __future__ import annotations

from collections.abc import Callable

from exallm.installer.sql_files import SqlFile, sql_files
from exallm.installer.target import local_target
from exallm.local.engine_home import EngineHome
from exallm.sql_text import quote_text
from tests.registry_harness import InstalledRegistry, write_package

# Versions 1 to 3, which were champion in this order, and a challenger.
FILL = """
INSERT INTO MODELS VALUES ('qa', 'answer', CURRENT_TIMESTAMP, 'SYS');
INSERT INTO MODEL_ALIASES VALUES ('qa', 'champion', 3);
INSERT INTO MODEL_ALIASES VALUES ('qa', 'challenger', 2);
INSERT INTO ALIAS_HISTORY VALUES ('qa', 'champion', NULL, 1, 'first version', '2026-01-01', 'ANN');
INSERT INTO ALIAS_HISTORY VALUES ('qa', 'challenger', NULL, 2, NULL, '2026-01-02', 'ANN');
INSERT INTO ALIAS_HISTORY VALUES ('qa', 'champion', 2, 3, 'it''s new', '2026-01-04', 'BEA');
INSERT INTO ALIAS_HISTORY VALUES ('qa', 'champion', 1, 2, NULL, '2026-01-03', 'BEA');
"""


def test_a_filled_schema_moves_on_with_all_that_it_holds(
    registry_engine: EngineHome, install_registry: Callable[[str], InstalledRegistry]
) -> None:
    make_v001(registry_engine, "FIRST_RELEASE")
    installed = install_registry("FIRST_RELEASE")
    assert installed.rows("SELECT MIGRATION FROM {s}.MIGRATIONS ORDER BY 1") == [
        (file.name,) for file in sql_files("migrations")
    ]
    assert installed.rows(
        "SELECT CHANGE_NUMBER, ALIAS_NAME, FROM_VERSION, TO_VERSION, CHANGE_KIND, REASON,"
        " PREVIOUS_CHANGE, CHANGED_BY FROM {s}.ALIAS_HISTORY ORDER BY CHANGE_NUMBER"
    ) == [
        (1, "champion", None, 1, "REGISTER", "first version", None, "ANN"),
        (2, "challenger", None, 2, "REGISTER", None, None, "ANN"),
        (3, "champion", 1, 2, "REGISTER", None, 1, "BEA"),
        (4, "champion", 2, 3, "REGISTER", "it's new", 3, "BEA"),
    ]
    assert installed.champion() == 3
    for expected in (2, 1):
        installed.call("ROLLBACK", "qa", "{}")
        assert installed.champion() == expected
    installed.fails(36, "ROLLBACK", "qa", "{}")
    assert installed.rows("SELECT COUNT(*) FROM {s}.MODEL_VERSIONS") == [(3,)]


def make_v001(home: EngineHome, schema: str) -> None:
    """A schema as the first release left it, with a model in it."""
    running = home.running()
    assert running is not None
    first = sql_files("migrations")[0]
    assert first.name.startswith("V001")
    with local_target(home, running, schema).database.connect() as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        for statement in [*first.statements(), *SqlFile("fill", FILL).statements()]:
            connection.execute(statement)
        connection.execute(
            f"INSERT INTO MIGRATIONS VALUES ('{first.name}', '{first.sha256}', CURRENT_TIMESTAMP,"
            " 'SYS')"
        )
        for version in (1, 2, 3):
            manifest = write_package(home.buckets_root, "qa", version)
            path = f"/buckets/bfsdefault/default/exallm/models/qa/v{version}"
            connection.execute(
                f"INSERT INTO MODEL_VERSIONS VALUES ('qa', {version}, '{path}',"
                f" HASH_SHA256({quote_text(manifest)}), {quote_text(manifest)},"
                " CURRENT_TIMESTAMP, 'SYS')"
            )
        connection.commit()
