"""The columns of an offers file: names, kinds, units, and how people head them in Chinese and English.

Here live headers and the words of enumerated values. How a cell is read lives in `cells`; nothing here looks at rows.
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from optimizer.wording import Text

HALF_WIDTH = str.maketrans(
    {0xFF01 + i: chr(0x21 + i) for i in range(94)}
    | {
        0x3000: " ",
        0x00A0: " ",
        0x202F: " ",
        0x2212: "-",
        0xFFE5: "¥",
        0x3010: "(",
        0x3011: ")",
        0x3014: "(",
        0x3015: ")",
    }
)
"""Full-width ASCII, wide and no-break spaces, the minus sign, the wide yuan sign, square brackets of Chinese text.

Not Unicode's NFKC: that would turn 5² into 52.
"""

INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
"""Characters without a shape (a regex class): zero-width spaces, marks of direction, a stray byte-order mark."""
_INVISIBLE = re.compile(f"[{INVISIBLE}]")


@dataclass(frozen=True)
class Column:
    """One column of an offers file. `kind` decides how cells are read; `field` is the column of `Offers` it fills."""

    name: str
    kind: str
    unit: Text
    label: Text
    field: str
    headers: tuple[str, ...]
    """Other spellings of the header."""


NO_UNIT = Text("", "")
TONNES = Text("吨", "t")
YUAN = Text("元", "yuan")
YUAN_PER_T = Text("元/吨", "yuan/t")
SHARE = Text("比例, 0 至 1", "a share, 0 to 1")
DAY = Text("日期", "date")


HEADER_SPELLINGS = """
offer_id: 编号 | 报价号 | 报价ID | 批次号 | 批次编号 | id | offer | offer no | offer number | lot id
instrument: 工具 | 产品 | 产品类型 | 类型 | 抵销方式 | 品类 | type | instrument type | product
mechanism: 平台 | 机制/平台 | 标准 | 减排机制 | 市场 | standard | platform | program | programme | market
project_id: 项目ID | 项目号 | 项目代码 | project no | project number | project code
project_name: 项目 | 项目名 | project | project title
methodology: 方法学编号 | method | protocol
region: 省份 | 所在地区 | 所在地 | 项目所在地 | 省 | 省市 | 行政区划 | 区域 | province | country | location
region: country/area
vintage: 减排量年份 | 配额年份 | 年度 | 签发年份 | 产生年份 | 履约年度 | vintage year | year
seller: 出让方 | 供应商 | 卖家 | 转让方 | 报价方 | vendor | supplier | counterparty
quantity: 可售量 | 可售数量 | 供应量 | 可供数量 | 数量合计 | volume | amount | available | quantity_t | volume_t
price: 单价 | 报价 | 挂牌价 | 售价 | unit price | price_yuan_per_t | price_yuan | offer price
min_quantity: 最低购买量 | 起购量 | 起订量 | 最小数量 | minimum | minimum quantity | min order | moq
lot_size: 手数 | 每手 | 每手数量 | 最小变动量 | 交易单位 | lot | lot_t | increment
price_breaks: 阶梯价格 | 批量价 | breaks | volume discount | tier price | tier prices
fixed_fee: 固定费 | 每笔费用 | fixed cost | fixed_fee_yuan
unit_fee: 每吨费用 | 单位手续费 | fee per t | fee per tonne
fee_rate: 手续费率 | 佣金率 | commission | commission rate
channel: 交易渠道 | 购买渠道 | 获取渠道 | access | access channel
valid_from: 生效日期 | 开始日期 | 起始日期 | 有效期自 | 有效期开始 | start | start date | from
valid_until: 有效期 | 截止日期 | 失效日期 | 有效期止 | 到期日 | 报价有效期 | valid_to | expiry | expires
valid_until: end date | until
settlement_days: 交割天数 | 交收天数 | 结算期 | settlement | delivery days
registered_on: 项目登记日期 | 备案日期 | 注册日期 | registration date | registered
last_traded_on: 最近成交日期 | 最后成交日 | 最近交易日 | last trade | last traded | last trade date
certified_by: 审定机构 | 核证机构 | 认证方 | certifier | certification body | verifier
planted_by: 造林日期 | 种植完成日期 | 造林时间 | planting date | planted | planted on
certification_due: 认证截止日期 | 预计认证日期 | 认证完成日期 | certified until | certification date
delivery_schedule: 交付进度 | 交付安排 | delivery | deliveries
payment_schedule: 付款安排 | 支付计划 | payment | payments | payment plan
buffer: 缓冲 | 缓冲池比例 | 风险预留比例 | buffer share | buffer rate
registry: 登记簿 | 登记系统 | 注册登记系统 | 注销系统 | 登记机构 | registry name
firm: 是否确定 | 确定 | 是否实盘 | 实盘 | firm quote | is firm
area_mu: 造林面积(亩) | 亩数 | mu
area_ha: 造林面积(公顷) | 公顷数 | area_hectares | hectares | ha
price_per_mu: 每亩单价 | 亩价 | 单价(元/亩) | 价格(元/亩) | price(yuan/mu)
yield_t_per_mu_yr: 年均碳汇量(吨/亩/年) | 每亩年均碳汇量 | 亩均年碳汇量 | 年碳汇量(吨/亩/年) | yield
yield_t_per_mu_yr: yield_t_mu_yr
yield_years: 计入期 | 计入期(年) | 碳汇年限 | crediting years | accrual years
yield_curve: 累计碳汇量 | 每亩累计碳汇量 | 生长曲线 | yield curve(t/mu)
species: 造林树种 | 主要树种 | tree species
growth: 生长方程 | 生长函数 | growth model
mortality: 枯损率 | 失败率 | mortality rate | failure rate
price_levels: 分档报价 | 盘口 | 卖盘 | 各档报价 | levels | order book | asks
"""
"""Other spellings of the headers, beside the contract's name and the Chinese label."""


