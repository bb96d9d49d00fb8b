-- EXECUTE SCRIPT REGISTER_MODEL('qa', 1, '/buckets/bfsdefault/default/exallm/models/qa/v1', '{...}', '{}')
-- registers a package that lies in BucketFS. Every node reads every byte of it first.

CREATE OR REPLACE LUA SCRIPT REGISTER_MODEL (MODEL_NAME, VERSION_NUMBER, PACKAGE_PATH, MANIFEST, SETTINGS) AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')
local json = require('cjson')

local function fail(number, problem, remedy)
    error('E-EXALLM-MODEL-' .. number .. ': ' .. problem .. '; ' .. remedy)
end

local function read_object(content, what)
    local ok, value = pcall(json.decode, content)
    if not ok or type(value) ~= 'table' then
        fail(16, what .. ' is not a JSON object', 'pass it as text')
    end
    return value
end

local function check_package(sha256)
    local rows = query([[
        SELECT ::s.VERIFY_PACKAGE(PACKAGE_PATH, SHA256)
        FROM (SELECT :p AS PACKAGE_PATH, :h AS SHA256, SEED FROM ::s.NODE_SEED)
        GROUP BY IPROC()]], {s = quote(schema), p = PACKAGE_PATH, h = sha256})
    local nodes = {}
    local seen = 0
    for i = 1, #rows do
        local row = rows[i]
        if row.PROBLEM ~= null then
            fail(17, 'node ' .. row.NODE_ID .. ', ' .. row.FILE_PATH .. ': ' .. row.PROBLEM,
                'upload the package again')
        end
        if nodes[row.NODE_ID] == nil then
            nodes[row.NODE_ID] = true
            seen = seen + 1
        end
    end
    local expected = query([[SELECT NPROC() FROM DUAL]])[1][1]
    if seen ~= expected then
        fail(18, 'the package was checked on ' .. seen .. ' of ' .. expected .. ' nodes',
            'call the script again')
    end
end

local manifest = read_object(MANIFEST, 'the manifest')
local settings = read_object(SETTINGS, 'the last argument')
for key, _ in pairs(settings) do
    if key ~= 'alias' and key ~= 'reason' then
        fail(16, 'unknown setting ' .. tostring(key), 'use alias or reason')
    end
end
if manifest.name ~= MODEL_NAME or manifest.version ~= VERSION_NUMBER then
    fail(19, 'the manifest is of ' .. tostring(manifest.name) .. ' version ' .. tostring(manifest.version),
        'register it under its own name and version')
end

registry.lock(schema)
local sha256 = query([[SELECT HASH_SHA256(:m) FROM DUAL]], {m = MANIFEST})[1][1]
local known = query([[
    SELECT SHA256 FROM ::s.MODEL_VERSIONS WHERE MODEL = :m AND MODEL_VERSION = :v]],
    {s = quote(schema), m = MODEL_NAME, v = VERSION_NUMBER})
if #known > 0 and known[1][1] ~= sha256 then
    fail(20, MODEL_NAME .. ' version ' .. VERSION_NUMBER .. ' is registered with another package',
        'versions never change: register the next number')
end
if #known == 0 then
    check_package(sha256)
    local named = query([[SELECT 1 FROM ::s.MODELS WHERE MODEL = :m]], {s = quote(schema), m = MODEL_NAME})
    if #named == 0 then
        query([[INSERT INTO ::s.MODELS VALUES (:m, :t, CURRENT_TIMESTAMP, CURRENT_USER)]],
            {s = quote(schema), m = MODEL_NAME, t = manifest.task})
    end
    query([[
        INSERT INTO ::s.MODEL_VERSIONS VALUES (:m, :v, :p, :h, :j, CURRENT_TIMESTAMP, CURRENT_USER)]],
        {s = quote(schema), m = MODEL_NAME, v = VERSION_NUMBER, p = PACKAGE_PATH, h = sha256, j = MANIFEST})
end

-- The first version of a model is its champion; a later one only where that is asked for.
local champion = query([[
    SELECT 1 FROM ::s.MODEL_ALIASES WHERE MODEL = :m AND ALIAS_NAME = 'champion']],
    {s = quote(schema), m = MODEL_NAME})
if #champion == 0 then
    registry.point_alias(schema, MODEL_NAME, 'champion', VERSION_NUMBER, 'first version')
end
if settings.alias ~= nil then
    local current = query([[
        SELECT MODEL_VERSION FROM ::s.MODEL_ALIASES WHERE MODEL = :m AND ALIAS_NAME = :a]],
        {s = quote(schema), m = MODEL_NAME, a = settings.alias})
    if #current == 0 or current[1][1] ~= VERSION_NUMBER then
        registry.point_alias(schema, MODEL_NAME, settings.alias, VERSION_NUMBER, settings.reason or null)
    end
end
registry.compile(schema)
/

COMMENT ON SCRIPT REGISTER_MODEL IS 'Registers a model package: name, version, path, text of manifest.json, settings as JSON (alias, reason).';
