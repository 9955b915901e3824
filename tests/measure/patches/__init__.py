"""What an addition costs: each module here adds one thing to a copy of the product by edits of its text, and tries it out.

Files are found by what stands in them, not by their names, so that moves do not matter. When an anchor is gone, the
addition is made differently now: rewrite the edit, and count again.
"""

NAMES = ("verb", "action", "field", "function")
