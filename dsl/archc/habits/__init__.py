"""What people write who know another tool, and how it is written here.

`grammar/habits/*.txt` are the tables, a row a habit. `table` reads them, `call` reads what was
written, `translation` says it in archc's words, `message` tells the user.
"""

from archc.habits.message import as_diagnostic
from archc.habits.shapes import channels_apart
from archc.habits.table import Habit, habits
from archc.habits.translation import (
    Renaming,
    Translation,
    lacking_of_python,
    renamed,
    translated,
    words_beginning,
)

__all__ = [
    "Habit",
    "Renaming",
    "Translation",
    "as_diagnostic",
    "channels_apart",
    "habits",
    "lacking_of_python",
    "renamed",
    "translated",
    "words_beginning",
]
