-- EXECUTE SCRIPT CREATE_FUNCTION('SALES', 'GPT2_INFERENCE', 'qa@champion', 'answer')
-- makes a function in the schema in which analysts work, bound to a model reference. Schema and
-- name are taken as they are stored: plain names are upper case. The tasks:
--   answer    f(ctx), or f(question, context [, options])
--   complete  f(prompt [, options])
-- Called again it binds its function anew. A script that it did not make is left alone.

CREATE OR REPLACE LUA SCRIPT CREATE_FUNCTION (FUNCTION_SCHEMA, FUNCTION_NAME, MODEL_REFERENCE, TASK_NAME) AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')
import(quote(schema) .. '.FUNCTION_LIBRARY', 'functions')

if TASK_NAME ~= 'answer' and TASK_NAME ~= 'complete' then
    registry.fail(43, 'there is no task ' .. tostring(TASK_NAME), 'use answer or complete')
end
functions.check_names(schema, FUNCTION_SCHEMA, FUNCTION_NAME)
registry.lock(schema)
local model, version = functions.resolve_reference(schema, MODEL_REFERENCE)
if TASK_NAME == 'complete' and registry.points(schema, model, version) then
    registry.fail(50, model .. ' version ' .. version .. ' points at answers and writes no text',
        'make a function of task answer, or name a model that writes')
end
functions.require_own(schema, FUNCTION_SCHEMA, FUNCTION_NAME)
local body = query([[SELECT ::s.FUNCTION_BODY(:k, :r, :o) FROM DUAL]],
    {s = quote(schema), k = TASK_NAME, r = MODEL_REFERENCE, o = schema})[1][1]
-- Without parameters, so that nothing in the script's text is taken for one.
query('CREATE OR REPLACE ' .. quote(registry.language(schema)) .. ' SCALAR SCRIPT '
    .. quote(FUNCTION_SCHEMA) .. '.' .. quote(FUNCTION_NAME)
    .. ' (...) RETURNS VARCHAR(2000000) AS\n' .. body)
query([[COMMENT ON SCRIPT ::f.::n IS 'Made by exallm: bound to a model by CREATE_FUNCTION.']],
    {f = quote(FUNCTION_SCHEMA), n = quote(FUNCTION_NAME)})
query([[DELETE FROM ::s.FUNCTIONS WHERE FUNCTION_SCHEMA = :f AND FUNCTION_NAME = :n]],
    {s = quote(schema), f = FUNCTION_SCHEMA, n = FUNCTION_NAME})
query([[
    INSERT INTO ::s.FUNCTIONS VALUES (:f, :n, :r, :k, :h, CURRENT_TIMESTAMP, CURRENT_USER)]], {
    s = quote(schema), f = FUNCTION_SCHEMA, n = FUNCTION_NAME, r = MODEL_REFERENCE, k = TASK_NAME,
    h = functions.script_sha256(FUNCTION_SCHEMA, FUNCTION_NAME)})
/

COMMENT ON SCRIPT CREATE_FUNCTION IS 'Makes a function for analysts: schema, name, model reference, task (answer or complete).';
