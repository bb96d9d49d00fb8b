-- EXECUTE SCRIPT RUN_BATCH('AI_ANSWER', 'SELECT ID AS ROW_ID, QUESTION, CONTEXT FROM SALES.MAILS',
--     'SALES.MAIL_ANSWERS', '{"chunk_rows": 500, "budget": {"rows": 100000}}')
-- fills a table with a function's answers, a chunk of rows a transaction. Rows that the target has
-- already, of the same texts, package, function and options, are passed over: the same call goes on
-- where an earlier one ended, however that ended. It begins with a COMMIT.

CREATE OR REPLACE LUA SCRIPT RUN_BATCH (FUNCTION_NAME, SOURCE_QUERY, TARGET_TABLE, SETTINGS) RETURNS TABLE AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')
import(quote(schema) .. '.RUN_TARGET_LIBRARY', 'targets')
import(quote(schema) .. '.RUN_ROWS_LIBRARY', 'rows')

local RESULT = [[
    RUN_ID VARCHAR(32), RUN_STATE VARCHAR(20), STOPPED_BY VARCHAR(2000), SOURCE_ROWS DECIMAL(18,0),
    PENDING_ROWS DECIMAL(18,0), DONE_ROWS DECIMAL(18,0), ERROR_ROWS DECIMAL(18,0),
    PROMPT_TOKENS DECIMAL(18,0), COMPLETION_TOKENS DECIMAL(18,0), SECONDS DOUBLE]]

local function present(value)
    return value ~= null and value or nil
end

-- The parts of the call; nil for what it leaves open.
local function read_call()
    local call = query([[SELECT ::s.READ_RUN(:f, :q, :t, :j) FROM DUAL]],
        {s = quote(schema), f = FUNCTION_NAME, q = SOURCE_QUERY, t = TARGET_TABLE, j = SETTINGS})[1]
    if call.PROBLEM ~= null then
        error(call.PROBLEM, 0)
    end
    return {
        function_name = call.FUNCTION_NAME, target_schema = present(call.TARGET_SCHEMA),
        target_table = call.TARGET_TABLE, model = call.MODEL, alias = present(call.ALIAS_NAME),
        version = registry.whole(call.MODEL_VERSION), options = call.FUNCTION_OPTIONS,
        chunk_rows = registry.whole(call.CHUNK_ROWS),
        budget_rows = registry.whole(call.BUDGET_ROWS),
        budget_tokens = registry.whole(call.BUDGET_TOKENS),
        budget_seconds = tonumber(present(call.BUDGET_SECONDS)),
        stops_on_budget = call.STOPS_ON_BUDGET, retry_errors = call.RETRY_ERRORS,
        dry_run = call.DRY_RUN}
end

local function target_schema(call)
    if call.target_schema ~= nil then
        return call.target_schema
    end
    local open = query([[SELECT CURRENT_SCHEMA FROM DUAL]])[1][1]
    if open == null then
        error('E-EXALLM-SQL-14: no schema is open for the target ' .. call.target_table
            .. '; write SCHEMA.NAME', 0)
    end
    return open
end

-- The reference is resolved once: a promotion on the way does not change what the run asks.
local function resolve(call, form)
    registry.require_model(schema, call.model)
    local number = call.version
    if number == nil then
        number = registry.current_version(schema, call.model, call.alias)
        if number == nil then
            registry.fail(5, call.model .. ' has no alias ' .. call.alias,
                'call LIST_MODELS() for those it has')
        end
    end
    local row, version = registry.require_version(schema, call.model, number)
    local options, reference =
        registry.call_options(schema, form.option_task, call.model, version, call.options)
    if options.PROBLEM ~= null then
        error('E-EXALLM-SQL-3: ' .. options.PROBLEM .. '; correct the options', 0)
    end
    return version, reference, row.SHA256, options
end

-- What a run is: the call with all that it names.
local function new_run(call)
    local form = rows.FORMS[call.function_name]
    local version, reference, sha256, options = resolve(call, form)
    local options_sha256 = query([[SELECT HASH_SHA256(:f || ' ' || :o) FROM DUAL]],
        {f = call.function_name, o = options.ASKED_OPTIONS})[1][1]
    return {
        id = registry.new_id(), function_name = call.function_name, form = form, model = call.model,
        version = version, reference = reference, package_sha256 = sha256,
        call_options = options.CALL_OPTIONS, asked_options = options.ASKED_OPTIONS,
        options_sha256 = options_sha256, seconds = 0, tokens = 0,
        names = rows.names_of(schema, target_schema(call), call.target_table)}
end

