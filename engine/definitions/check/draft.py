"""A process folder read as far as it can be read: every file that cannot is a fault, the rest goes
on to the checks.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine import decisions, forms
from engine.definitions import foreign
from engine.definitions.check.fault import Fault, shown
from engine.definitions.check.shape import cleaned
from engine.definitions.diagram import BPMN, MAX_BYTES, Diagram, parse_xml, read_diagram
from engine.definitions.folder import MAX_BYTES as MAX_FOLDER
from engine.errors import ProcessFault
from engine.messages import Listed, Message, _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lxml import etree

MAX_FILES = 600  # a folder has a story for each way; what it weighs is bounded by MAX_FOLDER
MAX_LINES = 20_000  # that are searched for dotted keys
MAX_NESTING = 60  # of JSON and TOML; a form needs five
KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
_BELONGS = re.compile(
    r"process\.(toml|bpmn)|[a-z][a-z0-9_]{0,59}\.dmn|forms/[a-z][a-z0-9_]{0,59}\.json|documents/[a-z_][a-z0-9_]{0,59}\.typ"
    r"|scenarios/[^/\\\x00-\x1f]{1,120}\.toml|OUTLINE\.txt|(CHANGES|README)(\.[a-zA-Z-]{2,8})?\.md"
)


@dataclass
class Draft:
    """What could be read. A form or a table that could not is None under its name, so that it does
    not count as missing.
    """

    files: Mapping[str, str]
    raw: dict[str, Any] = field(default_factory=dict)
    tree: Any = None
    diagram: Diagram | None = None
    schemas: dict[str, Any] = field(default_factory=dict)
    forms: dict[str, forms.Form | None] = field(default_factory=dict)
    tables: dict[str, decisions.DecisionTable | None] = field(default_factory=dict)

    def table(self, name: str) -> dict[str, dict[str, Any]]:
        """A table of tables of process.toml, e.g. "lanes"; empty when there is none."""
        found: dict[str, dict[str, Any]] = self.raw.get(name, {})
        return found

    def elements(self, kind: str) -> list[str]:
        """The ids of all elements of a kind."""
        return (
            [e.id for e in self.diagram.elements.values() if e.type == kind] if self.diagram else []
        )

    def kind_of(self, element: str) -> str:
        """What an element of the diagram is, e.g. "userTask"; "" when there is none."""
        found = self.diagram.elements.get(element) if self.diagram else None
        return found.type if found else ""

    def lane_of(self, element: str) -> str:
        """The lane in which an element of the diagram stands; "" when there is none."""
        found = self.diagram.elements.get(element) if self.diagram else None
        return found.lane if found else ""

    @property
    def polls(self) -> set[str]:
        """The user tasks that are polls."""
        return {key for key, task in self.table("tasks").items() if "poll" in task}


def read(files: Mapping[str, str]) -> tuple[Draft, list[Fault]]:
    """Read everything that can be read, and tell what cannot."""
    found = list(_file_faults(files))
    files_in_use = {
        name: text
        for name, text in files.items()
        if isinstance(name, str) and _bearable(name, text)
    }
    draft = Draft(files_in_use)
    for needed in ("process.toml", "process.bpmn", "forms/launch.json"):
        if needed not in files:
            found.append(
                Fault(
                    needed,
                    "",
                    _("文件夹里缺少 {needed}。", needed=needed),
                    _("请补上这个文件，可以从另一个流程复制后修改。"),
                )
            )
    for reader in (_read_toml, _read_bpmn, _read_forms, _read_tables):
        found += reader(draft)
    return draft, found


def _bearable(name: str, text: object) -> bool:
    return (
        isinstance(text, str)
        and bool(_BELONGS.fullmatch(name))
        and len(text) <= MAX_BYTES
        and not _unstorable(text)
    )


def _unstorable(text: str) -> bool:
    return "\0" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text)


def _file_faults(files: Mapping[str, str]) -> Iterator[Fault]:
    if len(files) > MAX_FILES:
        yield Fault(
            "",
            "",
            _(
                "文件太多（{count} 个），最多 {most} 个。",
                count=len(files),
                most=MAX_FILES,
            ),
            _("请把无关的文件移出流程文件夹。"),
        )
    size = 0
    for name, text in files.items():
        if not isinstance(name, str) or not isinstance(text, str):
            yield Fault(shown(name), "", _("文件名和内容都应是文字。"), _("请检查上传的内容。"))
            continue
        size += len(text)
        if not _BELONGS.fullmatch(name):
            yield Fault(
                shown(name),
                "",
                _("流程文件夹里不能有这个文件，或文件名不合规定。"),
                _("文件名用小写字母、数字和下划线；见 processes/README.md。"),
            )
        elif len(text) > MAX_BYTES:
            yield Fault(
                name,
                "",
                _("文件超过 {most} KB。", most=MAX_BYTES // 1000),
                _("请删减内容。"),
            )
        elif _unstorable(text):
            yield Fault(
                name,
                "",
                _("文件里有不能保存的字符（空字符或残缺的字符）。"),
                _("请用 UTF-8 编码重新保存。"),
            )
    if size > MAX_FOLDER:
        yield Fault(
            "",
            "",
            _("流程文件夹超过 {most} MB。", most=MAX_FOLDER // 1_000_000),
            _("请删减内容。"),
        )


# --- files ----------------------------------------------------------------------------------------
def _depth(text: str) -> int:
    """How deep brackets nest outside double quotes; enough to keep a recursive reader from
    drowning.
    """
    deepest = depth = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character in '"\n':
                quoted = False
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _too_deep(text: str) -> bool:
    """Brackets or dotted keys that a recursive reader would drown in."""
    dots = max((line.count(".") for line in text.splitlines()[:MAX_LINES]), default=0)
    return max(_depth(text), dots // 20) > MAX_NESTING


def _parsed(
    name: str, text: str, reader: Callable[[str], Any], found: list[Fault], advice: str
) -> Any:
    """What `reader` makes of a text, or None and a fault."""
    if _too_deep(text):
        what = _("内容套得太深，最多 {most} 层。", most=MAX_NESTING)
        found.append(Fault(name, "", what, _("请简化。")))
        return None
    try:
        return reader(text)
    except (ValueError, RecursionError, OverflowError, MemoryError) as fault:
        found.append(Fault(name, "", _unreadable(fault), advice))
        return None


def _unreadable(fault: Exception) -> Message:
    return _("读不懂：{fault}", fault=shown(fault, 160))


def _read_toml(draft: Draft) -> list[Fault]:
    found: list[Fault] = []
    text = draft.files.get("process.toml")
    if text is None:
        return found
    advice = _("请检查引号、方括号是否成对，每行是否写成 键 = 值。")
    raw = _parsed("process.toml", text, tomllib.loads, found, advice)
    if raw is not None:
        draft.raw, wrong = cleaned(raw)
        found += wrong
    return found


def _read_bpmn(draft: Draft) -> list[Fault]:
    file = foreign.FILE
    if file not in draft.files:
        return []
    text = foreign.plain(draft.files).text
    advice = _("请用 BPMN 编辑器重新保存流程图。")
    try:
        tree = parse_xml(text.encode())
        if tree.getroottree().docinfo.doctype:
            raise ProcessFault(_("文件中不得有 DOCTYPE 或实体声明。"))
        other = _one_process(tree)
        draft.diagram, draft.tree = read_diagram(tree), tree
        return other
    except ProcessFault as fault:
        return [Fault(file, "", shown(fault.message, 200), fault.advice or advice)]
    except ValueError as fault:
        return [Fault(file, "", _unreadable(fault), advice)]


def _one_process(tree: etree._Element) -> list[Fault]:
    """Of several processes the executable one, or the largest, is checked; the others are told and
    left out.
    """
    processes = tree.findall(f"{{{BPMN}}}process")
    if len(processes) < 2:
        return []
    ours = max(processes, key=lambda each: (each.get("isExecutable") == "true", len(each)))
    others = [each for each in processes if each is not ours]
    foreign.leave_out(tree, others)
    named = Listed(shown(each.get("name") or each.get("id")) for each in others)
    what = _("一个流程图里应当恰好有一个流程，另有{others}。", others=named)
    advice = _("请把别的流程移到它们自己的文件夹，或者由 callActivity 在一处调用。")
    return [Fault(foreign.FILE, "", what, advice)]


def _read_forms(draft: Draft) -> list[Fault]:
    found: list[Fault] = []
    advice = _("请用表单编辑器重新保存，或检查括号、引号和逗号。")
    for path, text in draft.files.items():
        if not path.startswith("forms/"):
            continue
        name = path.removeprefix("forms/").removesuffix(".json")
        draft.forms[name] = None
        schema = _parsed(path, text, _json, found, advice)
        if schema is not None:
            found += _read_form(draft, path, name, schema)
        elif text.strip() == "null":
            what = _("表单是空的。")
            found.append(Fault(path, name, what, _("请写明 type、id 和 components。")))
    return found


def _read_form(draft: Draft, path: str, name: str, schema: dict[str, Any]) -> list[Fault]:
    try:
        draft.forms[name] = forms.load(schema)
        draft.schemas[name] = schema
    except ProcessFault as fault:
        what = _("{wrong}。", wrong=shown(fault.message, 200))
        return [Fault(path, name, what, _("请按 form-js 的格式改正。"))]
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError) as fault:
        what = _("表单的写法不对：{fault}", fault=shown(fault, 120))
        return [Fault(path, name, what, _("请按 form-js 的格式改正。"))]
    return []


def _json(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise ValueError(_("不能写 {word}", word=word))

    def single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _value in pairs]
        if len(set(keys)) < len(keys):
            twice = next(key for key in keys if keys.count(key) > 1)
            raise ValueError(_("“{key}”写了两次", key=shown(twice)))
        return dict(pairs)

    return json.loads(text, parse_constant=refuse, object_pairs_hook=single)


def _read_tables(draft: Draft) -> list[Fault]:
    found: list[Fault] = []
    resave = _("请用 DMN 编辑器重新保存决策表。")
    for path, text in draft.files.items():
        if not path.endswith(".dmn"):
            continue
        name = path.removesuffix(".dmn")
        draft.tables[name] = None
        try:
            draft.tables[name] = decisions.parse(text.encode())
        except ProcessFault as fault:
            what = _("{wrong}。", wrong=shown(fault.message, 200))
            found.append(Fault(path, name, what, shown(fault.advice, 120) or resave))
        except (ValueError, TypeError, RecursionError) as fault:
            found.append(Fault(path, name, _unreadable(fault), resave))
    return found
