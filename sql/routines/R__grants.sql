-- Who may do what. CREATE OR REPLACE drops the grants on an object, so every installation ends
-- with EXECUTE SCRIPT APPLY_GRANTS. Lua scripts run with the rights of their caller: a role needs
-- EXECUTE on the script and the rights on the tables that the script reads and changes.

CREATE OR REPLACE LUA SCRIPT APPLY_GRANTS () AS
local schema = exa.meta.script_schema

-- Every script of exallm stands here once, under the least role that may call it. One that is
-- missing from the schema fails the installation. EXALLM_ADMIN owns the schema, so what a DBA adds to
-- it belongs to that role alone.
local scripts = {
    EXALLM_USER = {
        'AI_ANSWER', 'AI_ANSWER_BATCH', 'AI_COMPLETE', 'AI_COMPLETE_BATCH', 'DESCRIBE_MODEL',
        'GPT2_INFERENCE', 'GPT2_INFERENCE_BATCH', 'LIST_MODELS', 'REGISTRY', 'REGISTRY_LIBRARY',
        'TOKEN_COUNT'
    },
    EXALLM_OPERATOR = {
        'CHECK_DATASET', 'EVALUATE', 'EVALUATION_OPTIONS', 'READ_RUN', 'RUN_BATCH',
        'RUN_ROWS_LIBRARY', 'RUN_TARGET_LIBRARY', 'SCORE_ANSWER'
    },
    EXALLM_ADMIN = {
        'APPLY_GRANTS', 'COMPARE_SCORES', 'COMPILE_REGISTRY', 'CONTAINER_REPORT',
        'CREATE_FUNCTION', 'CREATE_ROLES', 'DELETE_VERSION', 'DROP_FUNCTION', 'DROP_FUNCTIONS',
        'FORCE_PROMOTE', 'FUNCTION_BODY', 'FUNCTION_LIBRARY', 'PROMOTE', 'REFRESH_REGISTRY',
        'REGISTER_MODEL', 'RETIRE', 'ROLLBACK', 'SET_ALIAS', 'VERIFY_PACKAGE'
    }
}
local tables = {
    EXALLM_USER = {
        CURRENT_MODELS = 'SELECT', CURRENT_VERSIONS = 'SELECT', EVALUATIONS = 'SELECT',
        MODELS = 'SELECT', MODEL_ALIASES = 'SELECT', MODEL_VERSIONS = 'SELECT'
    },
    EXALLM_OPERATOR = {
        ALIAS_HISTORY = 'SELECT', EVALUATIONS = 'INSERT', EVALUATION_ANSWERS = 'SELECT INSERT',
        CHAMPION_PERIODS = 'SELECT', DRIFT_BY_DAY = 'SELECT', ERROR_CODES = 'SELECT',
        FUNCTIONS = 'SELECT', RUNS = 'SELECT INSERT UPDATE', RUN_CHUNKS = 'SELECT INSERT',
        RUN_ERRORS = 'SELECT INSERT', RUN_TARGETS = 'SELECT', USE_BY_DAY = 'SELECT',
        VERSION_STATES = 'SELECT'
    }
}

local function names_of(statement)
    local rows = query(statement, {s = schema})
    local names = {}
    for i = 1, #rows do
        names[rows[i][1]] = true
    end
    return names
end

local function require_known(known, name)
    if not known[name] then
        error('E-EXALLM-DEPLOY-11: ' .. name .. ', on which a role has rights, is not in the schema '
            .. schema .. '; install exallm again')
    end
end

local known_scripts = names_of([[
    SELECT SCRIPT_NAME FROM EXA_ALL_SCRIPTS WHERE SCRIPT_SCHEMA = :s]])
local known_tables = names_of([[
    SELECT TABLE_NAME FROM EXA_ALL_TABLES WHERE TABLE_SCHEMA = :s
    UNION ALL
    SELECT VIEW_NAME FROM EXA_ALL_VIEWS WHERE VIEW_SCHEMA = :s]])

-- The schema and all in it belong to the role: its members change the registry, and with it the
-- script that holds it, whoever has installed.
query([[ALTER SCHEMA ::s CHANGE OWNER EXALLM_ADMIN]], {s = quote(schema)})
query([[GRANT CREATE SCRIPT TO EXALLM_ADMIN]])
for role, names in pairs(scripts) do
    query([[GRANT USAGE ON SCHEMA ::s TO ::r]], {s = quote(schema), r = quote(role)})
    for i = 1, #names do
        require_known(known_scripts, names[i])
        query([[GRANT EXECUTE ON SCRIPT ::s.::o TO ::r]],
            {s = quote(schema), o = quote(names[i]), r = quote(role)})
    end
end
for role, privileges in pairs(tables) do
    for name, privilege in pairs(privileges) do
        require_known(known_tables, name)
        for word in string.gmatch(privilege, '%u+') do
            -- A privilege is no identifier that :: could stand for; the words are those above.
            query('GRANT ' .. word .. ' ON ::s.::o TO ::r',
                {s = quote(schema), o = quote(name), r = quote(role)})
        end
    end
end
/

COMMENT ON SCRIPT APPLY_GRANTS IS 'Gives the roles of exallm their rights on the schema; every installation ends with it.';
