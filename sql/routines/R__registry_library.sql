-- What every change of the registry has in common; imported by the other scripts, not called.

CREATE OR REPLACE LUA SCRIPT REGISTRY_LIBRARY () AS
-- Two changes meet at this row: the second one fails or waits, as the database has it.
function lock(schema)
    query([[UPDATE ::s.REGISTRY_LOCK SET LOCKED_AT = CURRENT_TIMESTAMP, LOCKED_BY = CURRENT_USER]],
        {s = quote(schema)})
end

-- The tables become the script REGISTRY, which the functions read: a statement that runs keeps
-- the registry that it began with, and the next transaction sees the change.
function compile(schema)
    local rows = query([[
        SELECT ::s.COMPILE_REGISTRY(KIND, MODEL, MODEL_VERSION, ALIAS_NAME, PACKAGE_PATH, SHA256)
        FROM (
            SELECT 'VERSION' AS KIND, MODEL, MODEL_VERSION, NULL AS ALIAS_NAME, PACKAGE_PATH, SHA256
            FROM ::s.MODEL_VERSIONS
            UNION ALL
            SELECT 'ALIAS', MODEL, MODEL_VERSION, ALIAS_NAME, NULL, NULL FROM ::s.MODEL_ALIASES
            UNION ALL
            SELECT NULL, NULL, NULL, NULL, NULL, NULL FROM DUAL
        )]], {s = quote(schema)})
    local language = query([[
        SELECT SCRIPT_LANGUAGE FROM EXA_ALL_SCRIPTS
        WHERE SCRIPT_SCHEMA = :s AND SCRIPT_NAME = 'COMPILE_REGISTRY']], {s = schema})
    query([[CREATE OR REPLACE ::l SCALAR SCRIPT ::s.REGISTRY () RETURNS VARCHAR(2000000) AS
REGISTRY = "]] .. rows[1][1] .. [["
def run(ctx):
    return REGISTRY
]], {s = quote(schema), l = quote(language[1][1])})
    query([[COMMENT ON SCRIPT ::s.REGISTRY IS 'The compiled registry: made from the tables by every change of them.']],
        {s = quote(schema)})
end

function point_alias(schema, model, alias, version, reason)
    local old = query([[
        SELECT MODEL_VERSION FROM ::s.MODEL_ALIASES WHERE MODEL = :m AND ALIAS_NAME = :a]],
        {s = quote(schema), m = model, a = alias})
    local from_version = null
    if #old > 0 then
        from_version = old[1][1]
    end
    query([[DELETE FROM ::s.MODEL_ALIASES WHERE MODEL = :m AND ALIAS_NAME = :a]],
        {s = quote(schema), m = model, a = alias})
    query([[INSERT INTO ::s.MODEL_ALIASES VALUES (:m, :a, :v)]],
        {s = quote(schema), m = model, a = alias, v = version})
    query([[
        INSERT INTO ::s.ALIAS_HISTORY VALUES (:m, :a, :f, :v, :r, CURRENT_TIMESTAMP, CURRENT_USER)]],
        {s = quote(schema), m = model, a = alias, f = from_version, v = version, r = reason})
end
/

COMMENT ON SCRIPT REGISTRY_LIBRARY IS 'Lock, compile and alias changes, for the scripts that change the registry.';
