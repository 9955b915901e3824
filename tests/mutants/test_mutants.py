"""The mutator writes the faults it says; and of each room one well-known fault is noticed by the tests nearby."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.drawn import some
from tests.mutants.mutator import mutations
from tests.mutants.rooms import ROOMS, Room
from tests.mutants.runner import Copy, Mutant, draw, population

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 120  # seconds


@dataclass(frozen=True)
class Known:
    """The one mutant that writes `new` in the only line of the room that holds `line`."""

    room: str
    kind: str
    line: str
    new: str
    test: str

    def mutant(self) -> Mutant:
        found = [
            m
            for m in population(ROOMS[self.room])
            if (m.mutation.kind, m.mutation.new) == (self.kind, self.new) and self.line in m.line
        ]
        assert len(found) == 1, f"the code has moved on: look for another fault than {self.line!r}"
        return found[0]


KNOWN = (
    Known(
        "machine",
        "guard",
        "if task.state != TaskState.READY or not",
        "False",
        "tests/engine/test_machine.py::test_completing_what_is_not_open_is_a_fault",
    ),
    Known(
        "polls",
        "comparison",
        "== paper.voters <= paper.roll",
        "!=",
        "tests/engine/test_ballots.py::test_what_was_counted_right_holds",
    ),
    Known(
        "access",
        "access",
        '"set_password": Verb(_("设置密码"), (is_administrator,)),',
        "(is_administrator, is_secretary,)",
        "tests/engine/test_access.py::test_a_verb_is_allowed_to_the_posts_of_the_table_in_their_own_union_and_to_nobody_else",
    ),
    Known(
        "history",
        "guard",
        "if len(prev) != HASH_BYTES",
        "False",
        "tests/engine/test_canonical.py::test_an_event_hash_covers_the_hash_before",
    ),
    Known(
        "law",
        "comparison",
        "if total == 0 and ruling.share",
        "!=",
        "tests/engine/test_law.py::TestCompare",
    ),
    Known(
        "expressions",
        "guard",
        "if len(left) + len(right) > MAX_STRING",
        "False",
        "tests/engine/test_expressions.py::TestLimits",
    ),
    Known(
        "calendar",
        "comparison",
        "if self.last.weekday() >= SATURDAY",
        ">",
        "tests/engine/test_calendar.py::TestWorkingDays",
    ),
    Known(
        "forms",
        "logic",
        'if self.one_line and "\\n" in text',
        "or",
        "tests/engine/test_forms.py::TestText",
    ),
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A copy whose tests are green: a red one would kill every mutant."""
    made = Copy(tmp_path_factory.mktemp("mutants") / "house")
    code, said = made.run([known.test for known in KNOWN], LIMIT)
    assert code == 0, said
    yield made


def test_each_room_has_a_known_mutant() -> None:
    assert [known.room for known in KNOWN] == list(ROOMS)


@pytest.mark.parametrize("known", some(KNOWN, 3), ids=lambda known: known.room)
def test_a_known_mutant_is_noticed(copy: Copy, known: Known) -> None:
    mutant = known.mutant()
    place = copy.top / mutant.module
    with copy.holding(mutant):
        assert place.read_text("utf-8") != mutant.text
        code, said = copy.run([known.test], LIMIT)
    assert code == 1, said  # a failing test, and not a module that cannot be read
    assert place.read_text("utf-8") == mutant.text


def test_a_mutant_that_nothing_looks_at_survives_and_one_that_hangs_is_killed(copy: Copy) -> None:
    trial = copy.top / "tests" / "trial.py"
    text = "import time\ndef test_it():\n    while 1 > 2:\n        time.sleep(1)\n"
    trial.write_text(text)
    name = trial.relative_to(copy.top)
    written = {m.new: Mutant(name, text, m) for m in mutations(text)}
    assert not copy.kills(written[">="], [str(name)], LIMIT)
    assert copy.kills(written["<="], [str(name)], 5)


