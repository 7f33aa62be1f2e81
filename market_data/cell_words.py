"""What is said about a cell that cannot be read, or that was read with a doubt: what is wrong and what would be right.

One entry a code, in both languages. The codes are those of `cells`.
"""

import difflib

from market_data.cells import NUMBER_KINDS, TEXT_LENGTH_MAX, YEAR_MAX, YEAR_MIN
from market_data.columns import Column, nearest_word
from optimizer.offers import CHANNELS, INSTRUMENTS
from optimizer.regions import region_names
from optimizer.wording import Text

EXAMPLES: dict[str, Text] = {
    "mass": Text(
        "应为吨数, 最多 3 位小数, 例如 1500 或 0.5", "should be tonnes with at most 3 decimals, such as 1500 or 0.5"
    ),
    "price": Text("应为元, 最多 2 位小数, 例如 58.35", "should be yuan with at most 2 decimals, such as 58.35"),
    "money": Text("应为元, 最多 2 位小数, 例如 1200.50", "should be yuan with at most 2 decimals, such as 1200.50"),
    "rate": Text(
        "应为 0 至 1 的比例, 最多 4 位小数, 例如 0.05 或 5%",
        "should be a share from 0 to 1 with at most 4 decimals, such as 0.05 or 5%",
    ),
    "days": Text("应为 0 至 3650 的整数天数, 例如 5", "should be a whole number of days from 0 to 3650, such as 5"),
    "area": Text("应为面积, 最多 4 位小数, 例如 5000", "should be an area with at most 4 decimals, such as 5000"),
    "yield": Text(
        "应为每亩每年吨数, 最多 4 位小数, 例如 0.2", "should be t per mu and year with at most 4 decimals, such as 0.2"
    ),
    "years": Text("应为 1 至 100 的整数年数, 例如 20", "should be a whole number of years from 1 to 100, such as 20"),
    "vintage": Text("应为年份, 例如 2021", "should be a year such as 2021"),
    "date": Text("应为日期, 例如 2026-10-11", "should be a date such as 2026-10-11"),
    "delivery": Text(
        "应为累计比例, 例如 2029-12-31=0.2;2032-12-31=1",
        "should be cumulative shares at dates, such as 2029-12-31=0.2;2032-12-31=1",
    ),
    "payment": Text(
        "应为各期比例, 例如 2026-12-31=0.5;2028-06-30=0.5",
        "should be shares at dates, such as 2026-12-31=0.5;2028-06-30=0.5",
    ),
    "curve": Text(
        "应为每亩累计吨数, 例如 2029-12-31=0.2;2032-12-31=0.8",
        "should be cumulative t per mu at dates, such as 2029-12-31=0.2;2032-12-31=0.8",
    ),
    "breaks": Text("应为起购吨数=价格, 例如 1000=58;5000=55", "should be from-quantity=price, such as 1000=58;5000=55"),
    "levels": Text(
        "应为各档吨数=价格, 由低价到高价, 例如 2000=58;3000=59.5",
        "should be quantity=price level by level, cheapest first, such as 2000=58;3000=59.5",
    ),
    "growth": Text(
        "应为 linear, schumacher b=40, richards k=0.05 p=3 (均可另加 A=每亩上限吨数) 或 species (按树种)",
        "should be linear, schumacher b=40, richards k=0.05 p=3 (these two with A=t/mu at most if you like) or species",
    ),
    "bool": Text("应为 是 或 否 (true / false)", "should be true or false"),
    "instrument": Text("应为以下之一: " + ", ".join(INSTRUMENTS), "should be one of: " + ", ".join(INSTRUMENTS)),
    "channel": Text(
        "应为以下之一: " + ", ".join(CHANNELS) + "; 不限则留空",
        "should be one of: " + ", ".join(CHANNELS) + "; blank is open",
    ),
    "region": Text(
        "应为行政区划代码或名称, 例如 14, 140100, 太原市, KE",
        "should be a GB/T 2260 code, a name or a country, such as 14, 140100, Taiyuan, KE",
    ),
    "id": Text("每行都要有自己的编号", "every row needs an id of its own"),
    "text": Text("应为文字", "should be text"),
}
EXAMPLES |= {"lot": EXAMPLES["mass"], "buffer": EXAMPLES["rate"]}
"""What would be right, by kind of column."""

