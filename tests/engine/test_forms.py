"""Forms: what a schema may say, what an answer may hold, and that nothing but `Invalid` ever comes out."""

from __future__ import annotations

import json
import unicodedata
from contextlib import suppress
from typing import Any

import pytest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Invalid, ProcessFault
from engine.forms import (
    KINDS,
    Choice,
    Limits,
    bigrams,
    clean,
    faults,
    load,
    schema_of,
    search_key,
    settled,
)


def component(kind: str, key: str = "x", **more: Any) -> dict[str, Any]:
    """A sound component; keyword arguments add or replace."""
    made: dict[str, Any] = {
        "type": kind,
        "key": key,
        "label": "某项",
        "properties": {"label_en": "Something"},
    }
    if kind in {"select", "radio", "checklist"}:
        made["values"] = [{"label": "立案", "value": "file"}, {"label": "退回", "value": "decline"}]
        made["properties"]["values_en"] = "File|Decline"
    if kind == "datetime":
        made["subtype"] = "date"
        made["dateLabel"] = made.pop("label")
    if kind == "expression":
        made["expression"] = "=0"
    if kind == "dynamiclist":
        made["path"] = made.pop("key")
        made["components"] = [component("textfield", "y")]
        made["properties"] |= {"min_rows": "0", "max_rows": "9"}
    return made | more


