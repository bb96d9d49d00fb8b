-- What CREATE_FUNCTION and DROP_FUNCTION have in common; imported by them, not called.

CREATE OR REPLACE LUA SCRIPT FUNCTION_LIBRARY () AS
import(quote(exa.meta.script_schema) .. '.REGISTRY_LIBRARY', 'registry')

local function is_name(name)
    return type(name) == 'string' and (utf8.len(name) or 129) <= 128
end

function check_names(schema, function_schema, function_name)
    if not is_name(function_schema) or not is_name(function_name) then
        registry.fail(44, 'a schema or function has no name of 1 to 128 characters', 'name both')
    end
    if function_schema == schema then
        registry.fail(44, 'the schema ' .. schema .. ' belongs to exallm itself',
            'name the schema in which analysts work')
    end
    local there = query([[SELECT 1 FROM EXA_ALL_SCHEMAS WHERE SCHEMA_NAME = :f]],
        {f = function_schema})
    if #there == 0 then
        registry.fail(44, 'there is no schema ' .. function_schema,
            'create it, or write its name as it is stored: plain names are upper case')
    end
end

-- Model and version that a reference means now: model, model@alias or model@v3.
function resolve_reference(schema, reference)
    local model, mark, selector = tostring(reference):match('^([^@]+)(@?)(.*)$')
    if model == nil or (mark == '@') == (selector == '') then
        registry.fail(1, tostring(reference) .. ' is not a model reference',
            'write model, model@alias or model@v3')
    end
    registry.require_model(schema, model)
    local number = selector:match('^v([1-9]%d*)$')
    if number ~= nil then
        local _, version = registry.require_version(schema, model, number)
        return model, version
    end
    local alias = selector == '' and 'champion' or selector
    local version = registry.current_version(schema, model, alias)
    if version == nil then
        registry.fail(5, model .. ' has no alias ' .. alias, 'call LIST_MODELS() for those it has')
    end
    return model, version
end

-- The hash of a script's text; nil where there is no such script.
function script_sha256(function_schema, function_name)
    local rows = query([[
        SELECT HASH_SHA256(SCRIPT_TEXT) FROM EXA_ALL_SCRIPTS
        WHERE SCRIPT_SCHEMA = :f AND SCRIPT_NAME = :n]],
        {f = function_schema, n = function_name})
    return #rows > 0 and rows[1][1] or nil
end

function is_recorded(schema, function_schema, function_name)
    return #query([[
        SELECT 1 FROM ::s.FUNCTIONS WHERE FUNCTION_SCHEMA = :f AND FUNCTION_NAME = :n]],
        {s = quote(schema), f = function_schema, n = function_name}) > 0
end

-- Whether the script of this name is the one that CREATE_FUNCTION has made.
local function is_own(schema, function_schema, function_name)
    return #query([[
        SELECT 1 FROM ::s.FUNCTIONS
        WHERE FUNCTION_SCHEMA = :f AND FUNCTION_NAME = :n AND SCRIPT_SHA256 = :h]], {
        s = quote(schema), f = function_schema, n = function_name,
        h = script_sha256(function_schema, function_name) or null}) > 0
end

function require_own(schema, function_schema, function_name)
    if script_sha256(function_schema, function_name) == nil then
        return
    end
    if not is_own(schema, function_schema, function_name) then
        registry.fail(45, 'the script ' .. function_schema .. '.' .. function_name
            .. ' was not made by CREATE_FUNCTION', 'choose another name, or drop the script yourself')
    end
end

function drop(schema, function_schema, function_name)
    if is_own(schema, function_schema, function_name) then
        query([[DROP SCRIPT ::f.::n]], {f = quote(function_schema), n = quote(function_name)})
    end
    query([[DELETE FROM ::s.FUNCTIONS WHERE FUNCTION_SCHEMA = :f AND FUNCTION_NAME = :n]],
        {s = quote(schema), f = function_schema, n = function_name})
end
/

COMMENT ON SCRIPT FUNCTION_LIBRARY IS 'Checks and removal of analysts'' functions, for CREATE_FUNCTION and DROP_FUNCTION.';
