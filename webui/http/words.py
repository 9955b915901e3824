"""Languages and how moments, states and rules are said on a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING, Any

from flask import g, request, session
from flask_babel import Babel, get_locale, ngettext
from flask_babel import gettext as _
from jinja2 import pass_context
from markupsafe import Markup, escape

from engine import clock
from engine.db.states import (
    DefinitionState,
    InstanceState,
    MeetingState,
    OwnVersionState,
    PollState,
    SendingState,
    SettingState,
    TaskState,
)
from engine.db.words import state_words
from engine.definitions import links
from engine.messages import Both
from engine.people import posts
from webui.http import fields, messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask
    from jinja2.runtime import Context

    from engine.messages import Bilingual, Language
    from engine.queries.labels import Labelled
    from engine.queries.linked import Linked
    from engine.queries.standing import Standing

LANGUAGES = ("zh", "en")


def init_app(app: Flask) -> None:
    """Babel, and the filters and functions of the templates."""
    Babel(app, locale_selector=_language, default_locale="zh")
    filters: dict[str, Callable[..., Any]] = {
        "day": day,
        "moment": moment,
        "urged": urged,
        "lines": lines,
        "size": size,
        "left": left,
        "state": state,
        "said": said,
        "seconds_left": seconds_left,
        "zip_labels": labelled,
        "words_of": words_of,
        "linked": linked,
        "choice_of": choice_of,
    }
    app.jinja_env.filters.update({name: for_reader(each) for name, each in filters.items()})
    app.jinja_env.globals.update(
        time_left=time_left,
        lang=lang,
        tree=fields.tree,
        unit_of=fields.unit,
        tenant=tenant,
        desk_title=desk_title,
    )
    app.jinja_env.globals["this_day"] = lambda: clock.today().isoformat()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def for_reader(work: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose result depends on who reads: of a constant, too, it is asked for each page."""

    @pass_context
    @wraps(work)
    def asked(_context: Context, *given: Any, **more: Any) -> Any:
        return work(*given, **more)

    return asked


def _language() -> str:
    """That of this visit, else the person's own, else the browser's. A program says for each
    request what it wants.
    """
    asked = _asked_for()
    if request.path.startswith("/api/") and asked:
        return asked
    chosen = request.args.get("lang") or session.get("lang")
    if chosen in LANGUAGES:
        return str(chosen)
    actor = g.get("actor")
    if actor is not None and actor.locale in LANGUAGES:
        return str(actor.locale)
    return asked or "zh"


