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
    | {0x3000: " ", 0x00A0: " ", 0x202F: " ", 0x2212: "-", 0xFFE5: "¥", 0x3010: "(", 0x3011: ")", 0x3014: "(", 0x3015: ")"}
)
"""Full-width ASCII, wide and no-break spaces, the minus sign, the wide yuan sign, square brackets of Chinese text.

Not Unicode's NFKC: that would turn 5² into 52.
"""

INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
"""Characters without a shape (a regex class): zero-width spaces, marks of direction, a byte-order mark inside the text."""
_INVISIBLE = re.compile(f"[{INVISIBLE}]")


@dataclass(frozen=True)
class Column:
    """One column of an offers file. `kind` decides how its cells are read; `field` is the column of `Offers` it fills."""

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
RATE = Text("比例, 0 至 1", "a share, 0 to 1")
DAY = Text("日期", "date")


def _column(name: str, kind: str, unit: Text, zh: str, others: str, *, field: str = "") -> Column:
    headers = tuple(h.strip() for h in others.split("|") if h.strip())
    return Column(name, kind, unit, Text(zh, name), field or name, (zh, *headers))


OFFER_COLUMNS: tuple[Column, ...] = (
    _column("offer_id", "id", NO_UNIT, "报价编号", "编号|报价号|报价ID|批次号|批次编号|id|offer|offer no|offer number|lot id"),
    _column("instrument", "instrument", NO_UNIT, "品种", "工具|产品|产品类型|类型|抵销方式|品类|type|instrument type|product"),
    _column("mechanism", "text", NO_UNIT, "机制", "平台|机制/平台|标准|减排机制|市场|standard|platform|program|programme|market"),
    _column("project_id", "text", NO_UNIT, "项目编号", "项目ID|项目号|项目代码|project no|project number|project code"),
    _column("project_name", "text", NO_UNIT, "项目名称", "项目|项目名|project|project title"),
    _column("methodology", "text", NO_UNIT, "方法学", "方法学编号|method|protocol"),
    _column("region", "region", NO_UNIT, "地区", "省份|所在地区|所在地|项目所在地|省|省市|行政区划|区域|province|country|location|country/area"),
    _column("vintage", "vintage", Text("年", "year"), "年份", "减排量年份|配额年份|年度|签发年份|产生年份|履约年度|vintage year|year"),
    _column("seller", "text", NO_UNIT, "卖方", "出让方|供应商|卖家|转让方|报价方|vendor|supplier|counterparty"),
    _column("quantity", "mass", TONNES, "数量", "可售量|可售数量|供应量|可供数量|数量合计|volume|amount|available|quantity_t|volume_t", field="quantity_kg"),
    _column("price", "price", YUAN_PER_T, "价格", "单价|报价|挂牌价|售价|unit price|price_yuan_per_t|price_yuan|offer price", field="price_fen"),
    _column("min_quantity", "mass", TONNES, "最小购买量", "最低购买量|起购量|起订量|最小数量|minimum|minimum quantity|min order|moq", field="min_quantity_kg"),
    _column("lot_size", "lot", TONNES, "整手", "手数|每手|每手数量|最小变动量|交易单位|lot|lot_t|increment", field="lot_kg"),
    _column("price_breaks", "breaks", NO_UNIT, "阶梯价", "阶梯价格|批量价|breaks|volume discount|tier price|tier prices"),
    _column("fixed_fee", "money", YUAN, "固定费用", "固定费|每笔费用|fixed cost|fixed_fee_yuan", field="fixed_fee_fen"),
    _column("unit_fee", "price", YUAN_PER_T, "单位费用", "每吨费用|单位手续费|fee per t|fee per tonne", field="unit_fee_fen"),
    _column("fee_rate", "rate", RATE, "费率", "手续费率|佣金率|commission|commission rate", field="fee_rate_e4"),
    _column("channel", "channel", NO_UNIT, "渠道", "交易渠道|购买渠道|获取渠道|access|access channel"),
    _column("valid_from", "date", DAY, "有效期起", "生效日期|开始日期|起始日期|有效期自|有效期开始|start|start date|from"),
    _column("valid_until", "date", DAY, "有效期至", "有效期|截止日期|失效日期|有效期止|到期日|报价有效期|valid_to|expiry|expires|end date|until"),
    _column("settlement_days", "days", Text("天", "days"), "结算天数", "交割天数|交收天数|结算期|settlement|delivery days"),
    _column("registered_on", "date", DAY, "登记日期", "项目登记日期|备案日期|注册日期|registration date|registered"),
    _column("last_traded_on", "date", DAY, "最近成交日", "最近成交日期|最后成交日|最近交易日|last trade|last traded|last trade date"),
    _column("certified_by", "text", NO_UNIT, "认证机构", "审定机构|核证机构|认证方|certifier|certification body|verifier"),
    _column("planted_by", "date", DAY, "造林完成日期", "造林日期|种植完成日期|造林时间|planting date|planted|planted on"),
    _column("certification_due", "date", DAY, "认证期限", "认证截止日期|预计认证日期|认证完成日期|certified until|certification date"),
    _column("delivery_schedule", "delivery", NO_UNIT, "交付计划", "交付进度|交付安排|delivery|deliveries"),
    _column("payment_schedule", "payment", NO_UNIT, "付款计划", "付款安排|支付计划|payment|payments|payment plan"),
    _column("buffer", "buffer", RATE, "缓冲比例", "缓冲|缓冲池比例|风险预留比例|buffer share|buffer rate", field="buffer_e4"),
    _column("registry", "text", NO_UNIT, "注册登记机构", "登记簿|登记系统|注册登记系统|注销系统|登记机构|registry name"),
    _column("firm", "bool", NO_UNIT, "确定报价", "是否确定|确定|是否实盘|实盘|firm quote|is firm"),
)
"""The contract's columns, in the contract's order."""

