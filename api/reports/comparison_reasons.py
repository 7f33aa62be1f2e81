"""Why ways to procure differ from the base, line by line; what to watch in each; by what each can be told."""

from collections.abc import Iterator
from datetime import date

from api.reports.comparison_results import DETAILED, Rows, banded, named, numbered
from api.reports.paper_parts import Grid, Heading, Paragraph, Part, columns
from api.reports.plan_standing import identity_facts, proof, to_be_checked
from api.reports.scenario_figures import NONE, cost_change, covered, largest_changes, total
from api.reports.words import PROOFS, grouped, pick
from optimizer.plan import Plan
from optimizer.quantities import tonnes, yuan
from optimizer.wording import Language, Text
from scenarios.compare import KIND_NAMES, ChangedLine
from scenarios.side_by_side import Row, SideBySide

LINES_SHOWN = 12
"""Lines that differ, told of each way: those that cost or save most."""
CAUSES_SHOWN = 4
"""Of one line, the nearest first: whoever changes ten things at once gets ten."""
NEAR_SHOWN = 8
BECAUSE = {"valid_until": Text("报价有效期", "the offer ends"), "retire_by": Text("注销期限", "cancel by")}


def differences(table: SideBySide, lang: Language) -> Iterator[Part]:
    """Each way's figures against the base, and the lines that differ with their causes."""
    if len(table.rows) == 1:
        return
    yield Heading(1, pick(lang, "与基准的差异及原因", "What differs from the base, and why"))
    for k, row in numbered(table, DETAILED)[1:]:
        yield Heading(2, pick(lang, f"方案{k}：{row.title.say(lang)}", f"Way {k}: {row.title.say(lang)}"))
        yield Paragraph(_told(table, row, lang))
        largest = largest_changes(row, LINES_SHOWN)
        if row.changes is not None and largest:
            yield _lines(largest, len(row.changes.changed), lang)
    more = len(table.rows) - DETAILED
    if more > 0:
        zh, en = f"其余{more}个方案的逐笔差异见工作簿。", f"The workbook has the differences of {more} more."
        yield Paragraph(pick(lang, zh, en))


def _told(table: SideBySide, row: Row, lang: Language) -> str:
    if row.bought is None:
        return pick(lang, f"未能编制：{row.reason(lang)}。", f"Could not be planned: {row.reason(lang)}.")
    cost, t, share = total(row, "cost"), total(row, "covered_t"), covered(row)
    change = cost_change(table, row)
    beside = pick(lang, f"比基准{change}元", f"{change} to the base")
    if table.change(row, "cost") == 0:
        beside = pick(lang, "与基准相同", "as the base")
    zh = f"费用{cost}元（{beside}），覆盖{t}吨（{share}）。"
    en = f"It costs {cost} yuan ({beside}) and covers {t} t ({share}). "
    reason = row.reason(lang)
    if reason:
        zh, en = zh + f"未达到的：{reason}。", en + f"Not reached: {reason}. "
    if row.changes is None:
        zh += "这是不求最优的简单做法，只比较结果，不逐笔说明原因。"
        en += "A simple rule, nothing optimised: its outcome is compared, without causes line by line."
    elif not row.changes.changed:
        zh, en = zh + "采购与基准完全相同。", en + "The purchases are the base's."
    else:
        counts = row.changes.count()
        zh += f"各笔采购：{'、'.join(f'{KIND_NAMES[k].zh}{n}笔' for k, n in counts.items())}。"
        en += f"Lines: {', '.join(f'{n} {KIND_NAMES[k].en}' for k, n in counts.items())}."
    return pick(lang, zh, en)


def _lines(largest: list[ChangedLine], n: int, lang: Language) -> Grid:
    zh, en = "报价|变化|>此前（吨）|>现在（吨）|>费用差（元）|原因", "offer|change|>t|>now t|>yuan more|why"
    several = len({x.event_id for x in largest}) > 1
    order = list(KIND_NAMES)
    rows: list[tuple[str, ...]] = []
    owner = ""
    for x in sorted(largest, key=lambda x: (x.event_id, order.index(x.kind))):
        if several and x.event_id != owner:
            owner = x.event_id
            rows.append((owner,))
        rows.append(_line(x, lang))
    caption = pick(lang, "有差异的采购", "Purchases that differ")
    if n > len(largest):
        zh_more, en_more = (
            f"（费用差最大的{len(largest)}笔，共{n}笔）",
            f" (the {len(largest)} largest of {n})",
        )
        caption += pick(lang, zh_more, en_more)
    return Grid(caption, columns(lang, zh, en, (15, 9, 11, 11, 15, 39)), tuple(rows))


