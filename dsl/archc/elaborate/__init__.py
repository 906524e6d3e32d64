"""Tree to plan: names, expressions and shapes, in one walk."""
