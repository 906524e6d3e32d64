"""What the page of an editor asks, answered: `archc edit` and the playground have the same.

`workbench` turns the editor's answers into plain dicts, `origins` says which statement a line of
PyTorch comes from, `edited_file` reads and saves the one file that a user has named, `one_file`
reads what comes with archc for a page without a folder. The page itself is made of `web/` and lies
in `templates/page`.
"""
