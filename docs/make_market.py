"""Writes the two example markets, the same bytes every time: `python docs/make_market.py [FOLDER]`.

    market.csv        Chinese headers; a little of everything, with a very small tier 2 (Shanxi CCER and credits)
    market-2026.csv   English headers; strictly no tier 2, as the registry stood in August 2026: plans fall through

Nothing here is a quote. Prices are drawn around rounded yearly averages that were published (allowances about 82
yuan/t, CCER about 84, in 2026), or are plain assumptions where nothing was published (carbon inclusion, fees). Every id
and every seller says so, and so does the last column. Only the standard library; no import from the product.
"""

import csv
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

SEED = 20221115
EXAMPLES = Path(__file__).resolve().parent.parent / "api" / "examples"

type Lang = Literal["zh", "en"]

COLUMNS: dict[str, str] = {
    "offer_id": "报价编号",
    "instrument": "品种",
    "mechanism": "机制",
    "project_id": "项目编号",
    "project_name": "项目名称",
    "methodology": "方法学",
    "region": "地区",
    "vintage": "年份",
    "seller": "卖方",
    "quantity": "数量 (吨)",
    "price": "价格 (元/吨)",
    "min_quantity": "最小购买量 (吨)",
    "lot_size": "整手 (吨)",
    "price_breaks": "阶梯价",
    "fixed_fee": "固定费用 (元)",
    "unit_fee": "单位费用 (元/吨)",
    "fee_rate": "费率",
    "channel": "渠道",
    "valid_from": "有效期起",
    "valid_until": "有效期至",
    "settlement_days": "结算天数",
    "registered_on": "登记日期",
    "last_traded_on": "最近成交日",
    "certified_by": "认证机构",
    "planted_by": "造林完成日期",
    "certification_due": "认证期限",
    "delivery_schedule": "交付计划",
    "payment_schedule": "付款计划",
    "buffer": "缓冲比例",
    "registry": "注册登记机构",
    "firm": "确定报价",
    "area_mu": "面积 (亩)",
    "price_per_mu": "每亩价格 (元/亩)",
    "yield_t_per_mu_yr": "年均碳汇量 (吨/亩/年)",
    "yield_years": "计入年限 (年)",
    "notes": "备注",
}
"""Header in English (the contract's name) -> header in Chinese."""

WORDS: dict[str, str] = {
    # what an English cell says -> what a Chinese one says
    "carbon_inclusion": "碳普惠减排量",
    "ccer": "CCER",
    "credit": "碳信用",
    "forestry": "新建林业项目碳汇",
    "allowance": "碳配额",
    "holder": "持有",
    "agent": "代理",
    "donation": "捐赠",
    "true": "是",
    "false": "否",
    "Shanxi": "山西",
    "Taiyuan": "太原",
    "Changzhi": "长治",
    "Jinzhong": "晋中",
    "Shuozhou": "朔州",
    "Linfen": "临汾",
    "Guangdong": "广东",
    "Fujian": "福建",
    "Jiangsu": "江苏",
    "Shandong": "山东",
    "Gansu": "甘肃",
    "Qinghai": "青海",
    "Xinjiang": "新疆",
    "Hubei": "湖北",
    "Sichuan": "四川",
    "Inner Mongolia": "内蒙古",
    "Hebei": "河北",
    "Beijing": "北京",
    "Shanghai": "上海",
    "Tianjin": "天津",
    "Chongqing": "重庆",
    "Brazil": "巴西",
    "India": "印度",
    "Kenya": "肯尼亚",
    "Indonesia": "印度尼西亚",
    "Viet Nam": "越南",
    "coal-gas use": "煤矿瓦斯利用",
    "offshore wind": "海上风电",
    "solar thermal": "光热发电",
    "landfill gas": "填埋气利用",
    "biogas": "沼气利用",
    "small hydro": "小水电",
    "cookstoves": "清洁炉灶",
    "afforestation": "造林",
    "Example certification body": "示例认证机构",
}

