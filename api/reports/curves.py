"""Exact curves as a person reads them in a terminal: the frontier of cost against the order, and the budget's curves.

Long curves are shortened here; the JSON and the files have every breakpoint. Nothing is computed that a curve does not
say, but points between two breakpoints, which lie on the line.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import TextIO

from api.curve_answers import BudgetAnswer, FrontierAnswer
from api.reports.curve_parts import (
    POINTS_SHOWN,
    Column,
    chosen,
    covered_percent,
    decimal_text,
    mix,
    percent,
    picture,
    say_left_out,
    tier_legend,
    tier_table,
)
from api.reports.page import Page, say_findings
from api.reports.words import PROOFS, grouped, pick
from optimizer.problem import Problem
from optimizer.quantities import E4, round_half_up, tonnes
from optimizer.wording import INSTRUMENT_NAMES, Language, Text, counted
from scenarios.alternatives import Alternatives, Portfolio
from scenarios.break_even import BreakEven
from scenarios.breakpoints import Point, yuan_text
from scenarios.frontier import Frontier, Stretch

GROWING_SHOWN = 9
"""Of the breakpoints shown, where coverage grows with the money."""
STEPS_SHOWN = 8
CHANGES_SHOWN = 6
STEPS = {
    "frontier": Text("边界", "the frontier"),
    "cost-first": Text("成本最低, 整手", "the cheapest, in whole lots"),
    "priority-first": Text("按推荐顺序, 整手", "the full order, in whole lots"),
    "alternatives": Text("其他方案", "alternatives"),
    "money": Text("预算曲线", "the budget's curve"),
    "emissions": Text("排放曲线", "the emissions' curve"),
    "margin": Text("余量曲线", "the margin's curve"),
}


def step_words(name: str, lang: Language) -> str:
    """A step of the work; an offer's or an instrument's break-even is called by its name."""
    if name in STEPS:
        return STEPS[name].say(lang)
    return pick(lang, f"保本价 {name}", f"break-even of {name}")


# -------------------------------------------------------------------------------------------------------- the frontier


def show_frontier(answer: FrontierAnswer, lang: Language, stream: TextIO) -> None:
    """Writes the page."""
    page, found, problem = Page(stream), answer.frontier, answer.problem
    page.title(pick(lang, "晋衡边界: 成本与推荐顺序", "jinheng frontier: cost against the recommended order"))
    page.line(_subject(problem, found.points[0], lang))
    for sentence in _frontier_sentences(found, lang):
        page.line(sentence)
    _ends(page, found, lang)
    if len(found.points) > 1:
        zh, en = (
            "层级随成本的变化 (左: 最便宜; 右: 完全按顺序)",
            "Tiers along the cost (left: cheapest; right: full order)",
        )
        page.section(pick(lang, zh, en))
        picture(page, found.points)
        _frontier_points(page, found, lang)
    tier_legend(page, problem.rule_pack, found.points, lang)
    if answer.alternatives is not None:
        _alternatives(page, answer.alternatives, lang)
    say_findings(page, answer.findings, lang)
    page.write()


def _subject(problem: Problem, point: Point, lang: Language) -> str:
    events = problem.events
    zh = events[0].name or events[0].id if len(events) == 1 else f"{len(events)} 个活动"
    en = events[0].name or events[0].id if len(events) == 1 else f"{len(events)} events"
    need = grouped(tonnes(round_half_up(point.required_t * 1000)))
    return pick(
        lang,
        f"{zh}; 需抵销 {need} 吨; 计划日 {problem.as_of}; 数量可分割, 曲线精确",
        f"{en}; need {need} t; as of {problem.as_of}; quantities divisible, every breakpoint exact",
    )


def _frontier_sentences(found: Frontier, lang: Language) -> list[str]:
    first, last = found.points[0], found.points[-1]
    said = []
    if last.shortfall_t > 0:
        short = grouped(decimal_text(last.shortfall_t, 3))
        said.append(pick(lang, f"至少缺口 {short} 吨, 处处如此。", f"Short of {short} t at the least, all along."))
    if len(found.points) == 1:
        zh, en = (
            "最便宜的合规方案就是完全按顺序的方案: 只有一个点。",
            "The cheapest lawful plan is the full order: one point.",
        )
        return [*said, pick(lang, zh, en)]
    more = grouped(yuan_text(last.cost - first.cost))
    share = "" if first.cost == 0 else f" ({percent((last.cost - first.cost) / first.cost)})"
    zh = f"完全按推荐顺序比最便宜的合规方案多 {more} 元{share}。"
    en = f"The full order costs {more} yuan more than the cheapest lawful plan{share}."
    said.append(pick(lang, zh, en))
    if found.knee is not None:
        said.append(_knee_sentence(found, found.knee, lang))
    return said


def _knee_sentence(found: Frontier, knee: Point, lang: Language) -> str:
    first, last = found.points[0], found.points[-1]
    money = percent((knee.cost - first.cost) / (last.cost - first.cost))
    far, near = found.rank_t(first), found.rank_t(last)
    way = percent((far - found.rank_t(knee)) / (far - near))
    cost = grouped(yuan_text(knee.cost))
    zh = f"拐点 {cost} 元 (*): 花这笔差价的 {money}, 走完顺序的 {way}; 过此每元所得变少。"
    en = f"The knee is at {cost} yuan (*): {money} of that money goes {way} of the way to the order."
    return pick(lang, zh, en)


def _ends(page: Page, found: Frontier, lang: Language) -> None:
    """Both ends, divisible and in whole lots."""
    names = {
        "cost-first": Text("最便宜的合规方案", "cheapest lawful plan"),
        "priority-first": Text("完全按推荐顺序", "full order"),
    }
    page.section(pick(lang, "两端", "The ends"))
    rows: list[tuple[str, ...]] = []
    divisible = dict(zip(names, (found.points[0], found.points[-1]), strict=True))
    whole = {end.objective: end for end in found.ends}
    for key, name in names.items():
        point = divisible[key]
        required = point.required_t
        rows.append(
            (
                name.say(lang) + pick(lang, ", 可分割", ", divisible"),
                grouped(yuan_text(point.cost)),
                decimal_text(point.shortfall_t, 3),
                PROOFS["exact"].say(lang),
                mix(point.tiers, required),
            )
        )
        if key in whole:
            end = whole[key]
            cells = grouped(yuan_text(end.cost)), decimal_text(end.shortfall_t, 3), PROOFS[end.proof].say(lang)
            rows.append((name.say(lang) + pick(lang, ", 整手", ", whole lots"), *cells, mix(end.tiers, required)))
    page.table(pick(lang, "方案|>成本 元|>缺口 吨|证明|层级", "plan|>cost yuan|>short t|proof|tiers"), rows)


def _frontier_points(page: Page, found: Frontier, lang: Language) -> None:
    keep = [] if found.knee is None else [found.points.index(found.knee)]
    shown = chosen(len(found.points), keep)
    points = [found.points[k] for k in shown]
    page.section(pick(lang, "转折点", "Breakpoints"))
    marks = ["*" if p is found.knee else "" for p in points]
    money = [grouped(yuan_text(p.cost)) for p in points]
    tier_table(page, [("", marks), (pick(lang, ">成本 元", ">cost yuan"), money)], points, [], lang)
    say_left_out(page, len(found.points), len(points), lang)
    zh, en = "接下来的 10,000 元买到什么 (按该区间的比率)", "What the next 10,000 yuan buy (at the rate of the stretch)"
    page.section(pick(lang, zh, en))
    rows = []
    for k in shown[:-1]:
        stretch = found.stretches[k]
        price = stretch.yuan_per_t
        each = _price(price)
        cells = grouped(yuan_text(stretch.low.cost)), grouped(yuan_text(stretch.high.cost))
        rows.append((*cells, each, moved_words(stretch, lang)))
    heads = pick(lang, ">由 元|>到 元|>元/吨|每 10,000 元", ">from yuan|>to yuan|>yuan/t|each 10,000 yuan")
    page.table(heads, rows, wide=3)


def moved_words(stretch: Stretch, lang: Language) -> str:
    """What 10,000 yuan move, in words: so much from one tier to another, or each tier's gain and loss."""
    rates = [(r, x * E4) for r, x in enumerate(stretch.t_per_yuan, start=1) if x]
    gains, losses = [m for m in rates if m[1] > 0], [m for m in rates if m[1] < 0]
    if len(gains) == len(losses) == 1 and gains[0][1] == -losses[0][1]:
        (to, amount), (out, _) = gains[0], losses[0]
        t = grouped(decimal_text(amount, 3))
        return pick(lang, f"{t} 吨由第 {out} 层移到第 {to} 层", f"move {t} t from tier {out} to tier {to}")
    each = [(r, ("+" if x > 0 else "") + grouped(decimal_text(x, 3))) for r, x in (*gains, *losses)]
    if not each:
        return pick(lang, "层级不变", "no tier changes")
    if lang == "zh":
        return ", ".join(f"第 {r} 层 {x} 吨" for r, x in each)
    return ", ".join(f"{x} t of tier {r}" for r, x in each)


