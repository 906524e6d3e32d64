"""A module a command: its `run` reads, calls the api, prints or writes. No rules about networks.

`reading` and `writing` are what the commands share. `archc.cli` imports the one that is asked for.
"""
