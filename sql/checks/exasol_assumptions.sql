-- What exallm assumes of an Exasol database where its documentation leaves a doubt.
--
-- Run this page from any SQL client, statement by statement, as a user with CREATE SCHEMA, CREATE
-- TABLE, CREATE VIEW, CREATE SCRIPT, CREATE ROLE and SELECT ANY DICTIONARY. Every SELECT below gives
-- ASSUMPTION, EXPECTED, SEEN and HOLDS; HOLDS has to be TRUE. A statement that fails says by its
-- error what does not hold; go on with the next one. A line that holds only / ends a script.
--
-- It makes the schema EXALLM_CHECKS and the role EXALLM_CHECKS_ROLE, and drops both at its end.
-- What needs two sessions at a time (error 40001 between two writers) or a second user is in the
-- contract suite: pytest -m exasol --dsn ... --user ...

CREATE SCHEMA EXALLM_CHECKS;
CREATE ROLE EXALLM_CHECKS_ROLE;
CREATE TABLE ANSWERS (NR DECIMAL(9, 0), ASSUMPTION VARCHAR(200), EXPECTED VARCHAR(200), SEEN VARCHAR(2000));
CREATE VIEW VERDICTS AS SELECT NR, ASSUMPTION, EXPECTED, SEEN, SEEN = EXPECTED AS HOLDS FROM ANSWERS;
CREATE TABLE SEEDS (N DECIMAL(9, 0), T VARCHAR(9));
INSERT INTO SEEDS VALUES (1, 'a'), (2, 'b'), (3, 'a');
COMMIT;

-- Functions of SQL ------------------------------------------------------------------------------

SELECT
    'the empty text is NULL' AS ASSUMPTION, 'NULL' AS EXPECTED, NVL(S, 'NULL') AS SEEN, NVL(S, 'NULL') = 'NULL' AS HOLDS
FROM (SELECT '' AS S FROM DUAL);

SELECT
    'HASH_MD5 of NULL is NULL' AS ASSUMPTION, 'NULL' AS EXPECTED, NVL(S, 'NULL') AS SEEN, NVL(S, 'NULL') = 'NULL' AS HOLDS
FROM (SELECT HASH_MD5(NULL) AS S FROM DUAL);

SELECT
    'HASH_SHA256 of an empty text is NULL' AS ASSUMPTION, 'NULL' AS EXPECTED, NVL(S, 'NULL') AS SEEN, NVL(S, 'NULL') = 'NULL' AS HOLDS
FROM (SELECT HASH_SHA256('') AS S FROM DUAL);

SELECT
    'HASH_MD5 is hexadecimal in small letters' AS ASSUMPTION, '900150983cd24fb0d6963f7d28e17f72' AS EXPECTED, S AS SEEN,
    S = '900150983cd24fb0d6963f7d28e17f72' AS HOLDS
FROM (SELECT HASH_MD5('abc') AS S FROM DUAL);

SELECT
    'SUBSTR from before the start is NULL' AS ASSUMPTION, 'NULL' AS EXPECTED, NVL(S, 'NULL') AS SEEN, NVL(S, 'NULL') = 'NULL' AS HOLDS
FROM (SELECT SUBSTR('abcdef', -9, 3) AS S FROM DUAL);

SELECT
    'SUBSTR from 0 begins at 1' AS ASSUMPTION, 'ab' AS EXPECTED, NVL(S, 'NULL') AS SEEN, NVL(S, 'NULL') = 'ab' AS HOLDS
FROM (SELECT SUBSTR('abcdef', 0, 2) AS S FROM DUAL);

SELECT
    'SUBSTR from a negative place counts from the end' AS ASSUMPTION, 'de' AS EXPECTED, NVL(S, 'NULL') AS SEEN, NVL(S, 'NULL') = 'de' AS HOLDS
FROM (SELECT SUBSTR('abcdef', -3, 2) AS S FROM DUAL);

