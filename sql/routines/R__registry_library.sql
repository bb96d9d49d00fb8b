-- What every change of the registry has in common; imported by the other scripts, not called.

CREATE OR REPLACE LUA SCRIPT REGISTRY_LIBRARY () AS
local json = require('cjson')

function fail(number, problem, remedy)
    error('E-EXALLM-MODEL-' .. number .. ': ' .. problem .. '; ' .. remedy, 0)
end

-- Two changes meet at this row: the second one fails or waits, as the database has it.
function lock(schema)
    local done, problem = pquery([[
        UPDATE ::s.REGISTRY_LOCK SET LOCKED_AT = CURRENT_TIMESTAMP, LOCKED_BY = CURRENT_USER]],
        {s = quote(schema)})
    if done then
        return
    end
    if problem.error_code == '40001' then
        fail(31, 'another session has just changed the registry', 'call the script again')
    end
    error(problem.error_message, 0)
end

-- The tables become the script REGISTRY, which the functions read: a statement that runs keeps
-- the registry that it began with, and the next transaction sees the change.
function compile(schema)
    local rows = query([[
        SELECT ::s.COMPILE_REGISTRY(KIND, MODEL, MODEL_VERSION, ALIAS_NAME, PACKAGE_PATH, SHA256)
        FROM (
            SELECT 'VERSION' AS KIND, MODEL, MODEL_VERSION, NULL AS ALIAS_NAME, PACKAGE_PATH, SHA256
            FROM ::s.CURRENT_VERSIONS WHERE VERSION_STATE <> 'DELETED'
            UNION ALL
            SELECT 'ALIAS', MODEL, MODEL_VERSION, ALIAS_NAME, NULL, NULL FROM ::s.MODEL_ALIASES
            UNION ALL
            SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM DUAL
        )]], {s = quote(schema)})
    query([[CREATE OR REPLACE ::l SCALAR SCRIPT ::s.REGISTRY () RETURNS VARCHAR(2000000) AS
REGISTRY = "]] .. rows[1][1] .. [["
def run(ctx):
    return REGISTRY
]], {s = quote(schema), l = quote(language(schema))})
    query([[COMMENT ON SCRIPT ::s.REGISTRY IS 'The compiled registry: made from the tables by every change of them.']],
        {s = quote(schema)})
    -- CREATE OR REPLACE has dropped the grants, and who calls a function imports this script.
    query([[GRANT EXECUTE ON SCRIPT ::s.REGISTRY TO EXALLM_USER]], {s = quote(schema)})
end

-- The script language that exallm was installed with.
function language(schema)
    local rows = query([[
        SELECT SCRIPT_LANGUAGE FROM EXA_ALL_SCRIPTS
        WHERE SCRIPT_SCHEMA = :s AND SCRIPT_NAME = 'COMPILE_REGISTRY']], {s = schema})
    return rows[1][1]
end

-- An id that no other evaluation or run has.
function new_id()
    return query([[
        SELECT SUBSTR(HASH_SHA256(
            CURRENT_SESSION || '/' || CURRENT_STATEMENT || '/' || CURRENT_TIMESTAMP), 1, 32)
        FROM DUAL]])[1][1]
end

-- The options of a call as a version takes them, with its reference: a row of EVALUATION_OPTIONS,
-- whose PROBLEM says why they cannot be taken.
function call_options(schema, task, model, version, options)
    local reference = model .. '@v' .. version
    local rows = query([[
        SELECT ::s.EVALUATION_OPTIONS(:k, :r, MANIFEST, :o) FROM ::s.MODEL_VERSIONS
        WHERE MODEL = :m AND MODEL_VERSION = :v]],
        {s = quote(schema), k = task, r = reference, o = options, m = model, v = version})
    return rows[1], reference
end

-- A whole number of SQL without the point that a float is written with; nil for anything else.
function whole(value)
    return math.tointeger(tonumber(value))
end

-- The settings of a call. `kinds` names those that there are, each text or number.
function read_settings(content, kinds)
    local understood, settings = pcall(json.decode, content)
    if not understood or type(settings) ~= 'table' then
        fail(16, 'the last argument is not a JSON object', 'pass {} where there are no settings')
    end
    for key, value in pairs(settings) do
        if kinds[key] == nil then
            fail(16, 'unknown setting ' .. tostring(key), 'use ' .. names_of(kinds))
        end
        if type(value) ~= (kinds[key] == 'text' and 'string' or kinds[key]) then
            fail(16, 'the setting ' .. key .. ' is no ' .. kinds[key], 'correct its value')
        end
    end
    if settings.reason ~= nil then
        check_reason(settings.reason)
    end
    return settings
end

