"""A year in tables: what its matters have to show, its votes with their quorum, and what did not go
the usual way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, render_template, request
from flask_babel import gettext as _

from engine import clock
from engine.commands import reads
from engine.errors import Refused
from engine.people import access
from engine.queries import samples, verifications
from engine.queries.words import Named
from webui.http.session import carry_out, look, me, needs_login, uuid
from webui.http.sheets import csv_file
from webui.http.words import day, lang, said
from webui.pages.auditor.desk import blueprint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.db import Session
    from engine.queries import unusual
    from engine.queries.samples import Sample

FIRST_YEAR, LAST_YEAR = 1950, 2200  # of what an address may ask for


@blueprint.get("/audit/sample")
@needs_login
def sample() -> str | Response:
    """Did consent come before, had each vote its quorum, over a year of a union; as a page or a
    table. That it was read goes on record.
    """
    desks = access.desk_unions(me(), *access.SEEING)
    if not desks:
        raise Refused(verb="read_history")
    union, year = uuid(request.args.get("of")) or desks[0], _year()

    def read(session: Session) -> tuple[Sample, Mapping[str, str]]:
        reads.read_sample(session, me(), union, year)
        names = Named.of(session, [str(d) for d in desks], me()).names
        return samples.sample(session, me(), union, year), names

    found, names = carry_out(read)
    if request.args.get("format") == "csv":
        return _csv(found)
    return render_template(
        "audit/sample.html",
        found=found,
        union=union,
        desks=desks,
        names=names,
        this=_this_year(),
        verdicts=verdicts(),
        outcome=outcome,
        checked=look(_checked) if access.may_somewhere(me(), "read_installation") else None,
    )


def _checked(session: Session) -> verifications.Verification | None:
    """The newest verification of the whole history; None while there is none to tell of."""
    return verifications.newest(session, me())


def _this_year() -> int:
    return clock.today().year


def _year() -> int:
    asked = request.args.get("year", type=int)
    return asked if asked and FIRST_YEAR <= asked <= LAST_YEAR else _this_year()


def verdicts() -> Mapping[str, str]:
    """What a claim comes to, in a word or two."""
    return {
        "yes": _("是"),
        "no": _("否"),
        "late": _("否，不早于"),
        "open": _("还没有"),
        "never": _("没有发生"),
        "erased": _("已删除"),
    }


def _csv(found: Sample) -> Response:
    claimed, voted = map(_claimed, found.shown), map(_voted, found.voted)
    odd = map(_unusual, (*found.unusual, *found.repairs))
    lines = [_heads(), *claimed, [], _heads_of_votes(), *voted, [], _heads_of_unusual(), *odd]
    return csv_file(f"yixing-{found.year}.csv", lines)


def _heads() -> list[str]:
    asked = [_("编号"), _("案由"), _("问题"), _("回答")]
    return [*asked, _("何日"), _("最晚一项"), _("早几天")]


def _claimed(s: samples.Shown) -> list[str]:
    a = s.answer
    last, spare = a.last.day if a.last else None, "" if a.spare is None else str(a.spare)
    asked = (a.claim.asks.in_(lang()), verdicts()[a.verdict])
    return [s.matter.number, s.matter.title, *asked, day(a.day), day(last), spare]


def _heads_of_votes() -> list[str]:
    asked = [_("编号"), _("案由"), _("表决"), _("结果")]
    return [*asked, _("截止"), _("须到"), _("最少到会")]


def _voted(v: samples.Voted) -> list[str]:
    held = [str(v.vote.outcome.get(key, "")) for key in ("present_needed", "present_least")]
    told = outcome(v.vote.passed, void=v.vote.void is not None)
    closed = day(v.vote.closed.at)
    return [v.matter.number, v.matter.title, v.title.in_(lang()), told, closed, *held]


def _heads_of_unusual() -> list[str]:
    return [_("编号"), _("案由"), _("何日"), _("怎样"), _("谁"), _("理由")]


def _unusual(u: unusual.Unusual) -> list[str]:
    about = [u.matter.number, u.matter.title] if u.matter else [_("记录本身"), ""]
    return [*about, day(u.at), said(u.what), u.who, said(u.reason)]


def outcome(passed: bool | None, *, void: bool) -> str:
    """What a vote came to, in a word."""
    words = {None: _("已截止"), True: _("通过"), False: _("未通过")}
    return str(_("已作废") if void else words[passed])