FORESTRY_COLUMNS: tuple[Column, ...] = (
    _column("area_mu", "area", Text("亩", "mu"), "面积(亩)", "造林面积(亩)|亩数|mu", field=""),
    _column("area_ha", "area", Text("公顷", "ha"), "面积(公顷)", "造林面积(公顷)|公顷数|area_hectares|hectares|ha", field=""),
    _column("price_per_mu", "price", Text("元/亩", "yuan/mu"), "每亩价格", "每亩单价|亩价|单价(元/亩)|价格(元/亩)|price(yuan/mu)", field=""),
    _column(
        "yield_t_per_mu_yr", "yield", Text("吨/亩/年", "t/mu/yr"), "年均碳汇量",
        "年均碳汇量(吨/亩/年)|每亩年均碳汇量|亩均年碳汇量|年碳汇量(吨/亩/年)|yield|yield_t_mu_yr", field="",
    ),
    _column("yield_years", "years", Text("年", "years"), "计入年限", "计入期|计入期(年)|碳汇年限|crediting years|accrual years", field=""),
    _column("yield_curve", "curve", Text("吨/亩", "t/mu"), "碳汇曲线", "累计碳汇量|每亩累计碳汇量|生长曲线|yield curve(t/mu)", field=""),
)
"""How foresters write an offer: area and yield, from which `forestry` makes tonnes and a delivery schedule."""

REMARK_HEADERS = frozenset({"备注", "说明", "附注", "序号", "no", "remark", "remarks", "note", "notes", "comment", "comments"})
"""Columns that people add for themselves: read past, without a complaint."""

COLUMNS: dict[str, Column] = {c.name: c for c in (*OFFER_COLUMNS, *FORESTRY_COLUMNS)}
REQUIRED = ("offer_id", "instrument", "quantity", "price")

HEADER_REMARKS = frozenset({"必填", "选填", "可选", "含税", "required", "optional", "可不填"})
"""What a header may carry in brackets beside its unit."""