SELECT
    'STDDEV of one value is 0' AS ASSUMPTION, '0' AS EXPECTED, NVL(S, 'NULL') AS SEEN, NVL(S, 'NULL') = '0' AS HOLDS
FROM (SELECT CAST(CAST(STDDEV(N) AS DECIMAL(9, 0)) AS VARCHAR(99)) AS S FROM SEEDS WHERE N = 1);

SELECT
    'STDDEV_SAMP of one value is NULL' AS ASSUMPTION, 'NULL' AS EXPECTED, NVL(S, 'NULL') AS SEEN, NVL(S, 'NULL') = 'NULL' AS HOLDS
FROM (SELECT CAST(STDDEV_SAMP(N) AS VARCHAR(99)) AS S FROM SEEDS WHERE N = 1);

SELECT
    'a decimal in a text keeps the digits of its scale' AS ASSUMPTION, '1.50' AS EXPECTED, S AS SEEN, S = '1.50' AS HOLDS
FROM (SELECT CAST(CAST(1.5 AS DECIMAL(9, 2)) AS VARCHAR(99)) AS S FROM DUAL);

SELECT
    'a text has as many characters as it has code points' AS ASSUMPTION, '2' AS EXPECTED, S AS SEEN, S = '2' AS HOLDS
FROM (SELECT CAST(LENGTH('ö😀') AS VARCHAR(99)) AS S FROM DUAL);

SELECT
    'whole numbers divide with a fraction' AS ASSUMPTION, 'TRUE' AS EXPECTED,
    CASE WHEN Q = 0.25 THEN 'TRUE' ELSE 'FALSE' END AS SEEN, Q = 0.25 AS HOLDS
FROM (SELECT 1 / 4 AS Q FROM DUAL);

MERGE INTO SEEDS USING (SELECT N + 2 AS N, 'm' AS T FROM SEEDS) AS S ON SEEDS.N = S.N
WHEN MATCHED THEN UPDATE SET T = S.T WHEN NOT MATCHED THEN INSERT VALUES (S.N, S.T);

SELECT
    'MERGE reads the table that it changes as it was before' AS ASSUMPTION, '1a 2b 3m 4m 5m' AS EXPECTED, S AS SEEN,
    S = '1a 2b 3m 4m 5m' AS HOLDS
FROM (SELECT GROUP_CONCAT(N || T ORDER BY N SEPARATOR ' ') AS S FROM SEEDS);

-- Scripts in Python -----------------------------------------------------------------------------

--/
CREATE PYTHON3 SCALAR SCRIPT FRAME_ROWS (N DECIMAL(9, 0), WANTED DECIMAL(9, 0)) RETURNS VARCHAR(200) AS
def run(ctx):
    frame = ctx.get_dataframe(num_rows=ctx.WANTED)
    return ",".join(str(value) for value in frame["N"].tolist()) + " then " + str(ctx.N)
/

SELECT
    'get_dataframe of a SCALAR script never leaves its row' AS ASSUMPTION, '1,1 then 1;2,2 then 2' AS EXPECTED, S AS SEEN,
    S = '1,1 then 1;2,2 then 2' AS HOLDS
FROM (SELECT GROUP_CONCAT(FRAME_ROWS(N, 2) ORDER BY N SEPARATOR ';') AS S FROM SEEDS WHERE N < 3);

--/
CREATE PYTHON3 SCALAR SCRIPT PAIRS (N DECIMAL(9, 0)) EMITS (COPY_ DECIMAL(9, 0)) AS
def run(ctx):
    for _ in range(ctx.N):
        ctx.emit(ctx.N)
/

SELECT
    'what a SCALAR script emits belongs to the row of its call' AS ASSUMPTION, '6 rows, 0 strangers' AS EXPECTED, S AS SEEN,
    S = '6 rows, 0 strangers' AS HOLDS
FROM (
    SELECT COUNT(*) || ' rows, ' || SUM(CASE WHEN N = COPY_ THEN 0 ELSE 1 END) || ' strangers' AS S
    FROM (SELECT N, PAIRS(N) FROM SEEDS WHERE N < 4)
);