function names_of(kinds)
    local names = {}
    for name, _ in pairs(kinds) do
        names[#names + 1] = name
    end
    table.sort(names)
    return #names > 0 and table.concat(names, ', ') or 'none: this script has none'
end

function check_reason(reason)
    if type(reason) ~= 'string' or not reason:find('%S') then
        fail(47, 'there is no reason', 'say why, in up to 2000 characters')
    end
    if (utf8.len(reason) or 0) > 2000 then
        fail(47, 'the reason is longer than 2000 characters', 'shorten it')
    end
end

function check_alias(alias)
    local formed = type(alias) == 'string' and #alias <= 63 and alias:find('^[a-z][a-z0-9_-]*$')
    if not formed or alias:find('^v%d+$') then
        fail(1, tostring(alias) .. ' is not an alias',
            'use 1 to 63 of a-z, 0-9, _ and -, beginning with a letter, and not v with digits')
    end
end

function require_model(schema, model)
    if type(model) ~= 'string' then
        fail(1, tostring(model) .. ' is not a model name', 'pass the name as text')
    end
    local known = query([[SELECT MODEL FROM ::s.MODELS WHERE MODEL = :m]],
        {s = quote(schema), m = model})
    if #known == 0 then
        fail(3, 'there is no model ' .. tostring(model), 'call LIST_MODELS() for those there are')
    end
end

-- A version that is registered and not deleted: its row of CURRENT_VERSIONS, and its number.
function require_version(schema, model, number)
    local version = whole(number)
    if version == nil then
        fail(1, tostring(number) .. ' is not a version', 'use a whole number')
    end
    require_model(schema, model)
    local rows = query([[
        SELECT VERSION_STATE, SHA256, PACKAGE_PATH FROM ::s.CURRENT_VERSIONS
        WHERE MODEL = :m AND MODEL_VERSION = :v]], {s = quote(schema), m = model, v = version})
    if #rows == 0 then
        fail(4, model .. ' has no version ' .. version, 'call DESCRIBE_MODEL for those it has')
    end
    if rows[1].VERSION_STATE == 'DELETED' then
        fail(33, model .. ' version ' .. version .. ' was deleted', 'register it under a new number')
    end
    return rows[1], version
end

-- The number of a version that an alias may be pointed to.
function require_active(schema, model, number)
    local row, version = require_version(schema, model, number)
    if row.VERSION_STATE == 'RETIRED' then
        fail(32, model .. ' version ' .. version .. ' is retired', 'name a version that is active')
    end
    return version
end

-- What an alias means now; nil where there is no such alias.
function current_version(schema, model, alias)
    local rows = query([[
        SELECT MODEL_VERSION FROM ::s.MODEL_ALIASES WHERE MODEL = :m AND ALIAS_NAME = :a]],
        {s = quote(schema), m = model, a = alias})
    return #rows > 0 and whole(rows[1][1]) or nil
end

-- The last change of an alias; nil where it never had one.
function last_change(schema, model, alias)
    return query([[
        SELECT CHANGE_NUMBER, TO_VERSION, PREVIOUS_CHANGE FROM ::s.ALIAS_HISTORY
        WHERE MODEL = :m AND ALIAS_NAME = :a ORDER BY CHANGE_NUMBER DESC LIMIT 1]],
        {s = quote(schema), m = model, a = alias})[1]
end

-- Whether a version points at its answers and so writes no text.
function points(schema, model, version)
    local rows = query([[
        SELECT MANIFEST FROM ::s.MODEL_VERSIONS WHERE MODEL = :m AND MODEL_VERSION = :v]],
        {s = quote(schema), m = model, v = version})
    return type(json.decode(rows[1].MANIFEST).extraction) == 'table'
end

-- The functions that would ask a model for text which writes none after a change: those of task
-- complete, and GPT2_INFERENCE, whose model stands in its text, if it has got text so far.
local function left_without_text(schema, change, from_version)
    local reference = change.model .. '@' .. change.alias
    local rows = query([[
        SELECT FUNCTION_SCHEMA || '.' || FUNCTION_NAME FROM ::s.FUNCTIONS
        WHERE TASK = 'complete' AND (MODEL_REFERENCE = :r OR MODEL_REFERENCE = :b) ORDER BY 1]],
        {s = quote(schema), r = reference,
        b = change.alias == 'champion' and change.model or reference})
    local names = {}
    for i = 1, #rows do
        names[i] = rows[i][1]
    end
    if reference == 'qa@champion' and from_version ~= nil
        and not points(schema, change.model, from_version) then
        names[#names + 1] = 'GPT2_INFERENCE'
    end
    return names
end

-- An alias that functions ask for text goes on to mean a version that writes, unless it is forced.
local function require_text(schema, change, from_version)
    if change.kind == 'FORCE_PROMOTE' or change.version == nil
        or not points(schema, change.model, change.version) then
        return
    end
    local names = left_without_text(schema, change, from_version)
    if #names > 0 then
        fail(51, change.model .. ' version ' .. change.version .. ' points at answers and writes no'
            .. ' text, and these functions ask ' .. change.model .. '@' .. change.alias .. ' for text: '
            .. table.concat(names, ', '),
            'register it as a model of its own, or bind the functions to one that writes'
            .. (change.alias == 'champion' and ', or call FORCE_PROMOTE with a reason' or ''))
    end
end

-- Points an alias to a version, or takes it away where the change has none, and writes that down.
-- change: model, alias, version, kind, and where there are any: reason, evaluation, against, gate.
-- `previous` is the change that ROLLBACK goes back to from here: nil for the last one, null for none.
function point_alias(schema, change, previous)
    local names = {s = quote(schema), m = change.model, a = change.alias}
    local from_version = current_version(schema, change.model, change.alias)
    require_text(schema, change, from_version)
    if previous == nil then
        local last = last_change(schema, change.model, change.alias)
        previous = last ~= nil and last.CHANGE_NUMBER or null
    end
    query([[DELETE FROM ::s.MODEL_ALIASES WHERE MODEL = :m AND ALIAS_NAME = :a]], names)
    if change.version ~= nil then
        query([[INSERT INTO ::s.MODEL_ALIASES VALUES (:m, :a, :v)]],
            {s = names.s, m = names.m, a = names.a, v = change.version})
    end
    local number = query([[SELECT COALESCE(MAX(CHANGE_NUMBER), 0) + 1 FROM ::s.ALIAS_HISTORY]], names)
    query([[
        INSERT INTO ::s.ALIAS_HISTORY VALUES (
            :n, :m, :a, :f, :v, :k, :r, :e, :g, :j, :p, CURRENT_TIMESTAMP, CURRENT_USER)]], {
        s = names.s, n = number[1][1], m = names.m, a = names.a,
        f = from_version == nil and null or from_version,
        v = change.version == nil and null or change.version,
        k = change.kind, r = change.reason or null, e = change.evaluation or null,
        g = change.against or null, j = change.gate or null, p = previous})
end

function require_no_alias(schema, model, version)
    local rows = query([[
        SELECT ALIAS_NAME FROM ::s.MODEL_ALIASES WHERE MODEL = :m AND MODEL_VERSION = :v
        ORDER BY ALIAS_NAME]], {s = quote(schema), m = model, v = version})
    if #rows > 0 then
        fail(34, model .. '@' .. rows[1][1] .. ' means version ' .. version,
            'point the alias to another version first')
    end
end

function set_state(schema, model, version, state, reason)
    query([[
        INSERT INTO ::s.VERSION_STATES VALUES (:m, :v, :t, :r, CURRENT_TIMESTAMP, CURRENT_USER)]],
        {s = quote(schema), m = model, v = version, t = state, r = reason or null})
end

-- The identifier that begins at a place of a text, as SQL stores it, and the place behind it; nil
-- where none begins.
local function read_identifier(text, place)
    local word, behind = text:match('^([A-Za-z][A-Za-z0-9_]*)()', place)
    if word ~= nil then
        return word:upper(), behind
    end
    if text:sub(place, place) ~= '"' then
        return nil
    end
    local stop = place + 1
    repeat
        local mark = text:find('"', stop, true)
        if mark == nil then
            return nil
        end
        stop = mark + 2
    until text:sub(mark + 1, mark + 1) ~= '"'
    local name = text:sub(place + 1, stop - 3):gsub('""', '"')
    return #name > 0 and name or nil, stop - 1
end

-- A table's name in a text, as SQL reads it: schema and name. Without a schema, the open one.
function read_table(text)
    local parts, place = {}, 1
    if type(text) == 'string' then
        repeat
            local name, behind = read_identifier(text, place)
            parts[#parts + 1] = name
            place = (behind or #text + 2) + 1
        until name == nil or text:sub(place - 1, place - 1) ~= '.'
    end
    if #parts == 0 or #parts > 2 or place ~= #text + 2 then
        fail(37, tostring(text) .. ' is not the name of a table',
            'write SCHEMA.NAME, in double quotes where it is not plain upper case')
    end
    if #parts == 2 then
        return parts[1], parts[2]
    end
    local open = query([[SELECT CURRENT_SCHEMA FROM DUAL]])[1][1]
    if open == null then
        fail(37, 'no schema is open for the table ' .. text, 'write SCHEMA.NAME')
    end
    return open, parts[1]
end
/

COMMENT ON SCRIPT REGISTRY_LIBRARY IS 'Lock, compile, checks and alias changes, for the scripts that change the registry.';