# ---------------------------------------------------------------------------------------------------------- the curves


def show_budget(answer: BudgetAnswer, lang: Language, stream: TextIO) -> None:
    """Writes the page."""
    page, curve, problem = Page(stream), answer.curve, answer.problem
    titles = {
        "money": Text("晋衡预算曲线: 覆盖、层级与边际价格", "jinheng budget: coverage, tiers and marginal price"),
        "need": Text("晋衡曲线: 成本与排放量", "jinheng budget: cost against emissions"),
        "margin": Text("晋衡曲线: 成本与余量", "jinheng budget: cost against the over-cover margin"),
    }
    page.title(titles[curve.against].say(lang))
    page.line(_subject(problem, curve.points[0], lang) if curve.against == "money" else _present(problem, lang))
    if curve.against == "money":
        for sentence in _money_sentences(answer, lang):
            page.line(sentence)
    if len(curve.points) > 1:
        axes = {
            "money": Text("层级随预算的变化 (左: 0 元)", "Tiers along the money (left: 0 yuan)"),
            "need": Text(
                "层级随排放倍数的变化, 以最大需要量为高", "Tiers along the emissions; full height is the largest need"
            ),
            "margin": Text(
                "层级随余量的变化, 以最大需要量为高", "Tiers along the margin; full height is the largest need"
            ),
        }
        page.section(axes[curve.against].say(lang))
        picture(page, curve.points)
    _curve_points(page, answer, lang)
    tier_legend(page, problem.rule_pack, curve.points, lang)
    if answer.break_evens:
        _break_evens(page, answer.break_evens, lang)
    say_findings(page, answer.findings, lang)
    page.write()


