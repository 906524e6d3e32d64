"""A plan to another plan: for inference alone, for one device of several."""
