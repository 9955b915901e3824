"""All that only looks, a module per noun: every query gives frozen dataclasses and narrows by what
the actor may see.
"""
