"""What stands beside the facts of a pack: the rules with their sources, and how to verify the pack
and how far to trust it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import clock
from engine.queries.evidence.entries import moment

if TYPE_CHECKING:
    from engine.law import Ruling
    from engine.queries.evidence.case import Case


def rule(key: str, ruling: Ruling | None, case: Case) -> str:
    """rules/<id>.txt: what the rule says, where it stands, how sure we are, and what was applied
    here.
    """
    used = [
        f"#{e.seq} {moment(e.at)}: {e.says['numbers'][key]}"
        for e in case.events
        if e.kind == "poll_opened" and key in e.says.get("numbers", {})
    ]
    if ruling is None:
        lines = [key, "", "规则库中已无此规则。 The rulebook no longer has this rule."]
    else:
        on = clock.day_of(case.row.started_at).isoformat()
        lines = [
            f"{key}  {ruling.rule.title} / {ruling.rule.title_en}",
            "",
            f"适用于 applied as of {on}:",
        ]
        lines += [ruling.words("zh"), ruling.words("en")]
        for number, entry in enumerate((ruling.rule, *ruling.others), 1):
            known = entry.valid_from or entry.valid_to
            span = (
                f"{entry.valid_from or '…'} – {entry.valid_to or '…'}"
                if known
                else "未限定 not limited"
            )
            lines += [
                "",
                f"[{number}] {entry.cite('zh')} / {entry.cite('en')}",
                entry.text,
                entry.text_en,
            ]
            lines += [
                f"层级 level: {entry.level}  可信度 confidence: {entry.confidence}",
                f"{entry.standing('zh')} / {entry.standing('en')}",
                f"地区 jurisdiction: {entry.jurisdiction}  效力期间 in force: {span}",
            ]
            lines += [note for note in (entry.note, entry.note_en) if note]
    return "\n".join(
        [*lines, *(["", "表决采用的数值 numbers used in polls:", *used] if used else []), ""]
    )


def readme(case: Case) -> str:
    """README.txt: what the pack proves, what it cannot, how to verify it."""
    zh, en = _README
    left = case.left_out
    return zh.format(
        number=case.row.number,
        title=case.row.title,
        left=f"\n  - 另有 {left} 个检查点未收入本包（与本件无关，或由其他密钥签名）。"
        if left
        else "",
    ) + en.format(
        number=case.row.number,
        title=case.row.title,
        left=f"\n  - {left} checkpoints are left out (not about this matter, or signed with another key)."
        if left
        else "",
    )


_README = (
    """证据包：{number} {title}

怎样校验
  没有 Python：解压后用浏览器打开 verify.html，选择本包（不需要联网，文件不会离开本机）。
  有 Python 3.9 以上（不需要联网，不需要本系统）：
      python verify.py 本包.zip
      python verify.py 本包.zip --witness 留存的检查点.txt --key 留存的密钥编号
  最后一行为 PASS 即全部成立；FALSE 指出第一处不符和第一条不实记录的序号、时间；UNPROVED 未能证明；
  UNUSABLE 读不懂；NOTE 说明任何证据包都不能证明的事项。
  如对本包有疑问，请使用从出具单位或其上级另行取得的 verify.py 或 verify.html。

能证明什么
  - 本件的每一条记录自写入后未被改动、删减、调换或插入（events.jsonl，哈希链）。
  - 全部记录（以本次导出为末条）包含在签名的检查点之内（checkpoints.txt、proofs.json）；与外部留存的检查点一致时，
    留存之前的记录不可能被改写。
  - 文书数据与签发时逐字节一致（documents/）；填写内容与当时所存摘要一致（answers.jsonl）；附件与填写时一致。
  - 导出时本件的最后一条记录是哪一条（heads.txt）；包内其他文件（事实说明、时间线、打印件、规则、附件）导出后未被改动
    （manifest.note 是对清单的签名），目录所列的规则、名册、文书、打印件一件不缺（contents.json）。
  - 流程定义就是本件发起时的那个版本（process/）；名册、作答、签到记录与历史一致（rolls/、meetings/）；
    开会、表决、散会时的到会人数由签到和离场逐条重算，表决结果由作答、选票重算；事实说明、时间线逐条与历史核对，
    rules/ 所载的表决数值也是。打印件、条文、环节名称只由清单的签名证明。

