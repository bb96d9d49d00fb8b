"""IMPORT and EXPORT through the HTTP transport, as pyexasol's own functions write them."""

from __future__ import annotations

import datetime as dt
import io
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyexasol
import pytest
from pyarrow import parquet

from exallm.local.engine_home import EngineHome
from tests.test_engine_tls import connect_tls

TYPES = (
    "I DECIMAL(18,0), D DECIMAL(36,10), F DOUBLE, B BOOLEAN, DT DATE, TS TIMESTAMP(6),"
    " S VARCHAR(100)"
)
LAST, FIRST = "9999-12-31 00:00:00.000000", "1970-01-01 00:00:00.000001"
LONG = "12345678901234567890123456.0123456789"
ROWS: list[tuple[Any, ...]] = [
    (1, "1.5000000000", 0.1, True, "2024-02-29", "2024-02-29 23:59:59.123456", "plain"),
    (-999999999999999999, "-0.0000000001", -1e300, False, "0001-01-01", LAST, 'a "quote"'),
    (0, LONG, 5e-324, True, "9999-12-31", FIRST, "a,b\nc\r\nd\re"),
    (None, None, None, None, None, None, None),
    (2, "0.0000000000", 3.0, False, "2000-01-01", "2000-01-01 00:00:00.000000", " # ä €😀\t; "),
]  # fmt: skip


@pytest.fixture(params=["plain", "compressed", "tls", "tls compressed"])
def session(request: pytest.FixtureRequest, engine: EngineHome, connect: Any) -> Iterator[Any]:
    """A session with a schema of its own, for each way in which data can travel."""
    compression = "compressed" in request.param
    is_secure = "tls" in request.param
    opened = (
        connect_tls(engine, engine.fingerprint(), compression=compression)
        if is_secure
        else connect(compression=compression)
    )
    with opened as connection:
        connection.execute("CREATE SCHEMA TRANSPORT")
        yield connection
        connection.set_autocommit(True)
        connection.execute("DROP SCHEMA TRANSPORT CASCADE")


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
    return found


def test_all_types_and_nulls_survive_a_round_trip(session: Any, tmp_path: Path) -> None:
    session.execute(f"CREATE TABLE T ({TYPES})")
    session.import_from_iterable(ROWS, "T")
    written = rows(session, "SELECT * FROM T ORDER BY I")
    session.execute(f"CREATE TABLE U ({TYPES})")
    session.export_to_file(tmp_path / "rows.csv", "T")
    session.import_from_file(tmp_path / "rows.csv", "U")
    assert rows(session, "SELECT * FROM U ORDER BY I") == written
    assert len(written) == len(ROWS)
    assert sorted(written, key=repr) == sorted(ROWS, key=repr)


def test_pandas_both_ways(session: Any) -> None:
    session.execute("CREATE TABLE T (ID INT, NAME VARCHAR(20), X DOUBLE, BORN DATE, AT_ TIMESTAMP)")
    frame = pd.DataFrame(
        {
            "ID": [1, 2, 3],
            "NAME": ["a", None, 'c "d", e'],
            "X": [0.5, None, -1e-7],
            "BORN": [dt.date(2024, 1, 1), None, dt.date(2024, 1, 3)],
            "AT_": pd.to_datetime(["2024-01-01 10:00:00", None, "2024-01-03 10:00:05"]),
        }
    )
    session.import_from_pandas(frame, "T")
    back = session.export_to_pandas(
        "SELECT * FROM T ORDER BY ID", callback_params={"parse_dates": ["AT_"]}
    )
    assert list(back.columns) == list(frame.columns)
    assert back["NAME"].tolist()[0::2] == ["a", 'c "d", e'] and pd.isna(back["NAME"][1])
    assert back["X"].tolist()[0::2] == [0.5, -1e-7] and pd.isna(back["X"][1])
    assert back["BORN"].tolist()[0::2] == ["2024-01-01", "2024-01-03"]
    pd.testing.assert_series_equal(back["AT_"], frame["AT_"].astype("datetime64[ns]"))


