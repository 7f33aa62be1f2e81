"""Answers about prices: series with their gaps, statistics, what a model says and how often it was right."""

from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any

import pandas as pd

from api.price_desk import FAN, Fan, Statistics
from api.printable import printable
from api.reports.page import Page
from api.reports.words import grouped, pick
from market_data.backtest import Backtest
from market_data.history import Series, SeriesKey
from market_data.outlook import EstimatedOutlook
from market_data.price_models import PriceModel
from optimizer import Outlook
from optimizer.findings import Finding
from optimizer.quantities import FEN_PER_YUAN, KG_PER_T, rate, tonnes, yuan
from optimizer.wording import INSTRUMENT_NAMES, Language, Text, counted

if TYPE_CHECKING:
    from market_data.quote_store import QuoteReceipt, StoredSeries

METHOD_NAMES = {
    "": Text("合计", "all"),
    "listed": Text("挂牌", "listed"),
    "block": Text("大宗", "block"),
    "auction": Text("竞价", "auction"),
    "all": Text("合计", "all"),
}
ROWS_SHOWN = 60
"""Periods that one reads in a terminal; `-o` writes them all."""


def _page() -> tuple[Page, StringIO]:
    stream = StringIO()
    return Page(stream), stream


def _text(page: Page, stream: StringIO) -> str:
    page.write()
    return stream.getvalue().strip("\n")


def key_name(key: SeriesKey, lang: Language) -> str:
    """CCER 能源, allowance CEA 2025 ..."""
    parts = [INSTRUMENT_NAMES[key.instrument].say(lang), key.mechanism, key.code, str(key.vintage or "")]
    return printable(" ".join(dict.fromkeys(p for p in parts if p)))


def receipts_text(receipts: Sequence["QuoteReceipt"], lang: Language) -> str:
    """What imports of quotes added."""
    lines = []
    for r in receipts:
        lost = sum(r.left_out.values())
        rows, quotes = counted(r.rows_read, "row", "rows"), counted(r.added, "quote", "quotes")
        zh = f"{r.name}: 读取 {r.rows_read} 行, 新增 {r.added}, 更正 {r.revised}, 未采用 {lost}"
        en = f"{r.name}: {rows} read, {quotes} added, {r.revised} revised, {counted(lost, 'row', 'rows')} left out"
        lines.append(printable(pick(lang, zh, en)))
        lines += [f"  - {printable(f.say(lang))}" for f in r.findings[:ROWS_SHOWN]]
    return "\n".join(lines)


def receipts_document(receipts: Sequence["QuoteReceipt"], lang: Language) -> list[dict[str, Any]]:
    """The same as data."""
    return [
        {
            "feed": r.feed,
            "name": r.name,
            "sha256": r.sha256,
            "rows_read": r.rows_read,
            "rows_used": r.rows_used,
            "added": r.added,
            "revised": r.revised,
            "left_out": dict(r.left_out),
            "warnings": [f.as_dict(lang) for f in r.findings],
        }
        for r in receipts
    ]


def stored_text(series: Sequence["StoredSeries"], lang: Language) -> str:
    """What the price history holds."""
    if not series:
        zh, en = (
            "还没有价格历史; 用 jinheng history import 导入",
            "No price history yet; add one with jinheng history import",
        )
        return pick(lang, zh, en)
    page, stream = _page()
    page.table(
        pick(lang, "品种|市场|代码|方式|首日|末日|>天数", "instrument|market|code|method|first day|last day|>days"),
        [
            (
                s.instrument,
                printable(s.mechanism),
                printable(s.code),
                METHOD_NAMES[s.method].say(lang),
                s.first_day.isoformat(),
                s.last_day.isoformat(),
                str(s.days),
            )
            for s in series
        ],
        wide=2,
    )
    return _text(page, stream)


def stored_document(series: Sequence["StoredSeries"]) -> list[dict[str, Any]]:
    """The same as data."""
    return [
        {
            "instrument": s.instrument,
            "market": s.mechanism,
            "code": s.code,
            "method": s.method,
            "first_day": s.first_day.isoformat(),
            "last_day": s.last_day.isoformat(),
            "days": s.days,
        }
        for s in series
    ]


