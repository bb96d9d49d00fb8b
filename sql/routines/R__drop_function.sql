-- EXECUTE SCRIPT DROP_FUNCTION('SALES', 'GPT2_INFERENCE') drops what CREATE_FUNCTION has made.

CREATE OR REPLACE LUA SCRIPT DROP_FUNCTION (FUNCTION_SCHEMA, FUNCTION_NAME) AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')
import(quote(schema) .. '.FUNCTION_LIBRARY', 'functions')

registry.lock(schema)
if not functions.is_recorded(schema, FUNCTION_SCHEMA, FUNCTION_NAME) then
    registry.fail(46, 'CREATE_FUNCTION has made no ' .. tostring(FUNCTION_SCHEMA) .. '.'
        .. tostring(FUNCTION_NAME), 'see the table FUNCTIONS; names are taken as they are stored')
end
functions.require_own(schema, FUNCTION_SCHEMA, FUNCTION_NAME)
functions.drop(schema, FUNCTION_SCHEMA, FUNCTION_NAME)
/

COMMENT ON SCRIPT DROP_FUNCTION IS 'Drops a function that CREATE_FUNCTION has made: schema, name.';

-- EXECUTE SCRIPT DROP_FUNCTIONS() drops all of them, before exallm is uninstalled. What somebody
-- has put in the place of one stays.

CREATE OR REPLACE LUA SCRIPT DROP_FUNCTIONS () AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')
import(quote(schema) .. '.FUNCTION_LIBRARY', 'functions')

registry.lock(schema)
local made = query([[
    SELECT FUNCTION_SCHEMA, FUNCTION_NAME FROM ::s.FUNCTIONS
    ORDER BY FUNCTION_SCHEMA, FUNCTION_NAME]], {s = quote(schema)})
for i = 1, #made do
    functions.drop(schema, made[i].FUNCTION_SCHEMA, made[i].FUNCTION_NAME)
end
/

COMMENT ON SCRIPT DROP_FUNCTIONS IS 'Drops every function that CREATE_FUNCTION has made.';
