-- The table that a run fills: its columns, and whether a table has them. Imported, not called.

CREATE OR REPLACE LUA SCRIPT RUN_TARGET_LIBRARY () AS
local ANSWER = {
    {'ANSWER', 'VARCHAR(2000000)', 'The answer; NULL where there is none or the row failed.'},
    {'START_POS', 'DECIMAL(18,0)', 'Place of its first character in the context, from 1.'},
    {'END_POS', 'DECIMAL(18,0)', 'Place of its last character in the context.'},
    {'SCORE', 'DOUBLE', 'Confidence of the model, 0 to 1.'},
    {'GROUNDED', 'BOOLEAN', 'Whether the answer stands in the context.'}
}
local COMPLETION = {
    {'GENERATED_TEXT', 'VARCHAR(2000000)', 'What the model wrote; NULL where the row failed.'}
}
local BEFORE = {
    {'ROW_ID', 'VARCHAR(2000)', 'Key: the id that the source query gave.'},
    {'INPUT_SHA256', 'VARCHAR(64)', 'Hash of the texts that were asked.'}
}
local BEHIND = {
    {'FINISH_REASON', 'VARCHAR(20)', 'stop, length, no_answer, no_input or error.'},
    {'MODEL_VERSION', 'VARCHAR(80)', 'What answered, as qa@v3.'},
    {'PROMPT_TOKENS', 'DECIMAL(18,0)', 'Tokens of the prompt with its template.'},
    {'COMPLETION_TOKENS', 'DECIMAL(18,0)', 'Tokens that were generated.'},
    {'LATENCY_MS', 'DOUBLE', 'Share of the row in the time of the engine.'},
    {'ERROR_CODE', 'VARCHAR(30)', 'Why the row failed; NULL otherwise.'},
    {'ERROR_MESSAGE', 'VARCHAR(2000)', 'The same in a sentence.'},
    {'RUN_ID', 'VARCHAR(32)', 'The run that wrote the row, see RUNS.'},
    {'PACKAGE_SHA256', 'VARCHAR(64)', 'Hash of the package that answered.'},
    {'OPTIONS_SHA256', 'VARCHAR(64)', 'Hash of the function and its options.'},
    {'WRITTEN_AT', 'TIMESTAMP', 'When the row was written.'}
}
local REQUIRED = {
    ROW_ID = true, INPUT_SHA256 = true, RUN_ID = true, PACKAGE_SHA256 = true,
    OPTIONS_SHA256 = true, WRITTEN_AT = true
}

-- The columns of a target in order: name, type, what it holds.
function columns_of(task)
    local columns = {}
    for _, part in ipairs({BEFORE, task == 'answer' and ANSWER or COMPLETION, BEHIND}) do
        for _, column in ipairs(part) do
            columns[#columns + 1] = column
        end
    end
    return columns
end

-- The columns that the function itself gives, each behind a prefix.
function function_columns(task, prefix)
    local names = {}
    for _, column in ipairs(task == 'answer' and ANSWER or COMPLETION) do
        names[#names + 1] = prefix .. column[1]
    end
    return table.concat(names, ', ')
end

-- How a type is written here, whatever else the database says of it.
local function plain_type(written)
    local text = written:upper():gsub(' UTF8$', ''):gsub(' ASCII$', ''):gsub('%s', '')
    return (text:gsub('^TIMESTAMP%(%d+%)$', 'TIMESTAMP'))
end

local function differences(columns, found)
    local known, problems = {}, {}
    for i = 1, #found do
        known[found[i].COLUMN_NAME] = plain_type(found[i].COLUMN_TYPE)
    end
    for _, column in ipairs(columns) do
        local name, wanted = column[1], column[2]
        if known[name] == nil then
            problems[#problems + 1] = name .. ' ' .. wanted .. ' is missing'
        elseif known[name] ~= wanted then
            problems[#problems + 1] = name .. ' is ' .. known[name] .. ' and not ' .. wanted
        end
        known[name] = nil
    end
    local others = {}
    for name, _ in pairs(known) do
        others[#others + 1] = name
    end
    table.sort(others)
    if #others > 0 then
        problems[#problems + 1] = table.concat(others, ', ') .. ' does not belong to it'
    end
    return problems
end

local function create(names, columns)
    local parts = {}
    for _, column in ipairs(columns) do
        parts[#parts + 1] = column[1] .. ' ' .. column[2] .. (REQUIRED[column[1]] and ' NOT NULL' or '')
    end
    local made, problem = pquery('CREATE TABLE ::d.::t (' .. table.concat(parts, ', ')
        .. ', PRIMARY KEY (ROW_ID))', {d = names.d, t = names.t})
    if not made then
        error('E-EXALLM-SQL-21: the target ' .. names.shown .. ' cannot be made: '
            .. problem.error_message .. '; name a schema in which you may create tables', 0)
    end
    query([[COMMENT ON TABLE ::d.::t IS 'Filled by RUN_BATCH of exallm: one row for each row of its source query.']],
        {d = names.d, t = names.t})
    for _, column in ipairs(columns) do
        query([[COMMENT ON COLUMN ::d.::t.::c IS :x]],
            {d = names.d, t = names.t, c = column[1], x = column[3]})
    end
end

-- names: target_schema and target_table as they are stored, d and t as identifiers, shown.
function require_target(names, task)
    local columns = columns_of(task)
    local views = query([[SELECT 1 FROM EXA_ALL_VIEWS WHERE VIEW_SCHEMA = :d AND VIEW_NAME = :t]],
        {d = names.target_schema, t = names.target_table})
    if #views > 0 then
        error('E-EXALLM-SQL-15: the target ' .. names.shown
            .. ' is a view; name a table, or one that is to be made', 0)
    end
    local found = query([[
        SELECT COLUMN_NAME, COLUMN_TYPE FROM EXA_ALL_COLUMNS
        WHERE COLUMN_SCHEMA = :d AND COLUMN_TABLE = :t ORDER BY COLUMN_ORDINAL_POSITION]],
        {d = names.target_schema, t = names.target_table})
    if #found == 0 then
        create(names, columns)
        return
    end
    local problems = differences(columns, found)
    if #problems > 0 then
        error('E-EXALLM-SQL-15: the target ' .. names.shown .. ' has another shape: '
            .. table.concat(problems, '; ') .. '; name another table, or one that is to be made', 0)
    end
end
/

COMMENT ON SCRIPT RUN_TARGET_LIBRARY IS 'Columns of the tables that RUN_BATCH fills, their making and their checks.';
