-- cjson: JSON for scripts. A table with elements 1..n is an array, the empty table is {}, null is
-- null. Unlike lua-cjson, integers keep every digit and "/" stays bare; both are valid JSON.
-- Arguments: null, the table of decimal objects to their digits, and a decoder that returns
-- the value, or nil and a message.
local null, digits, decode = ...
local format, gsub, byte, concat = string.format, string.gsub, string.byte, table.concat
local type, next, error, tonumber, rawget = type, next, error, tonumber, rawget
local math_type, rawequal = math.type, rawequal
local DEPTH_LIMIT <const> = 1000

local escapes = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f',
  ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }
for code = 0, 31 do
  local character = string.char(code)
  escapes[character] = escapes[character] or format('\\u%04x', code)
end
escapes['\127'] = '\\u007f'

local function string_text(value)
  return '"' .. gsub(value, '[%c"\\]', escapes) .. '"'
end

local function number_text(value)
  if math_type(value) == 'integer' then return format('%d', value) end
  if value ~= value or value == math.huge or value == -math.huge then
    error('Cannot serialise number: must not be NaN or Infinity', 0)
  end
  if value % 1 == 0 and value > -2^53 and value < 2^53 then return format('%d', value) end
  for precision = 14, 16 do
    local text = format('%.' .. precision .. 'g', value)
    if tonumber(text) == value then return text end
  end
  return format('%.17g', value)
end

-- The length of an array (with null in its holes), or nil for an object.
local function array_length(value)
  local longest, count = 0, 0
  for key in next, value do
    if math_type(key) ~= 'integer' or key < 1 then return nil end
    longest, count = key > longest and key or longest, count + 1
  end
  if longest == 0 then return nil end
  if longest > 10 and longest > 2 * count then
    error('Cannot serialise table: excessively sparse array', 0)
  end
  return longest
end

local encode_value

local function encode_table(value, depth)
  if depth > DEPTH_LIMIT then
    error('Cannot serialise, excessive depth (' .. DEPTH_LIMIT .. ')', 0)
  end
  local parts, length = {}, array_length(value)
  if length then
    for index = 1, length do parts[index] = encode_value(rawget(value, index), depth) end
    return '[' .. concat(parts, ',') .. ']'
  end
  for key, item in next, value do
    if type(key) == 'number' then key = number_text(key) end
    if type(key) ~= 'string' then
      error('Cannot serialise table: table key must be a number or string', 0)
    end
    parts[#parts + 1] = string_text(key) .. ':' .. encode_value(item, depth)
  end
  return '{' .. concat(parts, ',') .. '}'
end

function encode_value(value, depth)
  local kind = type(value)
  if value == nil or rawequal(value, null) then return 'null' end
  if kind == 'string' then return string_text(value) end
  if kind == 'number' then return number_text(value) end
  if kind == 'boolean' then return value and 'true' or 'false' end
  if digits[value] then return digits[value] end
  if kind == 'table' then return encode_table(value, depth + 1) end
  error('Cannot serialise ' .. kind .. ': type not supported', 0)
end

local cjson = { null = null }

function cjson.encode(value)
  return encode_value(value, 0)
end

function cjson.decode(text)
  if type(text) ~= 'string' then
    error("bad argument #1 to 'decode' (string expected, got " .. type(text) .. ')', 2)
  end
  local value, message = decode(text)
  if value == nil then error(message, 2) end
  return value
end

return cjson