def test_lists_generators_and_files(session: Any) -> None:
    session.execute("CREATE TABLE T (ID INT, NAME VARCHAR(20))")
    session.import_from_iterable(((i, f"n{i}") for i in range(5000)), "T")
    exported = session.export_to_list("SELECT * FROM T ORDER BY ID")
    assert exported == [[str(i), f"n{i}"] for i in range(5000)]
    session.execute("TRUNCATE TABLE T")
    session.import_from_file(io.BytesIO(b"1,one\n2,two"), "T")  # no end of line at the end
    assert rows(session, "SELECT * FROM T ORDER BY ID") == [(1, "one"), (2, "two")]


def test_parquet_both_ways(session: Any, tmp_path: Path) -> None:
    session.execute("CREATE TABLE T (ID INT, NAME VARCHAR(20), OK BOOLEAN, D DECIMAL(9,2))")
    table = pa.table(
        {
            "ID": [1, 2],
            "NAME": ["a,b", None],
            "OK": [True, None],
            "D": [Decimal("1.50"), Decimal("-2.25")],
        }
    )
    parquet.write_table(table, tmp_path / "in.parquet")
    session.import_from_parquet(tmp_path / "in.parquet", "T")
    assert rows(session, "SELECT * FROM T ORDER BY ID") == [
        (1, "a,b", True, "1.50"),
        (2, None, None, "-2.25"),
    ]
    session.export_to_parquet(tmp_path / "out", "SELECT ID, D FROM T ORDER BY ID")
    back = parquet.read_table(tmp_path / "out")
    assert back.to_pylist() == [{"ID": 1, "D": 1.5}, {"ID": 2, "D": -2.25}]


