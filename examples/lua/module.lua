-- SPDX-License-Identifier: MIT
-- For check.lua, which requires it.
local M = {}
function M.twice(x) return x * 2 end
return M
