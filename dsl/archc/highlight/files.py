"""The files of `editors/`, each with what its module writes."""

from __future__ import annotations

from archc.highlight import codemirror, emacs, sublime, textmate, vim


def editor_files() -> dict[str, str]:
    """Return the files' texts by their places below `editors/`."""
    return {
        "codemirror/arch.js": codemirror.module(),
        "emacs/arch-mode.el": emacs.mode(),
        "sublime/arch.sublime-syntax": sublime.syntax(),
        "vim/ftdetect/arch.vim": vim.FTDETECT,
        "vim/ftplugin/arch.vim": vim.FTPLUGIN,
        "vim/lsp/archc.lua": vim.NEOVIM,
        "vim/syntax/arch.vim": vim.syntax(),
        "vscode/syntaxes/arch.tmLanguage.json": textmate.grammar(),
    }
