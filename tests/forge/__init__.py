"""Forgeries made from the schema: one UPDATE of every column, one DELETE and INSERT of every table."""
