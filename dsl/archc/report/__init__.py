"""What was found, as text and tables."""