--/
CREATE PYTHON3 SET SCRIPT ROWS_SEEN (N DECIMAL(9, 0)) RETURNS DECIMAL(9, 0) AS
def run(ctx):
    return ctx.size()
/

SELECT
    'a SET RETURNS call of no rows gives one NULL' AS ASSUMPTION, '1 row, 0 values' AS EXPECTED, S AS SEEN,
    S = '1 row, 0 values' AS HOLDS
FROM (SELECT COUNT(*) || ' row, ' || COUNT(R) || ' values' AS S FROM (SELECT ROWS_SEEN(N) AS R FROM SEEDS WHERE N > 99));

SELECT
    'a SET RETURNS call of no groups gives no rows' AS ASSUMPTION, '0' AS EXPECTED, S AS SEEN, S = '0' AS HOLDS
FROM (SELECT CAST(COUNT(*) AS VARCHAR(9)) AS S FROM (SELECT T, ROWS_SEEN(N) AS R FROM SEEDS WHERE N > 99 GROUP BY T));

--/
CREATE PYTHON3 SET SCRIPT PLACES (N DECIMAL(9, 0)) EMITS (NODE_ID DECIMAL(9, 0), NODES DECIMAL(9, 0), ROWS_ DECIMAL(9, 0)) AS
def run(ctx):
    ctx.emit(int(exa.meta.node_id), int(exa.meta.node_count), ctx.size())
/

SELECT
    'a SET EMITS call of no rows emits nothing' AS ASSUMPTION, '0' AS EXPECTED, S AS SEEN, S = '0' AS HOLDS
FROM (SELECT CAST(COUNT(*) AS VARCHAR(9)) AS S FROM (SELECT PLACES(N) FROM SEEDS WHERE N > 99));

SELECT
    'a SET call without GROUP BY is one call' AS ASSUMPTION, '1 call, 5 rows' AS EXPECTED, S AS SEEN, S = '1 call, 5 rows' AS HOLDS
FROM (SELECT COUNT(*) || ' call, ' || SUM(ROWS_) || ' rows' AS S FROM (SELECT PLACES(N) FROM SEEDS));

SELECT
    'GROUP BY IPROC() is one call for each node that has rows' AS ASSUMPTION, '5 rows, each node once' AS EXPECTED, S AS SEEN,
    S = '5 rows, each node once' AS HOLDS
FROM (
    SELECT SUM(ROWS_) || ' rows, ' || CASE WHEN COUNT(*) = COUNT(DISTINCT NODE_ID) AND COUNT(*) <= MAX(NODES) THEN 'each node once' ELSE 'others' END AS S
    FROM (SELECT PLACES(N) FROM SEEDS GROUP BY IPROC())
);

--/
CREATE PYTHON3 SCALAR SCRIPT KINDS (...) RETURNS VARCHAR(200) AS
def run(ctx):
    return " ".join(type(ctx[i]).__name__ for i in range(exa.meta.input_column_count))
/

SELECT
    'nothing is converted for a variadic script' AS ASSUMPTION, 'int float bool str Decimal' AS EXPECTED, S AS SEEN,
    S = 'int float bool str Decimal' AS HOLDS
FROM (SELECT KINDS(1, CAST(1.5 AS DOUBLE), TRUE, 'a', CAST(1.5 AS DECIMAL(9, 2))) AS S FROM DUAL);

--/
CREATE PYTHON3 SET SCRIPT META_KINDS (N DECIMAL(9, 0)) EMITS (S VARCHAR(200)) AS
def run(ctx):
    ctx.emit(exa.meta.input_type + " " + exa.meta.output_type)
/

SELECT
    'exa.meta says SET and EMIT' AS ASSUMPTION, 'SET EMIT' AS EXPECTED, S AS SEEN, S = 'SET EMIT' AS HOLDS
FROM (SELECT META_KINDS(N) FROM SEEDS);

