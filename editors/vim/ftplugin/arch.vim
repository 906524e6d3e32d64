" Settings for .arch files. `b:did_ftplugin` also keeps away Vim's own for inventories of GNU Arch.
if exists("b:did_ftplugin")
  finish
endif
let b:did_ftplugin = 1
setlocal comments=:# commentstring=#\ %s
setlocal expandtab shiftwidth=2 softtabstop=2
setlocal formatoptions-=t formatoptions+=croql
let b:undo_ftplugin = "setlocal comments< commentstring< formatoptions<"
let b:undo_ftplugin .= " expandtab< shiftwidth< softtabstop<"
if executable("archc")
  setlocal formatprg=archc\ fmt\ -
  setlocal makeprg=archc\ check\ --format\ concise\ %:S errorformat=%f:%l:%c:\ %m
  let b:undo_ftplugin .= " | setlocal formatprg< makeprg< errorformat<"
endif
