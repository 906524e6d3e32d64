"""Passes over an elaborated network: each gives a table and diagnostics, none changes it."""
