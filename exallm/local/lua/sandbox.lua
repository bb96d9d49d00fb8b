-- The surroundings of a script: Exasol's functions and no others.
-- Arguments: the table of the host's functions, null, and the text of cjson.lua.
-- Returns `run`.
--
-- Rules that hold everywhere below:
--   * A script never gets hold of an object of the host: the host's functions stay in upvalues,
--     take and return plain values, and never raise.
--   * The host may allocate Lua memory only while the limit is lifted (see `call`), because a
--     failed allocation outside of protected Lua code cannot be undone.
--   * Whatever catches errors passes through `unwind`, so that no script outlives a stop or exit.
local host, null, cjson_source = ...
local type, next, select, tostring, tonumber = type, next, select, tostring, tonumber
local raw_error, raw_pcall, raw_xpcall, raw_load = error, pcall, xpcall, load
local rawequal, rawget, setmetatable, getinfo = rawequal, rawget, setmetatable, debug.getinfo
local pack, unpack, concat, math_type = table.pack, table.unpack, table.concat, math.type
local gsub, match, format = string.gsub, string.match, string.format
local INSTRUCTIONS_BETWEEN_CHECKS <const> = 100000
local OUT_OF_MEMORY <const> = 'not enough memory'
local STOP <const>, EXIT <const> = {}, {}
local finished, exit_values

setmetatable(null, { __metatable = false, __tostring = function() return 'null' end,
  __newindex = function() raw_error('null has no fields', 2) end })
getmetatable('').__metatable = false
string.dump = nil

debug.sethook(function()
  if finished == STOP or host.check() then
    finished = STOP
    raw_error(STOP, 0)
  end
end, '', INSTRUCTIONS_BETWEEN_CHECKS)

-- Running out of memory ends a script as a stop does: each failed attempt to allocate costs a full
-- collection, so a script that went on trying would all but never reach the next check.
local function unwind(ok, ...)
  if not ok then
    if rawequal(..., OUT_OF_MEMORY) then host.run_out_of_memory() end
    if host.check() then finished = STOP end
  end
  if finished then raw_error(finished, 0) end
  return ok, ...
end

local function settled(...)
  host.restore_limit()
  return ...
end

local function call(host_function, ...)
  host.lift_limit()
  return settled(host_function(...))
end

-- decimal -----------------------------------------------------------------------------------

local digits = setmetatable({}, { __mode = 'k' })
local decimal_type = { __metatable = false }

local function new_decimal(text)
  local value = setmetatable({}, decimal_type)
  digits[value] = text
  return value
end

local function number_text(value, level)
  if digits[value] then return digits[value] end
  if math_type(value) == 'integer' then return format('%d', value) end
  if math_type(value) == 'float' then return format('%.17g', value) end
  if type(value) == 'string' then return value end
  raw_error('decimal: a ' .. type(value) .. ' is no number', level + 1)
end

local function decimal_operation(operation)
  return function(left, right)
    local text, message =
      call(host.decimal, operation, number_text(left, 2), number_text(right, 2))
    if text == nil then raw_error(message, 2) end
    return type(text) == 'string' and new_decimal(text) or text
  end
end

-- null has no digits: comparing with it is the common case.
function decimal_type.__eq(left, right)
  return digits[left] ~= nil and digits[right] ~= nil
    and call(host.decimal, '=', digits[left], digits[right])
end
for event, operation in next, { __add = '+', __sub = '-', __mul = '*', __div = '/',
    __unm = 'negative', __lt = '<', __le = '<=' } do
  decimal_type[event] = decimal_operation(operation)
end
function decimal_type.__tostring(value) return digits[value] end
function decimal_type.__concat(left, right) return tostring(left) .. tostring(right) end

local function decimal(value, precision, scale)
  local text, message = call(host.new_decimal, number_text(value, 2), precision, scale)
  if text == nil then raw_error(message, 2) end
  return new_decimal(text)
end

-- SQL ---------------------------------------------------------------------------------------

-- A value as the host takes it: nil for null, {digits} for a decimal.
local function plain(value, what, level)
  local kind = type(value)
  if value == nil or rawequal(value, null) then return nil end
  if kind == 'string' or kind == 'number' or kind == 'boolean' then return value end
  if digits[value] then return { digits[value] } end
  raw_error(format('%s is a %s, which SQL has no value for', what, kind), level)
end

local sql_error_type = { __metatable = false,
  __tostring = function(problem) return problem.error_message end }
local sql_codes = setmetatable({}, { __mode = 'k' })
local result_numbers = setmetatable({}, { __mode = 'k' })

