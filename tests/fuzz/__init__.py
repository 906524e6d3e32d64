"""Random programs, and what must hold of each: `python -m fuzz --help`, from `tests/`.

- `scope` what can be named at a place, and expressions of it
- `statements` `blocks` random texts, the way users write them
- `flat` the same network without blocks, loops and conditions, by a walk of its own
- `checks` what must hold of a program; `shrink` the smallest one of which it does not
"""
