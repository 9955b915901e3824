"""The actions that a service task may name.

Each module of actions enters its own; what they are told is declared in
engine/definitions/actions.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.definitions import actions as declared

if TYPE_CHECKING:
    from collections.abc import Callable

    Action = Callable[
        [Any, dict[str, Any]], None
    ]  # takes the unit of work and its table of process.toml

ACTIONS: dict[str, Action] = {}


def action(function: Action) -> Action:
    """Enter an action under the name of its function. It must be declared."""
    assert function.__name__ in declared.ACTIONS, function.__name__
    ACTIONS[function.__name__] = function
    return function