def test_the_header_and_the_form_of_values(session: Any, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    session.export_to_file(
        file,
        """SELECT TRUE AS OK, FALSE AS "no, \"\"x\"\"", CAST('2024-01-02 03:04:05' AS TIMESTAMP) T,
        CAST('2024-01-02' AS DATE) D, CAST(1.50 AS DECIMAL(5,2)) N, CAST(3 AS DOUBLE) F,
        'a b' AS S1, 'ab' AS S2, NULL AS NOTHING, '' AS EMPTY -- the end""",
        export_params={"with_column_names": True},
    )
    head, line = file.read_text().splitlines()
    assert head == 'OK,"no, ""x""",T,D,N,F,S1,S2,NOTHING,EMPTY'
    assert line == '1,0,"2024-01-02 03:04:05.000000",2024-01-02,1.50,3,"a b",ab,,'


def test_an_export_keeps_the_order_of_its_query(session: Any) -> None:
    session.execute("CREATE TABLE T (ID INT)")
    session.import_from_iterable(([(i * 7919) % 100_003] for i in range(100_003)), "T")
    exported = session.export_to_list("SELECT ID FROM T ORDER BY ID DESC")
    assert exported == [[str(i)] for i in range(100_002, -1, -1)]


def test_tables_columns_and_quoted_names(connect: Any, connection: Any) -> None:
    schema = connection.current_schema()
    session = connect(quote_ident=True, schema=schema)
    session.execute('CREATE TABLE "camelCase" ("id" INT, "Text" VARCHAR(10), C INT DEFAULT 7)')
    session.import_from_iterable(
        [("x", 1)], (schema, "camelCase"), import_params={"columns": ["Text", "id"]}
    )
    quoted = session.export_to_list((schema, "camelCase"))
    assert quoted == [["1", "x", "7"]]
    some = session.export_to_list((schema, "camelCase"), export_params={"columns": ["C", "Text"]})
    assert some == [["7", "x"]]
    session.close()


def test_nothing_is_a_file_as_well(session: Any) -> None:
    session.execute("CREATE TABLE T (A INT, B INT)")
    session.import_from_iterable([], "T")
    assert rows(session, "SELECT COUNT(*) FROM T") == [(0,)]
    assert session.export_to_list("T") == []
    frame = session.export_to_pandas("T")
    assert list(frame.columns) == ["A", "B"] and frame.empty


def test_one_column_of_nulls(session: Any) -> None:
    session.execute("CREATE TABLE T (A VARCHAR(5))")
    session.import_from_iterable([["x"], [None], [""], ["y"], [None]], "T")
    assert rows(session, "SELECT COUNT(*), COUNT(A) FROM T") == [(5, 2)]
    frame = session.export_to_pandas("T")
    assert len(frame) == 5 and int(frame["A"].isna().sum()) == 3


def test_the_counts_of_rows(session: Any) -> None:
    session.execute("CREATE TABLE T (A INT)")
    session.import_from_iterable([[1], [2], [3]], "T")
    assert session.last_statement().rowcount() == 3
    session.export_to_list("SELECT A FROM T WHERE A > 1")
    assert session.last_statement().rowcount() == 2


def test_parallel_files_are_one_statement(session: Any) -> None:
    session.execute("CREATE TABLE T (A INT)")
    node = session.get_nodes()[0]
    options = {
        "compression": session.options["compression"],
        "encryption": session.options["encryption"],
    }
    wrappers = [pyexasol.http_transport(node["ipaddr"], node["port"], **options) for _ in range(3)]
    threads = [
        threading.Thread(
            target=wrapper.import_from_callback,
            args=(pyexasol.callback.import_from_iterable, [[n * 10 + i] for i in range(10)]),
        )
        for n, wrapper in enumerate(wrappers)
    ]
    for thread in threads:
        thread.start()
    session.import_parallel([wrapper.exa_address for wrapper in wrappers], "T")
    for thread in threads:
        thread.join()
    assert rows(session, "SELECT COUNT(*), CAST(SUM(A) AS INT) FROM T") == [(30, 435)]
    wrappers = [pyexasol.http_transport(node["ipaddr"], node["port"], **options) for _ in range(3)]
    found: list[list[Any]] = []

    def export(wrapper: Any) -> None:
        found.extend(wrapper.export_to_callback(pyexasol.callback.export_to_list, None))

    threads = [threading.Thread(target=export, args=[wrapper]) for wrapper in wrappers]
    for thread in threads:
        thread.start()
    session.export_parallel([wrapper.exa_address for wrapper in wrappers], "T")
    for thread in threads:
        thread.join()
    assert sorted(int(row[0]) for row in found) == list(range(30))


def test_an_import_that_fails_leaves_nothing_and_keeps_the_transaction(session: Any) -> None:
    session.execute("CREATE TABLE T (A INT, B VARCHAR(3))")
    session.set_autocommit(False)
    session.execute("INSERT INTO T VALUES (0, 'old')")
    many: list[tuple[Any, Any]] = [(i, "x") for i in range(10_000)]
    many[6_789] = ("no number", "x")
    with pytest.raises(pyexasol.exceptions.ExaImportError) as raised:
        session.import_from_iterable(many, "T")
    (error,) = [e for e in raised.value.exceptions if isinstance(e, pyexasol.ExaQueryError)]
    assert error.code == "42636"
    assert "ETL-3050: [Column=0 Row=6789] [Transformation of value='no number'" in error.message
    with pytest.raises(pyexasol.exceptions.ExaImportError) as raised:
        session.import_from_iterable([(1, "long")], "T")
    assert "[Column=1 Row=0]" in str(raised.value)
    assert rows(session, "SELECT * FROM T") == [(0, "old")]
    session.commit()
    assert rows(session, "SELECT * FROM T") == [(0, "old")]


def test_a_constraint_and_a_missing_table_end_the_import(session: Any) -> None:
    session.execute("CREATE TABLE T (A INT PRIMARY KEY)")
    with pytest.raises(pyexasol.exceptions.ExaImportError, match="primary key"):
        session.import_from_iterable([[1], [2], [1]], "T")
    assert rows(session, "SELECT COUNT(*) FROM T") == [(0,)]
    with pytest.raises(pyexasol.exceptions.ExaImportError, match="NO_SUCH not found"):
        session.import_from_iterable([[1]], "NO_SUCH")
    with pytest.raises(pyexasol.exceptions.ExaExportError, match="NO_SUCH not found"):
        session.export_to_list("NO_SUCH")


def test_errors_of_callbacks_end_the_statement(session: Any) -> None:
    session.execute("CREATE TABLE T (A INT)")

    def fail(pipe: Any, place: Any, **options: Any) -> None:
        raise ValueError("the callback fails")

    with pytest.raises(pyexasol.exceptions.ExaImportError, match="the callback fails") as raised:
        session.import_from_callback(fail, None, "T")
    assert "Following error occured while reading data" in str(raised.value)
    with pytest.raises(pyexasol.exceptions.ExaExportError, match="the callback fails"):
        session.export_to_callback(fail, None, "T")

    def half(pipe: Any, place: Any) -> None:
        pipe.write(b"1\n2\n")
        raise ValueError("half a file")

    with pytest.raises(pyexasol.exceptions.ExaImportError, match="half a file"):
        session.import_from_callback(half, None, "T")
    assert rows(session, "SELECT COUNT(*) FROM T") == [(0,)]


def test_an_export_whose_query_fails_midway(session: Any) -> None:
    session.execute("CREATE TABLE T (A INT, B INT)")
    session.import_from_iterable(((i, 0 if i == 90_000 else 1) for i in range(100_000)), "T")
    with pytest.raises(pyexasol.exceptions.ExaExportError, match="division by zero"):
        session.export_to_list("SELECT A / B FROM T")
    assert rows(session, "SELECT COUNT(*) FROM T") == [(100_000,)]


# --- what only matters once --------------------------------------------------------------------


def test_an_abort_ends_an_import_that_waits_for_data(connection: Any) -> None:
    connection.execute("CREATE TABLE T (A INT)")

    def slow(pipe: Any, place: Any) -> None:
        pipe.write(b"1\n")
        time.sleep(1)
        connection.abort_query()
        time.sleep(1)
        pipe.write(b"2\n" * 100_000)

    with pytest.raises(pyexasol.exceptions.ExaImportError):
        connection.import_from_callback(slow, None, "T")
    assert rows(connection, "SELECT COUNT(*) FROM T") == [(0,)]


def test_a_timeout_ends_an_export_that_nobody_reads(connect: Any, connection: Any) -> None:
    def never(pipe: Any, place: Any) -> None:
        time.sleep(4)

    digits = ", ".join(
        f"(VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS D{n} (N)" for n in range(6)
    )
    with connect(query_timeout=1) as other:
        started = time.monotonic()
        with pytest.raises(pyexasol.exceptions.ExaExportError) as raised:
            other.export_to_callback(never, None, f"SELECT D0.N, 'some text' FROM {digits}")
        assert any(getattr(e, "code", "") == "R0001" for e in raised.value.exceptions)
        assert time.monotonic() - started < 10
        assert rows(other, "SELECT 1") == [(1,)]


MAGIC = struct.pack("iii", 0x02212102, 1, 1)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("EXPORT DUAL INTO CSV AT 'http://127.0.0.1:1' FILE 'a.csv'", "LOCAL-9"),
        ("EXPORT DUAL INTO CSV AT 'http://10.0.0.1:80' FILE 'a.csv'", "LOCAL-9"),
        ("EXPORT DUAL INTO CSV AT 'https://127.0.0.1:1' FILE 'a.csv'", "PUBLIC KEY"),
        ("EXPORT DUAL INTO CSV AT 'ftp://x' FILE 'a.csv'", "AT 'ftp://x'"),
        ("EXPORT DUAL INTO CSV AT C FILE 'a.csv'", "a named connection"),
        ("EXPORT DUAL INTO LOCAL CSV FILE '/etc/x'", "EXPORT INTO LOCAL"),
        ("EXPORT DUAL INTO JDBC AT C TABLE T", "EXPORT INTO JDBC"),
        ("IMPORT INTO T FROM LOCAL CSV FILE '/etc/passwd'", "IMPORT FROM LOCAL"),
        ("IMPORT INTO T FROM PARQUET AT 'http://127.0.0.1:1' FILE 'a'", "IMPORT FROM PARQUET"),
        ("IMPORT INTO T FROM EXA AT C TABLE T", "IMPORT FROM EXA"),
        ("IMPORT INTO T FROM SCRIPT S", "IMPORT FROM SCRIPT"),
        ("IMPORT INTO (A INT) FROM CSV AT 'http://127.0.0.1:1' FILE 'a'", "IMPORT INTO (columns)"),
        ("IMPORT INTO T FROM CSV AT 'http://127.0.0.1:1' FILE '../a'", "other characters"),
        ("IMPORT INTO T FROM CSV AT 'http://127.0.0.1:1' FILE 'a\r\nX: y'", "other characters"),
        ("IMPORT INTO T FROM CSV AT 'http://127.0.0.1:1' FILE 'a' FILE 'b'", "several FILEs"),
        ("IMPORT INTO T FROM CSV AT 'http://127.0.0.1:1' FILE 'a' USER 'x'", "expected an option"),
        ("IMPORT INTO T FROM CSV AT 'http://127.0.0.1:1' USER 'x' FILE 'a'", "USER in IMPORT"),
        ("IMPORT INTO T FROM CSV AT 'http://127.0.0.1:1' FILE 'a' ENCODING = 'rot13'", "ENCODING"),
        ("IMPORT INTO T FROM CSV AT 'http://127.0.0.1:1' FILE 'a' ROW SEPARATOR = 'NONE'", "ROW"),
        (
            "IMPORT INTO T FROM CSV AT 'http://127.0.0.1:1' FILE 'a' ERRORS INTO E REJECT LIMIT 1",
            "ERRORS INTO",
        ),
        ("EXPORT (DELETE FROM T) INTO CSV AT 'http://127.0.0.1:1' FILE 'a'", "takes a table"),
        ("EXPORT DUAL INTO CSV AT 'http://127.0.0.1:1' FILE 'a' SKIP = 1", "expected an option"),
        ("EXPORT DUAL INTO CSV AT 'http://127.0.0.1:1' FILE 'a' BOOLEAN = 'x'", "BOOLEAN takes"),
        ("EXPORT", "expected"),
        ("IMPORT INTO", "expected"),
        ("IMPORT INTO T FROM CSV AT 'http://127.0.0.1:1' FILE 'a' COLUMN SEPARATOR = ''", "differ"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    connection: Any, statement: str, message: str
) -> None:
    connection.execute("CREATE TABLE T (A INT)")
    with pytest.raises(pyexasol.ExaQueryError) as raised:
        connection.execute(statement)
    assert message in raised.value.message


def open_tunnel(engine: EngineHome) -> tuple[socket.socket, str]:
    running = engine.running()
    assert running is not None
    tunnel = socket.create_connection(("127.0.0.1", running.port), timeout=10)
    tunnel.sendall(MAGIC)
    _, number, host = struct.unpack("ii16s", tunnel.recv(24, socket.MSG_WAITALL))
    return tunnel, f"{host.rstrip(bytes(1)).decode()}:{number}"


def served(tunnel: socket.socket, answer: bytes) -> None:
    """Answer the engine's request with these bytes and leave."""
    with suppress(OSError):  # the engine may have had enough of it
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            request += tunnel.recv(65536)
        tunnel.sendall(answer)
    tunnel.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense",
        b"HTTP/1.1 500 No\r\n\r\n",
        b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n1\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n1\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n1\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
    ],
)
def test_a_client_whose_http_is_wrong_gets_an_error(
    engine: EngineHome, connection: Any, answer: bytes
) -> None:
    connection.execute("CREATE TABLE T (A INT)")
    tunnel, address = open_tunnel(engine)
    thread = threading.Thread(target=served, args=(tunnel, answer))
    thread.start()
    with pytest.raises(pyexasol.ExaQueryError, match="ETL-5105") as raised:
        connection.execute(f"IMPORT INTO T FROM CSV AT 'http://{address}' FILE '000.csv'")
    assert raised.value.code == "42636"
    thread.join()
    assert rows(connection, "SELECT COUNT(*) FROM T") == [(0,)]