def _lines(block: str) -> list[tuple[str, list[str]]]:
    """Lines of "key: word | word" as (key, words)."""
    pairs = [line.split(": ", 1) for line in block.strip().splitlines()]
    return [(key, words.split(" | ")) for key, words in pairs]


_SPELLINGS = _lines(HEADER_SPELLINGS)


def _column(name: str, kind: str, unit: Text, zh: str, *, field: str | None = None) -> Column:
    others = [h for key, words in _SPELLINGS if key == name for h in words]
    return Column(name, kind, unit, Text(zh, name), name if field is None else field, (zh, *others))


OFFER_COLUMNS: tuple[Column, ...] = (
    _column("offer_id", "id", NO_UNIT, "报价编号"),
    _column("instrument", "instrument", NO_UNIT, "品种"),
    _column("mechanism", "text", NO_UNIT, "机制"),
    _column("project_id", "text", NO_UNIT, "项目编号"),
    _column("project_name", "text", NO_UNIT, "项目名称"),
    _column("methodology", "text", NO_UNIT, "方法学"),
    _column("region", "region", NO_UNIT, "地区"),
    _column("vintage", "vintage", Text("年", "year"), "年份"),
    _column("seller", "text", NO_UNIT, "卖方"),
    _column("quantity", "mass", TONNES, "数量", field="quantity_kg"),
    _column("price", "price", YUAN_PER_T, "价格", field="price_fen"),
    _column("min_quantity", "mass", TONNES, "最小购买量", field="min_quantity_kg"),
    _column("lot_size", "lot", TONNES, "整手", field="lot_kg"),
    _column("price_breaks", "breaks", NO_UNIT, "阶梯价"),
    _column("fixed_fee", "money", YUAN, "固定费用", field="fixed_fee_fen"),
    _column("unit_fee", "price", YUAN_PER_T, "单位费用", field="unit_fee_fen"),
    _column("fee_rate", "rate", SHARE, "费率", field="fee_rate_e4"),
    _column("channel", "channel", NO_UNIT, "渠道"),
    _column("valid_from", "date", DAY, "有效期起"),
    _column("valid_until", "date", DAY, "有效期至"),
    _column("settlement_days", "days", Text("天", "days"), "结算天数"),
    _column("registered_on", "date", DAY, "登记日期"),
    _column("last_traded_on", "date", DAY, "最近成交日"),
    _column("certified_by", "text", NO_UNIT, "认证机构"),
    _column("planted_by", "date", DAY, "造林完成日期"),
    _column("certification_due", "date", DAY, "认证期限"),
    _column("delivery_schedule", "delivery", NO_UNIT, "交付计划"),
    _column("payment_schedule", "payment", NO_UNIT, "付款计划"),
    _column("buffer", "buffer", SHARE, "缓冲比例", field="buffer_e4"),
    _column("registry", "text", NO_UNIT, "注册登记机构"),
    _column("firm", "bool", NO_UNIT, "确定报价"),
)
"""The contract's columns, in the contract's order."""

