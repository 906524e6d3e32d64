-- For Neovim 0.11 and later, which finds this file by itself: vim.lsp.enable("archc")
return { cmd = { "archc", "lsp" }, filetypes = { "arch" }, root_markers = { ".git" } }
