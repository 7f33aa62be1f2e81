"""Quotes and stock become offers: what markets reported and registries hold, as something a plan may count on.

What a market did is no promise, so every offer from here is indicative (`firm` is False):

    quotes   one offer per market, code and method: the price of its last day with volume, and that day's volume,
             which is what one day is known to absorb. Earlier days are history; quotes without volume after that day
             repeat an old price, and are folded into the offer with a doubt.
    stock    one offer per project and vintage: what is issued and not retired, at the price that the buyer states.
             A registry says what exists, not what is for sale.

No offer counts tonnes of another: sums over vintages (composite codes) are left out, and of a code that is quoted both
in all and by method only one of the two becomes offers. Every row is accounted for: read = offers + folded + left out.
A listed order of allowances is below 100,000 t, yet several orders may be placed: that is no limit on an offer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from market_data import cells
from market_data.complaints import Complaints
from market_data.quotes import Quote, Quotes, Stock
from market_data.sources.raw_table import refuse
from optimizer.findings import Finding, fault, warning
from optimizer.offers import COLUMN_KINDS, Labels, Offers
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T, MASS_T_MAX, PRICE_YUAN_MAX, tonnes, yuan
from optimizer.wording import counted

BLOCK_MINIMUM_KG = 100_000 * KG_PER_T
"""A block trade (大宗协议) of national allowances is of 100,000 t or more; no block day of five years was below it."""
CEA_REGISTRY = "全国碳排放权注册登记系统"
CCER_REGISTRY = "全国温室气体自愿减排注册登记系统"
REGISTRIES = {"CEA": CEA_REGISTRY, "CCER": CCER_REGISTRY}
"""Where what is bought on a market is retired; of pilot markets the rule pack names it."""
PRICE_FEN_MAX = PRICE_YUAN_MAX * FEN_PER_YUAN
KG_MAX = MASS_T_MAX * KG_PER_T
HOLDER = "holder"


@dataclass(frozen=True)
class Terms:
    """What a feed cannot know and the buyer states. Quotes have prices of their own; stock has none."""

    price_fen: int | None = None
    """Fen per t of stock; quotes do not use it."""
    price_factor_e4: int = E4
    """Ten-thousandths by which prices are multiplied, halves up: 1.05 for what a buyer must add to be served."""
    channel: str | None = None
    """None: allowances through a holder, because it is unclear whether an organiser may hold them; all else open to
    all. Another channel (agent) takes its place: the tonnes are not there twice."""
    fee_rate_e4: int = 0
    """Fees are 0 unless stated: nothing about them could be verified."""
    unit_fee_fen: int = 0
    fixed_fee_fen: int = 0
    settlement_days: int = 0
    """Calendar days from purchase to possible retirement; 0, because no rule of a market was found."""
    valid_days: int | None = None
    """Calendar days from the day of the listing; None leaves the offers open, for a quote promises no validity."""
    seller: str = ""
    """Of quotes, and of stock without an owner."""


@dataclass(frozen=True, eq=False)
class Listed:
    """Offers with the account of their rows: `rows_read == len(offers) + folded + sum(left_out.values())`."""

    rows_read: int
    offers: Offers
    folded: int
    """Rows whose content an offer carries beside the row that it is made of."""
    left_out: Mapping[str, int]
    """Reason code -> rows."""
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        if self.rows_read != len(self.offers) + self.folded + sum(self.left_out.values()):
            raise AssertionError("a row of the listing is not accounted for")


type _Code = tuple[str, str, str, int]
"""Instrument, mechanism, code, vintage."""


class _Desk:
    """Collects offers and the fate of every row."""

    def __init__(self, terms: Terms, as_of: date) -> None:
        self.terms, self.as_of = terms, as_of
        self.offers: list[dict[str, Any]] = []
        self.folded = 0
        self.left_out: Counter[str] = Counter()
        self.complaints = Complaints()

    def leave_out(self, code: str, rows: int, zh: str, en: str, value: str | None = None) -> None:
        if rows:
            self.left_out[code] += rows
            self.doubt(code, zh, en, value)

    def doubt(self, code: str, zh: str, en: str, value: str | None = None) -> None:
        self.complaints.add(warning(code, zh, en, value=value))

    def add(self, offer_id: str, price_fen: int, **facts: Any) -> bool:
        """One more offer, priced by the terms; False where its size or price is none that an offer can have."""
        terms = self.terms
        price = (2 * price_fen * terms.price_factor_e4 + E4) // (2 * E4)
        if not 0 <= price <= PRICE_FEN_MAX or not 0 < facts["quantity_kg"] <= KG_MAX:
            return False
        until = None if terms.valid_days is None else self.as_of + timedelta(days=terms.valid_days)
        holder = HOLDER if facts["instrument"] == "allowance" else ""
        stated = {
            "lot_kg": KG_PER_T,
            "channel": holder if terms.channel is None else terms.channel,
            "fee_rate_e4": terms.fee_rate_e4,
            "unit_fee_fen": terms.unit_fee_fen,
            "fixed_fee_fen": terms.fixed_fee_fen,
            "settlement_days": terms.settlement_days,
            "valid_until": until,
        }
        self.offers.append({"offer_id": offer_id, "price_fen": price, **stated, **facts})
        return True

    def listed(self, rows_read: int) -> Listed:
        offers = _columns(sorted(self.offers, key=lambda o: str(o["offer_id"])))
        left_out = dict(sorted(self.left_out.items()))
        return Listed(rows_read, offers, self.folded, left_out, self.complaints.listed("warning"))


def _columns(rows: Sequence[Mapping[str, Any]]) -> Offers:
    """Offers of rows that name their columns; what a row does not name is blank, and no offer is firm."""
    dtypes: dict[str, Any] = {"id": object, "int": np.int64, "date": "datetime64[D]", "bool": bool}
    blanks = {"id": "", "label": "", "int": 0, "date": None, "bool": False}

    def column(name: str, kind: str) -> Any:
        values = [row.get(name, blanks[kind]) for row in rows]
        return Labels.of(values) if kind == "label" else np.array(values, dtype=dtypes[kind])

    return Offers(**{name: column(name, kind) for name, kind in COLUMN_KINDS.items()})


def offers_of_quotes(quotes: Quotes, terms: Terms, as_of: date) -> Listed:
    """One indicative offer per market, code and method from its quotes up to `as_of`.

    Price: the average of the last day that has volume and a price, else that day's close. Quantity: that day's volume,
    what one day is known to absorb; a market may absorb more, or less. `last_traded_on` is that day.
    Ids name market, code and method and no day, so that offers of two days can be compared.
    """
    desk = _Desk(terms, as_of)
    known = _leave_out_plainly(desk, quotes)
    groups: dict[_Code, dict[str, list[Quote]]] = {}
    for quote in (known[i] for i in range(len(known))):
        code = (quote.instrument, quote.mechanism, quote.code, quote.vintage)
        groups.setdefault(code, {}).setdefault(quote.method, []).append(quote)
    ids = _offer_ids({(code, method) for code, methods in groups.items() for method in methods})
    history = 0
    for code, methods in sorted(groups.items()):
        for method in _countable(desk, code, methods):
            history += _offer_of_days(desk, ids[code, method], methods[method])
    zh = f"{history} 行是较早的日子: 属于历史行情, 不是报价"
    en = f"{counted(history, 'row is', 'rows are')} of earlier days: history, not offers"
    desk.leave_out("history", history, zh, en)
    if desk.offers:
        zh = "行情报价是参考价; 数量取最近成交日的成交量, 即已知一天内市场能成交的量"
        en = "offers from quotes are indicative; a quantity is the volume of the last day traded, what one day absorbed"
        desk.doubt("indicative", zh, en)
    return desk.listed(len(quotes))


def _leave_out_plainly(desk: _Desk, quotes: Quotes) -> Quotes:
    """The quotes that stand for themselves and are known by the day of the listing."""
    later = quotes.day > np.datetime64(desk.as_of, "D")
    zh, en = f"晚于 {desk.as_of}: 当日尚未知道", f"are after {desk.as_of}: not known by then"
    desk.leave_out("after_as_of", int(later.sum()), zh, en)
    sums = quotes.composite & ~later
    zh = "综合代码是同一市场各代码之和, 计入会重复"
    en = "composite codes sum the others of their market: counting both counts twice"
    desk.leave_out("composite", int(sums.sum()), zh, en)
    rest = quotes.take(~later & ~sums)
    alone = sorted(_markets(quotes.take(sums)) - _markets(rest))
    for _, market in alone:
        zh = "该市场只有综合代码: 没有分代码的行情就没有报价; 请取分年份的数据"
        en = "this market has composite codes only, so it gives no offer; fetch its codes by vintage"
        desk.doubt("composite_only", zh, en, market)
    return rest


def _markets(quotes: Quotes) -> set[tuple[str, str]]:
    return {(quotes.instrument[i], quotes.mechanism[i]) for i in range(len(quotes))}


def _countable(desk: _Desk, code: _Code, methods: Mapping[str, list[Quote]]) -> list[str]:
    """The methods of a code that may become offers beside one another: all methods together, or each by itself.

    Whichever was traded last; by itself where both were.
    """
    single = sorted(m for m in methods if m)
    if "" not in methods or not single:
        return sorted(methods)
    in_all, by_method = _last_day(methods[""]), max(_last_day(methods[m]) for m in single)
    if by_method >= in_all:
        zh, en = "与分方式的行情重复: 取分方式的", "repeat what is quoted by method: those by method are taken"
        desk.leave_out("sums_methods", len(methods[""]), zh, en, code[2])
        return single
    zh, en = "分方式的行情较旧: 取合计的", "by method are older than those of all methods together, which are taken"
    desk.leave_out("older_by_method", sum(len(methods[m]) for m in single), zh, en, code[2])
    return [""]


def _last_day(days: Iterable[Quote]) -> date:
    return max((q.day for q in days if _traded(q)), default=date.min)


def _price_fen(quote: Quote) -> int:
    return quote.average_fen if quote.average_fen > 0 else quote.close_fen


def _traded(quote: Quote) -> bool:
    return quote.volume_kg > 0 and _price_fen(quote) > 0


def _offer_of_days(desk: _Desk, offer_id: str, days: list[Quote]) -> int:
    """Makes the offer of one code and method; gives how many of its rows are history."""
    last = _last_day(days)
    if last == date.min:
        zh, en = "没有成交量或价格: 没有可依据的成交", "have no volume or no price: no trade to go by"
        desk.leave_out("never_traded", len(days), zh, en, offer_id)
        return 0
    taken = max((q for q in days if q.day == last and _traded(q)), key=lambda q: (q.volume_kg, q))
    made = _add_quote(desk, offer_id, taken)
    idle = [q for q in days if q.day > last]
    if not made:
        zh, en = "价格或数量超出合理范围", "have a price or a volume beyond what is plausible"
        desk.leave_out("implausible", 1 + len(idle), zh, en, offer_id)
    elif idle:
        desk.folded += len(idle)
        _doubt_carried(desk, offer_id, last, max(q.day for q in idle))
    zh, en = "同一天同一代码有多行: 取成交最多的一行", "repeat a day and code: the one with most volume is taken"
    same = sum(q.day == last for q in days) - 1
    desk.leave_out("same_day", same, zh, en, offer_id)
    return len(days) - 1 - len(idle) - same


def _doubt_carried(desk: _Desk, offer_id: str, last: date, newest: date) -> None:
    zh = f"最近的行情 ({newest}) 没有成交 (价格沿用); 报价取最近成交日 {last} 的价格和数量"
    en = f"newest quote ({newest}) has no trade and repeats a price; the offer is of the last day traded, {last}"
    desk.doubt("carried_forward", zh, en, offer_id)


def _add_quote(desk: _Desk, offer_id: str, quote: Quote) -> bool:
    # Fewer than 100,000 t in blocks on one day shows that this market's blocks may be smaller.
    minimum = min(BLOCK_MINIMUM_KG, quote.volume_kg) if quote.method == "block" else 0
    return desk.add(
        offer_id,
        _price_fen(quote),
        instrument=quote.instrument,
        mechanism=quote.mechanism,
        region="CN" if quote.instrument == "ccer" else "",
        vintage=quote.vintage,
        quantity_kg=quote.volume_kg,
        min_quantity_kg=minimum,
        seller=desk.terms.seller,
        last_traded_on=quote.day,
        registry=REGISTRIES.get(quote.mechanism, ""),
    )


def _offer_ids(keys: set[tuple[_Code, str]]) -> dict[tuple[_Code, str], str]:
    """Ids without a day: CEA25-listed; the full form for those that would share one."""
    short = {key: _short_id(*key) for key in keys}
    shared = {i for i, n in Counter(short.values()).items() if n > 1}
    return {key: _shown("/".join(map(str, (*key[0], key[1])))) if i in shared else i for key, i in short.items()}


def _short_id(code: _Code, method: str) -> str:
    _, mechanism, name, vintage = code
    market = [] if name.startswith(mechanism) else [mechanism]
    year = [str(vintage)] if vintage and f"{vintage % 100:02d}" not in name else []
    return _shown("-".join(filter(None, [*market, name, *year, method]))) or code[0]


def offers_of_stock(stock: Sequence[Stock], terms: Terms, as_of: date) -> Listed:
    """One indicative offer per project and vintage of which something is left, at the price of the terms.

    Two entries of one project and vintage (two feeds) are the same credits: the one with less left is taken.

    Raises:
        BadInput: there is stock, and no price is stated.
    """
    if not stock:
        return _Desk(terms, as_of).listed(0)
    if terms.price_fen is None:
        zh, en = (
            "登记簿没有价格: 请用 --price 给出每吨价格",
            "registries have no prices: state one with --price, yuan per t",
        )
        raise refuse(fault("price_missing", zh, en, path="--price"))
    desk = _Desk(terms, as_of)
    taken: dict[str, Stock] = {}
    for one in sorted(stock, key=_by_remainder):
        if _offerable(desk, one):
            offer_id = _stock_id(one)
            if offer_id in taken:
                zh, en = (
                    "同一项目同一年份已有一行: 取结余较少的",
                    "repeat a project and vintage: that with less left is taken",
                )
                desk.leave_out("same_project", 1, zh, en, offer_id)
            elif _add_stock(desk, offer_id, one, terms.price_fen):
                taken[offer_id] = one
            else:
                zh, en = "价格或数量超出合理范围", "has a price or a quantity beyond what is plausible"
                desk.leave_out("implausible", 1, zh, en, offer_id)
    if desk.offers:
        zh = f"登记簿只说存在多少, 不说谁在卖; 价格 {yuan(terms.price_fen)} 元/吨由购买方给出"
        en = f"registries say what exists, not what is for sale; {yuan(terms.price_fen)} yuan/t is the buyer's price"
        desk.doubt("indicative", zh, en)
    return desk.listed(len(stock))


def _by_remainder(one: Stock) -> tuple[Any, ...]:
    return (one.mechanism, one.project_id, one.vintage, one.remaining_kg, *map(str, one))


def _stock_id(one: Stock) -> str:
    year = str(one.vintage) if one.vintage else ""
    return _shown("-".join(filter(None, [one.mechanism, one.project_id, year])))


def _offerable(desk: _Desk, one: Stock) -> bool:
    """Whether something is there to buy; what is not is left out with its reason."""
    name = _stock_id(one)
    if one.remaining_kg <= 0:
        zh = f"签发 {tonnes(one.issued_kg)} 吨, 已全部注销"
        en = f"has nothing left of the {tonnes(one.issued_kg)} t issued"
        desk.leave_out("nothing_left", 1, zh, en, name)
        return False
    if one.registered_on is not None and one.registered_on > desk.as_of:
        zh, en = f"登记日期晚于 {desk.as_of}", f"is registered after {desk.as_of}"
        desk.leave_out("after_as_of", 1, zh, en, name)
        return False
    return True


def _add_stock(desk: _Desk, offer_id: str, one: Stock, price_fen: int) -> bool:
    return desk.add(
        offer_id,
        price_fen,
        instrument=one.instrument,
        mechanism=one.mechanism,
        project_id=one.project_id,
        project_name=_shown(one.project_name),
        methodology=_shown(one.methodology),
        region=one.region,
        vintage=one.vintage,
        quantity_kg=one.remaining_kg,
        seller=_shown(one.owner) or desk.terms.seller,
        registered_on=one.registered_on,
        registry=_shown(one.registry) or REGISTRIES.get(one.mechanism, ""),
    )


def _shown(text: str) -> str:
    """Free text as an offers file can hold it: no line breaks or shapeless characters, not longer than a cell."""
    return cells.clean_text(text[: cells.TEXT_LENGTH_MAX].replace("\ufffd", "?")).strip()