local function insert_run(run, call)
    query([[
        INSERT INTO ::s.RUNS (
            RUN_ID, FUNCTION_NAME, TASK, MODEL, MODEL_VERSION, PACKAGE_SHA256, SOURCE_QUERY,
            SOURCE_SHA256, TARGET_SCHEMA, TARGET_TABLE, CALL_OPTIONS, OPTIONS_SHA256, CHUNK_ROWS,
            RETRY_ERRORS, BUDGET_ROWS, BUDGET_TOKENS, BUDGET_SECONDS, DONE_ROWS, ERROR_ROWS,
            PROMPT_TOKENS, COMPLETION_TOKENS, SECONDS, RUN_STATE, STARTED_AT, STARTED_BY, SESSION_ID
        )
        SELECT
            :i, :f, :k, :m, :v, :p, :q, HASH_SHA256(:q), :d, :t, :o, :h, :c, :e, :x, :y, :z, 0, 0, 0,
            0, 0, 'RUNNING', CURRENT_TIMESTAMP, CURRENT_USER, CURRENT_SESSION
        FROM DUAL]], {
        s = quote(schema), i = run.id, f = run.function_name, k = run.form.task, m = run.model,
        v = run.version, p = run.package_sha256, q = SOURCE_QUERY, d = run.names.target_schema,
        t = run.names.target_table, o = run.asked_options, h = run.options_sha256,
        c = call.chunk_rows, e = call.retry_errors, x = call.budget_rows or null,
        y = call.budget_tokens or null, z = call.budget_seconds or null})
end

-- The runs that were at work on the target and have not said how they ended.
local function end_others(run)
    query([[
        UPDATE ::s.RUNS SET
            RUN_STATE = 'INTERRUPTED', STOPPED_BY = 'run ' || :i || ' has taken over its target',
            ENDED_AT = CURRENT_TIMESTAMP
        WHERE TARGET_SCHEMA = :d AND TARGET_TABLE = :t AND RUN_STATE = 'RUNNING' AND RUN_ID <> :i]], {
        s = quote(schema), i = run.id, d = run.names.target_schema, t = run.names.target_table})
end

local function count_pending(run, call)
    rows.take(run.names, run.id)
    targets.require_target(run.names, run.form.task)
    rows.stage(run.names, run.form, SOURCE_QUERY)
    run.source_rows = rows.check_ids(run.names)
    run.pending_rows = rows.number_pending(
        run.names, run.package_sha256, run.options_sha256, call.retry_errors)
end

-- What the run would take more of than it may; nil where it may.
local function beyond_budget(run, call)
    if call.budget_rows ~= nil and run.pending_rows > call.budget_rows then
        return 'rows', run.pending_rows, call.budget_rows
    end
    if call.budget_tokens ~= nil then
        run.prompt_tokens = rows.count_tokens(run.names, run.reference)
        if run.prompt_tokens > call.budget_tokens then
            return 'tokens', run.prompt_tokens, call.budget_tokens
        end
    end
end

local function prepare(run, call)
    count_pending(run, call)
    local kind, wanted, allowed = beyond_budget(run, call)
    if kind ~= nil and not call.stops_on_budget then
        error('E-EXALLM-SQL-16: the run would take ' .. wanted .. ' ' .. kind
            .. ' of a budget of ' .. allowed
            .. '; ask for less, raise the budget, or set on_budget to stop', 0)
    end
    run.last = run.pending_rows
    if kind == 'rows' then
        rows.keep_first(run.names, allowed)
        run.last = allowed
    end
    end_others(run)
    query([[
        UPDATE ::s.RUNS SET SOURCE_ROWS = :n, PENDING_ROWS = :p WHERE RUN_ID = :i]],
        {s = quote(schema), n = run.source_rows, p = run.pending_rows, i = run.id})
    query([[COMMIT]])
end

local function run_chunk(run, call, number)
    local first = (number - 1) * call.chunk_rows + 1
    local last = math.min(number * call.chunk_rows, run.last)
    local task = run.form.task
    rows.keep(run.names, run.id)
    rows.write_chunk(run, function(prefix) return targets.function_columns(task, prefix) end, first, last)
    local answer = task == 'answer' and 'ANSWER' or 'GENERATED_TEXT'
    local elapsed = tonumber(query([[
        SELECT SECONDS_BETWEEN(CURRENT_TIMESTAMP, STARTED_AT) FROM ::s.RUNS WHERE RUN_ID = :i]],
        {s = quote(schema), i = run.id})[1][1])
    local took = rows.record_chunk(run, answer, number, {first, last, elapsed - run.seconds})
    query([[
        UPDATE ::s.RUNS SET
            DONE_ROWS = DONE_ROWS + :n, ERROR_ROWS = ERROR_ROWS + :e,
            PROMPT_TOKENS = PROMPT_TOKENS + :p, COMPLETION_TOKENS = COMPLETION_TOKENS + :c,
            SECONDS = :x
        WHERE RUN_ID = :i]], {
        s = quote(schema), i = run.id, n = took.CHUNK_ROWS, e = took.ERROR_ROWS,
        p = took.PROMPT_TOKENS, c = took.COMPLETION_TOKENS, x = elapsed})
    query([[COMMIT]])
    run.done = last
    run.tokens = run.tokens + registry.whole(took.PROMPT_TOKENS)
        + registry.whole(took.COMPLETION_TOKENS)
    run.seconds = elapsed
