"""What people write who know another tool, and how it is written here.

`grammar/habits/*.txt` are the tables, a row a habit. `table` reads them, `call` reads what was
written, `translation` says it in archc's words, `message` tells the user. `containers` is about
layers in a list, `expressions` about values and the headers of suites, `applied` about calls of the
user's own blocks. A class (`foreign_class`), with what `helpers` return written out, is written by
`classes`: what its constructor makes (`modules`), in the order in which its `forward` runs it, as
`flow` has it; `half_written` does that of layers that are archc's already.
"""

from archc.habits.applied import MadeOf, OwnBlock, applied_call, made_block, repeated_block
from archc.habits.call import read_statement
from archc.habits.chains import ForwardLink, forward_chain
from archc.habits.classes import without_unused, written_block, written_network
from archc.habits.expressions import NotSaid, header_of_python, value_of_python
from archc.habits.features import WrittenNetwork
from archc.habits.foreign_class import ForeignClass, class_of_block, is_incoming, read_class
from archc.habits.half_written import in_order, is_weightless
from archc.habits.handed import with_handed
from archc.habits.helpers import HelperFunction, read_helper, with_helpers
from archc.habits.making import Making
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
    "ForeignClass",
    "ForwardLink",
    "Habit",
    "HelperFunction",
    "MadeOf",
    "Making",
    "NotSaid",
    "OwnBlock",
    "Renaming",
    "Translation",
    "WrittenNetwork",
    "applied_call",
    "as_diagnostic",
    "channels_apart",
    "class_of_block",
    "forward_chain",
    "habits",
    "header_of_python",
    "in_order",
    "is_incoming",
    "is_weightless",
    "lacking_of_python",
    "made_block",
    "read_class",
    "read_helper",
    "read_statement",
    "renamed",
    "repeated_block",
    "translated",
    "value_of_python",
    "with_handed",
    "with_helpers",
    "without_unused",
    "words_beginning",
    "written_block",
    "written_network",
]
