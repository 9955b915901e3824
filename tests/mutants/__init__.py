"""Mutation testing: small faults are written into a copy of the code, and the tests nearby must notice them.

`rooms` says which code belongs together and which tests guard it, `mutator` finds the faults that can be written,
`runner` tries them on a copy of the tree. `make mutants` draws twenty a room; test_mutants.py tries one of each.
"""
