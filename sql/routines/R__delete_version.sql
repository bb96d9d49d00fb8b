-- EXECUTE SCRIPT DELETE_VERSION('qa', 2, '{"reason": "its licence has ended"}')
-- A deleted version answers no more. Its row, its evaluations and its history stay; its number is
-- not used again. The command exallm model prune removes its files from BucketFS.

CREATE OR REPLACE LUA SCRIPT DELETE_VERSION (MODEL_NAME, VERSION_NUMBER, SETTINGS) AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')

local settings = registry.read_settings(SETTINGS, {reason = 'text'})
registry.lock(schema)
local _, version = registry.require_version(schema, MODEL_NAME, VERSION_NUMBER)
registry.require_no_alias(schema, MODEL_NAME, version)
local bound = query([[
    SELECT FUNCTION_SCHEMA, FUNCTION_NAME FROM ::s.FUNCTIONS WHERE MODEL_REFERENCE = :r
    ORDER BY FUNCTION_SCHEMA, FUNCTION_NAME]],
    {s = quote(schema), r = MODEL_NAME .. '@v' .. version})
if #bound > 0 then
    registry.fail(34, 'the function ' .. bound[1].FUNCTION_SCHEMA .. '.' .. bound[1].FUNCTION_NAME
        .. ' is bound to ' .. MODEL_NAME .. '@v' .. version, 'drop it with DROP_FUNCTION first')
end
registry.set_state(schema, MODEL_NAME, version, 'DELETED', settings.reason)
registry.compile(schema)
/

COMMENT ON SCRIPT DELETE_VERSION IS 'Takes a version out of the compiled registry for good: model, version, settings as JSON (reason).';
