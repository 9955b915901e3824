"""The transfer of a union's chair, as far as the superior union has been asked, for people who use a browser."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from engine import clock, db, scenarios
from engine.commands import definitions, people
from engine.definitions import read
from engine.settings import ROOT
from tests.journeys.university import FROM, SECRET, TERM
from webui.cli.demo import matters
from webui.cli.demo.people import OFFICE_HOLDERS

if TYPE_CHECKING:
    from tests.journeys.conftest import Site

POSTS = {  # user name: posts as kind@unit
    "chair-of-union": "union_chair@XD",
    "vice-chair": "union_vice_chair@XD",
    "party": "party_secretary@DW",
    "party-office": "party_officer@DW",
    "superior": "superior_officer@JYGH",
    "leader-above": "superior_leader@JYGH",
    **{f"u{n}": "union_committee@XD" for n in range(1, 6)},
}
RENAMED = {
    "chair": "chair-of-union",
    "leader": "leader-above",
}  # user names that mean somebody else in this university


def asked(site: Site) -> Site:
    """The union committee has consented, and the superior union has been asked."""
    town = site.town
    with db.transaction(site.engine) as session:
        town.units["DW"] = people.create_unit(
            session, None, "DW", "party_committee", "党委", parent_id=town.units["XD"]
        )
        for username, post in POSTS.items():
            kind, _, unit = post.partition("@")
            town.people[username] = people.create_member(
                session, None, username, f"{username} 同志", town.units[unit]
            )
            people.grant_post(
                session, None, town.people[username], kind, town.units[unit], FROM, term=TERM
            )
            if username in ("party", "superior", "leader-above"):
                people.set_password(session, None, town.people[username], SECRET, temporary=False)
        definitions.publish_shipped(session, read(ROOT / "processes" / "cadre_transfer"))
    known = {name: RENAMED.get(username, username) for name, username in OFFICE_HOLDERS.items()}
    members = {
        name: town.people[username] for name, username in known.items() if username in town.people
    }
    began = datetime.combine(clock.today() - timedelta(days=6), time(9), clock.CHINA)
    units = {code: str(key) for code, key in town.units.items()}
    scenarios.perform(site.engine, "cadre_transfer", matters.TRANSFER, began, "XD", members, units)
    return site