def series_text(series: Series, lang: Language) -> str:
    """One series, the latest periods last; gaps say so."""
    page, stream = _page()
    page.title(key_name(series.key, lang))
    frame = series.frame
    if len(frame) > ROWS_SHOWN:
        zh, en = f"最近 {ROWS_SHOWN} 期, 共 {len(frame)} 期", f"the last {ROWS_SHOWN} of {len(frame)} periods"
        page.line(pick(lang, zh, en))
    heads = pick(lang, "起始|>元/吨|>最低|>最高|>吨|>天数|", "from|>yuan/t|>low|>high|>t|>days|")
    page.table(heads, [_period(row, lang) for row in _rows(frame.tail(ROWS_SHOWN))], wide=6)
    _findings(page, series.findings, lang)
    return _text(page, stream)


def _period(row: Any, lang: Language) -> tuple[str, ...]:
    mark = ""
    if row.filled:
        mark = pick(lang, "沿用前价", "carried")
    elif row.gap:
        mark = pick(lang, "无成交", "no trade")
    price, low, high = (_yuan(v) for v in (row.price_fen, row.low_fen, row.high_fen))
    return f"{row.start:%Y-%m-%d}", price, low, high, grouped(tonnes(int(row.volume_kg))), str(row.traded_days), mark


def _yuan(fen: Any) -> str:
    return "-" if pd.isna(fen) else yuan(int(fen))


def series_document(series: Series, lang: Language) -> dict[str, Any]:
    """The same as data; numbers that are money or mass are decimal strings."""
    return {
        "instrument": series.key.instrument,
        "market": series.key.mechanism,
        "code": series.key.code,
        "vintage": series.key.vintage or None,
        "method": series.method,
        "frequency": series.frequency,
        "periods": [
            {
                "start": f"{row.start:%Y-%m-%d}",
                "price": _yuan_or_none(row.price_fen),
                "low": _yuan_or_none(row.low_fen),
                "high": _yuan_or_none(row.high_fen),
                "volume_t": tonnes(int(row.volume_kg)),
                "turnover": _yuan_or_none(row.turnover_fen),
                "traded_days": int(row.traded_days),
                "gap": bool(row.gap),
                "filled": bool(row.filled),
            }
            for row in _rows(series.frame)
        ],
        "warnings": [f.as_dict(lang) for f in series.findings],
    }


def _yuan_or_none(fen: Any) -> str | None:
    return None if pd.isna(fen) else yuan(int(fen))


def series_csv(series: Series) -> bytes:
    """A series as CSV: prices in yuan/t, volume in t, turnover in yuan, all exact decimals."""
    frame = series.frame
    table = {"start": frame["start"].dt.strftime("%Y-%m-%d")}
    for name in ("price", "first", "last", "low", "high", "turnover"):
        table[name] = pd.Series([_decimal(v, FEN_PER_YUAN) for v in frame[f"{name}_fen"]], dtype="str")
    table["volume_t"] = pd.Series([_decimal(v, KG_PER_T) for v in frame["volume_kg"]], dtype="str")
    for name in ("traded_days", "repeated_days", "gap", "filled"):
        table[name] = frame[name].astype(str).str.lower()
    return pd.DataFrame(table).to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")


def _decimal(given: Any, unit: int) -> str:
    """An integer of so many a unit as an exact decimal; nothing where there is none."""
    if pd.isna(given):
        return ""
    value = int(given)
    whole, rest = divmod(abs(value), unit)
    digits = str(rest).zfill(len(str(unit)) - 1)
    return f"{'-' if value < 0 else ''}{whole}.{digits}"