FORESTRY_COLUMNS: tuple[Column, ...] = (
    _column("area_mu", "area", Text("亩", "mu"), "面积(亩)", field=""),
    _column("area_ha", "area", Text("公顷", "ha"), "面积(公顷)", field=""),
    _column("price_per_mu", "price", Text("元/亩", "yuan/mu"), "每亩价格", field=""),
    _column("yield_t_per_mu_yr", "yield", Text("吨/亩/年", "t/mu/yr"), "年均碳汇量", field=""),
    _column("yield_years", "years", Text("年", "years"), "计入年限", field=""),
    _column("yield_curve", "curve", Text("吨/亩", "t/mu"), "碳汇曲线", field=""),
    _column("species", "text", NO_UNIT, "树种", field=""),
    _column("growth", "growth", NO_UNIT, "生长模型", field=""),
    _column("mortality", "buffer", SHARE, "死亡率", field=""),
)
"""How foresters write an offer: area and yield, from which `forestry` makes tonnes and a delivery schedule."""

BOOK_COLUMNS: tuple[Column, ...] = (_column("price_levels", "levels", NO_UNIT, "逐档报价", field=""),)
"""How an order book writes an offer: quantities at prices, from which `depth` makes one offer a level."""

REMARK_HEADERS = frozenset(
    {"备注", "说明", "附注", "序号", "no", "remark", "remarks", "note", "notes", "comment", "comments"}
)
"""Columns that people add for themselves: read past, without a complaint."""

COLUMNS: dict[str, Column] = {c.name: c for c in (*OFFER_COLUMNS, *FORESTRY_COLUMNS, *BOOK_COLUMNS)}
REQUIRED = ("offer_id", "instrument", "quantity", "price")

HEADER_REMARKS = frozenset({"必填", "选填", "可选", "含税", "required", "optional", "可不填"})
"""What a header may carry in brackets beside its unit."""

HEADER_UNITS_TEXT = """
mass 0: 吨 | t | tco2e | tco2 | 吨二氧化碳当量 | 吨co2e | 吨co2 | tonnes | 吨二氧化碳
mass 4: 万吨
mass 3: 千吨 | kt
mass -3: 千克 | 公斤 | kg
price 0: 元/吨 | 元/t | 元 | 人民币 | yuan/t | yuan | cny | cny/t | rmb | rmb/t | ¥/t | ¥/吨 | ¥ | 元/tco2e
price 0: yuan/tco2e | cny/tco2e | 元/吨二氧化碳当量 | 人民币/吨 | 元/亩 | yuan/mu
money 0: 元 | 人民币 | yuan | cny | rmb | ¥ | 元/笔
money 4: 万元
rate -2: % | 百分比
rate 0: 比例 | 小数 | 0-1
area 0: 亩 | mu | 公顷 | ha | hectares
area 4: 万亩
yield 0: 吨/亩/年 | t/mu/yr | t/mu/a | t/亩/年
curve 0: 吨/亩 | t/mu
days 0: 天 | 日 | 自然日 | days
years 0: 年 | years
vintage 0: 年 | year
"""
"""Units that a header may name in brackets: kind of column, power of ten to the column's own unit, spellings."""

WORDS_TEXT = """
instrument carbon_inclusion: carboninclusion | 碳普惠 | 碳普惠减排量 | carboninclusionreduction | phcer
instrument carbon_inclusion: 普惠减排量
instrument ccer: ccer | 核证自愿减排量 | 国家核证自愿减排量 | 中国核证自愿减排量 | 核证自愿减排量ccer
instrument ccer: 国家核证自愿减排量ccer
instrument credit: credit | 碳信用 | carboncredit | 其他减排机制 | 碳信用其他减排机制 | vcs | vcu | gs | cer
instrument forestry: forestry | 林业碳汇 | 新建林业 | 新建林业项目碳汇 | 新建林业碳汇 | 造林 | 造林碳汇
instrument forestry: 新建林业项目 | newforestry | 林业
instrument allowance: allowance | 碳配额 | 配额 | cea | 碳排放配额 | 全国碳配额 | 碳排放权配额 | 碳配额cea
instrument allowance: 全国碳排放配额
channel holder: holder | 持有 | 持有账户 | 自有账户 | 自持 | 开户 | ownaccount
channel agent: agent | 代理 | 代购 | 委托代理 | 经纪 | broker
channel donation: donation | 捐赠 | 赠与 | 无偿捐赠 | donated | gift
bool true: true | 1 | y | yes | 是 | t | 确定 | firm | 实盘
bool false: false | 0 | n | no | 否 | f | 不确定 | 意向 | indicative | 虚盘 | 意向价
"""
"""Words of enumerated values: kind of column, canonical word, spellings as `word_key` makes them."""