HEADER_UNITS: dict[str, dict[str, int]] = {
    "mass": {"吨": 0, "t": 0, "tco2e": 0, "tco2": 0, "吨二氧化碳当量": 0, "吨co2e": 0, "吨co2": 0, "tonnes": 0, "吨二氧化碳": 0,
             "万吨": 4, "千吨": 3, "kt": 3, "千克": -3, "公斤": -3, "kg": -3},
    "price": {"元/吨": 0, "元/t": 0, "元": 0, "人民币": 0, "yuan/t": 0, "yuan": 0, "cny": 0, "cny/t": 0, "rmb": 0, "rmb/t": 0,
              "¥/t": 0, "¥/吨": 0, "¥": 0, "元/tco2e": 0, "yuan/tco2e": 0, "cny/tco2e": 0, "元/吨二氧化碳当量": 0, "人民币/吨": 0,
              "元/亩": 0, "yuan/mu": 0},
    "money": {"元": 0, "人民币": 0, "yuan": 0, "cny": 0, "rmb": 0, "¥": 0, "元/笔": 0, "万元": 4},
    "rate": {"%": -2, "百分比": -2, "比例": 0, "小数": 0, "0-1": 0},
    "area": {"亩": 0, "mu": 0, "公顷": 0, "ha": 0, "hectares": 0, "万亩": 4},
    "yield": {"吨/亩/年": 0, "t/mu/yr": 0, "t/mu/a": 0, "t/亩/年": 0},
    "curve": {"吨/亩": 0, "t/mu": 0},
    "days": {"天": 0, "日": 0, "自然日": 0, "days": 0},
    "years": {"年": 0, "years": 0},
    "vintage": {"年": 0, "year": 0},
}  # fmt: skip
"""Units that a header may name in brackets, and the power of ten that leads to the column's own unit."""
HEADER_UNITS["lot"] = HEADER_UNITS["mass"]
HEADER_UNITS["buffer"] = HEADER_UNITS["rate"]

VALUES: dict[str, dict[str, str]] = {
    "instrument": {
        "carboninclusion": "carbon_inclusion", "碳普惠": "carbon_inclusion", "碳普惠减排量": "carbon_inclusion",
        "carboninclusionreduction": "carbon_inclusion", "phcer": "carbon_inclusion", "普惠减排量": "carbon_inclusion",
        "ccer": "ccer", "核证自愿减排量": "ccer", "国家核证自愿减排量": "ccer", "中国核证自愿减排量": "ccer", "核证自愿减排量ccer": "ccer",
        "国家核证自愿减排量ccer": "ccer",
        "credit": "credit", "碳信用": "credit", "carboncredit": "credit", "其他减排机制": "credit", "碳信用其他减排机制": "credit",
        "vcs": "credit", "vcu": "credit", "gs": "credit", "cer": "credit",
        "forestry": "forestry", "林业碳汇": "forestry", "新建林业": "forestry", "新建林业项目碳汇": "forestry", "新建林业碳汇": "forestry",
        "造林": "forestry", "造林碳汇": "forestry", "新建林业项目": "forestry", "newforestry": "forestry", "林业": "forestry",
        "allowance": "allowance", "碳配额": "allowance", "配额": "allowance", "cea": "allowance", "碳排放配额": "allowance",
        "全国碳配额": "allowance", "碳排放权配额": "allowance", "碳配额cea": "allowance", "全国碳排放配额": "allowance",
    },
    "channel": {
        "holder": "holder", "持有": "holder", "持有账户": "holder", "自有账户": "holder", "自持": "holder", "开户": "holder",
        "ownaccount": "holder",
        "agent": "agent", "代理": "agent", "代购": "agent", "委托代理": "agent", "经纪": "agent", "broker": "agent",
        "donation": "donation", "捐赠": "donation", "赠与": "donation", "无偿捐赠": "donation", "donated": "donation", "gift": "donation",
    },
    "bool": {
        "true": "true", "1": "true", "y": "true", "yes": "true", "是": "true", "t": "true", "确定": "true", "firm": "true", "实盘": "true",
        "false": "false", "0": "false", "n": "false", "no": "false", "否": "false", "f": "false", "不确定": "false", "意向": "false",
        "indicative": "false", "虚盘": "false", "意向价": "false",
    },
}  # fmt: skip
"""Words for enumerated values, keyed by `word_key`."""


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
    """What a header says: its column, and the power of ten from the header's unit to the column's. `unit` is one not understood."""

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
