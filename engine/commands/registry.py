"""What commands enter under a name: the actions that a service task may call, the verbs of the
desk.

What actions need and leave is declared in engine/definitions/actions.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from engine.definitions import actions as declared
from engine.people import access

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from engine.db.states import InstanceState
    from engine.messages import Message

    Action = Callable[
        [Any, dict[str, Any]], None
    ]  # takes the unit of work and its table of process.toml

ACTIONS: dict[str, Action] = {}
HELD: list[Callable[[Any, UUID], None]] = []  # carries out the act held in an instance
FOLLOWING: list[Callable[[Any, str], None]] = []  # what follows each action, told its element


def action(function: Action) -> Action:
    """Enter an action under the name of its function. It must be declared."""
    assert function.__name__ in declared.ACTIONS, function.__name__
    ACTIONS[function.__name__] = function
    return function


# --- the verbs of the secretary's desk ------------------------------------------------------------
Command = TypeVar("Command", bound="Callable[..., UUID]")


@dataclass(frozen=True)
class DeskVerb:
    """A verb of the desk on one instance: the name in access.VERBS, its words, when it is offered.

    `command` takes session, actor, instance and, if `reasoned`, a reason. `weight`: "primary",
    "danger" or "", for the button. `hint` says beforehand what will be, `done` what was done.
    """

    name: str
    command: Callable[..., UUID]
    title: Message
    button: Message
    hint: Message | None
    done: Message
    states: tuple[InstanceState, ...]
    weight: str
    reasoned: bool

    @property
    def summary(self) -> str:
        """What it does, for the interface's documentation."""
        first, _blank, _more = (self.command.__doc__ or "").partition("\n\n")
        return f"{' '.join(first.split()).rstrip('.')} (secretary)."


DESK: dict[str, DeskVerb] = {}


def on_desk(
    *,
    done: Message,
    states: tuple[InstanceState, ...],
    title: Message | None = None,
    button: Message | None = None,
    hint: Message | None = None,
    weight: str = "",
    reasoned: bool = True,
) -> Callable[[Command], Command]:
    """Enter a command as a verb of the desk, under the name of its function; `title` and `button`
    where they are not the verb's own name.
    """

    def enter(command: Command) -> Command:
        name = access.VERBS[command.__name__].title
        DESK[command.__name__] = DeskVerb(
            command.__name__,
            command,
            title=title or name,
            button=button or name,
            hint=hint,
            done=done,
            states=states,
            weight=weight,
            reasoned=reasoned,
        )
        return command

    return enter
