-- The rows that a run has before it. They lie in a table beside the target, which is there as long
-- as the run: numbered from 1, and one row with the number 0 that says which run they belong to.
-- Every transaction of a run first counts its turn in that row, so that two runs on one target meet
-- there. The count has to change: a database may take no lock for an update that changes nothing.
-- Locks of the database are on whole tables: so nothing that all runs share is touched before a
-- transaction's end. Imported, not called.

CREATE OR REPLACE LUA SCRIPT RUN_ROWS_LIBRARY () AS
import(quote(exa.meta.script_schema) .. '.REGISTRY_LIBRARY', 'registry')

local BUSY = 'another run is at work on the target %s (%s); wait for it, or call again'

-- What each function reads: columns of the source query, and the call over the pending rows.
FORMS = {
    AI_ANSWER = {
        task = 'answer', option_task = 'answer', columns = {'ROW_ID', 'QUESTION', 'CONTEXT'},
        texts = 'CAST(S."QUESTION" AS VARCHAR(2000000)) AS PROMPT,'
            .. ' CAST(S."CONTEXT" AS VARCHAR(2000000)) AS CONTEXT',
        document = 'CONTEXT', call = '::s.AI_ANSWER_BATCH(ROW_ID, PROMPT, CONTEXT, :c)'},
    AI_COMPLETE = {
        task = 'complete', option_task = 'complete', columns = {'ROW_ID', 'PROMPT'},
        texts = 'CAST(S."PROMPT" AS VARCHAR(2000000)) AS PROMPT,'
            .. ' CAST(NULL AS VARCHAR(2000000)) AS CONTEXT',
        document = 'PROMPT', call = '::s.AI_COMPLETE_BATCH(ROW_ID, :v, PROMPT, :c)'},
    GPT2_INFERENCE = {
        task = 'complete', option_task = 'answer', columns = {'ROW_ID', 'PROMPT'},
        texts = 'CAST(S."PROMPT" AS VARCHAR(2000000)) AS PROMPT,'
            .. ' CAST(NULL AS VARCHAR(2000000)) AS CONTEXT',
        document = 'PROMPT', call = '::s.GPT2_INFERENCE_BATCH(ROW_ID, PROMPT, :c)'}
}

-- Schema, target and the table of pending rows, as they are stored and as identifiers.
function names_of(schema, target_schema, target_table)
    local digest = query([[SELECT SUBSTR(HASH_MD5(:t), 1, 16) FROM DUAL]], {t = target_table})[1][1]
    return {
        s = quote(schema), d = quote(target_schema), t = quote(target_table),
        w = quote('EXALLM_PENDING_' .. digest:upper()), target_schema = target_schema,
        target_table = target_table, shown = quote(target_schema) .. '.' .. quote(target_table)}
end

-- Two runs that change the same row: the later one fails or waits, as the database has it.
local function require_done(names, done, outcome)
    if done then
        return outcome
    end
    if outcome.error_code == '40001' then
        error('E-EXALLM-SQL-17: ' .. string.format(BUSY, names.shown, outcome.error_message), 0)
    end
    error('E-EXALLM-SQL-21: the table ' .. names.w .. ' for the pending rows of ' .. names.shown
        .. ' cannot be used: ' .. outcome.error_message
        .. '; name a schema in which you may create tables', 0)
end