def schema(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": "default", "id": "review", "components": list(components)}


def answer(kind: str, value: Any, **more: Any) -> Any:
    """What becomes of one answer."""
    return clean(load(schema(component(kind, **more))), {"x": value}).get("x")


def refusals(kind: str, value: Any, **more: Any) -> list[str]:
    with pytest.raises(Invalid) as caught:
        answer(kind, value, **more)
    return caught.value.fields["x"]


REQUIRED = {"validate": {"required": True}}


class TestReadingASchema:
    def test_a_component_becomes_a_field(self) -> None:
        form = load(
            schema(
                component(
                    "radio",
                    description="说明",
                    properties={
                        "label_en": "Decision",
                        "description_en": "Help",
                        "values_en": "File | Decline",
                    },
                    conditional={"hide": '=kind != "a"'},
                    **REQUIRED,
                ),
                component("text", text="# 说明"),
            )
        )
        radio, text = form.fields
        assert (form.id, radio.key, radio.kind) == ("review", "x", "radio")
        assert (radio.label, radio.label_en) == ("某项", "Decision")
        assert (radio.description, radio.description_en, radio.required) == ("说明", "Help", True)
        assert radio.choices == (
            Choice("file", "立案", "File"),
            Choice("decline", "退回", "Decline"),
        )
        assert radio.hide == 'kind != "a"'
        assert (text.key, text.kind, text.label) == ("", "text", "# 说明")
        assert form.asked == (radio,)

    def test_limits_are_read_and_long_texts_bounded(self) -> None:
        form = load(
            schema(
                component("textfield", "a"),
                component("textarea", "b"),
                component(
                    "textfield", "c", validate={"minLength": 2, "maxLength": 9, "pattern": "^a$"}
                ),
                component("number", "d", validate={"min": -1, "max": 5}),
            )
        )
        assert [each.limits.max_length for each in form.fields] == [500, 10_000, 9, None]
        assert form.fields[2].limits == Limits(min_length=2, max_length=9, pattern="^a$")
        assert form.fields[3].limits == Limits(minimum=-1, maximum=5)

    @pytest.mark.parametrize(
        "broken",
        [
            {},
            [],
            None,
            {"type": "default"},
            {"type": "default", "id": 1, "components": []},
            {"type": "default", "id": "a", "components": {}},
            {"type": "x", "id": "a", "components": []},
            schema(component("html")),
            schema(component("script")),
            schema({"type": ["a"], "key": "x"}),
            schema(component("textfield", "")),
            schema(component("textfield", "_x")),
            schema(component("textfield", "A")),
            schema(component("textfield", "a.b")),
            schema(component("textfield", "class")),
            schema(component("textfield", "true")),
            schema(component("textfield", "x" * 61)),
            schema(component("textfield", 1)),  # type: ignore[arg-type]
            schema(component("textfield"), component("number")),
            schema(component("textfield", label=1)),
            schema(component("textfield", properties=["a"])),
            schema(component("textfield", validate="x")),
            schema(component("textfield", validate={"maxLength": "9"})),
            schema(component("textfield", validate={"maxLength": -1})),
            schema(component("textfield", validate={"maxLength": 20_001})),
            schema(component("textfield", validate={"minLength": True})),
            schema(component("textfield", validate={"pattern": "("})),
            schema(component("number", validate={"min": 1.5})),
            schema(component("radio", values="abc")),
            schema(component("radio", values=[{"label": "a", "value": 1}])),
            schema(component("textfield", conditional={"hide": "=(("})),
            schema(component("textfield", conditional={"hide": "=x != null"})),
            schema(
                component("textfield", "a", conditional={"hide": "=b != null"}),
                component("textfield", "b", conditional={"hide": "=a != null"}),
            ),
            schema(*[component("textfield", f"k{n}") for n in range(201)]),
            schema("text"),  # type: ignore[arg-type]
        ],
    )
    def test_what_cannot_be_understood_is_a_process_fault(self, broken: Any) -> None:
        with pytest.raises(ProcessFault):
            load(broken)
        assert len(faults(broken, set())) == 1


class TestFaultsOfASchema:
    @pytest.mark.parametrize("kind", sorted(KINDS - {"text", "group"}))
    def test_a_sound_schema_has_none(self, kind: str) -> None:
        assert (
            faults(
                schema(
                    component(kind, conditional={"hide": '=not(launch.kind != "a") or now != null'})
                ),
                {"launch", "now"},
            )
            == []
        )

    @pytest.mark.parametrize(
        ("broken", "says"),
        [
            (component("textfield", label=""), "label"),
            (
                component("textarea", properties={"label_en": "x", "differs": "later"}),
                "differs 只能写 former",
            ),
            (component("textfield", properties={}), "英文名称"),
            (component("textfield", description="说明"), "英文说明"),
            (component("radio", values=[]), "values"),
            (
                component(
                    "select", properties={"label_en": "x", "source": "units:a", "values_en": "A|B"}
                ),
                "只能有一种",
            ),
            (
                component("select", values=[], properties={"label_en": "x", "source": "users:a"}),
                "来源",
            ),
            (
                component("select", values=[], properties={"label_en": "x", "source": "units:"}),
                "来源",
            ),
            (component("number", properties={"label_en": "x", "source": "units:a"}), "来源"),
            (component("radio", values=[{"label": "a", "value": "a"}] * 2), "重复"),
            (component("radio", properties={"label_en": "x", "values_en": "File"}), "values_en"),
            (component("textfield", validate={"minLength": 9, "maxLength": 3}), "minLength"),
            (component("number", validate={"min": 9, "max": 3}), "min"),
            (component("textfield", validate={"custom": 1}), "custom"),
            (component("datetime", subtype="datetime"), "subtype"),
            (component("textfield", conditional={"hide": "a != 1"}), "="),
            (component("textfield", conditional={"hide": "=other != 1"}), "other"),
            (component("textfield", conditional={"hide": '=launch.a == "b"'}), "!="),
            (component("textfield", conditional={"hide": "=launch.a != True"}), "true"),
            (
                {
                    **component("group"),
                    "components": [
                        component("textfield", "a"),
                        component(
                            "textfield",
                            "b",
                            conditional={"hide": "=a != null and launch.b != null"},
                        ),
                    ],
                },
                "用 or 分开",
            ),
            (component("textfield", conditional={"hide": "=due(launch.a) > 1"}), "没有函数"),
            (component("textfield", conditional={"hide": "=launch.a in launch.b"}), "只能用"),
            (component("textfield", conditional={"hide": "=launch.a != 'b'"}), "双引号"),
            (component("textfield", validate={"pattern": "[0-9]+"}), "pattern"),
            (component("textfield", validate={"pattern": "^(a+)+$"}), "太复杂"),
            (component("textfield", validate={"pattern": "^(a|a)*$"}), "太复杂"),
            (component("textfield", validate={"pattern": "^(a)\\1$"}), "太复杂"),
            (component("textfield", validate={"pattern": "^" + "a?" * 30 + "a{30}$"}), "太复杂"),
            (component("textfield", validate={"pattern": "^.*.*.*.*$"}), "太复杂"),
            (component("textarea", validate={"pattern": "^a$"}), "maxLength"),
        ],
    )
    def test_a_fault_is_found_and_named(self, broken: dict[str, Any], says: str) -> None:
        assert any(says in wrong for wrong in faults(schema(broken), {"launch"}))

    def test_a_plain_pattern_is_no_fault(self) -> None:
        assert (
            faults(
                schema(component("textfield", validate={"pattern": "^[0-9]{6}(-[*+])?$"})), set()
            )
            == []
        )

    def test_fields_of_the_form_may_be_used_in_conditions(self) -> None:
        form = schema(
            component("radio", "a"),
            component("textfield", "b", conditional={"hide": '=a != "file"'}),
        )
        assert faults(form, set()) == []


# Each text, and what it becomes as a textarea: None means refused.
NASTY: list[tuple[str, str | None]] = [
    ("\0", None),
    ("a\0b", None),
    ("\x01", None),
    ("\x07bell", None),
    ("\x1b[31mred", None),
    ("\x7f", None),
    ("\x9b", None),
    ("\ud800", None),
    ("a\udfff", None),
    ("\ud83d\ude00", None),
    ("\ufffe", None),
    ("\uffff", None),
    ("\ufdd0", None),
    ("a" * 10**6, None),
    ("中" * 10_001, None),
    (" " * 10**6, None),
    ("a" + "\u0301\u0323" * 20, None),
    ("a" + "\u0301\u0323" * 500_000, None),
    ("中" * 10_000, "中" * 10_000),
    ("e\u0301", "é"),
    ("\u212b", "Å"),
    ("\u0958", "\u0915\u093c"),
    ("\uac00", "가"),
    ("\u1100\u1161", "가"),
    ("  两端空白\u3000", "两端空白"),
    ("a\r\nb\rc\u2028d\u2029e\x85f", "a\nb\nc\nd\ne\nf"),
    ("a\tb", "a\tb"),
    ("\u202egnp.exe", "gnp.exe"),
    ("a\u2066b\u2069", "ab"),
    ("\ufeff标题", "标题"),
    ("شكرا", "شكرا"),
    ("ئۇيغۇر", unicodedata.normalize("NFC", "ئۇيغۇر")),
    ("👩‍👩‍👧‍👦", "👩‍👩‍👧‍👦"),
    ("🏴\U000e0067\U000e0062\U000e007f", "🏴\U000e0067\U000e0062\U000e007f"),
    ("𠮷野家", "𠮷野家"),
    ("\ue000", "\ue000"),
    ("﷽", "﷽"),
    ("Ｆｕｌｌ", "Ｆｕｌｌ"),
    ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
    ("'; DROP TABLE member; --", "'; DROP TABLE member; --"),
    ("1 OR 1=1", "1 OR 1=1"),
    ("{{ 7*7 }}", "{{ 7*7 }}"),
    ("{% import os %}", "{% import os %}"),
    ("${jndi:ldap://x}", "${jndi:ldap://x}"),
    ("%s%n%x", "%s%n%x"),
    ("{0.__class__}", "{0.__class__}"),
    ("../../etc/passwd", "../../etc/passwd"),
    ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    ('#include "x" #eval()', '#include "x" #eval()'),
    ("\\x00\\u0000", "\\x00\\u0000"),
    ("null", "null"),
    ("NaN", "NaN"),
    ("true", "true"),
    ("%00", "%00"),
    ("\u0130\u0131ß", "\u0130\u0131ß"),
]


class TestText:
    @pytest.mark.parametrize(("text", "expected"), NASTY)
    def test_a_nasty_text_is_cleaned_or_refused(self, text: str, expected: str | None) -> None:
        if expected is None:
            assert refusals("textarea", text)
        else:
            cleaned = answer("textarea", text)
            assert cleaned == expected
            assert answer("textarea", cleaned) == cleaned
            json.dumps({"x": cleaned}).encode("utf-8")

    @pytest.mark.parametrize("kind", sorted(KINDS - {"text", "group"}))
    @pytest.mark.parametrize("text", [text for text, _ in NASTY])
    def test_no_kind_raises_anything_but_invalid(self, kind: str, text: str) -> None:
        for value in (text, [text], {text: text}, [[text]], {"x": {"y": text}}):
            with suppress(Invalid):
                json.dumps(answer(kind, value)).encode()

    @pytest.mark.parametrize(
        "empty", ["", " ", "\u3000\n", None, "\u200b", "\u202e\u200d", "\ufeff"]
    )
    def test_an_answer_of_nothing_visible_is_none(self, empty: Any) -> None:
        assert clean(load(schema(component("textarea"))), {"x": empty}) == {}
        assert refusals("textarea", empty, **REQUIRED) == ["必填"]

    def test_lengths_are_counted_in_characters_after_tidying(self) -> None:
        limits = {"validate": {"minLength": 2, "maxLength": 3}}
        assert answer("textfield", " 中文字 ", **limits) == "中文字"
        assert answer("textfield", "e\u0301e\u0301e\u0301", **limits) == "ééé"
        assert answer("textfield", "𠮷𠮷", **limits) == "𠮷𠮷"
        assert refusals("textfield", "中文字多", **limits) == ["最多 3 个字"]
        assert refusals("textfield", "中", **limits) == ["至少 2 个字"]
        assert answer("textfield", "", **limits) is None

    def test_blanks_around_a_text_have_a_bound_too(self) -> None:
        limits = {"validate": {"maxLength": 3}}
        assert answer("textfield", "a".rjust(4 * 3 + 1_000), **limits) == "a"
        assert refusals("textfield", "a".rjust(4 * 3 + 1_001), **limits) == ["最多 3 个字"]

    def test_default_lengths(self) -> None:
        assert answer("textfield", "a" * 500) and refusals("textfield", "a" * 501)
        assert answer("textarea", "a" * 10_000) and refusals("textarea", "a" * 10_001)

    def test_a_textfield_is_one_line(self) -> None:
        assert refusals("textfield", "a\nb") == ["这一项只能写一行"]
        assert answer("textarea", "a\nb") == "a\nb"

    def test_a_pattern_must_match_the_whole(self) -> None:
        shape = {"validate": {"pattern": "^[0-9]{3}$"}}
        assert answer("textfield", "123", **shape) == "123"
        for wrong in ("12", "1234", "１２３", "a123"):
            assert refusals("textfield", wrong, **shape) == ["填写的格式不对"]

    @pytest.mark.parametrize("value", [1, True, 1.5, [], ["a"], {}, {"a": 1}, b"x"])
    def test_only_text_is_text(self, value: Any) -> None:
        if value == []:
            assert answer("textfield", value) is None
        else:
            assert refusals("textfield", value) == ["应是文字"]


class TestNumber:
    @pytest.mark.parametrize(
        ("given", "number"),
        [
            (0, 0),
            (-5, -5),
            ("7", 7),
            (" 7 ", 7),
            ("7".rjust(40), 7),
            ("-7", -7),
            ("+7", 7),
            ("007", 7),
            ("１２", 12),
            (10**15, 10**15),
        ],
    )
    def test_whole_numbers_are_taken(self, given: Any, number: int) -> None:
        found = answer("number", given)
        assert found == number and type(found) is int

    @pytest.mark.parametrize(
        "given",
        [
            True,
            False,
            1.0,
            1.5,
            "1.0",
            "1e3",
            "0x1",
            "a",
            "²",
            "٣",
            "1_000",
            "--1",
            "1 2",
            "7".rjust(41),
            "9" * 10_000,
            10**15 + 1,
            -(10**15) - 1,
            float("nan"),
            float("inf"),
            [1],
            {},
            "½",
            "NaN",
            "1\0",
        ],
    )
    def test_anything_else_is_refused(self, given: Any) -> None:
        assert refusals("number", given)

    def test_bounds_are_inclusive(self) -> None:
        bounds = {"validate": {"min": 1, "max": 3}}
        assert [answer("number", n, **bounds) for n in (1, 3)] == [1, 3]
        assert refusals("number", 0, **bounds) == ["不能小于 1"]
        assert refusals("number", "4", **bounds) == ["不能大于 3"]

    def test_zero_is_an_answer(self) -> None:
        assert answer("number", 0, **REQUIRED) == 0
        assert refusals("number", "", **REQUIRED) == ["必填"]
        assert answer("number", "") is None


class TestChoices:
    @pytest.mark.parametrize("kind", ["select", "radio"])
    def test_one_of_the_values(self, kind: str) -> None:
        assert answer(kind, "file") == "file"
        for wrong in ("File", "立案", "other", "file\0", "\u200b", 1, True, ["file"], {"a": 1}):
            assert refusals(kind, wrong)
        assert refusals(kind, "", **REQUIRED) == ["必填"]
        assert answer(kind, "") is None

    def test_a_checklist_is_a_list_without_doubles(self) -> None:
        assert answer("checklist", ["decline", "file"]) == ["decline", "file"]
        assert answer("checklist", "file") == ["file"]
        assert answer("checklist", []) == []
        assert refusals("checklist", ["file", "file"]) == ["选项有重复"]
        assert refusals("checklist", ["file", "x", "y"]) == ["请从选项中选择"]
        assert refusals("checklist", ["file"] * 2_001) == ["请从选项中选择"]
        for wrong in ([["file"]], {"file": 1}, [None], 1):
            assert refusals("checklist", wrong)
        assert refusals("checklist", [], **REQUIRED) == ["必填"]

    def test_an_unanswered_checklist_is_an_empty_list(self) -> None:
        assert clean(load(schema(component("checklist"))), {}) == {"x": []}

    def test_a_source_bounds_what_may_be_chosen(self) -> None:
        properties = {"label_en": "x", "source": "units:handling"}
        form = load(
            schema(
                component("select", "a", values=[], properties=properties),
                component("checklist", "b", values=[], properties=properties),
            )
        )
        asked: list[str] = []

        def sources(source: str) -> list[tuple[str, str]]:
            asked.append(source)
            return [("u1", "一处"), ("u2", "二处")]

        assert clean(form, {"a": "u1", "b": ["u2", "u1"]}, sources=sources) == {
            "a": "u1",
            "b": ["u2", "u1"],
        }
        assert set(asked) == {"units:handling"}
        with pytest.raises(Invalid) as caught:
            clean(form, {"a": "u3", "b": ["u1", "u3"]}, sources=sources)
        assert caught.value.fields == {"a": ["请从选项中选择"], "b": ["请从选项中选择"]}
        assert clean(form, {"a": "any"}) == {"a": "any", "b": []}

    @pytest.mark.parametrize(
        ("given", "kept"),
        [(True, True), ("on", True), ("true", True), (False, False), ("off", False)],
    )
    def test_a_checkbox_is_ticked_or_not(self, given: Any, kept: bool) -> None:
        assert answer("checkbox", given) is kept

    def test_a_checkbox_is_strict_and_may_be_required(self) -> None:
        for wrong in (1, 0, "yes", "1", [True], {}):
            assert refusals("checkbox", wrong) == ["应是勾选或不勾选"]
        assert clean(load(schema(component("checkbox"))), {}) == {"x": False}
        assert refusals("checkbox", False, **REQUIRED) == ["请勾选"]
        assert refusals("checkbox", None, **REQUIRED) == ["请勾选"]

    def test_files_are_ids(self) -> None:
        first, second = "0b9c6a5e-1111-4222-8333-444455556666", "b"
        assert answer("filepicker", first) == [first]
        assert answer("filepicker", [first, second], multiple=True) == [first, second]
        assert refusals("filepicker", [first, second]) == ["最多 1 个附件"]
        assert refusals("filepicker", "../x") == ["附件编号不对"]
        assert refusals("filepicker", [f"f{n}" for n in range(21)], multiple=True) == [
            "最多 20 个附件"
        ]
        assert refusals("filepicker", None, **REQUIRED) == ["必填"]


class TestDay:
    @pytest.mark.parametrize(
        "day",
        [
            "2026-03-02",
            "2024-02-29",
            "1900-01-01",
            "2199-12-31",
            " 2026-03-02 ",
            "2026-03-02".rjust(40),
        ],
    )
    def test_a_day_stays_text(self, day: str) -> None:
        assert answer("datetime", day) == day.strip()

    @pytest.mark.parametrize(
        "day",
        [
            "2023-02-29",
            "2026-13-01",
            "2026-00-01",
            "1899-12-31",
            "2200-01-01",
            "20260302",
            "2026-W10-1",
            "2026/03/02",
            "2026-3-2",
            "2026-03-02T00:00",
            "今天",
            "2026-03-02".rjust(41),
            "٢٠٢٦-٠٣-٠٢",
            20260302,
            True,
            ["2026-03-02"],
            "0000-00-00",
        ],
    )
    def test_anything_else_is_refused(self, day: Any) -> None:
        assert refusals("datetime", day)


class TestHiding:
    FORM = load(
        schema(
            component("radio", "decision", **REQUIRED),
            component(
                "textfield", "reason", conditional={"hide": '=decision != "decline"'}, **REQUIRED
            ),
            component("checkbox", "urgent", conditional={"hide": "=launch.kind != null"}),
            component("number", "days", conditional={"hide": "=urgent != true"}, **REQUIRED),
            component("text", "", text="说明"),
        )
    )

    def test_a_hidden_field_is_neither_required_nor_kept(self) -> None:
        assert clean(self.FORM, {"decision": "file", "reason": "\0"}) == {
            "decision": "file",
            "urgent": False,
        }

    def test_a_shown_field_is_required(self) -> None:
        with pytest.raises(Invalid) as caught:
            clean(self.FORM, {"decision": "decline", "urgent": "on"})
        assert caught.value.fields == {"reason": ["必填"], "days": ["必填"]}
        assert clean(
            self.FORM, {"decision": "decline", "reason": "不属于", "urgent": "on", "days": "3"}
        ) == {
            "decision": "decline",
            "reason": "不属于",
            "urgent": True,
            "days": 3,
        }

    def test_facts_hide_and_what_is_hidden_hides_further(self) -> None:
        facts = {"launch": {"kind": "a"}}
        assert clean(self.FORM, {"decision": "file", "urgent": True, "days": 3}, facts) == {
            "decision": "file"
        }

    def test_what_facts_hide_is_not_in_the_form_that_is_read(self) -> None:
        form = load(
            schema(
                component("textfield", "t"),
                component("number", "n", conditional={"hide": '=x.y != "a" or t != "b"'}),
            )
        )
        read = settled(form, {"x": {"y": "a"}})
        assert [(each.key, each.hide) for each in read.asked] == [("t", ""), ("n", '(t != "b")')]
        assert [each.key for each in settled(form, {"x": {"y": "c"}}).asked] == ["t"]
        assert [each.key for each in settled(form, {}).asked] == ["t"]

    def test_an_undecidable_condition_hides_nothing(self) -> None:
        form = load(
            schema(
                component("number", "n"),
                component("textfield", "t", conditional={"hide": "=n > 3"}),
            )
        )
        assert clean(form, {"t": "a"}) == {"t": "a"}
        assert clean(form, {"n": 4, "t": "a"}) == {"n": 4}

    def test_the_order_of_the_form_is_kept(self) -> None:
        found = clean(self.FORM, {"days": 1, "urgent": True, "reason": "r", "decision": "decline"})
        assert list(found) == ["decision", "reason", "urgent", "days"]


class TestSomethingNew:
    """What a form says of answers that must differ from those of a former round."""

    FORM = load(
        schema(
            *(
                component("textarea", key, properties={"label_en": "X", "differs": "former"})
                for key in ("measures", "timetable")
            ),
            component("textarea", "note"),
        )
    )
    FORMER = {"measures": "延长供餐\n至二十一时", "timetable": "四月底前", "note": "面商过"}

    @pytest.mark.parametrize(
        ("changed", "repeated"),
        [
            ({}, "measures"),
            ({"measures": " 延长供餐至\u3000二十一时\n"}, "measures"),
            ({"note": "又面商过"}, "measures"),
            ({"measures": "延长供餐至二十二时"}, ""),
            ({"timetable": "三月底前"}, ""),
            ({"timetable": None}, ""),
        ],
    )
    def test_one_of_the_fields_is_to_differ_in_more_than_blanks(
        self, changed: dict[str, Any], repeated: str
    ) -> None:
        assert self.FORM.repeats(self.FORMER, self.FORMER | changed) == repeated

    def test_where_nothing_was_said_before_anything_is_new(self) -> None:
        for former in ({}, {"note": "面商过"}, {"measures": None, "timetable": ""}):
            assert self.FORM.repeats(former, {}) == self.FORM.repeats(former, self.FORMER) == ""

    def test_a_form_that_asks_for_nothing_new_is_never_repeated(self) -> None:
        form = load(schema(component("textarea", "note")))
        assert form.repeats({"note": "面商过"}, {"note": "面商过"}) == ""


class TestAmong:
    """A choice among what was ticked in a list before."""

    @staticmethod
    def form(kind: str = "checklist", among: str = "all", source: str = "members:a") -> Any:
        offers = {"label_en": "X", "source": source}
        return load(
            schema(
                component(
                    "checklist", "all", values=[], properties={**offers, "source": "members:a"}
                ),
                component(kind, "some", values=[], properties={**offers, "among": among}),
            )
        )

    @pytest.mark.parametrize(
        ("kind", "given", "taken"),
        [
            ("checklist", {"all": ["a", "b"], "some": ["b"]}, True),
            ("checklist", {"all": ["a", "b"], "some": []}, True),
            ("checklist", {"all": ["a", "b"], "some": ["a", "c"]}, False),
            ("checklist", {"some": ["a"]}, False),
            ("select", {"all": ["a", "b"], "some": "b"}, True),
            ("select", {"all": ["a", "b"], "some": "c"}, False),
        ],
    )
    def test_only_what_was_ticked_is_taken(
        self, kind: str, given: dict[str, Any], taken: bool
    ) -> None:
        if taken:
            assert clean(self.form(kind), given)["some"] == given["some"]
            return
        with pytest.raises(Invalid) as caught:
            clean(self.form(kind), given)
        assert set(caught.value.fields) == {"some"} and "已经选中" in caught.value.fields["some"][0]

    @pytest.mark.parametrize(
        "wrong",
        [{"among": "some"}, {"among": "nowhere"}, {"source": "members:b"}, {"kind": "textfield"}],
    )
    def test_the_list_stands_before_it_and_offers_the_same(self, wrong: dict[str, str]) -> None:
        if "kind" in wrong:
            assert any("among" in each for each in faults(self.textfield(), set()))
            return
        with pytest.raises(ProcessFault, match="among"):
            self.form(**wrong)

    @staticmethod
    def textfield() -> dict[str, Any]:
        properties = {"label_en": "X", "among": "all"}
        return schema(
            component("checklist", "all"), component("textfield", "t", properties=properties)
        )


class TestTheWhole:
    def test_all_faults_come_at_once(self) -> None:
        form = load(
            schema(
                component("textfield", "a", **REQUIRED),
                component("number", "b"),
                component("datetime", "c"),
                component("radio", "d", **REQUIRED),
            )
        )
        with pytest.raises(Invalid) as caught:
            clean(form, {"b": "x", "c": "y", "zz": 1, "\0bad": 2})
        assert set(caught.value.fields) == {"a", "b", "c", "d", "_"}
        assert caught.value.fields["_"] == ["本表单没有这些项：zz"]

    @pytest.mark.parametrize("answers", [None, [], "x", 1, [("x", 1)]])
    def test_answers_must_be_a_group(self, answers: Any) -> None:
        with pytest.raises(Invalid):
            clean(load(schema(component("textfield"))), answers)

    @pytest.mark.parametrize(
        "key", ["y", "__class__", "", "x ", "\ud800", "x" * 10**6, 1, None, ("a",)]
    )
    def test_an_unknown_field_is_refused(self, key: Any) -> None:
        with pytest.raises(Invalid) as caught:
            clean(load(schema(component("textfield"))), {"x": "a", key: "b"})
        json.dumps(caught.value.fields).encode()
        assert len(caught.value.message.encode()) < 1_000

    def test_the_whole_is_bounded(self) -> None:
        form = load(schema(*[component("textarea", f"k{n}") for n in range(3)]))
        assert clean(form, {"k0": "中" * 10_000, "k1": "中" * 10_000})
        with pytest.raises(Invalid, match="64 KB"):
            clean(form, {"k0": "中" * 10_000, "k1": "中" * 10_000, "k2": "中" * 2_000})

    def test_the_answers_given_are_left_alone(self) -> None:
        given_answers = {"x": [" file "], "y": 1}
        with pytest.raises(Invalid):
            clean(load(schema(component("checklist"))), given_answers)
        assert given_answers == {"x": [" file "], "y": 1}

    def test_awkward_keys_work(self) -> None:
        keys = [
            "load",
            "fields",
            "opts",
            "validate",
            "context",
            "error_messages",
            "declared_fields",
            "dump",
            "set_class",
            "get_attribute",
            "on_bind_field",
            "drop_empty",
        ]
        form = load(schema(*[component("textfield", key) for key in keys]))
        assert clean(form, {key: key for key in keys}) == {key: key for key in keys}

    def test_openapi_can_be_built(self) -> None:
        form = load(
            schema(
                component(
                    "textfield", "a", validate={"required": True, "maxLength": 9, "minLength": 1}
                ),
                component("number", "b", validate={"min": 1}),
                component("datetime", "c"),
                component("checkbox", "d"),
                component("checklist", "e", **REQUIRED),
                component("radio", "f"),
                component("filepicker", "g"),
            )
        )
        spec = APISpec("t", "1", "3.1.0", plugins=[MarshmallowPlugin()])
        spec.components.schema("Answers", schema=schema_of(form))
        described = spec.to_dict()["components"]["schemas"]["Answers"]
        kinds = [each["type"] for _, each in sorted(described["properties"].items())]
        assert kinds == ["string", "integer", "string", "boolean", "array", "string", "array"]
        assert described["properties"]["f"]["enum"] == ["file", "decline"]
        assert described["properties"]["e"]["minItems"] == 1
        assert described["required"] == ["a", "e"]

    def test_the_schema_is_made_once(self) -> None:
        assert schema_of(load(schema(component("radio")))) is schema_of(
            load(schema(component("radio")))
        )


class TestSearch:
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ("ＡＢＣ", "abc"),
            ("Straße", "strasse"),
            ("a\u200bb\u202ec", "abc"),
            ("①㎏", "1kg"),
            ("教代\u3000会", "教代 会"),
            ("e\u0301", "é"),
            ("a\ud800\0b", "ab"),
        ],
    )
    def test_a_key_folds_what_looks_alike(self, text: str, key: str) -> None:
        assert search_key(text) == key
        assert search_key(key) == key

    @pytest.mark.parametrize(
        ("text", "pairs"),
        [
            ("教代会提案", ["代会", "会提", "提案", "教代"]),
            ("甲 乙丙", ["乙丙", "甲"]),
            ("aaaa", ["aa"]),
            ("", []),
            (" \u200b ", []),
            ("AB ab", ["ab"]),
        ],
    )
    def test_bigrams_of_each_run(self, text: str, pairs: list[str]) -> None:
        assert bigrams(text) == pairs

    def test_there_are_at_most_two_thousand(self) -> None:
        found = bigrams("".join(chr(0x4E00 + n) for n in range(5_000)))
        assert len(found) == 2_000 and found == sorted(found)

    def test_a_hostile_text_takes_no_time(self) -> None:
        bigrams("a" + "\u0301\u0323" * 500_000)


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=6,
)
EVERY_KIND = load(
    schema(
        component("textfield", "a"),
        component("textarea", "b"),
        component("number", "c"),
        component("select", "d"),
        component("radio", "e"),
        component("checkbox", "f"),
        component("checklist", "g"),
        component("datetime", "h"),
        component("filepicker", "i"),
        component("textfield", "j", conditional={"hide": "=c > 3 or a != null"}),
    )
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefghijk"), JSON, max_size=11))
def test_any_json_gives_clean_answers_or_invalid(answers: dict[str, Any]) -> None:
    try:
        cleaned = clean(EVERY_KIND, answers)
    except Invalid as invalid:
        assert all(isinstance(text, str) for texts in invalid.fields.values() for text in texts)
        return
    json.dumps(cleaned, allow_nan=False).encode()
    assert clean(EVERY_KIND, cleaned) == cleaned


@settings(max_examples=300, deadline=None)
@given(JSON, JSON)
def test_any_component_gives_a_form_or_faults(one: Any, other: Any) -> None:
    for broken in (
        one,
        schema(one),
        schema(component("radio", validate=one, properties=other, values=one)),
    ):
        with suppress(ProcessFault):
            load(broken)
        assert isinstance(faults(broken, set()), list)