def test_another_key_than_the_named_one_is_refused(engine: EngineHome) -> None:
    with connect_tls(engine, engine.fingerprint()) as session:
        running = engine.running()
        assert running is not None
        wrapper = pyexasol.http_transport("127.0.0.1", running.port, encryption=True)
        address, _, _ = wrapper.exa_address.partition("/")
        failed: list[BaseException] = []

        def export() -> None:
            try:
                wrapper.export_to_callback(pyexasol.callback.export_to_list, None)
            except Exception as error:
                failed.append(error)

        thread = threading.Thread(target=export)
        thread.start()
        key = "sha256//" + "A" * 43 + "="
        with pytest.raises(pyexasol.ExaQueryError, match="public key"):
            session.execute(
                f"EXPORT DUAL INTO CSV AT 'https://{address}' PUBLIC KEY '{key}' FILE '000.csv'"
            )
        wrapper.http_thread.terminate()
        thread.join()


def test_a_timeout_ends_the_wait_for_a_client_that_does_not_speak_tls(
    engine: EngineHome, connect: Any
) -> None:
    tunnel, address = open_tunnel(engine)
    with tunnel, connect(query_timeout=1) as session:
        started = time.monotonic()
        with pytest.raises(pyexasol.ExaQueryTimeoutError):
            session.execute(
                f"EXPORT DUAL INTO CSV AT 'https://{address}' PUBLIC KEY 'sha256//x' FILE '0.csv'"
            )
        assert time.monotonic() - started < 10
        assert rows(session, "SELECT 1") == [(1,)]


