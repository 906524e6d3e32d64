autocmd BufNewFile,BufRead *.arch set filetype=arch