def _present(problem: Problem, lang: Language) -> str:
    emitted = grouped(tonnes(sum(e.emissions.emitted_kg for e in problem.events)))
    need = grouped(tonnes(sum(e.need_kg for e in problem.events)))
    zh = f"目前排放 {emitted} 吨, 需抵销 {need} 吨; 计划日 {problem.as_of}; 数量可分割, 曲线精确"
    en = f"emissions now {emitted} t, need {need} t; as of {problem.as_of}; quantities divisible, breakpoints exact"
    return pick(lang, zh, en)


def _money_sentences(answer: BudgetAnswer, lang: Language) -> list[str]:
    enough, last, own = answer.enough, answer.curve.points[-1], answer.own
    money, beyond = grouped(yuan_text(enough.at)), grouped(yuan_text(last.at))
    if enough.shortfall_t == 0:
        said = [pick(lang, f"全部覆盖至少需 {money} 元。", f"Full coverage takes {money} yuan.")]
    else:
        short = grouped(decimal_text(enough.shortfall_t, 3))
        zh, en = (
            f"再多的钱也缺 {short} 吨; 最多的覆盖需 {money} 元。",
            (f"No money covers the last {short} t; the most that can be covered takes {money} yuan."),
        )
        said = [pick(lang, zh, en)]
    if answer.shares_met.at > enough.at:
        met = grouped(yuan_text(answer.shares_met.at))
        said.append(pick(lang, f"份额下限也满足, 则需 {met} 元。", f"With the min shares met too: {met} yuan."))
    zh, en = f"超过 {beyond} 元, 再多的钱不改变任何结果。", f"Beyond {beyond} yuan more money changes nothing."
    said.append(pick(lang, zh, en))
    if own is not None:
        covered, spent = grouped(decimal_text(own.covered_t, 3)), grouped(yuan_text(own.spent))
        share, budget = covered_percent(own), grouped(yuan_text(own.at))
        zh = f"现有预算 {budget} 元: 覆盖 {covered} 吨 ({share}), 花费 {spent} 元。"
        en = f"The budget of {budget} yuan covers {covered} t ({share}) and spends {spent} yuan."
        said.append(pick(lang, zh, en))
    return said


