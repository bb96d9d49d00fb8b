"""SQLAlchemy with sqlalchemy-exasol as it is published: reflecting, creating, changing."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from typing import Any

import pytest

from exallm.local.engine_home import USER, EngineHome
from tests.conftest import Connect

sqlalchemy = pytest.importorskip("sqlalchemy")
pytest.importorskip("sqlalchemy_exasol")

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def schema(connect: Connect) -> Iterator[str]:
    with connect() as connection:
        connection.execute("CREATE SCHEMA ALCHEMY")
        connection.execute(
            "CREATE TABLE AUTHORS (ID INTEGER, NAME VARCHAR(50) NOT NULL, BORN DATE,"
            " RATING DECIMAL(10,5) DEFAULT 1.5, CODE CHAR(3), SEEN_AT TIMESTAMP, IS_LIVING BOOLEAN,"
            " SCORE DOUBLE, CONSTRAINT AUTHORS_KEY PRIMARY KEY (ID))"
        )
        connection.execute("COMMENT ON COLUMN AUTHORS.NAME IS 'as on the cover'")
        connection.execute("CREATE VIEW LIVING AS SELECT ID, NAME FROM AUTHORS WHERE IS_LIVING")
        yield "alchemy"
        connection.execute("DROP SCHEMA ALCHEMY CASCADE")


@pytest.fixture
def alchemy(engine: EngineHome, schema: str) -> Iterator[Any]:
    """SQLAlchemy's engine for the schema."""
    running = engine.running()
    assert running is not None
    url = sqlalchemy.URL.create(
        "exa+websocket",
        username=USER,
        password=engine.password(),
        host="127.0.0.1",
        port=running.port,
        database=schema,
        query={"ENCRYPTION": "N", "SSLCertificate": "SSL_VERIFY_NONE", "AUTOCOMMIT": "n"},
    )
    made = sqlalchemy.create_engine(url)
    yield made
    made.dispose()


class TestReflecting:
    def test_names(self, alchemy: Any, schema: str) -> None:
        inspector = sqlalchemy.inspect(alchemy)
        assert schema in inspector.get_schema_names()
        assert "authors" in inspector.get_table_names(schema=schema)
        assert inspector.get_view_names(schema=schema) == ["living"]
        assert inspector.has_table("authors", schema=schema)
        assert not inspector.has_table("nosuch", schema=schema)

    def test_columns_and_keys(self, alchemy: Any, schema: str) -> None:
        inspector = sqlalchemy.inspect(alchemy)
        columns = {c["name"]: c for c in inspector.get_columns("authors", schema=schema)}
        assert [str(column["type"]) for column in columns.values()] == [
            "INTEGER",
            "VARCHAR(50)",
            "DATE",
            "DECIMAL(10, 5)",
            "CHAR(3)",
            "TIMESTAMP",
            "BOOLEAN",
            "FLOAT",
        ]
        assert columns["name"]["nullable"] is False
        assert columns["name"]["comment"] == "as on the cover"
        assert columns["rating"]["default"] == "1.5"
        key = inspector.get_pk_constraint("authors", schema=schema)
        assert key["constrained_columns"] == ["id"]
        assert inspector.get_foreign_keys("authors", schema=schema) == []
        assert inspector.get_indexes("authors", schema=schema) == []

    def test_a_view(self, alchemy: Any, schema: str) -> None:
        inspector = sqlalchemy.inspect(alchemy)
        columns = inspector.get_columns("living", schema=schema)
        assert [(c["name"], str(c["type"])) for c in columns] == [
            ("id", "INTEGER"),
            ("name", "VARCHAR(50)"),
        ]
        assert "SELECT ID, NAME" in inspector.get_view_definition("living", schema=schema)

    def test_a_whole_table(self, alchemy: Any, schema: str) -> None:
        table = sqlalchemy.Table("authors", sqlalchemy.MetaData(), autoload_with=alchemy)
        assert [column.name for column in table.primary_key] == ["id"]
        with alchemy.connect() as connection:
            assert connection.execute(sqlalchemy.select(table)).all() == []


