"""What an editor asks of a text: one object that knows everything, offsets in, values out.

    document = Document(text, path)
    document.change(text)
    document.hints(), document.findings(), document.complete(offset), ...

A module a feature; each reads the `Snapshot`, which is one text with its analysis. Protocols are
somebody else's: `archc.server` speaks the one of language servers.
"""
