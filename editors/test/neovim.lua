-- A session of Neovim with the server: what each feature shows, as JSON in a file.
--
-- nvim --headless --clean -l neovim.lua CONFIGURATION FILE RESULT: the lines of docs/editors.md, a
-- genotype `mine.cell` beside its vocabulary `base.cell`, and where the answer goes.
local configuration, file, result = unpack(_G.arg)
local found = {}
local function wait(what, is_there)
  if not vim.wait(60000, is_there, 20) then error(what .. " did not come") end
end

vim.o.swapfile = false
dofile(configuration)
vim.cmd.edit(file)
vim.bo.filetype = vim.filetype.match({ filename = file })
found.filetype = vim.bo.filetype
local mine = vim.api.nvim_get_current_buf()
wait("the server", function() return #vim.lsp.get_clients({ bufnr = mine }) > 0 and vim.lsp.get_clients({ bufnr = mine })[1].initialized end)
local client = vim.lsp.get_clients({ bufnr = mine })[1]
found.encoding = client.offset_encoding

local function text() return table.concat(vim.api.nvim_buf_get_lines(mine, 0, -1, false), "\n") .. "\n" end
local function codes(buffer)
  local all = vim.tbl_map(function(each) return each.code end, vim.diagnostic.get(buffer))
  table.sort(all)
  return all
end
local function at(mark)
  for line, content in ipairs(vim.api.nvim_buf_get_lines(mine, 0, -1, false)) do
    local column = content:find(mark, 1, true)
    if column then
      vim.api.nvim_win_set_cursor(0, { line, column - 1 })
      return
    end
  end
  error("no " .. mark)
end

-- A mistake is reported, and its fix is applied.
wait("the finding", function() return #vim.diagnostic.get(mine) == 1 end)
found.findings = codes(mine)
at("sep_con_3x3")
vim.lsp.buf.code_action({ apply = true, filter = function(action) return action.title:match("^write") ~= nil end })
wait("the fix", function() return text():find("sep_conv_3x3", 1, true) ~= nil end)
wait("no findings", function() return #vim.diagnostic.get(mine) == 0 end)

-- Words.
at("b1 =")
vim.lsp.buf.hover()
local function floating()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= "" then return window end
  end
end
wait("the hover", floating)
found.hover = table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(floating()), 0, -1, false), "\n")
vim.api.nvim_win_close(floating(), true)
at("wide")
vim.lsp.buf.references()
wait("the references", function() return #vim.fn.getqflist() > 0 end)
found.references = vim.tbl_map(function(each) return vim.fs.basename(vim.api.nvim_buf_get_name(each.bufnr)) .. ":" .. each.lnum end, vim.fn.getqflist())
vim.cmd.cclose()
at("wide")
vim.lsp.buf.definition()
wait("the definition", function() return vim.api.nvim_get_current_buf() ~= mine end)
found.definition = vim.fs.basename(vim.api.nvim_buf_get_name(0)) .. ":" .. vim.api.nvim_win_get_cursor(0)[1]
vim.bo.filetype = "cell"
local base = vim.api.nvim_get_current_buf()
vim.api.nvim_set_current_buf(mine)
at("wide")
vim.lsp.buf.document_highlight()
local highlights = vim.api.nvim_create_namespace("nvim.lsp.references")
wait("the highlights", function() return #vim.api.nvim_buf_get_extmarks(mine, highlights, 0, -1, {}) > 0 end)
found.highlights = #vim.api.nvim_buf_get_extmarks(mine, highlights, 0, -1, {})

-- The whole text.
vim.lsp.buf.document_symbol({ on_list = function(list) found.symbols = vim.tbl_map(function(each) return each.text end, list.items) end })
wait("the symbols", function() return found.symbols ~= nil end)
vim.wo.foldexpr = "v:lua.vim.lsp.foldexpr()"
vim.wo.foldmethod = "expr"
vim.wo.foldlevel = 99
wait("the folds", function() return vim.fn.foldlevel(5) > 0 end)
found.folds = {}
for line = 1, vim.fn.line("$") do table.insert(found.folds, vim.fn.foldlevel(line)) end
vim.lsp.inlay_hint.enable(true, { bufnr = mine })
wait("the hints", function() return #vim.lsp.inlay_hint.get({ bufnr = mine }) > 0 end)
found.hints = vim.tbl_map(function(each) return each.inlay_hint.label end, vim.lsp.inlay_hint.get({ bufnr = mine }))
vim.lsp.codelens.refresh({ bufnr = mine })
wait("the lenses", function() return #vim.lsp.codelens.get(mine) > 0 end)
found.lenses = vim.tbl_map(function(each) return each.command.title end, vim.lsp.codelens.get(mine))
at("wide")
wait("the tokens", function() return #(vim.lsp.semantic_tokens.get_at_pos() or {}) > 0 end)
found.token = vim.lsp.semantic_tokens.get_at_pos()[1].type

-- Completion, as one types.
vim.lsp.completion.enable(true, client.id, mine)
local answers = vim.lsp.buf_request_sync(mine, "textDocument/completion", vim.lsp.util.make_position_params(0, client.offset_encoding), 60000)
found.completions = #answers[client.id].result.items

-- Commands.
local shown
vim.notify = function(message) shown = message end
vim.lsp.handlers["window/showMessage"] = function(_, params) shown = params.message end
client:exec_cmd({ title = "cost", command = "nasdsl.cost", arguments = { vim.uri_from_bufnr(mine) } }, { bufnr = mine })
wait("the cost", function() return shown ~= nil end)
found.shown = shown

-- A vocabulary that changes in another buffer.
local line = vim.api.nvim_buf_get_lines(base, 2, 3, false)[1]
vim.api.nvim_buf_set_lines(base, 2, 3, false, { (line:gsub("wide", "broad")) })
wait("findings of the changed vocabulary", function() return #vim.diagnostic.get(mine) > 0 end)
found.changed = codes(mine)
vim.api.nvim_buf_set_lines(base, 2, 3, false, { line })
wait("no findings of the old vocabulary", function() return #vim.diagnostic.get(mine) == 0 end)

-- A block that is typed, and taken back.
local before = text()
at("output unused")
vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes("Ob2 = (b0, b1, wide, nothing, add)<Esc>", true, false, true), "tx", false)
found.typed = text()
wait("the finding of what was typed", function() return #vim.diagnostic.get(mine) == 1 end)
found.typed_findings = codes(mine)
vim.cmd("silent undo")
wait("no findings of what was taken back", function() return #vim.diagnostic.get(mine) == 0 end)
found.undone = text() == before

-- Renaming in both files; formatting.
at("wide")
vim.lsp.buf.rename("broad")
wait("the new name", function() return text():find("broad", 1, true) ~= nil end)
found.renamed = { text(), table.concat(vim.api.nvim_buf_get_lines(base, 0, -1, false), "\n") .. "\n" }
vim.lsp.buf.format({ timeout_ms = 60000 })
found.formatted = text()

client:stop()
wait("the end", function() return client:is_stopped() end)
local out = assert(io.open(result, "w"))
out:write(vim.json.encode(found))
out:close()
vim.cmd("qall!")