class TestChanging:
    @pytest.fixture
    def books(self, alchemy: Any, schema: str) -> Iterator[Any]:
        metadata = sqlalchemy.MetaData()
        table = sqlalchemy.Table(
            "books",
            metadata,
            sqlalchemy.Column("id", sqlalchemy.Integer, primary_key=True, autoincrement=False),
            sqlalchemy.Column("title", sqlalchemy.String(100), nullable=False),
            sqlalchemy.Column("price", sqlalchemy.Numeric(10, 2)),
            sqlalchemy.Column("printed", sqlalchemy.Date),
            sqlalchemy.Column("in_print", sqlalchemy.Boolean),
            sqlalchemy.Column("weight", sqlalchemy.Float),
        )
        metadata.create_all(alchemy)
        yield table
        metadata.drop_all(alchemy)

    ROWS: tuple[dict[str, Any], ...] = (
        {
            "id": 1,
            "title": "Ann's",
            "price": decimal.Decimal("9.99"),
            "printed": datetime.date(2020, 2, 29),
            "in_print": True,
            "weight": 0.5,
        },
        {
            "id": 2,
            "title": "漢字",
            "price": None,
            "printed": None,
            "in_print": None,
            "weight": None,
        },
    )

    def test_insert_select_update_delete(self, alchemy: Any, books: Any) -> None:
        with alchemy.begin() as connection:
            connection.execute(books.insert(), list(self.ROWS))
        with alchemy.connect() as connection:
            found = connection.execute(sqlalchemy.select(books).order_by(books.c.id)).mappings()
            assert [dict(row) for row in found] == list(self.ROWS)
            where = sqlalchemy.select(books.c.title).where(books.c.price > decimal.Decimal("5"))
            assert connection.execute(where).scalars().all() == ["Ann's"]
            count = sqlalchemy.select(sqlalchemy.func.count()).select_from(books)
            assert connection.execute(count).scalar() == 2
            like = sqlalchemy.select(books.c.id).where(books.c.title.like("%字"))
            assert connection.execute(like).scalar() == 2
        with alchemy.begin() as connection:
            changed = connection.execute(
                books.update().where(books.c.id == 2).values(title="new", price=1)
            )
            assert changed.rowcount == 1
            assert connection.execute(books.delete().where(books.c.id == 1)).rowcount == 1
            rest = connection.execute(sqlalchemy.select(books.c.title, books.c.price)).all()
            assert rest == [("new", decimal.Decimal("1.00"))]

    def test_transactions(self, alchemy: Any, books: Any) -> None:
        with alchemy.connect() as connection:
            connection.execute(books.insert(), [self.ROWS[0]])
            connection.rollback()
            assert connection.execute(sqlalchemy.select(books)).all() == []
            connection.execute(books.insert(), [self.ROWS[0]])
            connection.commit()
        with alchemy.connect() as connection:
            assert connection.execute(sqlalchemy.select(books.c.id)).scalars().all() == [1]

    def test_joins_and_limits(self, alchemy: Any, books: Any) -> None:
        with alchemy.begin() as connection:
            connection.execute(books.insert(), list(self.ROWS))
            other = books.alias("other")
            joined = (
                sqlalchemy.select(books.c.id, other.c.title)
                .join(other, books.c.id == other.c.id)
                .order_by(books.c.id.desc())
                .limit(1)
                .offset(1)
            )
            assert connection.execute(joined).all() == [(1, "Ann's")]

    def test_an_error_is_sqlalchemys(self, alchemy: Any, books: Any) -> None:
        with (
            alchemy.connect() as connection,
            pytest.raises(sqlalchemy.exc.DBAPIError, match="not found"),
        ):
            connection.execute(sqlalchemy.text("SELECT * FROM NOSUCH"))
