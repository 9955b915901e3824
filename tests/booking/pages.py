"""What a person reads on a page, and where its links lead."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from flask.testing import FlaskClient

READ = frozenset({"title", "placeholder", "aria-label", "alt", "aria-description"})
UNREAD = frozenset({"script", "style"})
MOST = 400  # pages of one walk
ALIKE = 3  # of them of one endpoint


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in UNREAD
        self.words += [value for name, value in attrs if name in READ and value]
        self.links += [value for name, value in attrs if name == "href" and value and tag == "a"]

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in UNREAD

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)


def read(html: str) -> tuple[str, list[str]]:
    """The words of a page, and the addresses that it links to."""
    reader = _Reader()
    reader.feed(html)
    words = " ".join(" ".join(reader.words).split())
    return words, reader.links


@dataclass
class Walk:
    """The pages that links lead to, from the front page on, a few of each kind. `met`: the endpoints, with how often."""

    app: Flask
    met: Counter[str] = field(default_factory=Counter)

    def pages(self, browser: FlaskClient, *starts: str) -> Iterator[tuple[str, str]]:
        """Address and words of each page, once, at most ALIKE of an endpoint. What a link leads to is there; a start may be refused."""
        waiting, seen = list(starts), set(starts)
        alike: Counter[str] = Counter()
        while waiting:
            assert len(seen) < MOST, "the walk does not end"
            address = waiting.pop()
            alike[self._endpoint(address)] += 1
            if alike[self._endpoint(address)] > ALIKE and address not in starts:
                continue
            answer = browser.get(address)
            if answer.status_code in (302, 303) or answer.mimetype != "text/html":
                continue
            assert answer.status_code == 200 or address in starts, (address, answer.status_code)
            self.met[self._endpoint(address)] += 1
            words, links = read(answer.text)
            yield address, words
            new = {self._plain(link) for link in links if _inside(link)} - seen
            seen |= new
            waiting += sorted(new)

    def _plain(self, link: str) -> str:
        return link.partition("#")[0]

    def _endpoint(self, address: str) -> str:
        endpoint, _values = self.app.url_map.bind("localhost").match(address.partition("?")[0])
        return endpoint


def _inside(link: str) -> bool:
    """A page of ours; not a document of history by the line, not a sheet."""
    return link.startswith("/") and not re.search(r"\.(xlsx|csv|pdf|zip|bpmn|txt)\b", link)
