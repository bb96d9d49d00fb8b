-- EXECUTE SCRIPT REFRESH_REGISTRY() makes the script REGISTRY anew from the tables.

CREATE OR REPLACE LUA SCRIPT REFRESH_REGISTRY () AS
import(quote(exa.meta.script_schema) .. '.REGISTRY_LIBRARY', 'registry')
registry.lock(exa.meta.script_schema)
registry.compile(exa.meta.script_schema)
/

COMMENT ON SCRIPT REFRESH_REGISTRY IS 'Compiles the registry from its tables; every change of them does it too.';