KINDS = {
    "CI": ("碳普惠", "carbon_inclusion"),
    "CCER": ("CCER", "ccer"),
    "CREDIT": ("碳信用", "credit"),
    "FOREST": ("林业", "forestry"),
    "CEA": ("配额", "allowance"),
    "PILOT": ("试点", "allowance"),
}
"""Part of the id in English -> (in Chinese, instrument)."""

WIND = ("Guangdong", "Fujian", "Jiangsu", "Shandong")
SUN = ("Gansu", "Qinghai", "Xinjiang")
PILOTS = ("Beijing", "Shanghai", "Guangdong", "Hubei", "Tianjin", "Chongqing", "Fujian")
ABROAD = ("Brazil", "India", "Kenya", "Indonesia", "Viet Nam")
PROVINCES = ("Inner Mongolia", "Hebei", "Sichuan", "Gansu", "Hubei", "Qinghai")
CITIES = ("Taiyuan", "Changzhi", "Jinzhong", "Shuozhou", "Linfen")
UNTIL = ("2026-12-18", "2026-12-31", "2027-01-31", "2027-03-31", "2027-06-30", "")
TRADED = ("2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20")
ENDED = ((2020, "2025-12-31"), (2021, "2025-12-31"), (2022, "2026-01-06"), (2023, "2026-02-10"), (2024, "2026-02-13"))
"""Allowance vintages that no longer trade, and the day of their last trade."""


