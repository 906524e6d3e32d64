"""Colours where no language server runs: pages, notebooks, and editors before it answers.

`rules` has the one list of what a text is made of, from the registries and the grammar. Each other
module writes it for a program: Pygments, TextMate (VS Code), Sublime Text, Vim, Emacs, CodeMirror.
`python -m archc.highlight` writes the files of `editors/`.
"""
