"""Where an addition is tried out: the toy process on a database of its own, and browsers of its people.

As a program (`python -m tests.measure.patches.place CHECKOUT NAME`) it runs the check of one addition.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tests.measure import ground, pages
from tests.measure.names import module


@dataclass
class Place:
    """A union with a mover and the desks, the toy process in force."""

    app: Any
    engine: Any
    members: dict[str, UUID]
    units: dict[str, str]

    def play(self, *steps: dict[str, Any]) -> None:
        """Steps as stories tell them, each with its own moment."""
        ground.perform_steps(
            self.engine, "errand", list(steps), ground.START, self.members, self.units
        )

    def open(self, element: str) -> tuple[UUID, UUID]:
        """Instance and id of the open task of this element."""
        return ground.newest(self.engine, element)

    def ask(self, who: str, path: str, form: dict[str, Any] | None = None) -> tuple[int, str]:
        """Status and text of a page, or of a form that is sent, as soon as everything played is over."""
        with self.engine.connect() as connection:
            now = connection.execute(text("SELECT max(at) FROM event")).scalar_one() or ground.START
        with module("clock").set_to(now), module("db").transaction(self.engine) as session:
            key = module("logins").open_login(session, self.members[who])
        browser = self.app.test_client()
        with browser.session_transaction() as cookie:
            cookie["key"] = key
        with module("clock").set_to(now):
            reply = browser.get(path) if form is None else browser.post(path, data=form)
        return reply.status_code, reply.get_data(as_text=True)


LAUNCH = {"who": ground.MOVER, "does": "launch", "with": {"subject": "会议室"}}
PASS = {"who": ground.SECRETARY, "does": "complete", "task": "check", "with": {"decision": "pass"}}


def main(checkout: Path, name: str) -> None:
    """Prepare, and let the addition try itself."""
    with pages.server() as home:
        url = module("embedded").start(home, "addition")
        module("migrate").migrate(url)
        engine = module("db").connect(url)
        app = pages.application(home, checkout)
        app.extensions["engine"] = engine
        members, units = ground.union_of(
            engine, {**ground.DESKS, ground.MOVER: ["formal_delegate@info"]}
        )
        ground.publish(engine, checkout / "tests" / "processes" / "errand")
        import_module(f"tests.measure.patches.{name}").check(Place(app, engine, members, units))
        engine.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
    print(json.dumps("works"))
