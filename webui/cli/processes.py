"""Verbs of process folders, decision tables and stories: check, publish, decide, play."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.messages import Listed, _
from webui.cli.installation import database
from webui.cli.terminal import FAULT, OK, CannotDo, progress, reader_language, say, text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from engine.definitions.check import Fault
    from engine.queries.own_versions import Own
    from engine.scenarios import Played, Trace
    from engine.settings import Settings


# --- new -----------------------------------------------------------------------------------------
STARTER = Path(__file__).parent / "starter"


def new(given: argparse.Namespace, settings: Settings) -> int:
    """A folder of a small process without faults, to be changed from there."""
    from engine.definitions.check import draft, names

    name, place = given.name, given.into / given.name
    if not draft.KEY.fullmatch(name) or name in names.RESERVED:
        raise CannotDo(_("“{name}”不能作名称：小写英文字母开头，不用系统已有含义的词", name=name))
    if place.exists() or (settings.processes / name).exists():
        raise CannotDo(_("{place} 已经有了", place=place))
    if set(given.title + given.title_en) & set('"\\<>&\n'):
        raise CannotDo(_("名称里不能有引号、尖括号、&、反斜杠"))
    words = {"starter": name, "@TITLE@": given.title or _("新流程")}
    words["@TITLE_EN@"] = given.title_en or "New process"
    for source in sorted(path for path in STARTER.rglob("*") if path.is_file()):
        told = source.read_text("utf-8")
        for old, put in words.items():
            told = told.replace(old, put)
        target = place / source.relative_to(STARTER)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(told, "utf-8")
    say(_("已做好 {place}，从 process.toml 改起，改了就运行 yixing check {place}", place=place))
    return OK


# --- check ---------------------------------------------------------------------------------------
def check(given: argparse.Namespace, settings: Settings) -> int:
    """Every fault of every folder, then the stories of those that have none."""
    from engine import scenarios
    from engine.commands import bundled
    from engine.definitions.check import notices

    tables = [] if given.folders else _folders_of_tables(settings)
    folders = [*tables, *(given.folders or bundled.folders(settings.processes))]
    if given.coverage and given.no_stories:
        raise CannotDo(_("不演练故事，就不知道它们走过哪些路：--coverage 不能与 --no-stories 同用"))
    wrong = 0 if given.folders else _law(settings, folders)
    stories: list[Path] = []
    for folder in folders:
        holds_process = (folder / "process.toml").exists() or not any(folder.glob("*.dmn"))
        faults = _faults(folder) if holds_process else _table_faults(folder)
        _report(folder, faults)
        for notice in notices(_texts(folder)) if holds_process else ():
            say(_("  提示：{notice}", notice=notice))
        wrong += len(faults)
        if faults or not holds_process:
            continue
        stories += sorted(scenarios.stories(folder), key=scenarios.beginning)
        if given.write:
            _write_outline(folder)
    if stories and not given.no_stories:
        met: dict[Path, Trace] = {}
        wrong += _play(stories, settings, met)
        for folder, trace in met.items():
            wrong += _covered(folder, trace, given.coverage)
    return FAULT if wrong else OK


def _covered(folder: Path, trace: Trace, whole: bool) -> int:
    """Says which flows of a folder no story of it meets; gives how many. `whole`: the table of all
    that stories may meet, too.
    """
    from engine import definitions
    from engine.scenarios import coverage

    process = definitions.load(definitions.read(folder))
    faults = list(coverage.faults(process, trace))
    if faults or whole:
        say(_("{folder}：故事没有走过的连线 {n} 条", folder=folder, n=len(faults)))
    for fault in faults:
        print(f"  {text(fault.line)}")
    for part in coverage.parts(process, trace) if whole else ():
        say(_("  {title}：{met} / {total}", title=part.title, met=part.met, total=part.total))
        for what in part.unmet:
            say(_("    没有遇到：{what}", what=what))
    return len(faults)


def _law(settings: Settings, folders: Sequence[Path]) -> int:
    """Says what is wrong with the rulebook, and which numbers of law are to be checked; gives how
    many faults.
    """
    from engine.definitions import check
    from engine.instance import union_law

    rulebook = union_law.rulebook()
    in_use = check.used(map(_texts, folders))
    faults = check.check_rulebook(rulebook, in_use)
    _report(settings.processes / "law", faults)
    for hint in check.to_be_checked(rulebook):
        say(_("  待核对：{hint}", hint=hint.line))
    return len(faults)


def _texts(folder: Path) -> Mapping[str, str]:
    """The files of a folder; none when it cannot be read, which its own check says."""
    from engine import definitions
    from engine.errors import ProcessFault

    try:
        return definitions.read(folder)
    except ProcessFault:
        return {}


def _folders_of_tables(settings: Settings) -> list[Path]:
    """The folders of decision tables that belong to no single process."""
    places = {path.parent for path in settings.processes.glob("*/*.dmn")}
    return sorted(place for place in places if not (place / "process.toml").exists())


def _report(folder: Path, faults: Sequence[Fault]) -> None:
    count = _("{n} 处问题", n=len(faults)) if faults else _("没有问题")
    say(_("{folder}：{count}", folder=folder, count=count))
    for fault in faults:
        print(f"  {text(_line(fault))}")


def _line(fault: Fault) -> str:
    place = " ".join(part for part in (fault.file, fault.element) if part)
    if fault.advice:
        return _("{place}：{what} → {advice}", place=place, what=fault.what, advice=fault.advice)
    return _("{place}：{what}", place=place, what=fault.what)


def _table_faults(folder: Path) -> list[Fault]:
    from engine.definitions.check import check_tables
    from engine.instance import union_law

    return list(check_tables(folder, union_law.rulebook()))


def _faults(folder: Path) -> list[Fault]:
    from engine.documents.trial import check_folder
    from engine.instance import union_law
    from engine.people import posts

    return list(check_folder(folder, union_law.rulebook(), set(posts.kinds().posts)))


def _write_outline(folder: Path) -> None:
    from engine import definitions
    from engine.definitions.outline import outline

    words = outline(definitions.load(definitions.read(folder)))
    (folder / "OUTLINE.txt").write_text(words, encoding="utf-8")


# --- publish and decide --------------------------------------------------------------------------
def publish(given: argparse.Namespace, settings: Settings) -> int:
    """Put a folder in force on the operator's word; the web asks for two people instead."""
    from engine import db
    from engine.commands import bundled

    faults = _faults(given.folder)
    for fault in faults:
        print(f"  {text(_line(fault))}", file=sys.stderr)
    if faults:
        raise CannotDo(_("{folder} 有 {n} 处问题，没有发布", folder=given.folder, n=len(faults)))
    with db.transaction(database(settings)) as session:
        digest, new = bundled.publish(session, given.folder)
    short = digest[:16]
    say(
        _("{digest} 已发布", digest=short)
        if new
        else _("{digest} 早已登记，没有变化", digest=short)
    )
    return OK