--/
CREATE PYTHON3 SCALAR SCRIPT LIMITED (N DECIMAL(9, 0)) RETURNS DECIMAL(9, 0) AS
%perNodeAndCallInstanceLimit 1;
CALLS = []
def run(ctx):
    CALLS.append(ctx.N)
    return len(CALLS)
/

SELECT
    'one instance a node and call is allowed and counts on' AS ASSUMPTION, 'TRUE' AS EXPECTED,
    CASE WHEN LAST_ >= 1 THEN 'TRUE' ELSE 'FALSE' END AS SEEN, LAST_ >= 1 AS HOLDS
FROM (SELECT MAX(LIMITED(N)) AS LAST_ FROM SEEDS);

--/
CREATE PYTHON3 SET SCRIPT EMITS_NUMPY (N DECIMAL(9, 0)) EMITS (D DOUBLE) AS
import numpy
def run(ctx):
    ctx.emit(numpy.float64(1.5))
/

--/
CREATE PYTHON3 SET SCRIPT EMITS_EMPTY (N DECIMAL(9, 0)) EMITS (D DOUBLE) AS
import pandas
def run(ctx):
    ctx.emit(pandas.DataFrame({"D": []}))
/

--/
CREATE PYTHON3 SET SCRIPT FRAMES_BEHIND (N DECIMAL(9, 0)) EMITS (D DOUBLE) AS
def run(ctx):
    while ctx.get_dataframe(num_rows="all") is not None:
        pass
    ctx.get_dataframe(num_rows=1)
/

-- Scripts in Lua, and transactions ----------------------------------------------------------------

--/
CREATE LUA SCRIPT CHECKS_LIBRARY () AS
-- Keeps an answer, whatever the question has left open.
function answer(number, assumption, expected, seen)
    query([[ROLLBACK]])
    query([[INSERT INTO EXALLM_CHECKS.ANSWERS VALUES (:n, :a, :e, :s)]],
        {n = number, a = assumption, e = expected, s = tostring(seen)})
    query([[COMMIT]])
end

-- The first value of a query, or the code of its error.
function value(text)
    local ok, result = pquery(text)
    if ok then
        return tostring(result[1][1])
    end
    return 'error ' .. tostring(result.error_code)
end

-- Whether the error of a statement holds some words.
function fails_with(text, words)
    local ok, result = pquery(text)
    return not ok and string.find(result.error_message, words, 1, true) ~= nil
end
/

--/
CREATE LUA SCRIPT ASK_SCRIPTS () AS
import('EXALLM_CHECKS.CHECKS_LIBRARY', 'checks')
checks.answer(1, 'emit of a numpy scalar is refused with 1098', 'true',
    checks.fails_with([[SELECT EXALLM_CHECKS.EMITS_NUMPY(N) FROM EXALLM_CHECKS.SEEDS]], '1098'))
checks.answer(2, 'emit of an empty frame is refused with 1087', 'true',
    checks.fails_with([[SELECT EXALLM_CHECKS.EMITS_EMPTY(N) FROM EXALLM_CHECKS.SEEDS]], '1087'))
checks.answer(3, 'get_dataframe after its None is refused with 1106', 'true',
    checks.fails_with([[SELECT EXALLM_CHECKS.FRAMES_BEHIND(N) FROM EXALLM_CHECKS.SEEDS]], '1106'))
/

--/
CREATE LUA SCRIPT ASK_VALUES () AS
import('EXALLM_CHECKS.CHECKS_LIBRARY', 'checks')
local row = query([[SELECT CAST(NULL AS DECIMAL(9, 0)) AS X, 7 AS N FROM DUAL]])[1]
checks.answer(10, 'NULL of a query is null in Lua, and not nil', 'true false',
    tostring(row.X == null) .. ' ' .. tostring(row.X == nil))
checks.answer(11, 'null counts as true', 'yes', null and 'yes' or 'no')
checks.answer(12, 'a column that is not there is nil', 'true', tostring(row.NO_COLUMN == nil))
checks.answer(13, 'a parameter that is null is NULL', '1',
    tostring(query([[SELECT COUNT(*) AS C FROM DUAL WHERE :x IS NULL]], {x = null})[1].C))