def statistics_text(found: Statistics, lang: Language) -> str:
    """Volatility of every series, their correlations, the CCER premium."""
    page, stream = _page()
    page.section(pick(lang, "波动率 (对数收益)", "Volatility (log returns)"))
    page.table(
        pick(lang, "序列|>期数|>每期|>年化", "series|>n|>a period|>a year"),
        [
            (key_name(s.key, lang), str(v.n), _share(v.per_period), _share(v.annualised))
            for s, v in zip(found.series, found.volatilities, strict=True)
        ],
    )
    if found.correlations is not None:
        page.section(pick(lang, "相关系数 (共同期数)", "Correlation (joint periods)"))
        names = [key_name(s.key, lang) for s in found.series]
        matrix, counts = found.correlations.matrix.to_numpy(), found.correlations.n.to_numpy()
        rows = []
        for i, name in enumerate(names):
            for j in range(i):
                rows.append(
                    (name, names[j], "-" if matrix[i, j] != matrix[i, j] else f"{matrix[i, j]:.2f}", str(counts[i, j]))
                )
        page.table(pick(lang, "序列|与|>相关|>期数", "series|with|>correlation|>n"), rows, wide=1)
    if found.premium is not None:
        page.section(pick(lang, "CCER 较碳配额的溢价", "CCER premium over allowances"))
        frame = found.premium.frame
        known = frame[frame["premium_fen"].notna()]
        page.table(
            pick(lang, "起始|>CCER 元/吨|>配额 元/吨|>溢价", "from|>CCER yuan/t|>allowance yuan/t|>premium"),
            [
                (f"{r.start:%Y-%m-%d}", _yuan(r.ccer_fen), _yuan(r.allowance_fen), _signed(int(r.premium_fen)))
                for r in _rows(known.tail(ROWS_SHOWN))
            ],
        )
    return _text(page, stream)


def statistics_document(found: Statistics) -> dict[str, Any]:
    """The same as data."""
    labels = [" ".join(str(p) for p in s.key if p) for s in found.series]
    document: dict[str, Any] = {
        "series": [
            {"series": label, "n": v.n, "per_period": _number(v.per_period), "annual": _number(v.annualised)}
            for label, v in zip(labels, found.volatilities, strict=True)
        ]
    }
    if found.correlations is not None:
        matrix, counts = found.correlations.matrix.to_numpy(), found.correlations.n.to_numpy()
        document["correlations"] = [
            {"series": a, "with": b, "correlation": _number(matrix[i, j]), "n": int(counts[i, j])}
            for i, a in enumerate(labels)
            for j, b in enumerate(labels[:i])
        ]
    if found.premium is not None:
        document["premium"] = [
            {"start": f"{r.start:%Y-%m-%d}", "premium": _signed(int(r.premium_fen))}
            for r in _rows(found.premium.frame)
            if not pd.isna(r.premium_fen)
        ]
    return document


def _share(value: float) -> str:
    return "-" if value != value else f"{100 * value:.1f} %"


def _number(value: float) -> float | None:
    return None if value != value else round(float(value), 6)


def _signed(fen: int) -> str:
    return f"-{yuan(-fen)}" if fen < 0 else yuan(fen)


# -------------------------------------------------------------------------------------------------------------- outlook


def outlook_text(
    outlook: Outlook, remarks: Sequence[Text], findings: Sequence[Finding], lang: Language, out: str | None
) -> str:
    """The factors by date, a column an instrument, and what they rest on."""
    page, stream = _page()
    for remark in remarks:
        page.line(remark.say(lang))
    if not outlook.factors:
        page.line(pick(lang, "价格保持不变。", "Prices stay as they are."))
    else:
        names = list(dict.fromkeys(f.instrument for f in outlook.factors))
        days = sorted({f.from_date for f in outlook.factors})
        table = {(f.instrument, f.from_date): rate(f.factor_e4) for f in outlook.factors}
        heads = pick(lang, "自", "from") + "".join(f"|>{INSTRUMENT_NAMES[n].say(lang)}" for n in names)
        page.table(heads, [(d.isoformat(), *(table.get((n, d), "") for n in names)) for d in days])
    _findings(page, findings, lang)
    if out is None and outlook.factors:
        zh = "用 -o FILE.yaml 存成文件, 再用 jinheng plan --outlook FILE.yaml"
        en = "Save it with -o FILE.yaml, then jinheng plan --outlook FILE.yaml"
        page.line(pick(lang, zh, en))
    return _text(page, stream)


def outlook_document(
    outlook: Outlook, remarks: Sequence[Text], findings: Sequence[Finding], lang: Language
) -> dict[str, Any]:
    """The same as data."""
    return {
        "factors": [
            {"instrument": f.instrument, "from": f.from_date.isoformat(), "factor": rate(f.factor_e4)}
            for f in outlook.factors
        ],
        "remarks": [r.say(lang) for r in remarks],
        "warnings": [f.as_dict(lang) for f in findings],
    }