WORDS: dict[str, Text] = {
    "blank": Text("不能为空", "is blank"),
    "not_a_number": Text("不是数字", "is not a number"),
    "not_finite": Text("不是有限的数字", "is not a finite number"),
    "spreadsheet_error": Text("是表格软件的错误值", "is a spreadsheet error"),
    "exponent": Text("写成了科学计数法, 位数可能已丢失", "is in exponent form, in which digits may have been lost"),
    "ambiguous_comma": Text(
        "逗号含义不明: 千位分隔还是小数点", "has a comma that may be a decimal point or a thousands mark"
    ),
    "decimals": Text("小数位过多", "has too many decimals"),
    "negative": Text("不应为负数", "is negative"),
    "huge": Text("过大, 不合理", "is implausibly large"),
    "not_positive": Text("应大于 0", "should be more than 0"),
    "wrong_unit": Text("单位不对", "has a unit that is not understood here"),
    "date_unreadable": Text("不是日期", "is not a date"),
    "date_impossible": Text("没有这一天", "is no day of the calendar"),
    "date_ambiguous": Text("日期顺序不明", "does not tell year, month and day apart"),
    "date_serial": Text(
        "像是表格软件的日期序号; 请把单元格设为日期格式",
        "looks like a spreadsheet's day number; format the cell as a date",
    ),
    "date_has_time": Text(
        "带有时刻而没有时区; 若是 UTC 时间, 在中国可能已是次日",
        "has a time of day without a zone; if it is UTC the day in China may be the next",
    ),
    "date_out_of_range": Text(
        f"年份应在 {YEAR_MIN} 至 {YEAR_MAX} 之间; 无期限请留空",
        f"lies outside {YEAR_MIN} to {YEAR_MAX}; leave it blank for no limit",
    ),
    "date_zoned": Text(
        "是带时区的时间, 按中国日期读取; 登记系统的 UTC 时间常早一天, 请核对",
        "is a time stamp with a zone, read as the day in China; registries in UTC are often a day early, please check",
    ),
    "vintage_unreadable": Text("不是年份", "is not a year"),
    "vintage_out_of_range": Text(f"年份应在 {YEAR_MIN} 至 {YEAR_MAX} 之间", f"lies outside {YEAR_MIN} to {YEAR_MAX}"),
    "vintage_span": Text(
        "跨越多个年份, 按最早一年计; 请按年份拆分报价",
        "spans several years and counts as the first; split the offer by year",
    ),
    "unknown_instrument": Text("不是已知的品种", "is not a known instrument"),
    "unknown_channel": Text("不是已知的渠道", "is not a known channel"),
    "unknown_bool": Text("看不出是或否", "is neither true nor false"),
    "unknown_region": Text("不是已知的地区", "is not a known region"),
    "text_too_long": Text(f"超过 {TEXT_LENGTH_MAX} 个字符", f"has more than {TEXT_LENGTH_MAX} characters"),
    "text_broken": Text("含有乱码 (�)", "holds broken characters (�)"),
    "digits_lost": Text(
        "长编号被表格软件改成了科学计数法, 位数已丢失; 请把该列设为文本后重新填写",
        "is a long id that a spreadsheet has rounded; format the column as text and enter it again",
    ),
    "schedule_unreadable": Text("看不懂", "cannot be read"),
    "schedule_dates": Text("日期应依次递增, 不重复", "has dates that do not increase"),
    "delivery_falls": Text("累计比例不应下降", "has cumulative shares that fall"),
    "payment_zero": Text("每期比例应大于 0", "has a share of 0"),
    "payment_sum": Text("各期比例之和应正好为 1", "has shares that do not sum to exactly 1"),
    "breaks_order": Text("起购吨数应依次递增", "has from-quantities that do not increase"),
    "levels_order": Text("各档价格应依次递增", "has levels whose prices do not increase"),
    "growth_unknown": Text("不是已知的生长模型", "is not a known growth model"),
    "growth_parameters": Text("参数缺失、重复或不属于该模型", "lacks a parameter, repeats one or has one too many"),
    "curve_falls": Text("累计吨数不应下降, 最后应大于 0", "has cumulative tonnes that fall or end at 0"),
    "duplicate_id": Text("编号重复", "repeats an id"),
}
"""What is wrong, by code."""

CODES_WITHOUT_EXAMPLE = frozenset(
    {"date_zoned", "vintage_span", "text_too_long", "text_broken", "digits_lost", "date_out_of_range"}
)


def words_for(code: str, column: Column, value: str, hint: str = "") -> Text:
    """The complaint about one cell, what would be right, and what may have been meant."""
    wrong = WORDS[code]
    right = EXAMPLES[column.kind] if code not in CODES_WITHOUT_EXAMPLE else None
    guess = _guess(code, column, value, hint)
    zh = "; ".join(p for p in (wrong.zh, right.zh if right else "", guess.zh if guess else "") if p)
    en = "; ".join(p for p in (wrong.en, right.en if right else "", guess.en if guess else "") if p)
    return Text(zh, en)


def _guess(code: str, column: Column, value: str, hint: str) -> Text | None:
    if code in ("unknown_instrument", "unknown_channel"):
        hint = nearest_word(column.kind, value) or ""
    elif code == "unknown_region":
        hint = next(iter(difflib.get_close_matches(value.strip().title()[:40], region_names(), n=1, cutoff=0.5)), "")
    elif code in ("vintage_span", "date_zoned"):
        return Text(f"读作 {hint}", f"read as {hint}")
    elif code == "payment_sum":
        return Text(f"现为 {hint}", f"they sum to {hint}")
    elif code == "delivery_falls":
        return (
            Text("这里像是各期比例而非累计", "these look like separate shares, not cumulative ones") if hint else None
        )
    elif code == "levels_order":
        other = Text("价格递减的阶梯价请填 price_breaks", "prices that fall with the quantity belong to price_breaks")
        return other if hint else None
    elif code == "wrong_unit":
        return Text(f"这里写的是 {hint}", f"it says {hint}")
    elif code == "huge":
        kind = NUMBER_KINDS.get(column.kind)
        return (
            Text(f"至多 {kind.largest}", f"at most {kind.largest}") if kind is not None and kind.largest > 1 else None
        )
    return Text(f"是否指 {hint}?", f"did you mean {hint}?") if hint else None