def versions(given: argparse.Namespace, settings: Settings) -> int:
    """Which versions are in force: for all, and what single unions have instead."""
    from engine import db
    from engine.definitions.store import in_force
    from engine.queries import own_versions

    with db.transaction(database(settings)) as session:
        common, own = in_force(session).common, own_versions.everywhere(session)
    for process, digest in sorted(common.items()):
        if given.process not in ("", process):
            continue
        say(_("{process}  {digest}  全系统通用", process=process, digest=digest[:16]))
        for each in own:
            if each.process_id == process and each.in_force:
                _say_own(each)
    return OK


def _say_own(own: Own) -> None:
    named = {"union": own.union, "digest": own.version[:16], "base": own.base}
    if own.behind:
        newer = _(
            "  {union}：本单位版本 {digest}，以第 {base} 版为基础，通用的已是第 {common} 版",
            **named,
            common=own.common,
        )
        return say(newer)
    return say(_("  {union}：本单位版本 {digest}，以现行的第 {base} 版为基础", **named))


def decide(given: argparse.Namespace, _settings: Settings) -> int:
    """What a table comes to in a case, and by which article; without facts, what it asks for."""
    from engine.errors import Invalid
    from engine.queries import decisions

    if not given.facts:
        return _ask(given.table)
    pairs = [fact.partition("=") for fact in given.facts]
    if wrong := next((key + sign for key, sign, _value in pairs if not sign), ""):
        raise CannotDo(_("“{text}”不是 KEY=VALUE 的写法", text=wrong))
    facts = {key: value for key, _sign, value in pairs}
    try:
        found = decisions.evaluate_on_disk(given.table, facts, given.on, reader_language())
    except Invalid as fault:
        fields = [
            _("{field}：{faults}", field=key, faults=Listed(messages, "；"))
            for key, messages in fault.fields.items()
        ]
        raise CannotDo(Listed(fields, "；")) from fault
    for result in found.results:
        print(f"{result.name} = {result.value}  {text(result.label)}: {text(result.words)}")
    rows = Listed(map(str, found.rows)) or "0"
    row = _("第 {row} 行", row=rows)
    print(f"{text(row)}  {found.confidence}  {text(found.because)}")
    for ground in found.grounds:
        print(f"  {text(ground.label)}: {text(ground.value)} ({ground.cell})")
    return OK


def _ask(table: str) -> int:
    from engine.queries import decisions

    for question in decisions.questions_on_disk(table, reader_language()):
        choices = ", ".join(f"{code} {words}" for code, words in question.choices)
        print(f"{question.key}  {question.label}  ({choices or question.type})")
    return OK


# --- play ----------------------------------------------------------------------------------------
def play(given: argparse.Namespace, settings: Settings) -> int:
    """Play stories on a database of their own."""
    missing = [str(file) for file in given.files if not file.is_file()]
    if missing:
        raise CannotDo(_("没有这个文件：{file}", file=Listed(missing)))
    return FAULT if _play(given.files, settings, brief=given.brief) else OK


def _play(
    files: Sequence[Path],
    settings: Settings,
    met: dict[Path, Trace] | None = None,
    *,
    brief: bool = True,
) -> int:
    """Play each story; gives the number of those that went otherwise than told. Unless `brief`,
    every step is told. `met`: is told what the stories of each folder met.
    """
    from engine import scenarios

    engine = scenarios.theatre(settings)
    wrong, total = 0, len(files)
    progress(_("正在演练 {n} 个故事……", n=total))
    plays = scenarios.play_files(engine, files, scenarios.standard(settings.processes))
    for number, (file, played) in enumerate(plays, 1):
        progress(
            _("已演练 {n} 个故事，共 {total} 个：{file}", n=number, total=total, file=file.name)
        )
        if met is not None:
            met.setdefault(file.parent.parent, scenarios.Trace()).add(played.met)
        if not brief:
            progress("")
            _tell(file, played)
        if not played.ok:
            wrong += 1
            progress("")
            print(f"  {file}: {played.title}: {text(played.why)}")
    progress("")
    say(_("共 {total} 个故事，{n} 个与所写相符", total=total, n=total - wrong))
    return wrong


def _tell(file: Path, played: Played) -> None:
    print(f"{played.title} ({file.name})")
    for step in played.steps:
        print(text(step.words()))