-- Makes the table of pending rows this run's, whoever had it before.
function take(names, run_id)
    require_done(names, pquery([[
        CREATE TABLE IF NOT EXISTS ::d.::w (
            PLACE DECIMAL(18,0), RUN_ID VARCHAR(32), TURN DECIMAL(18,0), ROW_ID VARCHAR(2000),
            INPUT_SHA256 VARCHAR(64), DOCUMENT_MD5 VARCHAR(32), PROMPT VARCHAR(2000000),
            CONTEXT VARCHAR(2000000))]], {d = names.d, w = names.w}))
    local held = require_done(names, pquery([[UPDATE ::d.::w SET RUN_ID = :i, TURN = TURN + 1 WHERE PLACE = 0]],
        {d = names.d, w = names.w, i = run_id}))
    if held.rows_affected == 0 then
        query([[INSERT INTO ::d.::w (PLACE, RUN_ID, TURN) VALUES (0, :i, 1)]],
            {d = names.d, w = names.w, i = run_id})
        query([[COMMENT ON TABLE ::d.::w IS 'Rows that a run of RUN_BATCH has before it; goes with the end of the run.']],
            {d = names.d, w = names.w})
    end
    query([[DELETE FROM ::d.::w WHERE PLACE IS NULL OR PLACE > 0]], {d = names.d, w = names.w})
end

-- Begins a transaction of this run; fails where another run has taken the table.
function keep(names, run_id)
    local done, outcome = pquery([[
        UPDATE ::d.::w SET TURN = TURN + 1 WHERE PLACE = 0 AND RUN_ID = :i]],
        {d = names.d, w = names.w, i = run_id})
    if not done and outcome.error_code == '40001' then
        require_done(names, done, outcome)
    end
    if not done or outcome.rows_affected ~= 1 then
        error('E-EXALLM-SQL-18: another run has taken over the target ' .. names.shown
            .. '; the rows of earlier chunks stay, see RUNS and call again', 0)
    end
end

-- Ends the table of pending rows where it is this run's.
function let_go(names, run_id)
    local held, outcome = pquery([[
        UPDATE ::d.::w SET TURN = TURN + 1 WHERE PLACE = 0 AND RUN_ID = :i]],
        {d = names.d, w = names.w, i = run_id})
    if held and outcome.rows_affected == 1 then
        query([[DROP TABLE ::d.::w]], {d = names.d, w = names.w})
    end
end

-- The source query stands in a statement without parameters, so that nothing in it is taken for one.
function stage(names, form, source)
    local columns = {}
    for i, column in ipairs(form.columns) do
        columns[i] = 'S."' .. column .. '"'
    end
    local within = ' FROM (\n' .. source .. '\n) S'
    local readable, problem = pquery('SELECT ' .. table.concat(columns, ', ') .. within .. ' WHERE 1 = 0')
    if readable then
        readable, problem = pquery('INSERT INTO ' .. names.d .. '.' .. names.w
            .. ' (ROW_ID, INPUT_SHA256, DOCUMENT_MD5, PROMPT, CONTEXT) SELECT ROW_ID,'
            .. " HASH_SHA256(COALESCE(HASH_SHA256(PROMPT), '-') || COALESCE(HASH_SHA256(CONTEXT), '-')),"
            .. ' COALESCE(HASH_MD5(' .. form.document .. "), HASH_MD5('-')), PROMPT, CONTEXT"
            .. ' FROM (SELECT CAST(S."ROW_ID" AS VARCHAR(2000)) AS ROW_ID, '
            .. form.texts .. within .. ')')
    end
    if not readable then
        error('E-EXALLM-SQL-12: the source query fails: ' .. problem.error_message
            .. '; it has to give ' .. table.concat(form.columns, ', '), 0)
    end
end

-- How many rows the source query gave.
function check_ids(names)
    local counts = query([[
        SELECT COUNT(*), COUNT(ROW_ID), COUNT(DISTINCT ROW_ID) FROM ::d.::w WHERE PLACE IS NULL]],
        {d = names.d, w = names.w})[1]
    local found, named, distinct =
        registry.whole(counts[1]), registry.whole(counts[2]), registry.whole(counts[3])
    if named < found then
        error('E-EXALLM-SQL-13: ' .. (found - named)
            .. ' rows of the source query have no ROW_ID; give each row an id of its own', 0)
    end
    if distinct < named then
        local twice = query([[
            SELECT ROW_ID, COUNT(*) FROM ::d.::w WHERE PLACE IS NULL GROUP BY ROW_ID
            HAVING COUNT(*) > 1 ORDER BY ROW_ID LIMIT 1]], {d = names.d, w = names.w})[1]
        error('E-EXALLM-SQL-13: the ROW_ID ' .. twice[1] .. ' stands in ' .. registry.whole(twice[2])
            .. ' rows of the source query; give each row an id of its own', 0)
    end
    return found
