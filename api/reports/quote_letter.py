"""A quote (报价单) as its client gets it: what is offered, at which price, until when, and where it is cancelled.

It is made of the document that was written for the client alone (`ledger/quotes`): no cost, no margin, no seller, no
other lot and no plan can stand here, because none is given.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from api.reports.paper_parts import (
    Facts,
    Grid,
    Heading,
    Notice,
    Paper,
    Paragraph,
    Part,
    columns,
    money_in_words,
    short_title,
)
from api.reports.words import grouped, pick, registry_name
from optimizer.quantities import fen_of
from optimizer.wording import INSTRUMENT_NAMES, Language, day_text

type Offered = Mapping[str, Any]


@dataclass(frozen=True)
class QuoteTold:
    """A quote as its client may know it."""

    quote_id: str
    sha256: str
    """Of the document that was written for the client."""
    offered: Offered
    client: str
    """Blank where nobody is named."""
    made_on: date
    valid_until: datetime
    """In the market's time zone."""
    open: bool


def quote_letter(told: QuoteTold, lang: Language) -> Paper:
    """The quote as a letter."""
    offered = told.offered
    name = short_title(str(offered["event_name"] or offered["event_id"]))
    firm = pick(lang, "确定报价", "firm quote") if offered["firm"] else pick(lang, "意向报价", "indicative quote")
    parts = (
        *_notices(told, lang),
        *_intent(told, lang),
        *_prices(offered, lang),
        *_delivery(offered, lang),
        *_terms(told, lang),
        *_identity(told, lang),
    )
    return Paper(
        lang=lang,
        title=(pick(lang, f"{name}碳抵销报价单", f"Quote for carbon offsets: {name}"),),
        subtitle=(pick(lang, f"（{firm}，编号 {told.quote_id}）", f"{firm.capitalize()}, no. {told.quote_id}"),),
        addressee=told.client,
        parts=parts,
        issuer=str(offered["broker"]),
        day=told.made_on,
        keywords=(told.quote_id, told.sha256),
    )


def moment_text(moment: datetime, lang: Language) -> str:
    """A moment of the market: 2026年11月23日16:00（北京时间）."""
    day, clock = day_text(moment.date(), lang), moment.strftime("%H:%M")
    return pick(lang, f"{day}{clock}（北京时间）", f"{clock} Beijing time on {day}")


def _notices(told: QuoteTold, lang: Language) -> Iterator[Part]:
    if not told.open:
        until = moment_text(told.valid_until, lang)
        yield Notice(
            pick(lang, f"本报价已于{until}失效，请重新询价。", f"This quote expired at {until}: ask for a new one.")
        )
    if told.offered["status"] == "short":
        t = grouped(told.offered["shortfall_t"])
        yield Notice(
            pick(lang, f"本报价未覆盖全部需求，缺口{t}吨。", f"This quote does not cover the need: {t} t are short.")
        )


def _intent(told: QuoteTold, lang: Language) -> Iterator[Part]:
    o = told.offered
    name, broker = str(o["event_name"] or o["event_id"]), str(o["broker"])
    need, covered, price = grouped(o["required_t"]), grouped(o["covered_t"]), grouped(o["price"])
    words = money_in_words(fen_of(o["price"]))
    zh = (
        f"就{name}的碳抵销需求（{need}吨二氧化碳当量），{broker}报价如下：可覆盖{covered}吨，总价{price}元（{words}）。"
    )
    en = f"For the carbon offsets of {name} (need: {need} tCO2e), {broker} offers {covered} t for {price} yuan in all."
    yield Paragraph(pick(lang, zh, en))


