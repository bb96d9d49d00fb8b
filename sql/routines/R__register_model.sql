-- EXECUTE SCRIPT REGISTER_MODEL('qa', 1, '/buckets/bfsdefault/default/exallm/models/qa/v1', '{...}', '{}')
-- registers a package that lies in BucketFS. Every node reads every byte of it first.

CREATE OR REPLACE LUA SCRIPT REGISTER_MODEL (MODEL_NAME, VERSION_NUMBER, PACKAGE_PATH, MANIFEST, SETTINGS) AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')
local json = require('cjson')

local function read_manifest()
    local understood, manifest = pcall(json.decode, MANIFEST)
    if not understood or type(manifest) ~= 'table' then
        registry.fail(16, 'the manifest is not a JSON object', 'pass the text of manifest.json')
    end
    local version = registry.whole(VERSION_NUMBER)
    if manifest.name ~= MODEL_NAME or version == nil or registry.whole(manifest.version) ~= version then
        registry.fail(19, 'the manifest is of ' .. tostring(manifest.name) .. ' version '
            .. tostring(manifest.version), 'register it under its own name and version')
    end
    return manifest
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
            registry.fail(17, 'node ' .. row.NODE_ID .. ', ' .. row.FILE_PATH .. ': ' .. row.PROBLEM,
                'upload the package again')
        end
        if nodes[row.NODE_ID] == nil then
            nodes[row.NODE_ID] = true
            seen = seen + 1
        end
    end
    local expected = query([[SELECT NPROC() FROM DUAL]])[1][1]
    if seen ~= expected then
        registry.fail(18, 'the package was checked on ' .. seen .. ' of ' .. expected .. ' nodes',
            'call the script again')
    end
end

-- Adds the version where it is new, and gives its number.
local function add_version(manifest)
    local version = registry.whole(VERSION_NUMBER)
    local sha256 = query([[SELECT HASH_SHA256(:m) FROM DUAL]], {m = MANIFEST})[1][1]
    local known = query([[
        SELECT SHA256 FROM ::s.MODEL_VERSIONS WHERE MODEL = :m AND MODEL_VERSION = :v]],
        {s = quote(schema), m = MODEL_NAME, v = version})
    if #known > 0 then
        registry.require_version(schema, MODEL_NAME, version)
        if known[1][1] ~= sha256 then
            registry.fail(20, MODEL_NAME .. ' version ' .. version
                .. ' is registered with another package',
                'versions never change: register the next number')
        end
        return version
    end
    check_package(sha256)
    local named = query([[SELECT 1 FROM ::s.MODELS WHERE MODEL = :m]], {s = quote(schema), m = MODEL_NAME})
    if #named == 0 then
        query([[INSERT INTO ::s.MODELS VALUES (:m, :t, CURRENT_TIMESTAMP, CURRENT_USER)]],
            {s = quote(schema), m = MODEL_NAME, t = manifest.task})
    end
    query([[
        INSERT INTO ::s.MODEL_VERSIONS VALUES (:m, :v, :p, :h, :j, CURRENT_TIMESTAMP, CURRENT_USER)]],
        {s = quote(schema), m = MODEL_NAME, v = version, p = PACKAGE_PATH, h = sha256, j = MANIFEST})
    return version
end

local function point(alias, version, reason)
    if registry.current_version(schema, MODEL_NAME, alias) ~= version then
        registry.require_active(schema, MODEL_NAME, version)
        registry.point_alias(schema, {
            model = MODEL_NAME, alias = alias, version = version, kind = 'REGISTER', reason = reason})
    end
end

local manifest = read_manifest()
local settings = registry.read_settings(SETTINGS, {alias = 'text', reason = 'text'})
if settings.alias ~= nil then
    registry.check_alias(settings.alias)
end
registry.lock(schema)
local version = add_version(manifest)
-- The first version of a model is its champion; a later one only where that is asked for.
if registry.current_version(schema, MODEL_NAME, 'champion') == nil then
    point('champion', version, 'first version')
end
if settings.alias ~= nil then
    point(settings.alias, version, settings.reason)
end
registry.compile(schema)
/

COMMENT ON SCRIPT REGISTER_MODEL IS 'Registers a model package: name, version, path, text of manifest.json, settings as JSON (alias, reason).';