local function result_table(answer)
  local rows, index = answer.rows, {}
  for position, name in next, answer.columns do index[name] = index[name] or position end
  local row_type = { __metatable = false, __index = function(row, name)
    local position = index[name]
    return position and rawget(row, position)
  end }
  for position = 1, #answer.decimals, 2 do
    local row, column = rows[answer.decimals[position]], answer.decimals[position + 1]
    row[column] = new_decimal(row[column])
  end
  for position = 1, #rows do setmetatable(rows[position], row_type) end
  result_numbers[rows] = answer.number
  return setmetatable(rows, { __metatable = false, __index = {
    rows_affected = answer.rows_affected, statement_text = answer.statement_text,
    statement_id = answer.statement_id } })
end

local function execute(text, parameters, level)
  if type(text) ~= 'string' then
    raw_error('the statement must be a string, not a ' .. type(text), level + 1)
  end
  local names, values, count
  if parameters ~= nil then
    if type(parameters) ~= 'table' then
      raw_error('the parameters must be a table, not a ' .. type(parameters), level + 1)
    end
    names, values, count = {}, {}, 0
    for name, value in next, parameters do
      count = count + 1
      names[count] = tostring(name)
      values[count] = plain(value, 'parameter ' .. tostring(name), level + 2)
    end
  end
  local answer, code, message, bound = call(host.execute, text, names, values, count)
  if answer then return true, result_table(answer) end
  if not code then
    finished = STOP
    raw_error(STOP, 0)
  end
  local problem = setmetatable(
    { error_code = code, error_message = message, statement_text = bound }, sql_error_type)
  sql_codes[problem] = code
  return false, problem
end

local function pquery(text, parameters)
  local ok, result = execute(text, parameters, 2)
  return ok, result
end

local function query(text, parameters)
  local ok, result = execute(text, parameters, 2)
  if not ok then raw_error(result, 0) end
  return result
end

local function quote(name)
  return '"' .. gsub(tostring(name), '"', '""') .. '"'
end

local function join(separator, ...)
  local parts = pack(...)
  for position = 1, parts.n do parts[position] = tostring(parts[position]) end
  return concat(parts, separator)
end

local function output(...)
  if call(host.output, join(' ', ...)) then
    finished = STOP
    raw_error(STOP, 0)
  end
end

local function exit(...)
  finished, exit_values = EXIT, pack(...)
  raw_error(EXIT, 0)
end

-- the language -------------------------------------------------------------------------------

local function set_metatable(value, metatable)
  if type(metatable) == 'table' and rawget(metatable, '__gc') ~= nil then
    raw_error('setmetatable: __gc is not available in scripts', 2)
  end
  return setmetatable(value, metatable)
end

local function call_protected(...)
  return unwind(raw_pcall(...))
end

-- The handler runs after unwinding: one that ran before could not be stopped.
local function handle(handler, ok, ...)
  if ok then return true, ... end
  return false, handler(...)
end

local function call_handled(callee, handler, ...)
  return handle(handler, unwind(raw_pcall(callee, ...)))
end

local function to_number(value, ...)
  return tonumber(digits[value] or value, ...)
end

local function copy(library)
  local names = {}
  for name, value in next, library do names[name] = value end
  return names
end

local modules = { cjson = raw_load(cjson_source, '=cjson', 't')(null, digits, function(text)
  return call(host.decode_json, text)
end) }

local function require_module(name)
  return modules[name] or raw_error("module '" .. tostring(name) .. "' is not available", 2)
end

local builtins = {
  _VERSION = _VERSION, assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs,
  rawequal = rawequal, rawget = rawget, rawlen = rawlen, rawset = rawset, select = select,
  tostring = tostring, type = type, getmetatable = getmetatable, setmetatable = set_metatable,
  pcall = call_protected, xpcall = call_handled, tonumber = to_number,
  string = copy(string), table = copy(table), math = copy(math), utf8 = copy(utf8),
  os = { time = os.time, date = os.date, clock = os.clock, difftime = os.difftime },
  require = require_module, null = null, NULL = null, decimal = decimal,
  query = query, pquery = pquery, quote = quote, join = join, output = output, exit = exit,
}

-- import ------------------------------------------------------------------------------------

local scripts, imported = {}, {}
local new_environment

local function load_script(source, chunk_name, number, environment)
  scripts['=' .. chunk_name] = number
  return raw_load(source, '=' .. chunk_name, 't', environment)
end

