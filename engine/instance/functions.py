"""What an expression may ask of an instance beside its facts: days, people, what was done,
meetings, other instances.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from engine import calendar, clock, law, legacy
from engine.db import tables
from engine.db.states import TaskState
from engine.definitions.store import process_of
from engine.errors import ProcessFault
from engine.instance import groups, numbers, others, provisos
from engine.messages import _
from engine.people import organisation, posts

if TYPE_CHECKING:
    from sqlalchemy import Row

    from engine.instance.view import InstanceView


Start = datetime | date | str  # from where an expression counts
_PERIOD = re.compile(
    r"P(?:(?P<weeks>\d{1,4})W|(?:(?P<days>\d{1,5})D)?"
    r"(?:T(?:(?P<hours>\d{1,5})H)?(?:(?P<minutes>\d{1,5})M)?(?:(?P<seconds>\d{1,5})S)?)?)"
)
MOST_YEARS = 99  # of a term


def functions(view: InstanceView) -> dict[str, Callable[..., Any]]:
    """The functions by name, all but `meeting`, which asks for a quorum by such an expression; see
    docs/architecture.md.
    """
    of_instance = {name: partial(function, view) for name, function in _OF_INSTANCE.items()}
    return {**numbers.of_law(view), **of_instance}


def names(view: InstanceView, expression: str) -> dict[str, Any]:
    """The names that cost a look into the database, for the expressions that say them."""
    if "superior" not in expression:
        return {}
    unit = tables.unit.c
    managed_by = select(unit.managing_id).where(unit.id == view.row["union_id"])
    superior = view.session.execute(managed_by).scalar()
    found: dict[str, Any] = {"superior": str(superior) if superior else None}
    if "superior_here" in expression:
        found["superior_here"] = superior is not None and _acts_here(view, superior)
    return found


def _acts_here(view: InstanceView, superior: UUID) -> bool:
    """Does anybody act for the superior union in this installation?"""
    today, session = clock.today(), view.session
    return any(
        organisation.holders(session, kind, [superior], today) for kind in posts.kinds().superiors
    )


def due(view: InstanceView, rule_id: str, start: Start | None = None) -> datetime:
    """The end of a rule's time limit, from when what is done now happened, or from a moment or
    day (facts keep both as ISO texts).
    """
    ruling = view.law.ruling(rule_id, view.decisive_on)
    begin = view.now if start is None else _when(view, start)
    return view.remember(law.deadline(ruling, begin, view.law.calendar))


def after(view: InstanceView, moment: Start | None, rule_id: str) -> datetime | None:
    """A rule's length after a moment."""
    return None if moment is None else due(view, rule_id, moment)


def round_(view: InstanceView, task: str) -> int:
    """How often a task was done, this time included."""
    return view.rounds.get(task, 0)


def unmet(view: InstanceView) -> int:
    """How many conditions on which somebody agreed are still to be met."""
    return provisos.unmet(view.facts)


def before(view: InstanceView, moment: Start | None, rule_id: str) -> datetime | None:
    """A rule's length before the end of a time limit, for warnings."""
    if moment is None:
        return None
    ruling = view.law.ruling(rule_id, view.decisive_on)
    return view.remember(law.before(ruling, _when(view, moment), view.law.calendar))


def _when(view: InstanceView, start: Start) -> calendar.When:
    """A moment or a day, also as facts and forms keep them (ISO texts), or a time limit computed
    before.
    """
    if isinstance(start, str):
        if len(start) == len("2026-05-20"):
            return date.fromisoformat(start)
        start = datetime.fromisoformat(start)
    if not isinstance(start, datetime):
        return start
    return view.due_at(start) or start


def heads_of(view: InstanceView, units: list[str] | None) -> list[str]:
    """Who heads these units today."""
    ids = [UUID(str(unit)) for unit in units or [] if unit]
    if not ids:
        return []
    today, kinds = clock.today(), posts.kinds().heads
    heads = (organisation.holders(view.session, kind, ids, today) for kind in kinds)
    return list(dict.fromkeys(str(member) for held in heads for member in held))


