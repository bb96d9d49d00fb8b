-- EXECUTE SCRIPT SET_ALIAS('qa', 'challenger', 3, '{"reason": "trained on the spring reports"}')
-- points an alias to a version; NULL as the version takes the alias away. The champion has scripts
-- of its own.

CREATE OR REPLACE LUA SCRIPT SET_ALIAS (MODEL_NAME, ALIAS_NAME, VERSION_NUMBER, SETTINGS) AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')

local settings = registry.read_settings(SETTINGS, {reason = 'text'})
registry.check_alias(ALIAS_NAME)
if ALIAS_NAME == 'champion' then
    registry.fail(35, 'SET_ALIAS does not change the champion',
        'call PROMOTE, FORCE_PROMOTE or ROLLBACK')
end

registry.lock(schema)
registry.require_model(schema, MODEL_NAME)
local current = registry.current_version(schema, MODEL_NAME, ALIAS_NAME)
local version = nil
if VERSION_NUMBER ~= null then
    version = registry.require_active(schema, MODEL_NAME, VERSION_NUMBER)
elseif current == nil then
    registry.fail(5, MODEL_NAME .. ' has no alias ' .. ALIAS_NAME, 'name one that it has')
end
if version ~= current then
    registry.point_alias(schema, {
        model = MODEL_NAME, alias = ALIAS_NAME, version = version, kind = 'SET_ALIAS',
        reason = settings.reason})
end
registry.compile(schema)
/

COMMENT ON SCRIPT SET_ALIAS IS 'Points an alias other than the champion to a version, or takes it away: model, alias, version or NULL, settings as JSON (reason).';
