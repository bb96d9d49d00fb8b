-- EXECUTE SCRIPT EVALUATE('qa', 2, 'SALES.GOLDEN', '{"max_new_tokens": 32}')
-- runs a version over a table whose right answers are known, and keeps what it answered and what
-- that is worth. The table has the columns ID, CONTEXT, QUESTION, ANSWERS (a JSON list of texts,
-- [] where the context holds no answer), or PROMPT and COMPLETION with or without an ID. The
-- settings are options of AI_ANSWER_BATCH or AI_COMPLETE_BATCH.
-- It takes no lock: it changes nothing that the registry compiles, adds rows under an id of its
-- own, and may run for hours, during which others promote.

CREATE OR REPLACE LUA SCRIPT EVALUATE (MODEL_NAME, VERSION_NUMBER, DATASET_TABLE, SETTINGS) RETURNS TABLE AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')

local ANSWERED = [[
    SELECT ::s.AI_ANSWER_BATCH(ROW_ID, PROMPT, CONTEXT, :o) FROM (%s)
    GROUP BY IPROC(), SUBSTR(HASH_MD5(CONTEXT), 1, 1)]]
local COMPLETED = [[
    SELECT
        ROW_ID, GENERATED_TEXT AS ANSWER, CAST(NULL AS BOOLEAN) AS GROUNDED, FINISH_REASON,
        PROMPT_TOKENS, COMPLETION_TOKENS, LATENCY_MS, ERROR_CODE, ERROR_MESSAGE
    FROM (
        SELECT ::s.AI_COMPLETE_BATCH(ROW_ID, :r, PROMPT, :o) FROM (%s)
        GROUP BY IPROC(), SUBSTR(HASH_MD5(PROMPT), 1, 1)
    )]]
local QUESTIONS = [[
    SELECT
        CAST("ID" AS VARCHAR(2000)) AS ROW_ID, CAST("CONTEXT" AS VARCHAR(2000000)) AS CONTEXT,
        CAST("QUESTION" AS VARCHAR(2000000)) AS PROMPT, CAST("ANSWERS" AS VARCHAR(2000000)) AS LABEL
    FROM ::d.::t]]
local PROMPTS = [[
    SELECT
        CAST("ID" AS VARCHAR(2000)) AS ROW_ID, CAST(NULL AS VARCHAR(2000000)) AS CONTEXT,
        CAST("PROMPT" AS VARCHAR(2000000)) AS PROMPT, CAST("COMPLETION" AS VARCHAR(2000000)) AS LABEL
    FROM ::d.::t]]
local PROMPTS_WITHOUT_ID = [[
    SELECT
        HASH_SHA256(CAST("PROMPT" AS VARCHAR(2000000))) AS ROW_ID,
        CAST(NULL AS VARCHAR(2000000)) AS CONTEXT, CAST("PROMPT" AS VARCHAR(2000000)) AS PROMPT,
        CAST("COMPLETION" AS VARCHAR(2000000)) AS LABEL
    FROM ::d.::t]]
-- What a table can be, the first one whose columns it has.
local FORMS = {
    {task = 'answer', columns = {'ID', 'CONTEXT', 'QUESTION', 'ANSWERS'}, rows = QUESTIONS,
        answers = ANSWERED},
    {task = 'complete', columns = {'ID', 'PROMPT', 'COMPLETION'}, rows = PROMPTS,
        answers = COMPLETED},
    {task = 'complete', columns = {'PROMPT', 'COMPLETION'}, rows = PROMPTS_WITHOUT_ID,
        answers = COMPLETED},
}

local function has_column(names, column)
    local found = pquery([[SELECT ::c FROM ::d.::t WHERE 1 = 0]],
        {c = quote(column), d = names.d, t = names.t})
    return found
end

local function form_of(names)
    query([[SELECT 1 FROM ::d.::t WHERE 1 = 0]], names)
    for _, form in ipairs(FORMS) do
        local missing = false
        for _, column in ipairs(form.columns) do
            missing = missing or not has_column(names, column)
        end
        if not missing then
            return form
        end
    end
    registry.fail(37, DATASET_TABLE .. ' lacks columns of a dataset',
        'it has to have ID, CONTEXT, QUESTION and ANSWERS, or PROMPT and COMPLETION')
end

