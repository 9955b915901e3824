"""From ballots to an outcome: integers, named denominators, who is elected, and the rule explained with its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import law

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.instance.context import Context

ABSTAIN = "abstain"  # in an election: a ballot that chooses nobody


def tally(
    context: Context, poll: Any, counts: Mapping[str, int], paper: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The numbers that a rule may name, whether it holds, and why. `counts` are the ballots cast in the system.

    poll: a row; its `rule` says {"passes", "seats", "wins", "presence": {"opening", "closing"}, "invalid", "sealed"}.
    """
    rule = poll.rule
    numbers = _numbers(poll, counts, paper or {})
    context.measured.clear()
    if poll.kind == "election":
        numbers |= _elected(context, poll, numbers)
        context.measured.clear()
        most = max(numbers["votes"].values(), default=0)
        names = {k: numbers.get(k, 0) for k in ("roll", "present", "valid")}
        context.value(
            poll.rule["wins"], {**names, "votes": most}
        )  # what a seat needs, and what the first has, is part of why
    known = {k: v for k, v in numbers.items() if k != "votes"}
    numbers["passed"] = bool(context.value(rule["passes"], known))
    numbers["why"], numbers["why_en"] = explained(context, "zh"), explained(context, "en")
    return numbers


def cast_in_system(poll: Any, counts: Mapping[str, int]) -> int:
    """How many ballots these counts hold: those cast in the system, none on paper."""
    if poll.kind == "election":
        return int(counts.get("answered", 0))
    return sum(counts.get(choice, 0) for choice in poll.choices)


def _numbers(poll: Any, counts: Mapping[str, int], paper: Mapping[str, Any]) -> dict[str, Any]:
    rule, on_paper = poll.rule, paper.get("counts", {})
    cast = cast_in_system(poll, counts) + rule.get(
        "invalid", 0
    )  # sealed ballots that nobody can read were cast all the same
    invalid = rule.get("invalid", 0) + paper.get("invalid", 0)
    returned = cast + paper.get("returned", 0)
    told = {c: counts.get(c, 0) + on_paper.get(c, 0) for c in poll.choices}
    presence = rule.get("presence", {})
    numbers: dict[str, Any] = {
        "roll": poll.roll_size,
        "answered": returned,
        "silent": poll.roll_size - returned,
        "issued": cast + paper.get("issued", 0),
        "returned": returned,
        "valid": returned - invalid,
        "invalid": invalid,
    }
    if "opening" in presence:
        numbers |= {
            "present_at_opening": presence["opening"],
            "present": presence.get("closing", presence["opening"]),
        }
    if paper:
        numbers["on_paper"] = dict(paper)
    if poll.kind == "election":
        abstained = counts.get(ABSTAIN, 0) + on_paper.get(ABSTAIN, 0)
        return {
            **numbers,
            "votes": told,
            "abstain": abstained,
            "seats": rule["seats"],
            "candidates": list(poll.choices),
        }
    return {**told, **numbers}


def _elected(context: Context, poll: Any, numbers: Mapping[str, Any]) -> dict[str, list[str]]:
    """Who wins a seat: enough votes by the rule, most votes first. Those level at the last seat are tied: none has it."""
    names = {k: numbers.get(k, 0) for k in ("roll", "present", "valid")}
    votes: dict[str, int] = numbers["votes"]
    enough = [
        c for c in poll.choices if context.value(poll.rule["wins"], {**names, "votes": votes[c]})
    ]
    ranked = sorted(enough, key=lambda c: -votes[c])
    seats = int(poll.rule["seats"])
    if len(ranked) <= seats:
        return {"elected": ranked, "tied": []}
    last = votes[ranked[seats - 1]]
    if votes[ranked[seats]] < last:
        return {"elected": ranked[:seats], "tied": []}
    return {
        "elected": [c for c in ranked if votes[c] > last],
        "tied": [c for c in ranked if votes[c] == last],
    }


def explained(context: Context, lang: str) -> str:
    """The shares that the rule asked about, each with the number needed and the number reached."""
    zh = lang == "zh"
    said = []
    for ruling, n, total in {
        (r.id, n, total): (r, n, total) for r, n, total in context.measured
    }.values():
        least, ok = law.needed(ruling, total), law.compare(ruling.op, ruling, n, total)
        if ruling.op == "<=":
            said.append(
                f"{ruling.rule.title}：{total} 中不得超过 {least}，实为 {n}，{'符合' if ok else '不符合'}"
                if zh
                else f"{ruling.rule.title_en}: {least} of {total} at most, {n} reached: {'within' if ok else 'exceeded'}"
            )
        else:
            said.append(
                f"{ruling.rule.title}：{total} 中须有 {least}，实有 {n}，{'达到' if ok else '未达到'}"
                if zh
                else f"{ruling.rule.title_en}: {least} of {total} needed, {n} reached: {'met' if ok else 'not met'}"
            )
    return ("；" if zh else "; ").join(said) + (("。" if zh else ".") if said else "")