def _curve_points(page: Page, answer: BudgetAnswer, lang: Language) -> None:
    curve = answer.curve
    money = curve.against == "money"
    shown = _shown_money(answer) if money else chosen(len(curve.points))
    points = [curve.points[k] for k in shown]
    page.section(pick(lang, "转折点", "Breakpoints"))
    heads = {"money": (">预算 元", ">yuan"), "need": (">倍数", ">times"), "margin": (">余量", ">margin")}
    at = [grouped(yuan_text(p.at)) if money else decimal_text(p.at, 4) for p in points]
    before: list[Column] = [(pick(lang, *heads[curve.against]), at)]
    if not money:
        before.append((pick(lang, ">成本 元", ">cost yuan"), [grouped(yuan_text(p.cost)) for p in points]))
    if money or any(p.shortfall_t for p in points):
        before.append((pick(lang, ">覆盖", ">cover"), [covered_percent(p) for p in points]))
    if any(p.missed_t for p in points):
        before.append(
            (pick(lang, ">缺份额 吨", ">share short t"), [grouped(decimal_text(p.missed_t, 3)) for p in points])
        )
    prices = ["-" if k >= len(curve.marginals) else _price(curve.marginals[k].yuan_per_t) for k in shown]
    tier_table(page, before, points, [(pick(lang, ">元/吨", ">yuan/t"), prices)], lang)
    say_left_out(page, len(curve.points), len(points), lang)
    zh, en = (
        "元/吨: 由此点起, 再覆盖一吨要花多少; - 为不再增加覆盖。",
        ("yuan/t: what one tonne more of coverage costs from here on; - where no more is covered."),
    )
    if not money:
        zh = "元/吨: 由此点起, 多需要一吨要多花多少; 0 为只有层级或覆盖退让。"
        en = "yuan/t: what one tonne more of need costs from here on; 0 where only tiers or coverage give way."
    page.line(pick(lang, zh, en), "dim")


def _shown_money(answer: BudgetAnswer) -> list[int]:
    """More of the part where coverage grows than of the rest."""
    n, full = len(answer.curve.points), answer.curve.points.index(answer.enough)
    if n <= POINTS_SHOWN:
        return list(range(n))
    before = chosen(full + 1, room=GROWING_SHOWN)
    return before + [full + k for k in chosen(n - full, room=POINTS_SHOWN - len(before) + 1) if k]


def _price(value: Fraction | None) -> str:
    return "-" if value is None else grouped(yuan_text(value))


# ---------------------------------------------------------------------------------------------------- break-even prices


def _break_evens(page: Page, found: Sequence[BreakEven], lang: Language) -> None:
    page.section(pick(lang, "保本价 (全包价; 其余不变)", "Break-even prices (all-in; all else as it is)"))
    for one in found:
        page.item(break_even_words(one, lang))
        rows = _steps(one, lang)
        if len(one.steps) > 1:
            unit = pick(lang, ">价格至多 元/吨", ">yuan/t up to")
            unit = unit if one.kind == "offer" else pick(lang, ">价格倍数至多", ">price times, up to")
            page.table(unit + pick(lang, "|>购买 吨|>占需要量", "|>bought t|>of the need"), rows)
            say_left_out(page, len(one.steps), len(rows), lang)
    if any(one.budgets_left_out for one in found):
        zh, en = "保本价不计预算: 价格会改变预算所容许的数量。", "Break-even prices leave budgets out."
        page.line(pick(lang, zh, en), "dim")


def _steps(one: BreakEven, lang: Language) -> list[tuple[str, ...]]:
    return [
        (grouped(decimal_text(s.price, 4)), grouped(decimal_text(s.contracted_t, 3)), percent(s.share))
        for s in one.steps[:STEPS_SHOWN]
    ]