def _prices(offered: Offered, lang: Language) -> Iterator[Part]:
    yield Heading(1, pick(lang, "报价明细", "What is offered"))
    rows = [
        (str(n), *_described(line, lang), *(grouped(line[key]) for key in ("tonnes", "unit_price", "price")))
        for n, line in enumerate(offered["lines"], 1)
    ]
    blank = ("",) * 4
    fee = offered["fee"]
    if float(fee) != 0:
        rows.append(("", pick(lang, "服务费", "service fee"), *blank, grouped(fee)))
    rows.append(("", pick(lang, "合计", "in all"), *blank, grouped(offered["price"])))
    zh = "序号|标的|>层级|>年份|>数量（吨）|>单价（元/吨）|>金额（元）"
    en = "no.|what|>tier|>vintage|>amount (t)|>yuan/t|>yuan"
    caption = pick(lang, "标的与价格", "Lots and prices")
    yield Grid(caption, columns(lang, zh, en, (8, 36, 8, 9, 13, 14, 16)), tuple(rows), total=True)


def _described(line: Mapping[str, Any], lang: Language) -> tuple[str, str, str]:
    name = INSTRUMENT_NAMES[str(line["instrument"])].say(lang)
    project = str(line.get("project_name") or line.get("project_id") or line.get("mechanism") or "")
    what = f"{name}{pick(lang, '：', ': ')}{project}" if project else name
    return what, str(line["tier"]), str(line.get("vintage") or "-")


def _delivery(offered: Offered, lang: Language) -> Iterator[Part]:
    if not offered["lines"]:
        return
    yield Heading(1, pick(lang, "交付与注销", "Delivery and cancellation"))
    rows = tuple(
        (
            str(n),
            str(line["offer_id"]),
            str(line["purchase_date"]),
            registry_name(line["registry"]).say(lang),
            str(line["retire_by"]),
        )
        for n, line in enumerate(offered["lines"], 1)
    )
    zh, en = "序号|编号|采购日|注销的登记机构|最迟注销日", "no.|lot|bought on|to be cancelled in|at the latest by"
    caption = pick(lang, "采购日与注销期限", "Days of purchase and cancellation")
    yield Grid(caption, columns(lang, zh, en, (8, 24, 16, 34, 18)), rows)


def _terms(told: QuoteTold, lang: Language) -> Iterator[Part]:
    yield Heading(1, pick(lang, "报价条件", "Terms"))
    until = moment_text(told.valid_until, lang)
    yield Paragraph(pick(lang, f"本报价有效至{until}。", f"This quote is valid until {until}."))
    if told.offered["firm"]:
        zh = "本报价为确定报价：有效期内可按所列价格预留并订购。报价本身不保留数量，预留后方为贵方保留。"
        en = "It is firm: until then it can be held and ordered at these prices. "
        en += "The quote itself reserves nothing; a hold does."
    else:
        zh = "本报价为意向报价：价格和数量供参考，不能预留；成交以确定报价为准。"
        en = "It is indicative: prices and amounts may change, and it cannot be held. Ask for a firm quote to order."
    yield Paragraph(pick(lang, zh, en))
    zh = "所列层级为文件推荐的抵销顺序，本报价不是对符合任何规定的保证。"
    en = "Tiers are places in the recommended order of offsets; this quote is no promise that any rule is met."
    yield Paragraph(pick(lang, zh, en))


def _identity(told: QuoteTold, lang: Language) -> Iterator[Part]:
    yield Heading(1, pick(lang, "有效期与校验", "Validity and verification"))
    expired = "" if told.open else pick(lang, "（已失效）", " (expired)")
    kind = pick(lang, "确定报价", "firm") if told.offered["firm"] else pick(lang, "意向报价", "indicative")
    yield Facts(
        (
            (pick(lang, "报价编号", "quote"), told.quote_id),
            (pick(lang, "类型", "kind"), kind),
            (pick(lang, "活动", "event"), str(told.offered["event_id"])),
            (pick(lang, "报价日期", "made as of"), day_text(told.offered["as_of"], lang)),
            (pick(lang, "有效期至", "valid until"), moment_text(told.valid_until, lang) + expired),
            (pick(lang, "报价内容哈希", "hash of the offer"), told.sha256),
        )
    )
