"""What the fuzzer begins with."""

from __future__ import annotations

import json
import struct
import zlib

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
MAGIC = struct.pack("iii", 0x02212102, 1, 1)
_LOGIN = b'{"command":"login","protocolVersion":3}'


def _frame(data: bytes, opcode: int = 1) -> bytes:
    """A WebSocket frame as a client sends it, its mask being zeros."""
    return bytes([0x80 | opcode, 0x80 | len(data)]) + bytes(4) + data


CONNECTIONS = (
    UPGRADE,
    UPGRADE + _frame(_LOGIN),
    UPGRADE + _frame(_LOGIN) + _frame(b'{"username":"sys","password":"AAAA"}'),
    UPGRADE + _frame(b"x", 9) + _frame(b"", 8),
    UPGRADE + b"\x01\x81\0\0\0\0a" + b"\x80\x81\0\0\0\0b",
    MAGIC,
    b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + bytes(40),
    b"PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
)
STATEMENTS = tuple(
    text.encode()
    for text in (
        "SELECT 1",
        "SELECT * FROM T WHERE A = 1 AND B LIKE 'x%' ESCAPE '!' OR C IS NULL",
        "SELECT A, COUNT(*), SUM(C) OVER (PARTITION BY B ORDER BY A) FROM T GROUP BY A",
        "WITH Q AS (SELECT A FROM T) SELECT * FROM Q JOIN T ON Q.A = T.A LEFT JOIN T U USING (A)",
        "INSERT INTO T (A, B) VALUES (1, 'ä'), (2, NULL), (3, '')",
        "UPDATE T SET A = A + 1, B = UPPER(B) WHERE C BETWEEN 1.5 AND 2e3",
        "DELETE FROM T WHERE EXISTS (SELECT 1 FROM T X WHERE X.A = T.A)",
        "MERGE INTO T USING (SELECT 1 AS A) S ON T.A = S.A WHEN MATCHED THEN UPDATE SET B = 'm'"
        " WHEN NOT MATCHED THEN INSERT VALUES (S.A, 'n', 1.5, TRUE)",
        "SELECT CASE WHEN A > 1 THEN 'a' ELSE B END, CAST(A AS VARCHAR(9)) FROM T LIMIT 3",
        "SELECT LISTAGG(B, ',') WITHIN GROUP (ORDER BY A) FROM T UNION ALL SELECT B FROM T MINUS"
        " SELECT '1'",
        "CREATE TABLE U (A DECIMAL(18,2) NOT NULL, B VARCHAR(9) UTF8 DEFAULT 'x', PRIMARY KEY (A))",
        "DROP TABLE IF EXISTS U CASCADE CONSTRAINTS",
        "CREATE OR REPLACE VIEW V (X) AS SELECT A FROM T",
        "SELECT SUBSTRING(B FROM 1 FOR 2), TO_CHAR(A), EXTRACT(YEAR FROM CURRENT_DATE) FROM T",
        "CREATE OR REPLACE PYTHON3 SCALAR SCRIPT F (A INT) RETURNS INT AS\ndef run(c): pass\n/",
        "SELECT F(A) FROM T",
        "CREATE OR REPLACE LUA SCRIPT L (X) RETURNS ROWCOUNT AS\nquery([[SELECT 1]])\n/",
        "EXECUTE SCRIPT L('a') WITH OUTPUT",
        "COMMENT ON TABLE T IS 'it''s'",
        "OPEN SCHEMA FUZZ",
        "SELECT * FROM EXA_ALL_TABLES",
        "EXPORT T INTO CSV AT 'http://127.0.0.1:1' FILE 'a.csv' DELIMIT=ALWAYS WITH COLUMN NAMES",
        "IMPORT INTO T FROM CSV AT 'http://127.0.0.1:1' FILE 'a.csv'(1..3) SKIP=1 NULL='x' TRIM",
        "SELECT A FROM T WHERE A = ? AND B = ?",
        "COMMIT",
        "ROLLBACK",
    )
)
REQUESTS = tuple(
    json.dumps(request).encode()
    for request in (
        {"command": "execute", "sqlText": "SELECT 1"},
        {"command": "executeBatch", "sqlTexts": ["SELECT 1", "SELECT 2"]},
        {"command": "fetch", "resultSetHandle": 1, "startPosition": 0, "numBytes": 1000},
        {"command": "closeResultSet", "resultSetHandles": [1, 2]},
        {"command": "createPreparedStatement", "sqlText": "INSERT INTO T (A, B) VALUES (?, ?)"},
        {
            "command": "executePreparedStatement",
            "statementHandle": 1,
            "numColumns": 2,
            "numRows": 2,
            "data": [[1, None], ["a", "b"]],
        },
        {"command": "closePreparedStatement", "statementHandle": 1},
        {"command": "getAttributes"},
        {"command": "setAttributes", "attributes": {"autocommit": True, "queryTimeout": 5}},
        {"command": "setAttributes", "attributes": {"currentSchema": "FUZZ"}},
        {"command": "getHosts", "hostIp": "127.0.0.1"},
        {"command": "abortQuery"},
        {"command": "disconnect"},
    )
)
FILES = (
    b"1,a,1.5,true\n2,b,,\n",
    b'"1","a ""b""\n",1e3,1\r\n',
    b"# comment\n1,x,2,0\n",
    zlib.compressobj(wbits=31).compress(b"") + b"\x1f\x8b",
)
ANSWERS = tuple(
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%X\r\n%b\r\n0\r\n\r\n" % (len(f), f)
    for f in FILES
)
WORDS = tuple(
    word.encode()
    for word in (
        *("SELECT", "FROM", "WHERE", "NULL", "AND", "(", ")", ",", "'", '"', "--", "/*", "*/", "?"),
        *("CAST(", " AS ", "VARCHAR(2000000)", "DECIMAL(36,36)", "1/0", "||", "::", ";", "\\"),
        *("null", "true", "[]", "{}", "[[", '"data":', '"numRows":', '"sqlText":', "\\ud800"),
        *("Content-Length: 99999999999", "Transfer-Encoding: chunked", "\r\n\r\n", "FFFFFFFF"),
    )
)
