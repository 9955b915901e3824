"""The rulebook: every entry valid, every row of the law brief present, the strictest holds, law is never loosened."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from engine import law
from engine.calendar import Calendar
from engine.clock import CHINA
from engine.errors import Invalid, ProcessFault

FOLDER = Path(__file__).resolve().parents[2] / "processes" / "law"
BOOK = law.load(FOLDER)
TODAY = date(2026, 11, 22)
ABOVE = (  # documents of superior unions
    "浙总工发〔2020〕24号",
    "浙江省级产业工会职工互助保障方案",
    "浙教工〔2022〕27号",
)
ZHEJIANG = frozenset({"CN", "CN-ZJ"})
HANGZHOU = ZHEJIANG | {"CN-ZJ-HZ"}
NINGBO = ZHEJIANG | {"CN-ZJ-NB"}

# id -> (value or share, unit, op) as it must come out for a Zhejiang case today
EXPECTED: dict[str, tuple[int | Fraction | None, str, str]] = {
    "CAL-START": (None, "none", "must"),
    "CAL-ROLL": (None, "none", "must"),
    "NUM-INCL": (None, "none", "must"),
    "CG-QUORUM": (Fraction(2, 3), "share", ">="),
    "CG-VOTE-EDU": (Fraction(1, 2), "share", ">"),
    "CG-VOTE-ENT": (Fraction(1, 2), "share", ">"),
    "CG-EXTRA": (Fraction(1, 3), "share", ">="),
    "CG-FREQ": (1, "times", ">="),
    "CG-TERM": (3, "year", "="),
    "CG-TERM-LONG": (5, "year", "="),
    "CG-TEACHER": (60, "percent", ">="),
    "CG-MGR-ENT": (20, "percent", "<="),
    "CG-SIZE-ENT": (30, "person", ">="),
    "CG-SIZE-ENT-100": (40, "person", ">="),
    "CG-SIZE-ENT-100-STEP": (Fraction(7, 100), "share", ">="),
    "CG-SIZE-ENT-1000": (100, "person", ">="),
    "CG-SIZE-ENT-1000-STEP": (Fraction(1, 50), "share", ">="),
    "CG-SIZE-ENT-5000": (200, "person", ">="),
    "MO-SECOND": (3, "person", ">="),
    "MO-SECOND-WINDOW": (7, "day", "within"),
    "MO-HEAD": (5, "working_day", "within"),
    "MO-REVIEW": (15, "working_day", "within"),
    "MO-REVISE": (7, "day", "within"),
    "MO-MERGE-CONSENT": (5, "working_day", "within"),
    "MO-REFUSE": (5, "working_day", "within"),
    "MO-REPLY": (45, "day", "within"),
    "MO-REPLY-COMPLEX": (60, "day", "within"),
    "MO-EXT": (15, "day", "within"),
    "MO-EXT-TIMES": (1, "times", "<="),
    "MO-AMBER": (7, "day", "before"),
    "MO-COSIGN": (5, "working_day", "within"),
    "MO-SIGN": (5, "working_day", "within"),
    "MO-RATE": (10, "day", "within"),
    "MO-RATE-GRADES": (3, "count", "="),
    "MO-REDO": (30, "day", "within"),
    "MO-REDO-TIMES": (1, "times", "<="),
    "MO-REVIEW-REQUEST": (10, "day", "within"),
    "MO-PUBLISH": (5, "working_day", ">="),
    "MO-COMMITTEE-MIN": (5, "person", ">="),
    "MO-COMMITTEE-MAX": (9, "person", "<="),
    "MO-REMIND-DAYS": (1, "working_day", ">="),
    "MO-REPORT": (None, "none", "must"),
    "CC-MINREP": (3, "person", ">="),
    "CC-MINREP-L": (5, "person", ">="),
    "CC-EQUAL": (Fraction(1), "share", "="),
    "CC-EXPERT": (Fraction(1, 3), "share", "<="),
    "CC-REPLY": (10, "working_day", "within"),
    "CC-NOTICE": (7, "day", "before"),
    "CC-SUSPEND": (60, "day", "<="),
    "CC-SUBMIT": (15, "working_day", "within"),
    "CC-PASS-QUORUM": (Fraction(2, 3), "share", ">="),
    "CC-PASS": (Fraction(1, 2), "share", ">"),
    "CC-RESUBMIT": (5, "working_day", "within"),
    "CC-FILE": (10, "day", "within"),
    "CC-FILE-COPIES": (5, "copies", ">="),
    "CC-EFFECT": (15, "day", "within"),
    "CC-PUBLISH": (5, "working_day", "within"),
    "CC-TERM": (3, "year", "<="),
    "CC-TERM-MIN": (1, "year", ">="),
    "CC-RENEW": (90, "day", "opens"),
    "CC-WAGE": (Fraction(1), "share", ">"),
    "CC-COORD": (30, "day", "within"),
    "CC-COORD-EXT": (15, "day", "<="),
    "CC-CANCEL": (5, "working_day", "within"),
    "CC-VACANCY": (15, "day", "within"),
    "TR-CONSENT": (None, "none", "must"),
    "TR-SILENCE": (None, "none", "must"),
    "TR-REMIND": (15, "working_day", "within"),
    "TR-REMIND-ESCALATE": (30, "day", "within"),
    "TR-REMOVE": (Fraction(1, 2), "share", ">"),
    "TR-BYELECT": (3, "month", "within"),
    "TR-BYELECT-PUB": (6, "month", "<="),
    "EL-QUORUM": (Fraction(2, 3), "share", ">="),
    "EL-WIN": (Fraction(1, 2), "share", ">"),
    "EL-SURPLUS": (5, "percent", ">="),
    "EL-SURPLUS-STANDING": (10, "percent", ">="),
    "EL-NOTICE": (7, "day", ">="),
    "MD-VOLUNTARY": (None, "none", "must"),
    "MD-ACCEPT": (3, "working_day", "within"),
    "MD-TERM": (15, "day", "within"),
    "MD-EXT": (None, "none", "must"),
    "MD-EFFECT": (None, "none", "must"),
    "MD-CONFIRM": (15, "day", "within"),
    "MD-LIMIT": (1, "year", "within"),
    "MD-GROUP": (10, "person", ">="),
    "AP-TELL": (15, "day", "within"),
    "AP-DONE": (60, "day", "within"),
    "AP-DONE-EXT": (30, "day", "<="),
    "LS-REJECT": (5, "working_day", "within"),
    "LS-ANSWER": (15, "working_day", "within"),
    "DM-ANSWER": (30, "day", "within"),
    "FUND-RATE": (2, "percent", "="),
    "ST-RATIO": (3, "permille", ">="),
    "PARTY-MTG": (1, "times", ">="),
    "UNION-MIN": (25, "person", ">="),
}
CITY = {"CC-HZ-DONE": (60, "day", HANGZHOU), "CC-NB-DONE": (30, "working_day", NINGBO)}


def ruling(id: str, **more) -> law.Ruling:
    return BOOK.ruling(id, more.pop("on", TODAY), **more)


def setting(id: str, value, **more) -> law.Setting:
    return law.Setting(
        id, value, more.pop("valid_from", date(2026, 1, 1)), source="校教代会决议", **more
    )


ENTRY = {
    "id": "T-ONE",
    "title": "试",
    "title_en": "Try",
    "value": 10,
    "unit": "day",
    "op": "within",
    "source": "《甲法》",
    "source_en": "Act A",
    "article": "1",
    "jurisdiction": "CN",
    "level": "LAW",
    "confidence": "V",
    "text": "十日内办理。",
    "text_en": "Within ten days.",
}
SHARE = {
    **ENTRY,
    "value": None,
    "numerator": 2,
    "denominator": 3,
    "unit": "share",
    "op": ">=",
    "of": "all",
}


def folder(tmp_path: Path, *entries: dict) -> Path:
    def shown(value) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return f'"{value}"' if isinstance(value, str) else str(value)

    texts = [
        "[[rule]]\n" + "\n".join(f"{k} = {shown(v)}" for k, v in e.items() if v is not None)
        for e in entries
    ]
    (tmp_path / "some.toml").write_text("\n".join(texts), encoding="utf-8")
    return tmp_path


def book(tmp_path: Path, *changes: dict) -> law.Rulebook:
    return law.load(
        folder(
            tmp_path,
            *(
                {"id": "TT-ONE", **{k: v for k, v in ENTRY.items() if k != "id"}, **c}
                for c in changes
            ),
        )
    )


class TestTheShippedRules:
    @pytest.mark.parametrize("id", EXPECTED)
    def test_each_row_of_the_brief_is_there_with_its_value(self, id):
        found = ruling(id)
        number, unit, op = EXPECTED[id]
        assert (found.share if unit == "share" else found.value, found.unit, found.op) == (
            number,
            unit,
            op,
        )

    @pytest.mark.parametrize("id", CITY)
    def test_city_rules_hold_in_their_city_only(self, id):
        value, unit, places = CITY[id]
        found = ruling(id, jurisdictions=places)
        assert (found.value, found.unit) == (value, unit)
        with pytest.raises(ProcessFault, match="没有适用的条文"):
            ruling(id)

    def test_every_entry_speaks_both_languages_and_stands_on_a_source(self):
        for rule in BOOK.rules:
            assert rule.text.endswith("。") and rule.text_en.endswith(".")
            assert rule.cite() and rule.cite("en")
            assert not any(
                "\u4e00" <= letter <= "\u9fff"
                for letter in rule.text_en + rule.title_en + rule.source_en
            )
            assert bool(rule.note) == bool(rule.note_en)

    def test_no_number_of_law_is_a_float(self):
        def walk(value):
            assert not isinstance(value, float), value
            for inner in (
                value.values()
                if isinstance(value, dict)
                else value
                if isinstance(value, list)
                else ()
            ):
                walk(inner)

        files = sorted(FOLDER.glob("*.toml"))
        assert {path.stem for path in files} == {
            "general",
            "ledger",
            "congress",
            "motions",
            "consultation",
            "transfer",
            "mediation",
            "funds",
            "help",
            "others",
        }
        for path in files:
            walk(tomllib.loads(path.read_text(encoding="utf-8")))

    def test_law_is_binding_and_defaults_are_not(self):
        for rule in BOOK.rules:
            floor = rule.id in {"BALLOT-KEYS", "BALLOT-MIN"}  # without them a secret ballot is none
            assert rule.binding is (
                rule.level == "LAW" or rule.source.startswith(ABOVE) or floor
            ), rule.id
            assert (rule.confidence == "P") is (
                rule.level != "LAW" and (floor or not rule.binding)
            ), rule.id

    def test_an_entry_of_law_without_a_date_says_so(self):
        undated = [
            rule
            for rule in BOOK.rules
            if rule.binding and rule.valid_from is None and rule.id != "TR-SILENCE"
        ]
        assert undated
        assert all("待核对" in rule.note for rule in undated)

    @pytest.mark.parametrize("id", [*EXPECTED, "CC-HZ-NOTICE", "CC-NB-REPS-PUBLISH"])
    def test_every_ruling_can_be_said(self, id):
        found = ruling(id, jurisdictions=HANGZHOU | NINGBO)
        zh, en = found.words(), found.words("en")
        assert zh.endswith("。") and zh.count("。") == 1
        assert en.endswith(".") and found.rule.cite("en") in en
        assert found.rule.cite() in zh

    def test_get_gives_all_entries_and_refuses_the_unknown(self):
        assert [rule.jurisdiction for rule in BOOK.get("CC-REPLY")] == ["CN-ZJ", "CN"]
        assert set(EXPECTED) | set(CITY) <= set(BOOK.ids)
        with pytest.raises(ProcessFault, match="NO-RULE"):
            BOOK.get("NO-RULE")


class TestTheStrictestHolds:
    def test_more_than_half_beats_at_least_half(self):
        found = ruling("CC-PASS")
        assert (found.op, found.share, found.rule.jurisdiction) == (">", Fraction(1, 2), "CN-ZJ")
        assert [other.op for other in found.others] == [">="]

    def test_outside_zhejiang_the_national_value_holds(self):
        found = ruling("CC-PASS", jurisdictions=frozenset({"CN"}))
        assert (found.op, found.others) == (">=", ())
        assert ruling("CG-VOTE-EDU", jurisdictions=frozenset({"CN"})).op == ">="

    def test_the_larger_number_of_copies_and_the_longer_notice(self):
        assert ruling("CC-FILE-COPIES").value == 5
        assert ruling("CC-NOTICE").value == 7

    def test_a_wage_must_be_higher_not_just_as_high(self):
        found = ruling("CC-WAGE")
        assert not law.compare(found.op, found, 249_000, 249_000)
        assert law.compare(found.op, found, 249_001, 249_000)

    def test_limits_of_different_units_are_all_kept(self):
        found = ruling("CC-REPLY")
        assert [(limit.amount, limit.unit) for limit in found.limits] == [
            (10, "working_day"),
            (20, "day"),
        ]
        assert ruling("CC-PASS").limits == ()

    def test_of_equal_values_the_first_in_the_file_is_named_and_the_others_stay(self):
        found = ruling("CG-QUORUM")
        assert found.confidence == "M"
        assert [rule.article for rule in found.others] == ["15", "24"]
        assert "凭记忆，待核对" in found.words() and "from memory, to be checked" in found.words(
            "en"
        )

    def test_of_equal_values_the_law_is_named_before_the_union_s_own(self):
        own = setting("CG-QUORUM", Fraction(2, 3))
        assert ruling("CG-QUORUM", settings=[own]).level == "LAW"

    def test_a_university_rule_replaces_a_product_default_and_the_law_beside_it_stays(
        self, tmp_path
    ):
        uni, default = {"level": "UNI", "confidence": "P"}, {"level": "DEF", "confidence": "P"}
        rules = book(
            tmp_path,
            {**uni, "value": 30, "source": "甲校"},
            {**default, "value": 5, "source": "默认"},
            {"value": 60},
        )
        found = rules.ruling("TT-ONE", TODAY)
        assert (found.value, found.level) == (30, "UNI")
        assert {limit.amount for limit in found.limits} == {30, 60}
        assert len(found.others) == 2

    def test_contradicting_exact_values_are_flagged_not_decided(self, tmp_path):
        rules = book(tmp_path, {"op": "="}, {"op": "=", "value": 11, "article": "2"})
        with pytest.raises(ProcessFault, match="互相矛盾"):
            rules.ruling("TT-ONE", TODAY)


class TestVersions:
    @pytest.mark.parametrize(
        ("on", "value"),
        [
            (date(2025, 8, 31), 10),
            (date(2025, 9, 1), 8),
            (date(2025, 9, 2), 8),
        ],
    )
    def test_a_case_keeps_the_value_of_its_day(self, tmp_path, on, value):
        rules = book(
            tmp_path, {"valid_to": date(2025, 8, 31)}, {"value": 8, "valid_from": date(2025, 9, 1)}
        )
        assert rules.ruling("TT-ONE", on).value == value

    def test_before_its_first_day_nothing_holds(self):
        assert ruling("CC-SUBMIT", on=date(2011, 1, 1)).value == 15
        with pytest.raises(ProcessFault, match="2010-12-31"):
            ruling("CC-SUBMIT", on=date(2010, 12, 31))
        assert ruling("CC-REPLY", on=date(2010, 12, 31)).value == 20


class TestSettings:
    def test_it_replaces_a_default_both_ways(self):
        for value in (2, 5):
            found = ruling("MO-SECOND", settings=[setting("MO-SECOND", value)])
            assert (found.value, found.op, found.level, found.confidence) == (
                value,
                ">=",
                "UNI",
                "P",
            )
            assert found.setting is not None and "校教代会决议" in found.words()
            assert "另有不少于 3 人" in found.words()

    def test_it_holds_on_its_days_only_and_the_latest_wins(self):
        mine = [
            setting("MO-REPLY", 60, valid_to=date(2026, 6, 30)),
            setting("MO-REPLY", 30, valid_from=date(2026, 7, 1)),
            setting("MO-REPLY", 40, valid_from=date(2026, 3, 1), valid_to=date(2026, 3, 31)),
            setting("MO-RATE", 99),
        ]
        days = {
            date(2025, 12, 31): 45,
            date(2026, 1, 1): 60,
            date(2026, 3, 15): 40,
            date(2026, 6, 30): 60,
        }
        for on, value in {**days, date(2026, 7, 1): 30}.items():
            assert ruling("MO-REPLY", on=on, settings=mine).value == value

    def test_it_tightens_law(self):
        law.check_setting(BOOK, setting("CC-REPLY", 8))
        found = ruling("CC-REPLY", settings=[setting("CC-REPLY", 8)])
        assert (found.value, found.unit) == (8, "working_day")
        assert found.setting is not None

    def test_it_never_loosens_law_even_if_it_got_in(self):
        found = ruling("CC-REPLY", settings=[setting("CC-REPLY", 15)])
        assert (found.value, found.setting, found.level) == (10, None, "LAW")
        assert ruling("CC-FILE-COPIES", settings=[setting("CC-FILE-COPIES", 3)]).value == 5
        assert ruling("ST-RATIO", settings=[setting("ST-RATIO", 1)]).value == 3

    def test_a_vacation_cannot_stretch_law_through_a_tighter_setting(self):
        calendar = Calendar(vacations=((date(2026, 7, 10), date(2026, 8, 31), "暑假"),))
        found = ruling("CC-REPLY", on=date(2026, 7, 8), settings=[setting("CC-REPLY", 8)])
        assert law.deadline(found, date(2026, 7, 8), calendar).day == date(2026, 7, 22)

    @pytest.mark.parametrize(
        ("id", "value"),
        [
            ("CC-REPLY", 11),
            ("CC-FILE-COPIES", 4),
            ("CC-MINREP", 2),
            ("CC-NOTICE", 6),
            ("CC-RENEW", 91),
            ("FUND-RATE", 1),
            ("FUND-RATE", 3),
            ("CG-QUORUM", Fraction(1, 2)),
            ("CG-TEACHER", 59),
            ("ST-RATIO", 2),
            ("CC-EXPERT", Fraction(1, 2)),
        ],
    )
    def test_loosening_is_refused_with_the_source(self, id, value):
        with pytest.raises(Invalid) as refusal:
            law.check_setting(BOOK, setting(id, value))
        assert BOOK.get(id)[0].source in refusal.value.fields["value"][0]

    @pytest.mark.parametrize(
        ("id", "value"),
        [
            ("CC-REPLY", 10),
            ("CC-REPLY", 1),
            ("CC-FILE-COPIES", 5),
            ("CC-NOTICE", 10),
            ("CC-RENEW", 60),
            ("FUND-RATE", 2),
            ("CG-QUORUM", Fraction(3, 4)),
            ("CG-TEACHER", 60),
            ("ST-RATIO", 3),
            ("MO-SECOND", 0),
            ("MO-REPLY", 90),
            ("CG-VOTE-EDU", Fraction(1, 2)),
            ("CG-QUORUM", 1),
            ("CC-WAGE", Fraction(6, 5)),
            ("HD-INCOME-2", 200),
        ],
    )
    def test_what_is_as_strict_or_free_passes(self, id, value):
        law.check_setting(BOOK, setting(id, value))

    @pytest.mark.parametrize(
        ("id", "value", "field"),
        [
            ("NO-RULE", 1, "rule_id"),
            ("MO-REPORT", 1, "value"),
            ("MO-REPLY", 0, "value"),
            ("MO-REPLY", -1, "value"),
            ("MO-REPLY", 45.0, "value"),
            ("MO-REPLY", True, "value"),
            ("MO-REPLY", Fraction(1, 2), "value"),
            ("MO-REPLY", 10**9, "value"),
            ("CG-QUORUM", Fraction(3, 2), "value"),
            ("CG-QUORUM", Fraction(70_001, 100_000), "value"),
            ("CC-PASS", 1, "value"),
            ("CC-WAGE", 11, "value"),
            ("CG-TEACHER", 101, "value"),
        ],
    )
    def test_what_is_no_value_is_refused(self, id, value, field):
        with pytest.raises(Invalid) as refusal:
            law.check_setting(BOOK, setting(id, value))
        assert list(refusal.value.fields) == [field]

    @pytest.mark.parametrize("unit", [None, "percent"])
    def test_nothing_is_more_than_a_hundred_percent(self, tmp_path, unit):
        rules = book(
            tmp_path, {"id": "CG-TEACHER", "value": 50, "unit": "percent", "op": ">", "of": "all"}
        )
        law.check_setting(rules, setting("CG-TEACHER", 99, unit=unit))
        with pytest.raises(Invalid, match="没有人数能超过全部"):
            law.check_setting(rules, setting("CG-TEACHER", 100, unit=unit))

    @pytest.mark.parametrize(
        ("text", "share"),
        [
            ("2/3", Fraction(2, 3)),
            ("2／3", Fraction(2, 3)),
            ("\u3000２ ／ ３ ", Fraction(2, 3)),
            ("4/6", Fraction(2, 3)),
            ("1/1", Fraction(1)),
            ("2/0", None),
            ("2", None),
            ("0.66", None),
            ("66%", None),
            ("-2/3", None),
            ("1 2/3", None),
            ("2/3/4", None),
            ("½", None),
            ("三分之二", None),
            ("1234567/1234568", None),
            ("", None),
        ],
    )
    def test_a_share_is_read_as_people_write_it(self, text, share):
        assert law.fraction(text) == share

    def test_units_sources_and_dates_are_checked(self):
        law.check_setting(BOOK, setting("CC-REPLY", 15, unit="day"))
        law.check_setting(BOOK, setting("MO-REPLY", 30, unit="working_day"))
        for wrong in (setting("CC-REPLY", 1, unit="month"), setting("MO-SECOND", 3, unit="day")):
            with pytest.raises(Invalid):
                law.check_setting(BOOK, wrong)
        with pytest.raises(Invalid) as refusal:
            law.check_setting(
                BOOK, law.Setting("MO-SECOND", 3, date(2026, 2, 1), date(2026, 1, 1), "  ")
            )
        assert set(refusal.value.fields) == {"source", "valid_to"}

    def test_the_law_of_another_city_binds_nobody_here(self, tmp_path):
        rules = book(
            tmp_path,
            {"level": "DEF", "confidence": "P"},
            {"value": 5, "jurisdiction": "CN-ZJ-HZ", "article": "2"},
        )
        law.check_setting(rules, setting("TT-ONE", 9))
        with pytest.raises(Invalid, match="不得放宽"):
            law.check_setting(rules, setting("TT-ONE", 9), HANGZHOU)

    def test_only_law_of_the_same_time_binds(self, tmp_path):
        rules = book(
            tmp_path,
            {"valid_to": date(2025, 12, 31)},
            {"value": 20, "valid_from": date(2026, 1, 1)},
        )
        law.check_setting(rules, setting("TT-ONE", 15))
        with pytest.raises(Invalid):
            law.check_setting(rules, setting("TT-ONE", 15, valid_from=date(2025, 12, 31)))


class TestDeadlines:
    PLAIN = Calendar()

    @pytest.mark.parametrize(
        ("start", "day"),
        [
            (date(2026, 3, 2), date(2026, 3, 16)),  # 10 working days first
            (date(2026, 9, 24), date(2026, 10, 14)),  # over National Day the 20 days come first
        ],
    )
    def test_the_earliest_of_all_limits(self, start, day):
        due = law.deadline(ruling("CC-REPLY"), start, self.PLAIN)
        assert due.day == day
        assert "取较早者" in due.steps[-1]

    def test_seven_days_before_keeps_clear_days_for_law_only(self):
        meeting = datetime(2026, 4, 16, 9, tzinfo=CHINA)
        assert law.deadline(ruling("CC-NOTICE"), meeting, self.PLAIN).day == date(2026, 4, 8)
        assert law.deadline(ruling("MO-AMBER"), meeting, self.PLAIN).day == date(2026, 4, 9)
        assert law.before(ruling("CC-NOTICE"), meeting, self.PLAIN).day == date(2026, 4, 9)
        assert law.before(ruling("MO-EXT"), meeting, self.PLAIN).day == date(2026, 4, 1)

    def test_a_window_opens_when_all_sources_let_it(self):
        due = law.deadline(ruling("CC-RENEW"), date(2027, 12, 31), self.PLAIN)
        assert due.day == date(
            2027, 10, 2
        )  # 90 days, although three months would open it on 30 September
        assert not due.provisional

    def test_waiting_at_least_takes_the_latest(self, tmp_path):
        rules = book(
            tmp_path, {"op": ">="}, {"op": ">=", "value": 8, "unit": "working_day", "article": "2"}
        )
        assert law.deadline(
            rules.ruling("TT-ONE", TODAY), date(2026, 3, 2), self.PLAIN
        ).day == date(2026, 3, 12)

    @pytest.mark.parametrize(("op", "day"), [(">=", date(2026, 3, 9)), (">", date(2026, 3, 10))])
    def test_more_than_seven_days_are_over_a_day_after_seven(self, tmp_path, op, day):
        found = book(tmp_path, {"op": op, "value": 7, "unit": "day"}).ruling("TT-ONE", TODAY)
        due = law.deadline(found, date(2026, 3, 2), self.PLAIN)
        assert due.day == day and "2026-03-09" in "".join(str(step) for step in due.steps)

    def test_a_school_vacation_stretches_its_own_limits_but_not_the_law(self):
        calendar = Calendar(vacations=((date(2026, 7, 10), date(2026, 8, 31), "暑假"),))
        lawful = law.deadline(ruling("CC-SUBMIT"), date(2026, 7, 8), calendar)
        assert lawful.day == date(2026, 7, 29)
        assert lawful.steps[-1] == "法定期限不因本单位假期顺延。"
        assert law.deadline(ruling("MO-REVIEW"), date(2026, 7, 8), calendar).day == date(
            2026, 9, 18
        )

    def test_a_date_that_a_missing_notice_may_change_is_provisional(self):
        assert law.deadline(ruling("CC-REPLY"), date(2026, 12, 21), self.PLAIN).provisional
        assert not law.deadline(ruling("CC-REPLY"), date(2026, 12, 4), self.PLAIN).provisional

    def test_a_head_count_is_no_deadline(self):
        for compute in (law.deadline, law.before):
            with pytest.raises(ProcessFault, match="不是期限"):
                compute(ruling("MO-SECOND"), TODAY, self.PLAIN)


class TestCompare:
    @pytest.mark.parametrize(
        ("id", "left", "total", "holds"),
        [
            ("CG-QUORUM", 65, 99, False),
            ("CG-QUORUM", 66, 99, True),
            ("CG-QUORUM", 67, 99, True),
            ("CG-QUORUM", 66, 100, False),
            ("CG-QUORUM", 67, 100, True),
            ("CG-QUORUM", 0, 0, False),
            ("CC-PASS", 49, 100, False),
            ("CC-PASS", 50, 100, False),
            ("CC-PASS", 51, 100, True),
            ("CC-PASS", 50, 99, True),
            ("CC-PASS", 0, 0, False),
            ("CC-EXPERT", 1, 3, True),
            ("CC-EXPERT", 2, 5, False),
            ("CC-EXPERT", 0, 0, True),
            ("CC-EQUAL", 5, 5, True),
            ("CC-EQUAL", 5, 4, False),
            ("CC-EQUAL", 0, 0, False),
            ("CG-TEACHER", 59, 100, False),
            ("CG-TEACHER", 60, 100, True),
            ("CG-MGR-ENT", 20, 100, True),
            ("CG-MGR-ENT", 21, 100, False),
            ("ST-RATIO", 2, 1000, False),
            ("ST-RATIO", 3, 1000, True),
            ("ST-RATIO", 3, 1001, False),
            ("MO-SECOND", 2, None, False),
            ("MO-SECOND", 3, None, True),
            ("MO-COMMITTEE-MAX", 9, None, True),
            ("MO-COMMITTEE-MAX", 10, None, False),
            ("MO-REPLY", 45, None, True),
            ("MO-REPLY", 46, None, False),
        ],
    )
    def test_one_below_equal_one_above(self, id, left, total, holds):
        found = ruling(id)
        assert law.compare(found.op, found, left, total) is holds

    def test_it_is_exact_where_floats_are_not(self):
        quorum = ruling("CG-QUORUM")
        large = 3 * 10**17
        assert law.compare(">=", quorum, 2 * 10**17, large)
        assert not law.compare(">=", quorum, 2 * 10**17 - 1, large)

    def test_the_law_s_own_operator_is_not_forced(self):
        assert law.compare(">=", ruling("CC-PASS"), 50, 100)

    def test_nonsense_is_refused(self):
        for op, id, left, total in [
            (">=", "CG-QUORUM", 1, None),
            (">=", "CG-QUORUM", -1, 3),
            (">=", "CG-QUORUM", 1, -3),
            ("must", "MO-REPORT", 1, None),
            ("must", "MO-SECOND", 1, None),
            ("before", "MO-AMBER", 1, None),
        ]:
            with pytest.raises(Invalid):
                law.compare(op, ruling(id), left, total)


class TestWords:
    def test_law_with_layers(self):
        assert ruling("CC-REPLY").words() == (
            "集体协商的任何一方以书面形式向对方提出集体协商要求，另一方不得拒绝，并应当在收到书面要求之日起"
            "十个工作日内予以书面答复，商定集体协商时间（《浙江省集体合同条例》第7条，法定，已核对原文）；"
            "另有 20 日内（《集体合同规定》（劳动和社会保障部令第22号）第32条，法定，已核对原文）。"
        )

    def test_equal_values_are_only_named(self):
        assert "同样见（《浙江省劳动人事争议调解仲裁条例》第10条" in ruling("MD-TERM").words()

    def test_what_no_law_fixes_is_said_plainly(self):
        assert "本单位自定，法律未规定" in ruling("MO-SECOND").words()
        assert "产品默认" in ruling("MO-REVIEW").words()
        assert "no law fixes it" in ruling("MO-REVIEW").words("en")

    def test_points_and_items_of_a_document(self):
        assert "第7条第（5）项" in ruling("MO-REPORT").words()
        assert "art. 7(5)" in ruling("MO-REPORT").words("en")
        assert "第16项，上级文件，下级不得放宽" in ruling("ST-RATIO").words()

    def test_prior_consent_of_the_document_stands_beside_the_statute(self):
        assert "须事先征得上一级工会的同意" in ruling("TR-CONSENT").words()

    def test_english_counts(self):
        found = ruling("MO-SECOND", settings=[setting("MO-SECOND", 1)])
        assert found.words("en").startswith("Seconders: set by this unit, at least 1 person (by: ")
        assert "at least 3 persons" in found.words("en")


class TestLoading:
    def faults(self, tmp_path: Path, *changes: dict) -> tuple[str, ...]:
        with pytest.raises(ProcessFault) as fault:
            book(tmp_path, *changes)
        return fault.value.details["faults"]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"value": 2.5}, "整数"),
            ({"value": True}, "整数"),
            ({"value": -1}, "负"),
            ({"value": None}, "value"),
            ({"colour": "red"}, "colour"),
            ({"text": ""}, "text"),
            ({"text_en": None}, "text_en"),
            ({"unit": "week"}, "week"),
            ({"op": "~"}, "~"),
            ({"level": "GOD"}, "GOD"),
            ({"jurisdiction": "US"}, "US"),
            ({"confidence": "P"}, "法定"),
            ({"binding": False}, "法定"),
            ({"binding": "yes"}, "binding"),
            ({"id": "lower-case"}, "编号"),
            ({"valid_from": "2026-01-01"}, "日期"),
            ({"valid_from": date(2026, 1, 2), "valid_to": date(2026, 1, 1)}, "失效日"),
            ({"of": "all"}, "基数"),
            ({"op": "must"}, "不带数值"),
            ({"unit": "none", "op": "<="}, "none"),
            ({"unit": "person"}, "期限"),
            ({"article": 7}, "文字"),
            ({**{k: v for k, v in SHARE.items() if k != "id"}, "of": None}, "基数"),
            ({**{k: v for k, v in SHARE.items() if k != "id"}, "of": "moon"}, "基数"),
            ({**{k: v for k, v in SHARE.items() if k != "id"}, "denominator": 0}, "分母"),
            ({**{k: v for k, v in SHARE.items() if k != "id"}, "numerator": None}, "numerator"),
        ],
    )
    def test_a_faulty_entry_is_refused_in_words(self, tmp_path, change, said):
        found = self.faults(tmp_path, change)
        assert len(found) == 1 and said in found[0] and found[0].startswith("some.toml:")

    def test_all_faults_of_all_files_come_at_once(self, tmp_path):
        (tmp_path / "broken.toml").write_text("[[rule]\n", encoding="utf-8")
        (tmp_path / "odd.toml").write_text('rule = "none"\ncolour = 1\n', encoding="utf-8")
        found = self.faults(tmp_path, {"value": 2.5}, {"unit": "week"})
        assert len(found) == 5

    def test_entries_that_cannot_be_weighed_or_stand_twice_are_refused(self, tmp_path):
        assert "无法取最严者" in self.faults(tmp_path, {}, {"op": ">=", "article": "2"})[0]
        assert (
            "无法取最严者"
            in self.faults(tmp_path, {}, {"op": "<=", "unit": "person", "article": "2"})[0]
        )
        assert "两个值" in self.faults(tmp_path, {}, {"value": 12})[0]

    def test_an_empty_folder_is_refused(self, tmp_path):
        with pytest.raises(ProcessFault, match="没有任何规则"):
            law.load(tmp_path)