def test_a_tunnel_serves_one_statement_only_and_goes_with_its_client(
    engine: EngineHome, connection: Any
) -> None:
    connection.execute("CREATE TABLE T (A INT)")
    tunnel, address = open_tunnel(engine)
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n1\n\r\n0\r\n\r\n"
    thread = threading.Thread(target=served, args=(tunnel, answer))
    thread.start()
    statement = "IMPORT INTO T FROM CSV AT 'http://{}' FILE '000.csv'"
    assert connection.execute(statement.format(address)).rowcount() == 1
    thread.join()
    with pytest.raises(pyexasol.ExaQueryError, match="LOCAL-9"):
        connection.execute(statement.format(address))
    left, address = open_tunnel(engine)
    left.close()
    time.sleep(2.5)
    with pytest.raises(pyexasol.ExaQueryError, match="LOCAL-9"):
        connection.execute(statement.format(address))


def test_rights_hold_for_imports_and_exports(connection: Any, users: Any) -> None:
    connection.execute("CREATE TABLE T (A INT)")
    session = users.log_in(users.user())
    schema = connection.current_schema()
    with pytest.raises(pyexasol.exceptions.ExaImportError):
        session.import_from_iterable([[1]], (schema, "T"))
    with pytest.raises(pyexasol.exceptions.ExaExportError):
        session.export_to_list((schema, "T"))
    assert rows(connection, "SELECT COUNT(*) FROM T") == [(0,)]
