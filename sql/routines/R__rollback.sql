-- EXECUTE SCRIPT "ROLLBACK"('qa', '{"reason": "answers got too long"}')
-- undoes the last change of an alias that no rollback has undone yet. Called again it goes one
-- change further back, never forth: after 1, 2, 3 it gives 2, then 1, then an error. The next
-- promotion begins a new branch, from which a rollback leads to where the promotion began. The name
-- is a reserved word, so it stands in double quotes.

CREATE OR REPLACE LUA SCRIPT "ROLLBACK" (MODEL_NAME, SETTINGS) AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')

local settings = registry.read_settings(SETTINGS, {alias = 'text', reason = 'text'})
local alias = settings.alias or 'champion'
registry.check_alias(alias)
registry.lock(schema)
registry.require_model(schema, MODEL_NAME)
local last = registry.last_change(schema, MODEL_NAME, alias)
if last == nil or last.PREVIOUS_CHANGE == null then
    registry.fail(36, 'there is nothing before the present ' .. alias .. ' of ' .. MODEL_NAME,
        'see ALIAS_HISTORY')
end
local target = query([[
    SELECT TO_VERSION, PREVIOUS_CHANGE FROM ::s.ALIAS_HISTORY WHERE CHANGE_NUMBER = :n]],
    {s = quote(schema), n = last.PREVIOUS_CHANGE})[1]
local version = nil
if target.TO_VERSION ~= null then
    version = registry.require_active(schema, MODEL_NAME, target.TO_VERSION)
end
registry.point_alias(schema, {
    model = MODEL_NAME, alias = alias, version = version, kind = 'ROLLBACK',
    reason = settings.reason}, target.PREVIOUS_CHANGE)
registry.compile(schema)
/

COMMENT ON SCRIPT "ROLLBACK" IS 'Takes an alias one change back along its history: model, settings as JSON (alias, reason); the champion by default.';