def owners_of(view: InstanceView, instance_id: str | None) -> list[str]:
    """Who owns another instance of this union."""
    if not instance_id:
        return []
    instance = tables.instance.c
    query = select(instance.version, instance.facts["launch"]).where(
        instance.id == UUID(str(instance_id)), instance.union_id == view.row["union_id"]
    )
    found = view.session.execute(query).first()
    if found is None:
        return []
    version, launch = found
    return [str(launch[process_of(view.session, version).owner_key])]


def day(view: InstanceView, moment: datetime | date | str | None) -> str | None:
    """The day in China of a moment, as ISO text; of the end of a time limit, its last day."""
    if moment is None:
        return None
    if isinstance(moment, str):
        if len(moment) == len("2026-05-20"):
            return moment
        return clock.day_of(datetime.fromisoformat(moment)).isoformat()
    if isinstance(moment, datetime):
        ends = view.due_at(moment)
        return (ends.day if ends else clock.day_of(moment)).isoformat()
    return moment.isoformat()


def members(view: InstanceView, unit: str | None = None) -> list[str]:
    """The active members of the union, or of one of its units."""
    member = tables.member.c
    query = (
        select(member.id)
        .where(member.union_id == view.row["union_id"], member.active)
        .order_by(member.id)
    )
    if unit:
        query = query.where(member.unit_id == UUID(str(unit)))
    return [str(key) for key in view.session.execute(query).scalars()]


def holders(view: InstanceView, kind: str, unit: str | None = None) -> list[str]:
    """Who holds a post today: in the whole union, or in one unit."""
    session, today = view.session, clock.today()
    if unit:
        found = organisation.holders(session, kind, [UUID(str(unit))], today)
    else:
        found = organisation.in_union(session, kind, view.row["union_id"], today)
    return [str(member) for member in found]


def holds(view: InstanceView, member: str | None, kind: str) -> bool:
    """Does a member hold such a post in the union today?"""
    return bool(member) and str(member) in holders(view, kind)


def delegates(view: InstanceView, kind: str) -> list[str]:
    """Of old: who holds the post that is called so in short."""
    return holders(view, legacy.DELEGATES.format(kind))


def heads(view: InstanceView, member: str | None, unit: str | None) -> bool:
    """Does a member head a unit today?"""
    return bool(member and unit) and str(member) in heads_of(view, [str(unit)])


def next_year_ends(view: InstanceView, start: Start, rule_id: str | None = None) -> datetime:
    """The end of the year after the one in which a moment or day lies, of years that begin so many
    months after the calendar year as the rule says; without a rule, of calendar years. Errors:
    ProcessFault when the rule, or the union's own value of it, is in no whole months.
    """
    if rule_id and view.law.ruling(rule_id, view.decisive_on).unit != "month":
        raise ProcessFault(_("规则 {rule} 须以月计。", rule=rule_id), element=rule_id)
    months = numbers.rule_value(view, rule_id) if rule_id else 0
    return view.remember(calendar.next_year(_when(view, start), months))


def days(view: InstanceView, start: Start | None, end: Start | None) -> int | None:
    """How many days lie between two days, the first not counted （民法典201）; unknown with either
    of them.
    """
    first, last = day(view, start), day(view, end)
    if first is None or last is None:
        return None
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def term_ends(view: InstanceView, start: Start | None, years: int | None) -> str | None:
    """The last day of a term of so many whole years that begins on a day, as ISO text. Errors:
    ProcessFault for a term that no calendar holds.
    """
    begins = day(view, start)
    if begins is None or years is None:
        return None
    if not 0 <= years <= MOST_YEARS:
        raise ProcessFault(_("{years} 年不是一个期限。", years=years))
    after_it = calendar.shifted(date.fromisoformat(begins), years, "year")
    return (after_it - timedelta(days=1)).isoformat()