local function import_into(environment, name, alias)
  if type(name) ~= 'string' then raw_error('import: the script must be named by a string', 3) end
  local script, code, message = call(host.import, name)
  if not script then
    if not code then
      finished = STOP
      raw_error(STOP, 0)
    end
    local problem = setmetatable({ error_code = code, error_message = message }, sql_error_type)
    sql_codes[problem] = code
    raw_error(problem, 0)
  end
  -- By its number: scripts whose long names begin alike share a chunk name.
  local module = imported[script.number]
  if not module then
    module = new_environment()
    imported[script.number] = module
    local chunk, problem = load_script(script.body, script.chunk_name, script.number, module)
    if not chunk then raw_error(problem, 0) end
    chunk()
  end
  environment[alias or script.alias] = module
end

function new_environment()
  local environment = {}
  environment._G = environment
  environment.import = function(name, alias) import_into(environment, name, alias) end
  -- Text only: crafted bytecode can leave the sandbox.
  environment.load = function(chunk, name, _, own)
    return unwind(raw_load(chunk, name, 't', own or environment))
  end
  return setmetatable(environment, { __index = builtins, __metatable = false })
end

-- running -----------------------------------------------------------------------------------

-- What the host learns of an error that the script did not catch.
local function describe(problem)
  if rawequal(problem, EXIT) or rawequal(problem, STOP) then return problem end
  local report = {}
  for level = 2, 250 do
    local info = getinfo(level, 'Sl')
    if not info then break end
    if scripts[info.source] then
      report.line, report.script = info.currentline, scripts[info.source]
      break
    end
  end
  if type(problem) == 'string' then
    local chunk_name, line, text = match(problem, '^(.-):(%d+): (.*)$')
    if chunk_name and scripts['=' .. chunk_name] then
      report.line, report.script = tonumber(line), scripts['=' .. chunk_name]
      problem = text
    end
    report.message = problem
  elseif sql_codes[problem] then
    report.message, report.code = problem.error_message, sql_codes[problem]
  elseif type(problem) == 'number' then
    report.message = tostring(problem)
  else
    report.message = '(error object is a ' .. type(problem) .. ' value)'
  end
  return report
end

local function collect_rows(rows, types)
  if type(rows) ~= 'table' then
    raw_error('the script RETURNS TABLE, but returned a ' .. type(rows), 0)
  end
  if types ~= nil and type(types) ~= 'string' then
    raw_error('the columns of the result must be a string, not a ' .. type(types), 0)
  end
  local width, problem = call(host.open_table, types, result_numbers[rows])
  if not width then raw_error(problem, 0) end
  local cells = {}
  for position = 1, #rows do
    local row = rows[position]
    if type(row) ~= 'table' then
      raw_error(format('row %d of the result is a %s, not a table', position, type(row)), 0)
    end
    if #row > width then
      raw_error(format('row %d of the result has more than %d columns', position, width), 0)
    end
    for column = 1, width do
      local what = format('row %d, column %d of the result', position, column)
      cells[(position - 1) * width + column] = plain(row[column], what, 0)
    end
  end
  return { cells = cells, row_count = #rows, rows_affected = 0 }
end

local function collect(wants_table, values)
  local value = values[1]
  if wants_table then return collect_rows(value, values[2]) end
  local affected = type(value) == 'table' and value.rows_affected or 0
  return { rows_affected = plain(affected, 'rows_affected', 0) or 0 }
end

local function bind_arguments(environment, arguments)
  for position, name in next, arguments.names do
    local row = arguments.rows[position]
    environment[name] = arguments.are_arrays[position] and row or row[1]
  end
end

local function finish(kind, value)
  host.lift_limit()
  return kind, value
end

-- Returns 'done' and the outcome, 'failed' and a report or a message of Lua itself, or 'stopped'.
return function(script, arguments, meta, wants_table)
  local environment = new_environment()
  for position = 1, #arguments.decimals, 2 do
    local row, column = arguments.rows[arguments.decimals[position]],
      arguments.decimals[position + 1]
    row[column] = new_decimal(row[column])
  end
  bind_arguments(environment, arguments)
  builtins.exa = { meta = meta }
  host.restore_limit()
  local chunk, problem = load_script(script.body, script.chunk_name, script.number, environment)
  if not chunk then return finish('failed', problem) end
  local values = pack(raw_xpcall(chunk, describe))
  if values[1] then
    values = pack(unpack(values, 2, values.n))
  elseif finished == EXIT then
    finished, values = nil, exit_values
  else
    return finish(finished == STOP and 'stopped' or 'failed', values[2])
  end
  local ok, outcome = raw_xpcall(collect, describe, wants_table, values)
  if ok then return finish('done', outcome) end
  return finish(finished == STOP and 'stopped' or 'failed', outcome)
end
