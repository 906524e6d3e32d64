"""The kinds of words that are told apart, for those who must know them before any text is there."""

KINDS = (
    "keyword", "comment", "string", "number", "function", "class", "namespace", "variable",
    "parameter", "property",
)  # fmt: skip
FAMILIES = ("act", "conv", "drop", "linear", "merge", "norm", "other", "pool", "reshape")
MODIFIERS = ("definition", *FAMILIES, "entry")  # `entry`: of a section
