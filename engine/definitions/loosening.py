"""What a version must not loosen of another: who starts, does, reads and votes, and what law
holds.

Of the process as it is shipped: only the operator, on the command line, may put a version in force
that does. Of the version in force for all: a union's own one then takes the installation's
approval.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from engine.definitions.process import Guard
from engine.definitions.verbs import COMMENT
from engine.messages import Both, Listed, _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.definitions.process import Lane, MeetingRule, Process, TaskRule
    from engine.messages import Message

_RULE = re.compile(r"""["']([A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+)["']""")  # as an expression names one


def loosened(
    shipped: Process, process: Process, is_binding: Callable[[Guard], bool]
) -> Iterator[Message]:
    """Each loosening in words. `is_binding`: does the guard rest on a rule that nobody may
    change?
    """
    if shipped.confidentiality == "named" != process.confidentiality:
        yield _("process.toml：本流程涉及个人，密级必须是 named，不能放宽。")
    for guard in shipped.guards:
        held = any(guard.at <= own.at and guard.holds == own.holds for own in process.guards)
        if is_binding(guard) and not held:
            yield _(
                "process.toml：前提“{text}”以 {basis} 为依据，不能删去或放宽，请保留这一段 [[guards]]。",
                text=guard.text,
                basis=guard.basis,
            )
    yield from _launchers(shipped, process)
    yield from _entered(shipped, process)
    yield from _lanes(shipped, process)
    yield from _rolls(shipped, process)
    yield from _published(shipped, process)
    for key, task in shipped.tasks.items():
        if key in process.tasks:
            yield from _task(task, process.tasks[key])
            yield from _majority(task, process.tasks[key], is_binding)
        elif task.poll or task.meeting:
            yield _("“{task}”的表决或会议不能删去。", task=task.title)


def _launchers(shipped: Process, process: Process) -> Iterator[Message]:
    if more := sorted(set(process.launch) - set(shipped.launch)):
        posts = ", ".join(more)
        yield _("process.toml：可以发起的职务多出 {posts}，不能放宽。", posts=posts)


def _entered(shipped: Process, process: Process) -> Iterator[Message]:
    """Who may enter for others."""
    posts = set(process.entry.posts) if process.entry else set()
    if more := sorted(posts - set(shipped.entry.posts if shipped.entry else ())):
        posts_ = ", ".join(more)
        yield _("process.toml：可以代为登记的职务多出 {posts}，不能放宽。", posts=posts_)


def _whom(lane: Lane) -> tuple[object, ...]:
    """What says whom a lane means, and what it lets them do."""
    return lane.post, lane.unit, lane.person, lane.holding, lane.sees, lane.leaves


def _lanes(shipped: Process, process: Process) -> Iterator[Message]:
    """A lane that means other people; in a confidential process a lane that is new, too."""
    for key, lane in process.lanes.items():
        known = shipped.lanes.get(key)
        if known is None:
            if shipped.confidentiality == "named":
                yield _("process.toml：本流程涉及个人，不能增加泳道 {lane}。", lane=key)
        elif _whom(lane) != _whom(known):
            yield _("process.toml：泳道 {lane} 所指的人与随产品发布的不同，不能更改。", lane=key)


def _rolls(shipped: Process, process: Process) -> Iterator[Message]:
    """A roll that means other people; what names it reads the same as before."""
    for key, roll in shipped.rolls.items():
        own = process.rolls.get(key)
        if own is not None and own.members != roll.members:
            yield _("process.toml：名册“{roll}”所指的人不能更改。", roll=roll.title)


def _published(shipped: Process, process: Process) -> Iterator[Message]:
    """What of a confidential matter is shown to whom; and that those concerned may object."""
    for key, rule in process.publications.items():
        known = shipped.publications.get(key)
        wider = known is None or known.circle != rule.circle or set(rule.shows) - set(known.shows)
        if wider and shipped.confidentiality == "named":
            yield _("process.toml：本流程涉及个人，公示 {key} 的范围和内容不能放宽。", key=key)
    for key in shipped.publications.keys() - process.publications.keys():
        yield _("process.toml：公示 {key} 不能删去。", key=key)


def _task(shipped: TaskRule, task: TaskRule) -> Iterator[Message]:
    if task.lane != shipped.lane:
        yield _("“{task}”由另一泳道办理，不能更改。", task=shipped.title)
    if shipped.room and not (task.room and set(task.room) <= set(shipped.room)):
        yield _("“{task}”所填内容的阅读范围（room）不能放宽。", task=shipped.title)
    later = task.handed_on not in ("", shipped.handed_on)
    if set(shipped.confided) - set(task.confided) or (shipped.confided and later):
        yield _("“{task}”中只说给当时在场的人的内容（confided）不能放宽。", task=shipped.title)
    yield from _fields(shipped, task)
    if more := sorted(task.verbs - shipped.verbs - {COMMENT}):
        yield _("“{task}”的办理方式（verbs）多出 {more}。", task=shipped.title, more=Listed(more))
    if set(shipped.not_by) - set(task.not_by):
        yield _("“{task}”应当回避的前手（not_by）不能减少。", task=shipped.title)
    yield from _votes(shipped, task)


def _fields(shipped: TaskRule, task: TaskRule) -> Iterator[Message]:
    """Single fields that are for some lanes only."""
    kept = {field.key: field for field in shipped.form.fields} if shipped.form else {}
    for field in task.form.fields if task.form else ():
        known = kept.get(field.key)
        if known and known.room and not (field.room and set(field.room) <= set(known.room)):
            yield _(
                "“{task}”中“{field}”一项的阅读范围（room）不能放宽。",
                task=shipped.title,
                field=Both(known.label, known.label_en),
            )


def _majority(
    shipped: TaskRule, task: TaskRule, is_binding: Callable[[Guard], bool]
) -> Iterator[Message]:
    """When a poll passes, as far as a rule that its conditions name says so and nobody may change
    it.
    """
    poll, own = shipped.poll, task.poll
    if poll and own and (own.passes, own.wins) != (poll.passes, poll.wins):
        cited = _RULE.findall(f"{poll.passes} {poll.wins}")
        rules = (Guard(frozenset(), poll.passes, poll.words, rule) for rule in cited)
        if any(map(is_binding, rules)):
            yield _("“{task}”的通过条件以法定规则为依据，不能更改。", task=shipped.title)


def _votes(shipped: TaskRule, task: TaskRule) -> Iterator[Message]:
    """The roll of a poll, its secrecy, and who votes and makes the quorum in a meeting."""
    poll, own = shipped.poll, task.poll
    if poll and (own is None or own.roll != poll.roll):
        yield _("“{task}”的表决名册（roll）不能更改。", task=shipped.title)
    if poll and poll.secret and not (own and own.secret):
        yield _("“{task}”应当无记名表决，不能更改。", task=shipped.title)
    meeting, held = shipped.meeting, task.meeting
    if meeting and (held is None or _constituted(held) != _constituted(meeting)):
        yield _("“{task}”的正式成员和法定人数不能更改。", task=shipped.title)


def _constituted(meeting: MeetingRule) -> tuple[str, ...]:
    """What makes a meeting the one that may decide."""
    return meeting.formal, meeting.quorum, meeting.beside, meeting.decides