def _asked_for() -> str:
    """The language of ours that Accept-Language likes best, or ""; `*` asks for none."""
    best_first = (tag[:2].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((tag for tag in best_first if tag in LANGUAGES), "")


def lang() -> str:
    """ "zh" or "en"."""
    return "en" if str(get_locale() or "zh").startswith("en") else "zh"


def said(text: str | Bilingual | Iterable[str]) -> str:
    """What the engine says, a message or several, in the language of the page."""
    if not isinstance(text, Iterable) or isinstance(text, str):
        return messages.in_language(text, lang())
    return messages.joined(text, lang())


def day(value: datetime | date | None) -> str:
    """2026-03-02, in China."""
    if value is None:
        return ""
    return (clock.day_of(value) if isinstance(value, datetime) else value).isoformat()


def moment(value: datetime | None) -> str:
    """03-02 09:15 in China, with the year when it is not this one."""
    if value is None:
        return ""
    local = value.astimezone(clock.CHINA)
    return local.strftime("%m-%d %H:%M" if local.year == clock.today().year else "%Y-%m-%d %H:%M")


def urged(task: Standing) -> str:
    """How often an open task was urged, when last, and whether somebody who has it noticed."""
    how = _("%(n)s 次，最近 %(at)s", n=len(task.urged), at=moment(task.urged[-1]))
    noticed = _("，已看") if task.noticed else _("，还没有看")
    return f"{how}{noticed}"


def seconds_left(until: datetime | str) -> int:
    """Whole seconds until a moment, given as ISO text too; none when it is over."""
    moment = datetime.fromisoformat(until) if isinstance(until, str) else until
    return max(0, math.ceil((moment - clock.now()).total_seconds()))


def size(count: int) -> str:
    """A number of bytes as 13 B, 4.2 kB, 1.3 MB."""
    return (
        f"{count} B"
        if count < 1000
        else f"{count / 1000:.1f} kB"
        if count < 1_000_000
        else f"{count / 1_000_000:.1f} MB"
    )


def lines(text: str) -> Markup:
    """Text with its line breaks."""
    return Markup("<br>").join(escape(part) for part in str(text).splitlines())


def left(value: datetime | None) -> str:
    """How long until a deadline, in days; the task page says it in working days."""
    if value is None:
        return ""
    days = (clock.day_of(value) - clock.today()).days - (1 if _is_midnight(value) else 0)
    if value <= clock.now():
        return str(ngettext("逾期 %(num)s 天", "逾期 %(num)s 天", -days) if days < 0 else _("逾期"))
    return str(_("今天到期") if days == 0 else ngettext("还剩 %(num)s 天", "还剩 %(num)s 天", days))


def time_left(working: int, days: int) -> str:
    """How long until a deadline in working days, as a card says it; both negative or 0 when it has
    passed.
    """
    if days < 0:
        return str(ngettext("逾期 %(num)s 天", "逾期 %(num)s 天", -days))
    if working <= 0:
        return str(_("今天到期"))
    return str(ngettext("还剩 %(num)s 个工作日", "还剩 %(num)s 个工作日", working))


def last_day(value: datetime | None) -> str:
    """The last day of a deadline; a moment of midnight belongs to the day that ends there."""
    return (
        "" if value is None else day(value - timedelta(seconds=1) if _is_midnight(value) else value)
    )


def _is_midnight(value: datetime) -> bool:
    local = value.astimezone(clock.CHINA)
    return local.hour == local.minute == local.second == 0


def state(key: str, of: str = "instance") -> str:
    """What a state is called; `of`: instance, task, poll, meeting, definition, own_version,
    sending or setting.
    """
    return said(state_words(_STATES[of], key))


_STATES: dict[str, type[StrEnum]] = {
    "instance": InstanceState,
    "task": TaskState,
    "poll": PollState,
    "meeting": MeetingState,
    "definition": DefinitionState,
    "sending": SendingState,
    "own_version": OwnVersionState,
    "setting": SettingState,
}


def linked(link: Linked) -> str:
    """How another matter belongs to this one: what was linked there, or what was linked to it from
    there.
    """
    named = links.words(link.kind)
    if named:
        return words_of(named.back if link.back else named.there)
    of_engine = {"merged_into": _("并入"), "origin_of": _("来源")}
    if link.kind in of_engine:
        return str(of_engine[link.kind])
    return str(_("引出本件") if link.back else _("由本件引出"))


def tenant() -> str:
    """What a union is called here, within a sentence of the page."""
    return words_of(posts.tenant())


def desk_title(desk: str) -> str:
    """What whoever keeps a desk is called: as the first post that does."""
    kinds = posts.kinds()
    titles = (post.words for post in kinds.speaking.values() if post.desk == desk)
    return words_of(next(titles, Both(desk, desk)))


def labelled(values: list[str], choices: Iterable[Labelled]) -> list[tuple[str, str]]:
    """Fixed choices of a field as (value, label) pairs in the language of the page."""
    english = lang() == "en"
    return [
        (v, c.label_en if english and c.label_en else c.label)
        for v, c in zip(values, choices, strict=True)
    ]


def choice_of(key: str, labels: Mapping[str, Bilingual]) -> str:
    """What a choice of a poll is called."""
    return words_of(labels[key]) if key in labels else key


def reader_language() -> Language:
    """The language of the page, for texts that are rendered where they are made."""
    return messages.language(lang())


def words_of(value: Bilingual) -> str:
    """A `Words` in the language of the page."""
    return str(value.in_(lang()))