@pytest.mark.parametrize(
    ("kind", "text", "mutants"),
    [
        ("comparison", "a < b", {"a <= b", "a >= b"}),
        ("comparison", "a > b", {"a >= b", "a <= b"}),
        ("comparison", "a <= b", {"a < b", "a > b"}),
        ("comparison", "a >= b", {"a > b", "a < b"}),
        ("comparison", "a == b", {"a != b"}),
        ("comparison", "a != b", {"a == b"}),
        ("comparison", "a in b", {"a not in b"}),
        ("comparison", "a not in b", {"a in b"}),
        ("comparison", "a is b", {"a is not b"}),
        ("comparison", "a is not b", {"a is b"}),
        ("comparison", "(a) == (b)", {"(a) != (b)"}),
        ("comparison", "('议' ==\n b)", {"('议' !=\n b)"}),
        ("comparison", "a == b == c", {"a != b == c", "a == b != c"}),
        ("number", "x = 7", {"x = 6", "x = 8"}),
        ("number", "x: Row[3] = y", set()),
        ("number", "def f(x: Row[3]) -> Row[4]: ...", set()),
        ("number", "x = True, 1.5, '1'", set()),
        ("logic", "a and b and c", {"a or b and c", "a and b or c"}),
        ("logic", "(a or  # this and that\n b)", {"(a and  # this and that\n b)"}),
        ("negation", "not (a or b)", {"(a or b)"}),
        ("negation", "~row.secret", {"row.secret"}),
        ("guard", "if a:\n    raise B", {"if False:\n    raise B"}),
        (
            "guard",
            "if a:\n    b()\nelif c:\n    raise B",
            {"if a:\n    b()\nelif False:\n    raise B"},
        ),
        ("guard", "if a:\n    return", set()),
        ("guard", "access.check(a, b)", {"pass"}),
        ("guard", "_must_be_teller(a)", {"pass"}),
        ("guard", "x = check(a)", set()),
        ("lock", "select(a).with_for_update(read=True)", {"select(a)"}),
        ("lock", "(select(a)).with_for_update().b", {"(select(a)).b"}),
        ("lock", "x = 'SELECT 1 FOR UPDATE'", {"x = 'SELECT 1'"}),
        ("lock", "x = f'SELECT {a} FOR SHARE OF p'", {"x = f'SELECT {a}'"}),
        ("lock", "'Takes it FOR UPDATE.'", set()),
        ("lock", "x = _SELECT + _FOR_SHARE", {'x = _SELECT + ""'}),
        ("escape", "escape(a)", {"a"}),
        ("escape", "re.escape(a) + b", {"a + b"}),
        ("escape", "a.replace('%', '\\\\%').b()", {"a.b()"}),
        ("escape", "a.replace('%', '')", set()),
        ("escape", "a.contains(b, autoescape=True)", {"a.contains(b, autoescape=False)"}),
        ("escape", "Encoder(ensure_ascii=False)", {"Encoder(ensure_ascii=True)"}),
        (
            "access",
            "VERBS: X = {'a': (p,), 'b': (p, q)}",
            {
                "VERBS: X = {'a': (), 'b': (p, q)}",
                "VERBS: X = {'a': (p, q,), 'b': (p, q)}",
                "VERBS: X = {'a': (p,), 'b': ()}",
                "VERBS: X = {'a': (p,), 'b': (p,)}",
                "VERBS: X = {'a': (p,), 'b': (q,)}",
            },
        ),
        ("access", "OTHERS = {'a': (p,)}", set()),
        ("comparison", "if TYPE_CHECKING:\n    a == b", set()),
    ],
)
def test_what_is_written(kind: str, text: str, mutants: set[str]) -> None:
    assert {m.apply(text) for m in mutations(text) if m.kind == kind} == mutants


def test_line_and_diff_point_at_the_fault() -> None:
    text = 'x = "\u2028"\n\nif a < 1:\n    pass\n'
    found = next(m for m in mutations(text) if m.new == "<=")
    assert found.line == 3
    assert found.diff(text, "a.py").endswith("@@ -3 +3 @@\n-if a < 1:\n+if a <= 1:")


@pytest.mark.parametrize("room", ROOMS.values(), ids=lambda room: room.name)
def test_every_mutant_drawn_is_python_and_the_seed_decides(room: Room) -> None:
    everyone = population(room)
    drawn = draw(room, everyone, 1, 40)
    assert len(set(drawn)) == 40
    assert drawn == draw(room, population(room), 1, 40) != draw(room, everyone, 2, 40)
    assert draw(room, everyone, 1, 10) == drawn[:10]
    assert {m.mutation.kind for m in drawn} == {m.mutation.kind for m in everyone}
    for mutant in drawn:
        ast.parse(mutant.mutation.apply(mutant.text))


def test_a_room_that_has_moved_isnamed() -> None:
    with pytest.raises(LookupError, match="engine/attic"):
        Room("attic", ("engine/law", "engine/attic*"), ()).modules()
    with pytest.raises(LookupError, match=r"test_attic\.py"):
        Room("attic", ("engine/law",), ("tests/engine/test_attic.py::test_it",)).modules()