不能证明什么
  - 晚于最后一个外部留存检查点的记录，同时掌握数据库和密钥的人仍可改写。请经常留存检查点。
  - 没有 --witness 时，换一把密钥重做的整个包也能通过；请把 keys.json 的编号与您留存的编号核对。
  - 扫描件、附件和所填内容本身是否属实。
  - 时间取自服务器时钟，不是第三方时间戳。
  - 已依法删除的填写内容只剩摘要，无法再显示。{left}

内容
  answer.txt       事实说明            timeline.csv     时间线（可用表格软件打开）
  answer.pdf       事实说明，供打印      timeline.pdf     时间线，供打印
  log.xes          事件日志（XES）     ocel.json        事件日志（OCEL 2.0），供流程挖掘软件打开
  documents/       文书数据，逐字节      prints/          文书的打印件，由上述数据排出
  attachments/     附件                rolls/           每次表决的名册与作答
  process/         本件所用流程版本      rules/           所用规则的条文、出处、层级、可信度
  meetings/        每次会议的应到名册、签到记录
  名册的散列：各行 member 按字典序以换行符连接后的 SHA-256，应与 poll_opened 记录的 roll_hash 相同；
  会议名册只取正式（formal）各行，与 meeting_opened 的 roll_hash 相同；签到记录整个文件的 SHA-256
  与 meeting_closed 的 ledger 相同。


""",
    """Evidence pack: {number} {title}

How to verify
  Without Python: unpack it, open verify.html in a browser and choose the pack (offline; no file leaves your machine).
  With Python 3.9 or later (offline, without this system):
      python verify.py pack.zip
      python verify.py pack.zip --witness kept-checkpoints.txt --key KEY-ID
  The last line PASS: everything holds. FALSE names the first thing that does not, and the first false event with number
  and time. UNPROVED: it could not be proved. UNUSABLE: not understood. NOTE says what no pack can prove.
  If you doubt the pack, use a verify.py or verify.html that you got elsewhere, from whoever made it or whoever is above.

What it proves
  - No event of this matter was changed, taken out, swapped or put in after it was written (events.jsonl, the chain).
  - All events, up to this export, are in the signed checkpoints (checkpoints.txt, proofs.json); if those agree with checkpoints that
    someone outside kept, nothing older than these can have been rewritten.
  - The data of the documents are, byte for byte, those that were issued (documents/); the answers shown are those whose
    digests were kept (answers.jsonl), and so are the attachments.
  - Which event was the last one when the pack was made (heads.txt); that the other files (answer, timeline, prints, rules,
    attachments) are those of the export (manifest.note signs the manifest), and that none of those listed in contents.json
    is missing.
  - That the process is the version this matter was launched with (process/), and that rolls, answers and ledgers of
    presence are those of the history (rolls/, meetings/); the numbers present at each opening, vote and close are
    counted again from arrivals and departures, what each poll came to from its answers and ballots; answer and
    timeline are compared with the history line by line, and so are the numbers in rules/. Prints, the texts of rules
    and the names of steps are proved by the signature of the manifest only.

What it cannot prove
  - Events younger than the last checkpoint that someone outside keeps: whoever has both the database and the key can
    rewrite them. Have checkpoints kept outside, and often.
  - Without --witness a pack that was remade as a whole with a new key passes too: compare the ids in keys.json with
    those you were given.
  - That scanned papers, attachments and answers are true.
  - The time: it is the server's clock, no third party stamped it.
  - Answers that were lawfully erased: only their digests are left.{left}

Contents
  answer.txt       the facts in words         timeline.csv     the events, for a spreadsheet
  answer.pdf       the same, to print         timeline.pdf     the same, to print
  log.xes          the events, XES            ocel.json        the events, OCEL 2.0, for process mining
  documents/       the data of the documents  prints/          the documents, typeset from these data
  attachments/     what people added          rolls/           the roll and the answers of each poll
  process/         the version of the process rules/           text, source, level and confidence of the rules
  meetings/        the roll of each meeting and its ledger of presence
  The digest of a roll: SHA-256 over the members' ids, sorted, joined by line feeds; it equals roll_hash in poll_opened.
  Of a meeting's roll only the formal members count for roll_hash in meeting_opened; the SHA-256 of a whole ledger file
  equals ledger in meeting_closed.
""",
)