def _line(x: ChangedLine, lang: Language) -> tuple[str, ...]:
    fen = x.cost_change_fen
    return (
        x.offer_id,
        KIND_NAMES[x.kind].say(lang),
        grouped(tonnes(x.before.contracted_kg)),
        grouped(tonnes(x.after.contracted_kg)),
        ("+" if fen > 0 else "") + grouped(yuan(fen)),
        _causes(x, lang),
    )


def _causes(x: ChangedLine, lang: Language) -> str:
    """The nearest causes, and how many more there are."""
    said = pick(lang, "；", "; ").join(c.message.say(lang) for c in x.causes[:CAUSES_SHOWN])
    more = len(x.causes) - CAUSES_SHOWN
    return said if more <= 0 else said + pick(lang, f"；另有{more}项原因", f"; {more} more")


# ------------------------------------------------------------------------------------------------------------ the risks


def risks(table: SideBySide, lang: Language) -> Iterator[Part]:
    """Deadlines that are near, what to check, and how sure the base is the best."""
    yield Heading(1, pick(lang, "风险与提示", "Risks and notes"))
    yield from _near(table, lang)
    found = [(str(k), f.say(lang)) for k, row in numbered(table, DETAILED) for f in row.findings]
    if found:
        caption = pick(lang, "关于比选方案的提示", "Notes on the ways compared")
        yield Grid(caption, columns(lang, "序号|提示", "no.|note", (7, 93)), tuple(found))
    base = table.base.result
    assert isinstance(base, Plan), "the base was planned"
    yield from to_be_checked(base, lang)
    yield Paragraph(pick(lang, "基准方案", "The base. ") + proof(base, lang))


def _near(table: SideBySide, lang: Language) -> Iterator[Part]:
    rows = banded([(k, _last_days(row, lang)) for k, row in numbered(table, DETAILED) if row.near], lang)
    if not rows:
        zh, en = f"没有{table.days}天内到期的采购。", f"No purchase has its last day within {table.days} days."
        yield Paragraph(pick(lang, zh, en))
        return
    caption = pick(lang, f"{table.days}天内到期的采购", f"Purchases whose last day is within {table.days} days")
    heads = columns(lang, "报价|最后一天|>余（天）|由于", "offer|last day|>days left|because", (40, 22, 14, 24))
    yield Grid(caption, heads, rows)


def _last_days(row: Row, lang: Language) -> Rows:
    shown = row.near[:NEAR_SHOWN]
    rows = tuple((d.offer_id, str(d.last_day), str(d.days_left), BECAUSE[d.because].say(lang)) for d in shown)
    more = len(row.near) - NEAR_SHOWN
    return rows if more <= 0 else (*rows, (pick(lang, f"另有{more}笔", f"{more} more"), "", "", ""))


# -------------------------------------------------------------------------------------------------------- the identity


def identities(table: SideBySide, lang: Language, today: date) -> Iterator[Part]:
    """Until when each way holds and how sure it is the best; ids and hashes of the base."""
    yield Heading(1, pick(lang, "有效期与校验", "Validity and verification"))
    zh, en = "序号|方案|方案编号|有效期至|是否最优", "no.|way|plan id|valid until|proof"
    rows = tuple((*named(k, row, lang), *_identity(row, lang, today)) for k, row in numbered(table))
    caption = pick(lang, "各方案的编号与有效期", "Ids and validity of the ways")
    yield Grid(caption, columns(lang, zh, en, (7, 22, 45, 15, 11)), rows)
    base = table.base.result
    assert isinstance(base, Plan), "the base was planned"
    yield Paragraph(pick(lang, "基准方案及其依据的数据：", "The base, and the data that it rests on:"))
    yield identity_facts(base, lang, expired=is_past(base, today))
    zh = "哈希均为 SHA-256。同样的活动文件、行情快照、规则包和情景，用 jinheng compare 得到同样的比选。"
    en = (
        "Hashes are SHA-256. jinheng compare gives the same comparison for the same event file, snapshot, rule pack "
        "and scenarios."
    )
    yield Paragraph(pick(lang, zh, en))


def _identity(row: Row, lang: Language, today: date) -> tuple[str, str, str]:
    plan = row.result
    if not isinstance(plan, Plan):
        return NONE, NONE, NONE
    until = pick(lang, "未写", "not stated") if plan.valid_until is None else str(plan.valid_until)
    if is_past(plan, today):
        until += pick(lang, "（已过期）", " (expired)")
    return plan.plan_id, until, _surest(plan, lang)


def _surest(plan: Plan, lang: Language) -> str:
    """The weakest proof of any level."""
    return next(PROOFS[kind].say(lang) for kind in reversed(PROOFS) if any(x.proof == kind for x in plan.levels))


def is_past(plan: Plan, today: date) -> bool:
    """Whether one of the offers used can no longer be bought at its price."""
    return plan.valid_until is not None and plan.valid_until < today