def model_findings(model: PriceModel, estimated: EstimatedOutlook | None = None) -> tuple[Finding, ...]:
    """What the model and the outlook made of it want said, once each."""
    return tuple(dict.fromkeys((*model.findings, *(() if estimated is None else estimated.findings))))


def fan_text(fan: Fan, lang: Language) -> str:
    """Quantiles of the drawn prices by instrument and month."""
    page, stream = _page()
    for name, rows in fan.levels.items():
        names, price = INSTRUMENT_NAMES[name], yuan(fan.spot_fen[name])
        zh, en = f"{names.zh}, 今日 {price} 元/吨", f"{names.en}, today {price} yuan/t"
        if name not in fan.given:
            month = f"{fan.model.last_month:%Y-%m}"
            zh, en = f"{names.zh}, 自 {month} 的 {price} 元/吨起", f"{names.en}, from {price} yuan/t of {month}"
        page.section(pick(lang, zh, en))
        heads = pick(lang, "日期", "date") + "".join(f"|>P{round(q * 100)}" for q in FAN)
        dated = zip(fan.dates, rows, strict=True)
        page.table(heads, [(d.isoformat(), *(f"{v:.2f}" for v in levels)) for d, levels in dated])
    _findings(page, fan.model.findings, lang)
    return _text(page, stream)


def fan_document(fan: Fan, lang: Language) -> dict[str, Any]:
    """The same as data; drawn prices are estimates, and floats."""
    rows = [
        {
            "date": d.isoformat(),
            "instrument": name,
            **{f"p{round(q * 100)}": round(v, 4) for q, v in zip(FAN, levels, strict=True)},
        }
        for name, table in fan.levels.items()
        for d, levels in zip(fan.dates, table, strict=True)
    ]
    return {"model": fan.model.kind, "prices": rows, "warnings": [f.as_dict(lang) for f in fan.model.findings]}


def backtest_text(test: Backtest, lang: Language) -> str:
    """Coverage by instrument, horizon and level, with n and the range of a right model."""
    page, stream = _page()
    zh = f"回测 {test.kind}: 留出 {test.held_out_months} 个月, 逐月重新校准"
    en = f"Back-test of {test.kind}: {test.held_out_months} months held out, calibrated anew before each"
    page.title(pick(lang, zh, en))
    page.table(
        pick(
            lang,
            "品种|>月数|>区间|>次数|>落入|>覆盖|>应在|",
            "instrument|>months|>interval|>n|>inside|>coverage|>should be|",
        ),
        [
            (
                INSTRUMENT_NAMES[r.instrument].say(lang),
                str(r.horizon_months),
                f"{100 * r.level:.0f} %",
                str(r.n),
                str(r.inside),
                _share(r.coverage),
                f"{100 * r.expected_low:.0f} - {100 * r.expected_high:.0f} %",
                "" if r.consistent else pick(lang, "偏离", "off"),
            )
            for r in _rows(test.frame)
            if r.n
        ],
    )
    if test.refused:
        zh, en = (
            f"{test.refused} 次无法预测 (此前历史太短)",
            f"{test.refused} prices were not forecast: too short a history",
        )
        page.line(pick(lang, zh, en))
    zh = "一个月以上的预测互相重叠, 真实的允许范围更宽。"
    en = "Forecasts further ahead than a month overlap: the range of a right model is wider than shown."
    page.line(pick(lang, zh, en))
    return _text(page, stream)


def backtest_document(test: Backtest) -> dict[str, Any]:
    """The same as data."""
    rows = [{k: _plain(v) for k, v in row.items()} for row in test.frame.to_dict("records")]
    return {"model": test.kind, "held_out_months": test.held_out_months, "refused": test.refused, "rows": rows}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return _number(value)
    return value.item() if hasattr(value, "item") else value


def _rows(frame: pd.DataFrame, index: bool = True) -> Iterable[Any]:
    """One object a row, its columns as attributes; their types stand with the frame."""
    return frame.itertuples(index=index)


def _findings(page: Page, findings: Sequence[Finding], lang: Language) -> None:
    for finding in findings[:ROWS_SHOWN]:
        page.item(finding.say(lang))