def break_even_words(one: BreakEven, lang: Language) -> str:
    """The answer in a sentence."""
    name = f"{INSTRUMENT_NAMES[one.of].say(lang)} ({one.of})" if one.of in INSTRUMENT_NAMES else one.of
    offer = one.kind == "offer"
    now = "" if one.present is None or not offer else _now(one.present, lang)
    if one.reason == "left_out":
        return name + pick(lang, ": 不符合条件, 任何价格都不买", ": not eligible, bought at no price")
    if one.reason == "beaten_by_order":
        return name + pick(
            lang, f": 因推荐顺序, 白送也不买{now}", f": beaten by the order, not bought even for 0 yuan{now}"
        )
    said = []
    if one.at_any_price is not None:
        t = grouped(decimal_text(one.at_any_price.contracted_t, 3))
        said.append(pick(lang, f"无论什么价格都需要 {t} 吨", f"{t} t are needed at any price"))
    if one.break_even is not None:
        price = grouped(decimal_text(one.break_even, 4))
        most = grouped(decimal_text(one.steps[0].contracted_t, 3))
        zh = f"价格至多 {price} 元/吨时买 {most} 吨" if offer else f"价格至多为现价的 {price} 倍时买 {most} 吨"
        en = f"bought ({most} t) up to {price} yuan/t" if offer else f"bought ({most} t) up to {price} times its prices"
        said.append(pick(lang, zh, en))
    return f"{name}: " + "; ".join(said) + now


def _now(price: Fraction, lang: Language) -> str:
    value = grouped(decimal_text(price, 4))
    return pick(lang, f" (现价 {value} 元/吨)", f" (now {value} yuan/t)")


# --------------------------------------------------------------------------------------------------------- alternatives


def _alternatives(page: Page, found: Alternatives, lang: Language) -> None:
    share = percent(Fraction(found.within_e4, E4))
    page.section(
        pick(lang, f"成本相近的其他方案 (至多贵 {share})", f"Near-optimal alternatives (at most {share} dearer)")
    )
    if not found.others:
        zh, en = "没有: 成本之前的各层已定死方案。", "None: the levels before the cost leave no other portfolio."
        page.line(pick(lang, zh, en))
        return
    need = max(sum(p.tiers, Fraction(0)) + p.shortfall_t for p in (found.base, *found.others))
    rows = []
    for k, one in enumerate((found.base, *found.others)):
        more = "-" if k == 0 else "+" + grouped(yuan_text(one.cost - found.base.cost))
        far = "-" if k == 0 else percent(one.difference(found.base))
        name = pick(lang, "基准", "base") if k == 0 else str(k)
        rows.append((name, grouped(yuan_text(one.cost)), more, far, str(len(one.holdings)), mix(one.tiers, need)))
    heads = pick(lang, "方案|>成本 元|>多花|>不同|>行|层级", "plan|>cost yuan|>more|>differs|>lines|tiers")
    page.table(heads, rows)
    for k, one in enumerate(found.others, start=1):
        page.line(pick(lang, f"方案 {k} 与基准不同之处", f"How {k} differs from the base"), "bold")
        _changes(page, one, found.base, lang)


def _changes(page: Page, one: Portfolio, base: Portfolio, lang: Language) -> None:
    """The largest changes, as "more of" and "less of"."""
    events = len({e for e, _ in (*one.holdings, *base.holdings)})
    changes = sorted(one.changes(base).items(), key=lambda item: (-abs(item[1]), item[0]))
    told = [
        (f"{event} {offer}" if events > 1 else offer) + f" {'+' if kg > 0 else ''}{grouped(tonnes(kg))}"
        for (event, offer), kg in changes[:CHANGES_SHOWN]
    ]
    more = len(changes) - CHANGES_SHOWN
    zh, en = f"; 另有 {more} 行, 见 JSON", f"; {counted(more, 'more line', 'more lines')}: see the JSON"
    rest = pick(lang, zh, en) if more > 0 else ""
    page.item("; ".join(told) + pick(lang, " 吨", " t") + rest)
