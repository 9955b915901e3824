"""Pages of the process author: definitions and decision tables."""
