-- EXECUTE SCRIPT PROMOTE('qa', 3, '{"margin": 0.02, "dataset": "SALES.GOLDEN"}')
-- makes a version the champion, if it is better than the champion on the same questions.
-- It is better if the mean of its gains, question by question, is above 0, and if the lower end
-- of their bootstrap interval reaches the margin. A margin below 0 lets a version pass that is not
-- much worse. Without a champion there is nothing to compare with.

CREATE OR REPLACE LUA SCRIPT PROMOTE (MODEL_NAME, VERSION_NUMBER, SETTINGS) RETURNS TABLE AS
local schema = exa.meta.script_schema
import(quote(schema) .. '.REGISTRY_LIBRARY', 'registry')
local json = require('cjson')

local METRICS = {f1 = 'F1', exact_match = 'EXACT_MATCH'}
local COLUMNS = [[
    MODEL VARCHAR(63), FROM_VERSION DECIMAL(9,0), TO_VERSION DECIMAL(9,0), METRIC VARCHAR(20),
    DATASET VARCHAR(600), DATASET_ROWS DECIMAL(18,0), CHAMPION_MEAN DOUBLE, CANDIDATE_MEAN DOUBLE,
    DIFFERENCE DOUBLE, LOWER_BOUND DOUBLE, UPPER_BOUND DOUBLE, MARGIN DOUBLE]]

local function read_settings()
    local settings = registry.read_settings(SETTINGS, {
        margin = 'number', dataset = 'text', metric = 'text', confidence = 'number',
        seed = 'number', reason = 'text'})
    settings.margin = settings.margin or 0
    settings.metric = settings.metric or 'f1'
    settings.confidence = settings.confidence or 0.95
    settings.seed = registry.whole(settings.seed or 0)
    if settings.margin < -1 or settings.margin > 1 then
        registry.fail(16, 'the margin is outside -1 to 1', 'name a share, such as 0.02')
    end
    if METRICS[settings.metric] == nil then
        registry.fail(16, 'there is no metric ' .. settings.metric, 'use f1 or exact_match')
    end
    if settings.confidence < 0.5 or settings.confidence > 0.999 then
        registry.fail(16, 'the confidence is outside 0.5 to 0.999', 'use 0.95')
    end
    if settings.seed == nil or settings.seed < 0 or settings.seed > 999999999 then
        registry.fail(16, 'the seed is no whole number from 0 to 999999999', 'use 0')
    end
    if settings.dataset ~= nil then
        local owner, name = registry.read_table(settings.dataset)
        settings.dataset = quote(owner) .. '.' .. quote(name)
    end
    return settings
end

local function evaluations_of(version, settings)
    return query([[
        SELECT EVALUATION_ID FROM ::s.EVALUATIONS
        WHERE MODEL = :m AND MODEL_VERSION = :v AND (:d IS NULL OR DATASET = :d)]],
        {s = quote(schema), m = MODEL_NAME, v = version, d = settings.dataset or null})
end

-- The latest evaluations of both on the same rows with the same options.
local function find_pair(champion, candidate, settings)
    for _, version in ipairs({candidate, champion}) do
        if #evaluations_of(version, settings) == 0 then
            registry.fail(39, MODEL_NAME .. ' version ' .. version .. ' has no evaluation on '
                .. (settings.dataset or 'any dataset'),
                'call EVALUATE for versions ' .. champion .. ' and ' .. candidate)
        end
    end
    local pairs_found = query([[
        SELECT
            A.EVALUATION_ID AS AGAINST_ID, B.EVALUATION_ID AS CANDIDATE_ID, B.DATASET, B.DATASET_ROWS
        FROM ::s.EVALUATIONS A
        INNER JOIN ::s.EVALUATIONS B
            ON A.MODEL = B.MODEL AND A.TASK = B.TASK AND A.DATASET_SHA256 = B.DATASET_SHA256
            AND A.CALL_OPTIONS = B.CALL_OPTIONS
        WHERE B.MODEL = :m AND A.MODEL_VERSION = :a AND B.MODEL_VERSION = :b
            AND (:d IS NULL OR B.DATASET = :d)
        ORDER BY B.EVALUATED_AT DESC, A.EVALUATED_AT DESC, B.EVALUATION_ID, A.EVALUATION_ID
        LIMIT 1]], {
        s = quote(schema), m = MODEL_NAME, a = champion, b = candidate, d = settings.dataset or null})
    if #pairs_found == 0 then
        registry.fail(39, 'versions ' .. champion .. ' and ' .. candidate .. ' of ' .. MODEL_NAME
            .. ' have no evaluation of the same rows with the same options',
            'call EVALUATE for both with one dataset and equal settings')
    end
    return pairs_found[1]
