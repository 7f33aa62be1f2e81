"""Ways to procure as a paper for whoever decides (方案比选报告): what each changes, what comes of it, and why.

Only content, as `paper_parts`; nothing is computed that the comparison does not say but sums and shares of its rows.
"""

from collections.abc import Iterator
from datetime import date

from api.reports.comparison_reasons import differences, identities, is_past, risks
from api.reports.comparison_results import ROWS_MAX, numbered, results
from api.reports.paper_parts import Grid, Heading, Notice, Paper, Paragraph, Part, columns, listed
from api.reports.plan_chapter import aim, document_followed, organiser_of, title_of_events
from api.reports.plan_settlement import runs_of
from api.reports.scenario_words import what_changes
from api.reports.words import event_names, grouped, pick
from optimizer.plan import Plan
from optimizer.wording import Language, day_text
from scenarios.side_by_side import SideBySide


def comparison_report(table: SideBySide, lang: Language, today: date) -> Paper:
    """The report of a comparison; `today` tells which of its plans are past the last day of their prices."""
    base = table.base.result
    assert isinstance(base, Plan), "the base was planned"
    name = title_of_events(base, lang)
    parts = (
        *_notices(table, base, lang, today),
        *_basis(table, base, lang),
        *results(table, lang),
        *differences(table, lang),
        *risks(table, lang),
        *identities(table, lang, today),
    )
    return Paper(
        lang=lang,
        title=(
            pick(lang, f"{name}碳抵销采购", f"{name}: ways to procure offsets"),
            pick(lang, "方案比选报告", "Comparison"),
        ),
        subtitle=(
            pick(lang, f"基准方案 {base.plan_id[:16]}　", f"Base {base.plan_id[:16]}, ")
            + pick(lang, f"编制日期 {day_text(base.as_of, lang)}", f"made as of {day_text(base.as_of, lang)}"),
        ),
        addressee="",
        parts=parts,
        issuer=organiser_of(base),
        day=base.as_of,
        keywords=(base.plan_id, base.policy.id),
    )


def _notices(table: SideBySide, base: Plan, lang: Language, today: date) -> Iterator[Part]:
    plans = [(k, row.result) for k, row in enumerate(table.rows) if isinstance(row.result, Plan)]
    past = [str(k) for k, plan in plans if is_past(plan, today)]
    if past:
        told = runs_of(past)
        zh = f"以下方案所用报价已过有效期，执行前须重新编制：方案{told}。"
        en = f"The prices used have expired; plan again before acting on: {told}."
        yield Notice(pick(lang, zh, en))
    cut = [str(k) for k, plan in plans if not plan.reproducible]
    if cut:
        told = runs_of(cut)
        zh = f"以下方案因限时中断，结果不可复现，且可能还有更好的方案：方案{told}。"
        en = f"Cut by a time limit, so that they cannot be reproduced and better ones may exist: {told}."
        yield Notice(pick(lang, zh, en))
    if base.status == "short":
        short = grouped(base.totals.shortfall_t)
        zh, en = f"基准方案未能全部覆盖：缺口{short}吨二氧化碳当量。", f"The base falls {short} tCO2e short."
        yield Notice(pick(lang, zh, en))


def _basis(table: SideBySide, base: Plan, lang: Language) -> Iterator[Part]:
    yield Heading(1, pick(lang, "比选依据", "Basis"))
    yield Paragraph(document_followed(base, lang, "基准方案", "The base"))
    names, need = event_names(base), grouped(base.totals.required_t)
    told = listed([names[e.id] for e in base.events], 5, lang)
    offers, digest = grouped(str(base.problem["offers_count"])), str(base.provenance["offers_sha256"])[:16]
    zh = f"比选对象为{told}的碳抵销采购，需抵销{need}吨二氧化碳当量；市场为一份含{offers}个报价的行情快照（{digest}）；"
    zh += f"计划日期为{day_text(base.as_of, lang)}。基准方案的目标为：{aim(base, lang)}。"
    en = f"Compared are ways to procure the offsets of {told}, {need} tCO2e, on a market of {offers} offers "
    en += f"(snapshot {digest}), planned as of {day_text(base.as_of, lang)}. The base aims to {aim(base, lang)}."
    yield Paragraph(pick(lang, zh, en))
    zh = "其余方案各在基准上作下表所列的改变，其他条件不变。本报告是依据所给数据的测算结果，不构成法律意见，"
    zh += "也不是对符合任何规定的保证。"
    en = "Each of the others changes what the table says, and nothing else. All is computed from the data given; it is "
    en += "no legal advice and no promise that any rule is met."
    yield Paragraph(pick(lang, zh, en))
    yield _ways(table, lang)


def _ways(table: SideBySide, lang: Language) -> Grid:
    """What each way changes, and what one can learn from it where its author says so."""
    base = pick(lang, "按活动文件和规则包", "as the event and the rule pack say")
    rows = [
        (
            str(k),
            row.title.say(lang),
            base if row.scenario is None else what_changes(row.scenario, lang),
            "" if row.scenario is None or row.scenario.shows is None else row.scenario.shows.say(lang),
        )
        for k, row in numbered(table, ROWS_MAX)
    ]
    caption = pick(lang, "参加比选的方案", "The ways compared")
    if any(row[3] for row in rows):
        zh, en = "序号|方案|改变|比选目的", "no.|way|what it changes|what it shows"
        return Grid(caption, columns(lang, zh, en, (7, 24, 38, 31)), tuple(rows))
    heads = columns(lang, "序号|方案|改变", "no.|way|what it changes", (7, 30, 63))
    return Grid(caption, heads, tuple(row[:3] for row in rows))