end

-- Which budget the run has used up before its rows; nil where none.
local function used_up(run, call)
    if call.budget_tokens ~= nil and run.tokens >= call.budget_tokens then
        return 'tokens'
    end
    if call.budget_seconds ~= nil and run.seconds >= call.budget_seconds then
        return 'seconds'
    end
    return run.done >= run.last and 'rows' or nil
end

local function work(run, call)
    prepare(run, call)
    run.done = 0
    local number, budget = 0, nil
    while run.done < run.pending_rows and budget == nil do
        budget = used_up(run, call)
        if budget == nil then
            number = number + 1
            run_chunk(run, call, number)
        end
    end
    rows.keep(run.names, run.id)
    rows.let_go(run.names, run.id)
    query([[
        UPDATE ::s.RUNS SET RUN_STATE = :e, STOPPED_BY = :b, ENDED_AT = CURRENT_TIMESTAMP
        WHERE RUN_ID = :i]], {
        s = quote(schema), i = run.id, e = budget == nil and 'DONE' or 'STOPPED',
        b = budget == nil and null or 'the budget of ' .. budget})
    query([[COMMIT]])
end

local function message_of(problem)
    return type(problem) == 'string' and problem or tostring(problem.error_message)
end

local function shortened(message)
    local behind = utf8.offset(message, 2001)
    return behind and message:sub(1, behind - 1) or message
end

-- Undoes the transaction that failed and writes down why; what was committed stays.
local function give_up(run, problem)
    local message = message_of(problem)
    query([[ROLLBACK]])
    rows.let_go(run.names, run.id)
    query([[
        UPDATE ::s.RUNS SET RUN_STATE = 'FAILED', STOPPED_BY = :b, ENDED_AT = CURRENT_TIMESTAMP
        WHERE RUN_ID = :i]], {s = quote(schema), i = run.id, b = shortened(message)})
    query([[COMMIT]])
    error(message, 0)
end

-- What a run would take, by counting and by what earlier runs of the package took; nothing stays.
local function try_out(run, call)
    count_pending(run, call)
    local kind = beyond_budget(run, call)
    local tokens = run.prompt_tokens or rows.count_tokens(run.names, run.reference)
    query([[ROLLBACK]])
    local before = query([[
        SELECT
            SUM(C.COMPLETION_TOKENS) / SUM(C.CHUNK_ROWS) AS TOKENS,
            SUM(C.SECONDS) / SUM(C.CHUNK_ROWS) AS SECONDS
        FROM ::s.RUN_CHUNKS C INNER JOIN ::s.RUNS R ON C.RUN_ID = R.RUN_ID
        WHERE R.PACKAGE_SHA256 = :p AND R.FUNCTION_NAME = :f]],
        {s = quote(schema), p = run.package_sha256, f = run.function_name})[1]
    local completions, seconds = null, null
    if before.SECONDS ~= null then
        completions = math.ceil(run.pending_rows * tonumber(before.TOKENS))
        seconds = run.pending_rows * tonumber(before.SECONDS)
    end
    local counted = {
        null, 'DRY_RUN', kind and 'the budget of ' .. kind or null, run.source_rows,
        run.pending_rows, 0, 0, tokens, completions, seconds}
    return {counted}
end

query([[COMMIT]])
local call = read_call()
local run = new_run(call)
if call.dry_run then
    local understood, outcome = pcall(try_out, run, call)
    if not understood then
        query([[ROLLBACK]])
        error(message_of(outcome), 0)
    end
    return outcome, RESULT
end
insert_run(run, call)
query([[COMMIT]])
local done, problem = pcall(work, run, call)
if not done then
    give_up(run, problem)
end
local outcome = query([[
    SELECT
        RUN_ID, RUN_STATE, STOPPED_BY, SOURCE_ROWS, PENDING_ROWS, DONE_ROWS, ERROR_ROWS,
        PROMPT_TOKENS, COMPLETION_TOKENS, SECONDS
    FROM ::s.RUNS WHERE RUN_ID = :i]], {s = quote(schema), i = run.id})
return outcome, RESULT
/

COMMENT ON SCRIPT RUN_BATCH IS 'Fills a table with the answers of a function, in chunks that are kept: function, source query, target table, settings as JSON.';