end

-- Leaves the rows that are to run, and numbers them so that the rows of a document stand together.
-- A row is done where the target has it with the same texts, package, function and options.
function number_pending(names, package_sha256, options_sha256, retry_errors)
    local known = [[
        SELECT T.ROW_ID FROM ::d.::t T
        INNER JOIN ::d.::w W ON T.ROW_ID = W.ROW_ID AND T.INPUT_SHA256 = W.INPUT_SHA256
        WHERE T.PACKAGE_SHA256 = :p AND T.OPTIONS_SHA256 = :o]]
    local others = 'ROW_ID IN (' .. known .. ')'
    if retry_errors then
        others = 'ROW_ID NOT IN (' .. known .. ' AND T.ERROR_CODE IS NOT NULL)'
    end
    query([[DELETE FROM ::d.::w WHERE PLACE IS NULL AND ]] .. others,
        {d = names.d, t = names.t, w = names.w, p = package_sha256, o = options_sha256})
    query([[
        MERGE INTO ::d.::w W
        USING (
            SELECT ROW_ID, ROW_NUMBER() OVER (ORDER BY DOCUMENT_MD5, ROW_ID) AS PLACE
            FROM ::d.::w WHERE PLACE IS NULL
        ) N
        ON (W.ROW_ID = N.ROW_ID)
        WHEN MATCHED THEN UPDATE SET W.PLACE = N.PLACE]], {d = names.d, w = names.w})
    return registry.whole(query([[SELECT COUNT(*) FROM ::d.::w WHERE PLACE > 0]],
        {d = names.d, w = names.w})[1][1])
end

function keep_first(names, rows)
    query([[DELETE FROM ::d.::w WHERE PLACE > :n]], {d = names.d, w = names.w, n = rows})
end

-- Tokens of the texts that are before the run, without those of the template.
function count_tokens(names, reference)
    local counts = query([[
        SELECT
            COALESCE(SUM(::s.TOKEN_COUNT(:v, PROMPT)), 0),
            COALESCE(SUM(::s.TOKEN_COUNT(:v, CONTEXT)), 0)
        FROM ::d.::w WHERE PLACE > 0]], {s = names.s, d = names.d, w = names.w, v = reference})[1]
    return registry.whole(counts[1]) + registry.whole(counts[2])
end

local function insert_statement(form, columns)
    local plain = table.concat({'FINISH_REASON', 'MODEL_VERSION', 'PROMPT_TOKENS',
        'COMPLETION_TOKENS', 'LATENCY_MS', 'ERROR_CODE', 'ERROR_MESSAGE', 'RUN_ID',
        'PACKAGE_SHA256', 'OPTIONS_SHA256', 'WRITTEN_AT'}, ', ')
    return 'INSERT INTO ::d.::t (ROW_ID, INPUT_SHA256, ' .. columns('') .. ', ' .. plain .. ')'
        .. ' SELECT W.ROW_ID, W.INPUT_SHA256, ' .. columns('A.') .. [[,
            A.FINISH_REASON, COALESCE(A.MODEL_VERSION, :v), A.PROMPT_TOKENS, A.COMPLETION_TOKENS,
            A.LATENCY_MS, A.ERROR_CODE, A.ERROR_MESSAGE, :i, :p, :o, CURRENT_TIMESTAMP
        FROM (
            SELECT ]] .. form.call .. [[ FROM (
                SELECT ROW_ID, PROMPT, CONTEXT, DOCUMENT_MD5 FROM ::d.::w
                WHERE PLACE BETWEEN :a AND :b
            )
            GROUP BY IPROC(), SUBSTR(DOCUMENT_MD5, 32, 1)
        ) A
        INNER JOIN ::d.::w W ON A.ROW_ID = W.ROW_ID]]