class Market:
    """Rows in the making, in one language, from one stream of chance."""

    def __init__(self, lang: Lang, seed: int) -> None:
        self.lang, self.chance = lang, random.Random(seed)
        self.rows: list[dict[str, str]] = []
        self.count: dict[str, int] = {}

    def between(self, low: float, high: float) -> float:
        """Evenly between."""
        return low + (high - low) * self.chance.random()

    def pick[T](self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[int(self.chance.random() * len(choices))]

    def price(self, about: float, spread: float) -> float:
        """About so much, in half yuan."""
        return round(2 * self.between(about - spread, about + spread)) / 2

    def quantity(self, low: float, high: float) -> int:
        """Between, small lots as likely as large ones, rounded to two digits."""
        value = low * (high / low) ** self.chance.random()
        unit = 10 ** max(0, len(str(int(value))) - 2)
        return int(round(value / unit) * unit)

    def say(self, english: str) -> str:
        """A word in the market's language."""
        return WORDS.get(english, english) if self.lang == "zh" else english

    def seller(self, letters: str, what: str = "seller") -> str:
        """An invented seller or agent."""
        letter = self.pick(letters)
        return (
            f"示例{'代理' if what == 'agent' else '卖方'}{letter}" if self.lang == "zh" else f"Example {what} {letter}"
        )

    def add(self, kind: str, note: tuple[str, str] = ("", ""), /, **cells: object) -> None:
        """One offer. `note` says in Chinese and English what is to be learnt from it."""
        self.count[kind] = self.count.get(kind, 0) + 1
        zh, instrument = KINDS[kind]
        id_ = f"示例-{zh}-{self.count[kind]:03d}" if self.lang == "zh" else f"EX-{kind}-{self.count[kind]:03d}"
        row = {"offer_id": id_, "instrument": self.say(instrument)}
        for name, value in cells.items():
            if value not in (None, "", 0) or (name == "price" and value == 0):
                text = f"{value:g}" if isinstance(value, float) else str(value)
                row[name] = self.say(text)
        bare, said = ("示例数据", note[0]) if self.lang == "zh" else ("illustrative", note[1])
        row["notes"] = f"{bare}: {said}" if said else bare
        self.rows.append(row)

    def project(self, kind: str, number: int) -> dict[str, str]:
        """Project id and name."""
        name = self.say(kind)
        if self.lang == "zh":
            return {"project_id": f"示例{number:04d}", "project_name": f"示例{name}项目"}
        return {"project_id": f"EX{number:04d}", "project_name": f"Example {name} project"}

    def write(self, path: Path) -> None:
        """UTF-8 with a byte-order mark, so that a spreadsheet shows Chinese."""
        used = [name for name in COLUMNS if any(name in row for row in self.rows)]
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            out = csv.writer(file, lineterminator="\n")
            out.writerow([COLUMNS[n] if self.lang == "zh" else n for n in used])
            out.writerows([row.get(n, "") for n in used] for row in self.rows)


def carbon_inclusion(m: Market) -> None:
    """Tier 1 is short in volume: some thousand tonnes in all, in small lots; another Shanxi platform is unranked."""
    here = {"mechanism": "三晋绿色生活", "region": "Shanxi"}
    for k, (low, high) in enumerate([(40, 100)] * 4 + [(100, 260)] * 8 + [(250, 450)] * 3):
        fine = k % 3 == 0
        m.add(
            "CI",
            ("两位小数也可购买", "sold to two decimals") if fine else ("", ""),
            **here,
            vintage=m.pick((2023, 2024, 2025)),
            seller=m.seller("ABCDE"),
            quantity=m.quantity(low, high),
            price=m.price(48, 11),
            lot_size="0.01" if fine else "",
            min_quantity=0 if fine else 20,
            valid_until=m.pick(UNTIL),
            settlement_days=m.pick((3, 5, 7)),
        )
    for quantity in (35, 60):
        note = ("捐赠, 单价为 0, 手续每笔 400 元", "a donation at price 0, 400 yuan of paperwork")
        same = {**here, "vintage": 2024, "seller": m.seller("F"), "price": 0, "channel": "donation", "fixed_fee": 400}
        m.add("CI", note, **same, quantity=quantity, min_quantity=20)
    for _ in range(4):
        m.add(
            "CI",
            ("晋碳行不是推荐顺序所指的平台, 不列入", "not the platform that the order names: unranked"),
            mechanism="晋碳行",
            region="Shanxi",
            vintage=m.pick((2024, 2025)),
            seller=m.seller("GH"),
            quantity=m.quantity(200, 900),
            price=m.price(37, 4),
            valid_until=m.pick(UNTIL),
        )
    for province in ("Hubei", "Guangdong", "Guangdong", "Sichuan", "Chongqing", "Beijing"):
        m.add(
            "CI",
            ("外省碳普惠", "another province's carbon inclusion"),
            mechanism="示例外省碳普惠" if m.lang == "zh" else "Example platform elsewhere",
            region=province,
            vintage=m.pick((2023, 2024)),
            seller=m.seller("JK"),
            quantity=m.quantity(300, 4000),
            price=m.price(42, 12),
            valid_until=m.pick(UNTIL),
        )


def ccer(m: Market, many: int, tier_2: bool) -> None:
    """CCER: next to none in Shanxi; wind and solar thermal elsewhere; the old scheme."""
    for quantity in (180, 260) if tier_2 else ():
        m.add(
            "CCER",
            ("省内 CCER, 数量极少", "Shanxi CCER, very little of it"),
            mechanism="CCER",
            methodology="CCER-10-001",
            **m.project("coal-gas use", quantity),
            region="Changzhi",
            vintage=2025,
            seller=m.seller("L"),
            quantity=quantity,
            price=m.price(93, 3),
            registered_on="2026-09-30",
            last_traded_on=m.pick(TRADED),
            valid_until="2027-03-31",
            settlement_days=5,
        )
    for k in range(many):
        windy = k % 3 != 2
        price = m.price(80, 6) if windy else m.price(89, 6)
        broken = k % 5 == 0
        m.add(
            "CCER",
            mechanism="CCER",
            methodology="CCER-01-002" if windy else "CCER-01-001",
            **m.project("offshore wind" if windy else "solar thermal", 1000 + k // 2),
            region=m.pick(WIND if windy else SUN),
            vintage=m.pick((2021, 2022, 2023, 2024, 2025)),
            seller=m.seller("LMNPQR"),
            quantity=m.quantity(100, 30_000),
            price=price,
            min_quantity=m.pick((0, 0, 50, 100)),
            price_breaks=f"1000={price - 1:g};5000={price - 2.5:g}" if broken else "",
            fixed_fee=m.pick((0, 0, 300, 500)),
            channel=m.pick(("", "", "agent")),
            fee_rate=m.pick(("", "0.005", "0.01")),
            valid_until=m.pick(UNTIL),
            settlement_days=m.pick((3, 5, 10)),
            registered_on=m.pick(("2024-11-15", "2025-03-07", "2025-08-20")),
            last_traded_on=m.pick(TRADED),
            firm="false" if k % 9 == 4 else "",
        )
    for _ in range(7):
        m.add(
            "CCER",
            ("旧机制项目 (2017-03 以前登记), 默认不用", "of the old scheme (before 2017-03): off by default"),
            mechanism="CCER",
            **m.project("small hydro", m.quantity(100, 900)),
            region=m.pick((*PROVINCES, "Shanxi")),
            vintage=m.pick((2014, 2015, 2016)),
            seller=m.seller("ST"),
            quantity=m.quantity(500, 20_000),
            price=m.price(32, 9),
            registered_on=m.pick(("2013-10-24", "2015-06-18", "2016-12-30")),
            valid_until=m.pick(UNTIL),
        )


def credits(m: Market, many: int, tier_2: bool) -> None:
    """Credits of other mechanisms: in Shanxi tier 2, elsewhere and abroad unranked, without a region outside."""
    for _ in range(5 if tier_2 else 0):
        m.add(
            "CREDIT",
            ("省内其他机制减排量", "another mechanism's reductions from Shanxi"),
            mechanism=m.pick(("VCS", "GS")),
            **m.project(m.pick(("landfill gas", "biogas", "coal-gas use")), 3000 + m.quantity(10, 90)),
            region=m.pick(CITIES),
            vintage=m.pick((2020, 2021, 2022, 2023)),
            seller=m.seller("UVW"),
            quantity=m.quantity(90, 280),
            price=m.price(66, 12),
            fixed_fee=m.pick((0, 300)),
            valid_until=m.pick(UNTIL),
            settlement_days=m.pick((10, 15)),
        )
    for k in range(many):
        foreign = k % 2 == 1
        m.add(
            "CREDIT",
            ("境外项目", "a project abroad") if foreign else ("", ""),
            mechanism=m.pick(("VCS", "GS", "CDM")),
            **m.project(
                m.pick(("cookstoves", "small hydro", "biogas") if foreign else ("biogas", "landfill gas")), 3100 + k
            ),
            region=m.pick(ABROAD if foreign else PROVINCES),
            vintage=m.pick((2018, 2019, 2020, 2021, 2022)),
            seller=m.seller("UVWXY"),
            quantity=m.quantity(300, 25_000),
            price=m.price(41, 12) if foreign else m.price(52, 12),
            min_quantity=m.pick((0, 100)),
            fee_rate=m.pick(("", "0.01", "0.02")),
            valid_until=m.pick(UNTIL),
            settlement_days=m.pick((10, 20, 30)),
            firm="false" if k % 8 == 3 else "",
        )
    for _ in range(3):
        m.add(
            "CREDIT",
            ("地区空白, 视为省外", "no region given: counts as outside"),
            mechanism="VCS",
            **m.project("biogas", 3900 + m.quantity(10, 90)),
            vintage=2021,
            seller=m.seller("Y"),
            quantity=m.quantity(300, 3000),
            price=m.price(47, 6),
            valid_until=m.pick(UNTIL),
        )


SLOW = "2029-12-31=0.05;2030-12-31=0.09;2031-12-31=0.14;2032-09-30=0.2;2034-12-31=0.4;2036-12-31=0.55"
STEADY = "2029-09-30=0.12;2030-09-30=0.19;2031-09-30=0.27;2032-09-30=0.36;2034-09-30=0.6;2036-09-30=1"
PAID = ("", "2026-12-31=0.5;2027-12-31=0.5", "2026-12-31=0.3;2027-06-30=0.7", "2026-12-31=0.4;2027-12-31=0.6")


def forestry(m: Market) -> None:
    """New forestry: little has accrued after six years, so tonnes that count are dear; uncertified is left out."""
    for k in range(20):
        slow = k % 2 == 0
        by_2032 = 0.2 if slow else 0.36
        m.add(
            "FOREST",
            mechanism="",
            methodology="CCER-14-001",
            **m.project("afforestation", 5000 + k),
            region=m.pick(CITIES),
            seller=m.seller("甲乙丙丁" if m.lang == "zh" else "FGHJ"),
            quantity=m.quantity(300, 1500),
            price=round(m.between(680, 1900) * by_2032),
            valid_until=m.pick(UNTIL[1:]),
            certified_by="Example certification body",
            planted_by=m.pick(("2026-10-31", "2027-04-30")),
            certification_due=m.pick(("2028-12-31", "2030-12-31", "2034-12-31")),
            delivery_schedule=SLOW if slow else STEADY,
            payment_schedule=m.pick(PAID),
            buffer=m.pick(("", "0.1", "0.2")),
        )
    for _ in range(4):
        m.add(
            "FOREST",
            ("未经认证", "not certified"),
            **m.project("afforestation", 5100 + m.quantity(10, 90)),
            region=m.pick(CITIES),
            seller=m.seller("F"),
            quantity=m.quantity(300, 1500),
            price=m.price(120, 20),
            planted_by="2027-04-30",
            delivery_schedule=STEADY,
        )
    for province in ("Inner Mongolia", "Hebei", "Gansu", "Sichuan"):
        m.add(
            "FOREST",
            ("省外造林", "outside Shanxi"),
            **m.project("afforestation", 5200 + m.quantity(10, 90)),
            region=province,
            seller=m.seller("FG"),
            quantity=m.quantity(400, 3000),
            price=m.price(210, 40),
            valid_until=m.pick(UNTIL),
            certified_by="Example certification body",
            planted_by="2027-04-30",
            certification_due="2031-12-31",
            delivery_schedule=STEADY,
        )
    m.add(
        "FOREST",
        ("没有交付计划, 按实际累积口径计为 0", "no delivery schedule: counts 0 by accrued tonnes"),
        **m.project("afforestation", 5300),
        region="Linfen",
        seller=m.seller("G"),
        quantity=900,
        price=260,
        certified_by="Example certification body",
        planted_by="2027-04-30",
        certification_due="2030-12-31",
    )
    by_area = [
        (5000, 750, "0.24", 10, "整片出售, 取 2010 年一例之面积与单价", "whole, of the size of a case of 2010"),
        (600, 1120, "0.13", 20, "按亩报价", "quoted by the mu"),
        (400, 2480, "0.2", 20, "按亩报价", "quoted by the mu"),
    ]
    for mu, price, growth, years, zh, en in by_area:
        m.add(
            "FOREST",
            (zh, en),
            **m.project("afforestation", 5400 + mu // 100),
            region="Changzhi",
            seller=m.seller("H"),
            area_mu=mu,
            price_per_mu=price,
            yield_t_per_mu_yr=growth,
            yield_years=years,
            min_quantity=12_000 if mu == 5000 else 0,
            certified_by="Example certification body",
            planted_by="2027-04-30",
            certification_due="2031-12-31",
            payment_schedule="2026-12-31=0.4;2027-12-31=0.4;2028-12-31=0.2" if mu == 5000 else "",
        )


def allowances(m: Market, many: int) -> None:
    """National allowances through agents, holders and donors, in blocks, and of vintages that have ended; pilots."""
    current = {"mechanism": "CEA", "vintage": 2025}
    for k in range(many):
        price = m.price(83, 6)
        agent = k % 5 < 3
        m.add(
            "CEA",
            **current,
            seller=m.seller("MNPQ", "agent") if agent else m.seller("LMNPQRS"),
            quantity=m.quantity(600, 60_000),
            price=price,
            min_quantity=m.pick((0, 0, 100, 500)),
            price_breaks=f"2000={price - 1:g};20000={price - 2:g}" if k % 11 == 3 else "",
            fixed_fee=m.pick((0, 0, 500)),
            unit_fee="" if agent else m.pick(("", "0.3", "0.8")),
            fee_rate=m.pick(("0.008", "0.015", "0.03")) if agent else "",
            channel="agent" if agent else "holder",
            valid_until=m.pick(UNTIL),
            settlement_days=m.pick((3, 5, 10)),
            last_traded_on=m.pick(TRADED),
            firm="false" if k % 11 == 7 else "",
        )
    for _ in range(7):
        m.add(
            "CEA",
            ("大宗, 100000 吨起", "a block, from 100,000 t"),
            **current,
            seller=m.seller("RS"),
            quantity=m.quantity(100_000, 500_000),
            price=m.price(80, 2),
            min_quantity=100_000,
            channel=m.pick(("holder", "agent")),
            valid_until="2026-12-31",
            settlement_days=3,
            last_traded_on=m.pick(TRADED),
        )
    for quantity in (20, 45, 80):
        note = ("捐赠, 单价为 0, 手续每笔 400 元", "a donation at price 0, 400 yuan of paperwork")
        same = {**current, "seller": m.seller("T"), "price": 0, "channel": "donation", "fixed_fee": 400}
        m.add("CEA", note, **same, quantity=quantity, min_quantity=20)
    for vintage, last in ENDED:
        for _ in range(4):
            m.add(
                "CEA",
                ("该年份已停止交易, 报价沿用旧价", "this vintage has ended: an old price, carried forward"),
                mechanism="CEA",
                vintage=vintage,
                seller=m.seller("LMNP"),
                quantity=m.quantity(500, 40_000),
                price=m.price(66, 8),
                channel=m.pick(("holder", "agent")),
                settlement_days=3,
                last_traded_on=last,
            )
    for k in range(14):
        place = PILOTS[k % len(PILOTS)]
        m.add(
            "PILOT",
            ("试点市场配额, 不列入推荐顺序", "a pilot market's allowance: unranked"),
            mechanism=f"{WORDS[place]}试点" if m.lang == "zh" else f"{place} pilot",
            region=place,
            vintage=m.pick((2024, 2025)),
            seller=m.seller("VWX"),
            quantity=m.quantity(500, 20_000),
            price=m.price(62, 26),
            channel=m.pick(("holder", "agent")),
            valid_until=m.pick(UNTIL),
            last_traded_on=m.pick(TRADED),
        )


def unusable(m: Market) -> None:
    """Offers that look good and cannot be used: expired, not yet open, settled too late, minimum above quantity."""
    for kind, mechanism, region, price in (
        ("CI", "三晋绿色生活", "Shanxi", 39.0),
        ("CCER", "CCER", "Guangdong", 71.0),
        ("CREDIT", "VCS", "Shanxi", 48.0),
        ("CEA", "CEA", "", 72.0),
    ):
        same = {"mechanism": mechanism, "region": region, "vintage": 2025, "price": price}
        m.add(
            kind,
            ("已过期", "expired"),
            **same,
            seller=m.seller("XY"),
            quantity=800,
            valid_from="2026-09-01",
            valid_until="2026-10-31",
        )
        m.add(
            kind,
            ("截止日后才开售", "opens after the deadline"),
            **same,
            seller=m.seller("XY"),
            quantity=1500,
            valid_from="2028-01-01",
        )
        m.add(
            kind,
            ("结算过慢, 来不及注销", "settled too late to be retired in time"),
            **same,
            seller=m.seller("XY"),
            quantity=900,
            settlement_days=420,
        )
        m.add(
            kind,
            ("最小购买量高于数量", "the minimum is above the quantity"),
            **same,
            seller=m.seller("XY"),
            quantity=300,
            min_quantity=1000,
        )


def market() -> Market:
    """market.csv."""
    m = Market("zh", SEED)
    carbon_inclusion(m)
    ccer(m, 66, tier_2=True)
    credits(m, 38, tier_2=True)
    forestry(m)
    allowances(m, 66)
    unusable(m)
    return m


def market_2026() -> Market:
    """market-2026.csv: no tier 2 at all."""
    m = Market("en", SEED + 1)
    carbon_inclusion(m)
    ccer(m, 45, tier_2=False)
    credits(m, 24, tier_2=False)
    forestry(m)
    allowances(m, 50)
    unusable(m)
    without = [row for row in m.rows if row["instrument"] not in ("ccer", "credit") or row.get("region") not in SHANXI]
    m.rows = without
    return m


SHANXI = ("Shanxi", *CITIES)
FILES = {"market.csv": market, "market-2026.csv": market_2026}


def main() -> None:
    """Writes both files."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else EXAMPLES
    for name, make in FILES.items():
        make().write(folder / name)


if __name__ == "__main__":
    main()