checks.answer(14, 'require(cjson) is there', 'x', require('cjson').decode('{"a": "x"}').a)
checks.answer(15, 'an identifier parameter folds to upper case', '5',
    tostring(query([[SELECT COUNT(*) AS C FROM ::s.::t]], {s = 'exallm_checks', t = 'seeds'})[1].C))
/

--/
CREATE LUA SCRIPT ASK_TRANSACTIONS () AS
import('EXALLM_CHECKS.CHECKS_LIBRARY', 'checks')
query([[COMMIT]])

query([[CREATE TABLE EXALLM_CHECKS.MADE (A DECIMAL(9, 0))]])
query([[INSERT INTO EXALLM_CHECKS.MADE VALUES (1)]])
query([[COMMIT]])
query([[ROLLBACK]])
checks.answer(20, 'a script may create a table and commit', '1',
    checks.value([[SELECT COUNT(*) FROM EXALLM_CHECKS.MADE]]))

query([[DROP TABLE EXALLM_CHECKS.MADE]])
query([[ROLLBACK]])
checks.answer(21, 'ROLLBACK undoes DROP TABLE', '1', checks.value([[SELECT COUNT(*) FROM EXALLM_CHECKS.MADE]]))

query([[CREATE TABLE EXALLM_CHECKS.UNDONE (A DECIMAL(9, 0))]])
query([[ROLLBACK]])
checks.answer(22, 'ROLLBACK undoes CREATE TABLE', 'error 42000',
    checks.value([[SELECT COUNT(*) FROM EXALLM_CHECKS.UNDONE]]))

query([[INSERT INTO EXALLM_CHECKS.MADE VALUES (2)]])
pquery([[SELECT * FROM EXALLM_CHECKS.NO_SUCH_TABLE]])
query([[COMMIT]])
checks.answer(23, 'a statement that fails keeps what the transaction did before', '2',
    checks.value([[SELECT COUNT(*) FROM EXALLM_CHECKS.MADE]]))

query([[INSERT INTO EXALLM_CHECKS.MADE VALUES (3)]])
checks.answer(24, 'a script sees what it has changed and not committed', '3',
    checks.value([[SELECT COUNT(*) FROM EXALLM_CHECKS.MADE]]))
/

--/
CREATE LUA SCRIPT ASK_SCRIPTS_IN_TRANSACTIONS () AS
import('EXALLM_CHECKS.CHECKS_LIBRARY', 'checks')
local function number_is(number)
    query([[CREATE OR REPLACE PYTHON3 SCALAR SCRIPT EXALLM_CHECKS.NUMBER_OF () RETURNS DECIMAL(9, 0) AS
NUMBER = ]] .. number .. [[

def run(ctx):
    return NUMBER
]])
end
query([[COMMIT]])

number_is(1)
query([[ROLLBACK]])
checks.answer(30, 'ROLLBACK undoes CREATE SCRIPT', 'error 42000',
    checks.value([[SELECT EXALLM_CHECKS.NUMBER_OF()]]))

number_is(1)
query([[COMMIT]])
number_is(2)
local inside = checks.value([[SELECT EXALLM_CHECKS.NUMBER_OF()]])
checks.answer(31, 'a script that was replaced is the new one before COMMIT', '2', inside)
checks.answer(32, 'ROLLBACK undoes CREATE OR REPLACE SCRIPT', '1',
    checks.value([[SELECT EXALLM_CHECKS.NUMBER_OF()]]))

query([[CREATE OR REPLACE PYTHON3 SCALAR SCRIPT EXALLM_CHECKS.IMPORTER () RETURNS DECIMAL(9, 0) AS
def run(ctx):
    return exa.import_script('EXALLM_CHECKS.NUMBER_OF').NUMBER
]])
query([[COMMIT]])
number_is(3)
inside = checks.value([[SELECT EXALLM_CHECKS.IMPORTER()]])
checks.answer(33, 'import_script takes the text of its own transaction', '3', inside)