def _nested(block: str) -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = {}
    for key, words in _lines(block):
        kind, value = key.split(" ")
        table.setdefault(kind, {}).update(dict.fromkeys(words, value))
    return table


VALUES: dict[str, dict[str, str]] = _nested(WORDS_TEXT)
HEADER_UNITS: dict[str, dict[str, int]] = {
    kind: {unit: int(shift) for unit, shift in units.items()} for kind, units in _nested(HEADER_UNITS_TEXT).items()
}
HEADER_UNITS |= {"lot": HEADER_UNITS["mass"], "buffer": HEADER_UNITS["rate"]}


def half_width(text: str) -> str:
    """`text` with full-width characters made half-width, shapeless ones dropped, no space around."""
    if text.isascii():
        return text.strip()
    return _INVISIBLE.sub("", text).translate(HALF_WIDTH).strip()


def word_key(text: str) -> str:
    """What two spellings of one word share: half width, lower case, letters and digits only."""
    return "".join(c for c in half_width(text).casefold() if c.isalnum())


@dataclass(frozen=True)
class Match:
    """What a header says: its column, the power of ten from its unit to the column's, or a unit not understood."""

    column: Column
    shift: int = 0
    unit: str = ""


def match_header(header: str) -> Match | None:
    """The column that a header names; None when it names none."""
    whole = _header_key(header)
    bare, brackets = _split_brackets(header)
    column = _by_key().get(whole) or _by_key().get(_header_key(bare))
    if column is None:
        return None
    if column.name == "price" and any(b in ("元/亩", "yuan/mu") for b in brackets):
        column = COLUMNS["price_per_mu"]
    units = HEADER_UNITS.get(column.kind)
    unknown = [b for b in brackets if b not in HEADER_REMARKS and units is not None and b not in units]
    if unknown:
        return Match(column, 0, unknown[0])
    return Match(column, sum((units or {}).get(b, 0) for b in brackets))


def is_remark(header: str) -> bool:
    """True for the columns people add for themselves (备注, 序号, notes)."""
    return _header_key(_split_brackets(header)[0]) in REMARK_HEADERS


def nearest_header(header: str) -> str | None:
    """The known header that is spelt most like an unknown one, as the contract or the Chinese label writes it."""
    found = difflib.get_close_matches(_header_key(header)[:60], list(_by_key()), n=1, cutoff=0.6)
    if not found:
        return None
    column = _by_key()[found[0]]
    return column.name if found[0].isascii() else column.label.zh


def count_known(headers: Iterable[str]) -> int:
    """How many cells of a row name a column: the header row is the one where two or more do."""
    return sum(len(h) <= 60 and match_header(h) is not None for h in headers)


def nearest_word(kind: str, text: str) -> str | None:
    """The known word that is spelt most like an unknown one."""
    found = difflib.get_close_matches(word_key(text)[:60], list(VALUES[kind]), n=1, cutoff=0.6)
    return VALUES[kind][found[0]] if found else None


def _header_key(header: str) -> str:
    return "".join(c for c in half_width(header).casefold() if c.isalnum())


def _split_brackets(header: str) -> tuple[str, tuple[str, ...]]:
    text = re.sub(r"\s+", "", half_width(header).casefold().replace("[", "(").replace("]", ")"))
    inside = ",".join(re.findall(r"\(([^()]*)\)", text))
    parts = tuple(p for p in re.split(r"[,;、:]|单位", inside) if p)
    return re.sub(r"\([^()]*\)", "", text), parts


@cache
def _by_key() -> dict[str, Column]:
    return {_header_key(h): c for c in COLUMNS.values() for h in (c.name, *c.headers)}
