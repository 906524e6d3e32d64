"""A language server: `archc.editor` in the protocol that editors speak, over pygls.

`positions` counts as the client does, `documents` holds the open texts and does the work in one
thread, `convert` puts answers into the protocol's types, `language_server` has the messages.
"""
