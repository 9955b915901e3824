"""All that changes something, a module per noun; each command runs in the transaction of its
edge.
"""

# whoever runs a command, in whatever process, has all actions that a diagram may name
from engine.commands import actions, links  # noqa: F401
