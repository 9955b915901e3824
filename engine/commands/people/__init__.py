"""People, units, posts, passwords, sessions and tokens; every change stands in the chain of its
union.

An actor of None is the operator on the command line, who is bound by no post; web and API never
hand that in.
"""

from engine.commands.people.granting import grant_post, waits
from engine.commands.people.invitations import (
    Invited,
    Slip,
    come_in,
    days_valid,
    end_invitation,
    grouped,
    invite,
    knock,
)
from engine.commands.people.lockouts import forget_attempts
from engine.commands.people.logins import (
    Attempt,
    change_own_password,
    end_logins,
    end_tokens,
    log_in,
    log_in_demo,
    log_out,
    session_of,
    set_password,
    touch,
)
from engine.commands.people.members import change_member, create_member
from engine.commands.people.superiors import managing
from engine.commands.people.terms import by_category, end_post
from engine.commands.people.tokens import create_token, end_token, token_owner
from engine.commands.people.units import change_unit, create_unit

__all__ = [
    "Attempt",
    "Invited",
    "Slip",
    "by_category",
    "change_member",
    "change_own_password",
    "change_unit",
    "come_in",
    "create_member",
    "create_token",
    "create_unit",
    "days_valid",
    "end_invitation",
    "end_logins",
    "end_post",
    "end_token",
    "end_tokens",
    "forget_attempts",
    "grant_post",
    "grouped",
    "invite",
    "knock",
    "log_in",
    "log_in_demo",
    "log_out",
    "managing",
    "session_of",
    "set_password",
    "token_owner",
    "touch",
    "waits",
]