query([[COMMENT ON SCRIPT EXALLM_CHECKS.NUMBER_OF IS 'first']])
query([[COMMIT]])
query([[COMMENT ON SCRIPT EXALLM_CHECKS.NUMBER_OF IS 'second']])
query([[ROLLBACK]])
checks.answer(34, 'COMMENT ON SCRIPT is part of the transaction', 'first', checks.value([[
    SELECT SCRIPT_COMMENT FROM EXA_ALL_SCRIPTS
    WHERE SCRIPT_SCHEMA = 'EXALLM_CHECKS' AND SCRIPT_NAME = 'NUMBER_OF']]))

local grants = [[SELECT COUNT(*) FROM EXA_DBA_OBJ_PRIVS
    WHERE GRANTEE = 'EXALLM_CHECKS_ROLE' AND OBJECT_NAME IN ('NUMBER_OF', 'EXALLM_CHECKS')]]
query([[GRANT EXECUTE ON SCRIPT EXALLM_CHECKS.NUMBER_OF TO EXALLM_CHECKS_ROLE]])
query([[ROLLBACK]])
checks.answer(35, 'ROLLBACK undoes GRANT', '0', checks.value(grants))

query([[GRANT EXECUTE ON SCRIPT EXALLM_CHECKS.NUMBER_OF TO EXALLM_CHECKS_ROLE]])
number_is(4)
local left = checks.value(grants)
query([[COMMIT]])
checks.answer(36, 'CREATE OR REPLACE SCRIPT ends the grants on the script', '0', left)

query([[GRANT EXECUTE ON SCHEMA EXALLM_CHECKS TO EXALLM_CHECKS_ROLE]])
number_is(5)
left = checks.value(grants)
query([[COMMIT]])
checks.answer(37, 'CREATE OR REPLACE SCRIPT keeps the grants on the schema', '1', left)
/

EXECUTE SCRIPT ASK_SCRIPTS;
EXECUTE SCRIPT ASK_VALUES;
EXECUTE SCRIPT ASK_TRANSACTIONS;
EXECUTE SCRIPT ASK_SCRIPTS_IN_TRANSACTIONS;

SELECT ASSUMPTION, EXPECTED, SEEN, HOLDS FROM VERDICTS ORDER BY NR;

SELECT
    'a function without its schema is found in the open one' AS ASSUMPTION, '5' AS EXPECTED, S AS SEEN, S = '5' AS HOLDS
FROM (SELECT CAST(NUMBER_OF() AS VARCHAR(9)) AS S FROM DUAL);

CREATE VIEW NUMBER_VIEW AS SELECT NUMBER_OF() AS V FROM DUAL;

SELECT
    'a view finds its functions when another schema is open' AS ASSUMPTION, '5' AS EXPECTED, S AS SEEN, S = '5' AS HOLDS
FROM (SELECT CAST(V AS VARCHAR(9)) AS S FROM EXALLM_CHECKS.NUMBER_VIEW);

SELECT
    'a script is in EXA_ALL_SCRIPTS with language, kind and text' AS ASSUMPTION, 'PYTHON3 SET EMITS TRUE' AS EXPECTED, S AS SEEN,
    S = 'PYTHON3 SET EMITS TRUE' AS HOLDS
FROM (
    SELECT SCRIPT_LANGUAGE || ' ' || SCRIPT_INPUT_TYPE || ' ' || SCRIPT_RESULT_TYPE || ' '
        || CASE WHEN SCRIPT_TEXT LIKE '%exa.meta.input_type%' THEN 'TRUE' ELSE 'FALSE' END AS S
    FROM EXA_ALL_SCRIPTS WHERE SCRIPT_SCHEMA = 'EXALLM_CHECKS' AND SCRIPT_NAME = 'META_KINDS'
);

DROP SCHEMA EXALLM_CHECKS CASCADE;
DROP ROLE EXALLM_CHECKS_ROLE;
COMMIT;