local function check_dataset(form, names)
    local rows = query([[SELECT ::s.CHECK_DATASET(:k, ROW_ID, CONTEXT, PROMPT, LABEL) FROM (]]
        .. form.rows .. ')', {s = names.s, d = names.d, t = names.t, k = form.task})
    if #rows == 0 then
        registry.fail(38, DATASET_TABLE .. ' has no rows', 'fill it')
    end
    if rows[1].PROBLEM ~= null then
        registry.fail(38, DATASET_TABLE .. ': ' .. rows[1].PROBLEM, 'correct the table')
    end
    return rows[1]
end

local function read_options(form, version)
    local options, reference =
        registry.call_options(schema, form.task, MODEL_NAME, version, SETTINGS)
    if options.PROBLEM ~= null then
        registry.fail(48, options.PROBLEM, 'correct the last argument')
    end
    return options, reference
end

local function insert_answers(form, names, evaluation, call)
    query([[
        INSERT INTO ::s.EVALUATION_ANSWERS (
            EVALUATION_ID, ROW_ID, ACCEPTED, ANSWER, GROUNDED, FINISH_REASON, PROMPT_TOKENS,
            COMPLETION_TOKENS, LATENCY_MS, ERROR_CODE, ERROR_MESSAGE, EXACT_MATCH, F1
        )
        SELECT
            :e, D.ROW_ID, D.LABEL, A.ANSWER, A.GROUNDED, A.FINISH_REASON, A.PROMPT_TOKENS,
            A.COMPLETION_TOKENS, A.LATENCY_MS, A.ERROR_CODE, A.ERROR_MESSAGE,
            ::s.SCORE_ANSWER(:k, A.ANSWER, D.LABEL, A.ERROR_CODE)
        FROM (]] .. string.format(form.answers, form.rows) .. [[) A
        INNER JOIN (]] .. form.rows .. [[) D ON A.ROW_ID = D.ROW_ID]], {
        s = names.s, d = names.d, t = names.t, e = evaluation, k = form.task,
        o = call.options, r = call.reference})
end

-- A row whose generation ended of itself counts for the stop rate; one that failed does not.
local function insert_figures(form, row, evaluation, checked, options, dataset)
    query([[
        INSERT INTO ::s.EVALUATIONS
        SELECT
            :e, :m, :v, :h, :k, :d, :x, COUNT(*), AVG(EXACT_MATCH), AVG(F1),
            AVG(CASE WHEN FINISH_REASON IN ('stop', 'no_answer') THEN 1.0 ELSE 0.0 END),
            AVG(CASE WHEN GROUNDED = TRUE THEN 1.0 WHEN GROUNDED = FALSE THEN 0.0 END),
            SUM(CASE WHEN ERROR_CODE IS NULL THEN 0 ELSE 1 END), SUM(PROMPT_TOKENS),
            SUM(COMPLETION_TOKENS), SUM(LATENCY_MS), :o, :j, CURRENT_TIMESTAMP, CURRENT_USER
        FROM ::s.EVALUATION_ANSWERS WHERE EVALUATION_ID = :e]], {
        s = quote(schema), e = evaluation, m = MODEL_NAME, v = row.version, h = row.sha256,
        k = form.task, d = dataset, x = checked.DATASET_SHA256, o = options.ASKED_OPTIONS,
        j = options.DECODING})
end

local row, version = registry.require_version(schema, MODEL_NAME, VERSION_NUMBER)
local owner, name = registry.read_table(DATASET_TABLE)
local names = {s = quote(schema), d = quote(owner), t = quote(name)}
local form = form_of(names)
local options, reference = read_options(form, version)
local checked = check_dataset(form, names)
local evaluation = registry.new_id()
insert_answers(form, names, evaluation, {options = options.CALL_OPTIONS, reference = reference})
insert_figures(form, {version = version, sha256 = row.SHA256}, evaluation, checked, options,
    names.d .. '.' .. names.t)
local figures = query([[
    SELECT
        EVALUATION_ID, DATASET_ROWS, EXACT_MATCH, F1, STOP_RATE, GROUNDED_RATE, ERROR_ROWS,
        PROMPT_TOKENS, COMPLETION_TOKENS, LATENCY_MS
    FROM ::s.EVALUATIONS WHERE EVALUATION_ID = :e]], {s = names.s, e = evaluation})
if registry.whole(figures[1].DATASET_ROWS) ~= registry.whole(checked.DATASET_ROWS) then
    registry.fail(49, 'of ' .. registry.whole(checked.DATASET_ROWS) .. ' rows '
        .. registry.whole(figures[1].DATASET_ROWS) .. ' came back', 'call the script again')
end
return figures, [[
    EVALUATION_ID VARCHAR(32), DATASET_ROWS DECIMAL(18,0), EXACT_MATCH DOUBLE, F1 DOUBLE,
    STOP_RATE DOUBLE, GROUNDED_RATE DOUBLE, ERROR_ROWS DECIMAL(18,0), PROMPT_TOKENS DECIMAL(18,0),
    COMPLETION_TOKENS DECIMAL(18,0), LATENCY_MS DOUBLE]]
/

COMMENT ON SCRIPT EVALUATE IS 'Runs a version over a labelled table and keeps answers and figures: model, version, table, options as JSON.';
