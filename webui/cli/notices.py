"""Verbs of telling people: what would be sent to somebody, and what did not go out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import Listed, _
from webui.cli.installation import database
from webui.cli.terminal import FAULT, OK, say

if TYPE_CHECKING:
    import argparse

    from engine.settings import Settings


def test(given: argparse.Namespace, settings: Settings) -> int:
    """What would be sent to a person now, by which channels and when. Nothing is sent. FAULT when
    nothing could reach them.
    """
    from engine import clock, db
    from engine.people import organisation
    from engine.queries import notices, operator

    with db.transaction(database(settings)) as session:
        actor = organisation.actor(session, operator.member_named(session, given.to))
        wanted, account = notices.wished(session, actor)
        told = notices.trial(session, actor, "zh")
    say(_("这里设置的渠道：{channels}", channels=Listed(settings.channels) or _("无")))
    ways = [
        each
        for each in settings.channels
        if account.at(each) and (wanted.channels is None or each in wanted.channels)
    ]
    for each in settings.channels:
        reached = account.at(each) or _("没有登记地址")
        state = _("会发") if each in ways else _("不发")
        say(_("  {channel} → {to}：{state}", channel=each, to=reached, state=state))
    if quiet := wanted.quiet_until(clock.now()):
        say(
            _("现在是免打扰时间，{at} 以后才发", at=quiet.astimezone(clock.CHINA).strftime("%H:%M"))
        )
    say(_("每日汇总：{at}", at=wanted.digest or _("不发")))
    if told is None:
        say(_("现在没有待办，不会发汇总"))
    else:
        say(_("现在发的话，汇总是这样："))
        for line in (told[0], *told[1]):
            say(_("  {line}", line=line))
    if not settings.address:
        say(_("没有设 YIXING_ADDRESS，消息里没有链接"))
    return OK if ways else FAULT


def failed(given: argparse.Namespace, settings: Settings) -> int:
    """How many messages are in which state, and those to one person that did not go out."""
    from engine import db
    from engine.db.states import SendingState
    from engine.db.words import state_words
    from engine.queries import notices, operator

    with db.transaction(database(settings)) as session:
        counts = notices.counts(session)
        member = operator.member_named(session, given.to) if given.to else None
        found = notices.sent(session, member, failed=True) if member else ()
    for state in SendingState:
        say(_("{state}：{n}", state=state_words(SendingState, state), n=counts.get(state, 0)))
    for each in found:
        say(_("  {at} {channel}：{why}", at=each.asked_at, channel=each.channel, why=each.why))
    return FAULT if counts.get(SendingState.FAILED) else OK