end

-- Runs the pending rows from one number to another and puts them into the target, in place of the
-- rows with their ids. The spread key is the last digit of a hash by whose first digits the rows are
-- numbered, so a chunk has groups of every digit.
function write_chunk(run, columns, first, last)
    local names = run.names
    local place = {d = names.d, t = names.t, w = names.w, a = first, b = last}
    query([[
        DELETE FROM ::d.::t WHERE ROW_ID IN (
            SELECT ROW_ID FROM ::d.::w WHERE PLACE BETWEEN :a AND :b)]], place)
    local expected = registry.whole(query([[
        SELECT COUNT(*) FROM ::d.::w WHERE PLACE BETWEEN :a AND :b]], place)[1][1])
    local done, outcome = pquery(insert_statement(run.form, columns), {
        s = names.s, d = names.d, t = names.t, w = names.w, a = first, b = last, i = run.id,
        v = run.reference, p = run.package_sha256, o = run.options_sha256, c = run.call_options})
    if not done then
        error('E-EXALLM-SQL-19: rows ' .. first .. ' to ' .. last .. ' of the run ' .. run.id
            .. ' failed: ' .. outcome.error_message
            .. '; the rows of earlier chunks stay, call again', 0)
    end
    if outcome.rows_affected ~= expected then
        error('E-EXALLM-SQL-20: of ' .. expected .. ' rows ' .. run.function_name .. ' gave back '
            .. outcome.rows_affected .. '; the rows of earlier chunks stay, call again', 0)
    end
end

-- Writes down what a chunk took, and says it: the sums of its rows.
-- span: first row, last row, seconds.
function record_chunk(run, answer, number, span)
    local names = run.names
    local place = {s = names.s, d = names.d, t = names.t, w = names.w, a = span[1], b = span[2],
        i = run.id, k = number, e = span[3]}
    local grounded = run.form.task == 'answer' and 'T.GROUNDED' or 'CAST(NULL AS BOOLEAN)'
    query([[
        INSERT INTO ::s.RUN_CHUNKS
        SELECT
            :i, :k, COUNT(*), COUNT(T.ERROR_CODE), COUNT(T.]] .. answer .. [[),
            COALESCE(SUM(LENGTH(T.]] .. answer .. [[)), 0),
            SUM(CASE WHEN ]] .. grounded .. [[ = TRUE THEN 1 ELSE 0 END),
            SUM(CASE WHEN ]] .. grounded .. [[ = FALSE THEN 1 ELSE 0 END),
            COALESCE(SUM(T.PROMPT_TOKENS), 0), COALESCE(SUM(T.COMPLETION_TOKENS), 0),
            COALESCE(SUM(T.LATENCY_MS), 0) / 1000,
            :e, CURRENT_TIMESTAMP
        FROM ::d.::t T INNER JOIN ::d.::w W ON T.ROW_ID = W.ROW_ID
        WHERE W.PLACE BETWEEN :a AND :b]], place)
    query([[
        INSERT INTO ::s.RUN_ERRORS
        SELECT :i, :k, T.ERROR_CODE, COUNT(*)
        FROM ::d.::t T INNER JOIN ::d.::w W ON T.ROW_ID = W.ROW_ID
        WHERE W.PLACE BETWEEN :a AND :b AND T.ERROR_CODE IS NOT NULL
        GROUP BY T.ERROR_CODE]], place)
    query([[DELETE FROM ::d.::w WHERE PLACE BETWEEN :a AND :b]], place)
    return query([[
        SELECT CHUNK_ROWS, ERROR_ROWS, PROMPT_TOKENS, COMPLETION_TOKENS FROM ::s.RUN_CHUNKS
        WHERE RUN_ID = :i AND CHUNK_NUMBER = :k]], place)[1]
end
/

COMMENT ON SCRIPT RUN_ROWS_LIBRARY IS 'The pending rows of a batch run: whose they are, which there are, and their way into the target.';