def at_hour(view: InstanceView, on: str | None, hour: int | None) -> datetime | None:
    """The moment at which an hour (0 to 24) of a day begins in China. Errors: ProcessFault."""
    del view
    if on is None or hour is None:
        return None
    if not 0 <= hour <= 24:
        raise ProcessFault(_("{hour} 不是一天里的钟点。", hour=hour))
    begins = clock.midnight(date.fromisoformat(on))
    return begins + timedelta(hours=hour)


def lasting(view: InstanceView, period: str) -> datetime:
    """The moment at which a period from now ends, as ISO 8601 writes it: P3D, PT2H30M; where only
    the day is known, from its end. Errors: ProcessFault.
    """
    found = _PERIOD.fullmatch(str(period))
    if found is None or not any(found.groups()):
        raise ProcessFault(_("{period} 不是一段时间，请写成 P3D、PT2H 的样子。", period=period))
    lengths = {unit: int(length) for unit, length in found.groupdict().items() if length}
    begin = view.now
    if not isinstance(begin, datetime):
        begin = clock.midnight(begin + timedelta(days=1))
    end = (begin + timedelta(**lengths)).astimezone(UTC)
    steps = (_("{period} 以后", period=period),)
    return view.remember(
        calendar.Due(end, calendar.ending_day(end), provisional=False, steps=steps)
    )


def earliest(view: InstanceView, moment: datetime, others: list[str]) -> datetime:
    """The earliest of the end of a time limit and of the moments of a list that are still to
    come; such a moment is the end of a time limit then.
    """
    said = (datetime.fromisoformat(text).astimezone(UTC) for text in others)
    ahead = [other for other in said if view.now < other < moment]
    if not ahead:
        return moment
    common = min(ahead)
    steps = (_("各件统一截止"),)
    return view.remember(
        calendar.Due(common, calendar.ending_day(common), provisional=False, steps=steps)
    )


def at(view: InstanceView, element: str) -> datetime | None:
    """When a task, a message or the launch was last done."""
    last = _last(view, element)
    return last.closed_at if last else None


def happened(view: InstanceView, element: str) -> str | None:
    """The day on which what was entered there last had happened; that of the entry, where the
    form asks for no other.
    """
    rule, said = view.process.tasks.get(element), view.facts.get(element)
    if rule and rule.happened and isinstance(said, dict) and said.get(rule.happened):
        return str(said[rule.happened])
    return day(view, at(view, element))


def by(view: InstanceView, element: str) -> str | None:
    """Who did it last."""
    last = _last(view, element)
    return str(last.closed_by) if last and last.closed_by else None


def _last(view: InstanceView, element: str) -> Row[Any, Any] | None:
    task = tables.task.c
    done = task.element == element, task.state == TaskState.DONE
    latest = (
        select(task.closed_at, task.closed_by)
        .where(task.instance_id == view.row["id"], *done)
        .order_by(task.closed_at.desc(), task.id.desc())
        .limit(1)
    )
    return view.session.execute(latest).first()


_OF_INSTANCE: dict[str, Callable[..., Any]] = {
    "due": due,
    "before": before,
    "after": after,
    "day": day,
    "days": days,
    "term_ends": term_ends,
    "round": round_,
    "unmet": unmet,
    "members": members,
    "holders": holders,
    "holds": holds,
    "delegates": delegates,
    "heads": heads,
    "heads_of": heads_of,
    "owners_of": owners_of,
    "movers_of": owners_of,  # of old
    "matters": others.matters,
    "linked": others.linked,
    "matter_fits": others.matter_fits,
    "facts_of": others.facts_of,
    "of_group": groups.of_group,
    "gathered": others.gathered,
    "fact_of": others.fact_of,
    "next_year_ends": next_year_ends,
    "at_hour": at_hour,
    "lasting": lasting,
    "earliest": earliest,
    "at": at,
    "happened": happened,
    "by": by,
}
