-- SPDX-License-Identifier: MIT
-- The same output on every system: what the interpreter asks of the C library and the kernel below it, and the language.
-- The first argument is a folder that can be written to.
local folder = arg[1]
package.path = arg[0]:gsub("[^/]*$", "") .. "?.lua"

local function say(name, ...) print(name, ...) end

-- numbers, as the C library prints and reads them
say("integers", math.maxinteger, math.mininteger, 7 // -2, 7 % -2, 1 << 62)
say("floats", 1 / 3, 1e300 * 1e10, -(0 / 0) ~= -(0 / 0), 2 ^ 0.5, 0.1 + 0.2, 1e15, 1e100, 5e-324)
say("format", string.format("%5.2f|%-5d|%05x|%g|%a|%q|%s|%i", 3.14159, 42, 255, 1e20, 1.0, "a\nb\0c", {} ~= nil, 3))
say("tonumber", tonumber("0x1p4"), tonumber("  12e1 "), tonumber("z", 36), tonumber("1e"), tonumber("0x"))
say("math", math.floor(-3.5), math.ceil(-3.5), math.fmod(-7, 3), math.sin(1), math.exp(1), math.log(10, 2), math.type(3 // 1.0))

-- strings
say("patterns", ("key = value"):match("^(%w+)%s*=%s*(%w+)$"), ("abc"):gsub("%w", "%0%0"), ("a,b,,c"):find(",,", 1, true))
say("pack", string.pack(">I4i2z", 0xdeadbeef, -2, "end"):byte(1, -1))
say("utf8", utf8.char(72, 228, 8364, 0x1F600), utf8.len("häß"), utf8.codepoint("€", 1))
say("rep", #("x"):rep(1 << 24), ("ab"):rep(3, "-"), ("hello"):reverse():upper())
say("collate", "a" < "b", "Z" < "a", "" < "a", "a\0b" < "a\0c")

-- tables, closures, coroutines, metatables, goto, errors
local t = {}
for i = 1, 200000 do t[i] = (i * 7919) % 200003 end
table.sort(t)
say("sort", t[1], t[100000], t[200000], #t, select("#", table.unpack(t, 1, 200)))
local generator = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end return "end" end)
say("coroutine", generator(), generator(), generator(), generator())
local threads = {}
for i = 1, 10000 do threads[i] = coroutine.create(function(a) local b = coroutine.yield(a + 1) return a + b end) end
local sum = 0
for i, co in ipairs(threads) do sum = sum + select(2, coroutine.resume(co, i)) + select(2, coroutine.resume(co, 1)) end
say("10000 coroutines", sum)
local closed = {}
do
    local a <close> = setmetatable({}, { __close = function() closed[#closed + 1] = "a" end })
    local b <close> = setmetatable({}, { __close = function() closed[#closed + 1] = "b" end })
end
say("close", table.concat(closed))
say("overflow", pcall(function() local function f() return 1 + f() end return f() end) == false)
say("deep", pcall(string.rep, "x", -1), pcall(load, ("("):rep(300) .. (")"):rep(300)))
say("error", select(2, pcall(error, { code = 5 })).code, select(2, xpcall(function() local x = nil; return x.y end,
    function(m) return (m:gsub("^.*:%d+: ", "")) end)))
say("memory", pcall(string.rep, "x", 1 << 46))
for i = 1, 3 do
    for j = 1, 3 do
        if j == 2 then goto continue end
        sum = sum + i * j
        ::continue::
    end
end
say("goto", sum)

-- garbage
local weak = setmetatable({}, { __mode = "k" })
for i = 1, 1000 do weak[{}] = i end
collectgarbage()
say("weak", next(weak))
collectgarbage("generational")
for _ = 1, 100 do local x = {} for j = 1, 1000 do x[j] = { j } end end
collectgarbage("incremental")
collectgarbage()
say("little is left", collectgarbage("count") < 20000)

-- modules
say("require", require("module").twice(21), package.loaded.module ~= nil, (pcall(require, "nothing")))
say("load", load("return 1 + ...")(2), load("syntax error here"))
say("dump", load(string.dump(function(x) return x * 3 end), "dumped", "b")(14))

-- time
say("time", os.time({ year = 2001, month = 9, day = 9, hour = 1, min = 46, sec = 40, isdst = false }) % 60)
say("date", os.date("!%Y-%m-%d %H:%M:%S %j %a %b", 1000000000), os.date("!*t", 86400).day)
say("clock", os.clock() >= 0, os.time() > 1700000000, os.difftime(5, 3))

-- files
local name = folder .. "/check.txt"
local f = assert(io.open(name, "w"))
say("setvbuf", f:setvbuf("full", 1024))
for i = 1, 1000 do f:write(i, " ", i * i, "\n") end
say("seek", f:seek("cur"), f:seek("set", 0), f:write("X") == f, f:seek("end"))
f:close()
local lines, last = 0, nil
for line in io.lines(name) do lines, last = lines + 1, line end
say("lines", lines, last)
f = assert(io.open(name, "rb"))
say("read", f:read(3, "n", "l", 0))
say("all", #f:read("a"), f:read("a"), f:read("l"))
f:close()
f = assert(io.open(name, "a+"))
f:write("more")
f:seek("set", 0)
say("append", #f:read("a"))
f:close()
say("rename", os.rename(name, name .. "2"), io.open(name) == nil, os.remove(name .. "2"), (select(2, os.remove(name))))
say("missing", select(2, io.open(folder .. "/no/such")), select(3, io.open(folder .. "/no/such")))
say("closed", pcall(f.read, f))
say("type", io.type(io.stdout), io.type(f), io.type(1))
io.stdout:write("done", "\n")
os.exit(7)
