-- EXECUTE SCRIPT FORCE_PROMOTE('qa', 3, 'the champion names a customer')
-- makes a version the champion whatever was measured, and whoever asks it for text though it writes
-- none. The history says FORCE_PROMOTE, and why.

CREATE OR REPLACE LUA SCRIPT FORCE_PROMOTE (MODEL_NAME, VERSION_NUMBER, REASON) AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')

registry.check_reason(REASON)
registry.lock(schema)
local version = registry.require_active(schema, MODEL_NAME, VERSION_NUMBER)
if registry.current_version(schema, MODEL_NAME, 'champion') == version then
    registry.fail(41, MODEL_NAME .. ' version ' .. version .. ' is the champion', 'nothing to do')
end
registry.point_alias(schema, {
    model = MODEL_NAME, alias = 'champion', version = version, kind = 'FORCE_PROMOTE',
    reason = REASON})
registry.compile(schema)
/

COMMENT ON SCRIPT FORCE_PROMOTE IS 'Makes a version the champion without a comparison, recorded as forced: model, version, reason.';
