-- EXECUTE SCRIPT RETIRE('qa', 2, '{"reason": "its licence ends"}')
-- A retired version answers as qa@v2 still, but no alias can be pointed to it any more.

CREATE OR REPLACE LUA SCRIPT RETIRE (MODEL_NAME, VERSION_NUMBER, SETTINGS) AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')

local settings = registry.read_settings(SETTINGS, {reason = 'text'})
registry.lock(schema)
local version = registry.require_active(schema, MODEL_NAME, VERSION_NUMBER)
registry.require_no_alias(schema, MODEL_NAME, version)
registry.set_state(schema, MODEL_NAME, version, 'RETIRED', settings.reason)
registry.compile(schema)
/

COMMENT ON SCRIPT RETIRE IS 'Keeps aliases from being pointed to a version: model, version, settings as JSON (reason).';