end

local function compare(pair, settings)
    local rows = query([[
        SELECT ::s.COMPARE_SCORES(A.::c, B.::c, :q, :r)
        FROM ::s.EVALUATION_ANSWERS A
        INNER JOIN ::s.EVALUATION_ANSWERS B ON A.ROW_ID = B.ROW_ID
        WHERE A.EVALUATION_ID = :a AND B.EVALUATION_ID = :b]], {
        s = quote(schema), c = METRICS[settings.metric], q = settings.confidence, r = settings.seed,
        a = pair.AGAINST_ID, b = pair.CANDIDATE_ID})
    local found = #rows > 0 and registry.whole(rows[1].PAIRS) or 0
    if found ~= registry.whole(pair.DATASET_ROWS) then
        registry.fail(42, 'the answers of the evaluations ' .. pair.AGAINST_ID .. ' and '
            .. pair.CANDIDATE_ID .. ' are not of the same rows', 'call EVALUATE for both again')
    end
    return rows[1]
end

local function require_better(champion, candidate, figures, pair, settings)
    if figures.DIFFERENCE > 0 or settings.margin < 0 then
        if figures.LOWER_BOUND >= settings.margin then
            return
        end
    end
    registry.fail(40, string.format(
        '%s version %d is not better than version %d by %.4f: %s %.4f against %.4f on %d rows of %s,'
        .. ' difference %.4f, %g%% interval %.4f to %.4f',
        MODEL_NAME, candidate, champion, settings.margin, settings.metric, figures.CANDIDATE_MEAN,
        figures.CHAMPION_MEAN, registry.whole(figures.PAIRS), pair.DATASET, figures.DIFFERENCE,
        100 * settings.confidence, figures.LOWER_BOUND, figures.UPPER_BOUND),
        'keep the champion, or call FORCE_PROMOTE with a reason')
end

local settings = read_settings()
registry.lock(schema)
local candidate = registry.require_active(schema, MODEL_NAME, VERSION_NUMBER)
local champion = registry.current_version(schema, MODEL_NAME, 'champion')
local change = {
    model = MODEL_NAME, alias = 'champion', version = candidate, kind = 'PROMOTE',
    reason = settings.reason}
local outcome = {MODEL_NAME, null, candidate, null, null, null, null, null, null, null, null, null}
if champion == candidate then
    registry.fail(41, MODEL_NAME .. ' version ' .. candidate .. ' is the champion', 'nothing to do')
elseif champion ~= nil then
    local pair = find_pair(champion, candidate, settings)
    local figures = compare(pair, settings)
    require_better(champion, candidate, figures, pair, settings)
    change.evaluation, change.against = pair.CANDIDATE_ID, pair.AGAINST_ID
    change.gate = json.encode({
        metric = settings.metric, margin = settings.margin, confidence = settings.confidence,
        seed = settings.seed, rows = registry.whole(figures.PAIRS),
        champion = figures.CHAMPION_MEAN, candidate = figures.CANDIDATE_MEAN,
        difference = figures.DIFFERENCE, lower = figures.LOWER_BOUND, upper = figures.UPPER_BOUND})
    outcome = {
        MODEL_NAME, champion, candidate, settings.metric, pair.DATASET, figures.PAIRS,
        figures.CHAMPION_MEAN, figures.CANDIDATE_MEAN, figures.DIFFERENCE, figures.LOWER_BOUND,
        figures.UPPER_BOUND, settings.margin}
end
registry.point_alias(schema, change)
registry.compile(schema)
return {outcome}, COLUMNS
/

COMMENT ON SCRIPT PROMOTE IS 'Makes a version the champion if it is measurably better: model, version, settings as JSON (margin, dataset, metric, confidence, seed, reason).';
