"""Forward price factors: from a user's own view, flat, or estimated from a calibrated model; written as a file.

A factor is a multiple of today's price in force from a day on, at most 10, with at most 4 decimals (`Outlook`). Where
the factors of a plan come from is said in the file's remarks. How prices are drawn one by one: `draws`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pandas as pd

from market_data.cells import CellError, day, word
from market_data.columns import half_width
from market_data.draws import MONTHS_MAX, Spot, month_later, months_between, start_logs
from market_data.price_models import PriceModel
from market_data.random_streams import draw_range
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, warning
from optimizer.offers import INSTRUMENTS
from optimizer.problem import NO_OUTLOOK, Factor, Outlook
from optimizer.quantities import E4, PRICE_YUAN_MAX, NotANumber, decimal_of, rate, round_half_up
from optimizer.wording import Text

FACTOR_E4_MAX = 10 * E4
"""Above ten times today's price a factor is a misprint (`Outlook` refuses it)."""
VIEW_COLUMNS = ("instrument", "date", "factor", "price", "yearly_growth")
GROWTH_MIN, GROWTH_MAX = Decimal(-1), Decimal(10)
"""A price cannot lose more than all; eleven times a year is a misprint."""
ESTIMATE_DRAWS = 10_000
"""Draws behind an estimate: the 80 % quantile of a price is then known to a hundredth of its spread."""
_POWERS = Context(prec=40)

type Statistic = Literal["mean"] | float
"""What of the draws becomes the factor: their mean, or a quantile such as 0.8."""


@dataclass(frozen=True)
class EstimatedOutlook:
    """Factors that a model gives, and what is to be known about them."""

    outlook: Outlook
    remarks: tuple[Text, ...]
    """Model, sample and statistic, a line each: for the head of the file."""
    findings: tuple[Finding, ...]


def flat_outlook() -> Outlook:
    """Prices stay as they are."""
    return NO_OUTLOOK


# -------------------------------------------------------------------------------------------------------- the own view


def outlook_of_view(view: "pd.DataFrame | Iterable[Mapping[str, Any]]", spot: Spot) -> Outlook:
    """The factors of a small table with the columns `instrument`, `date` and one of the following a row.

    factor           multiple of today's price from `date` on
    price            yuan/t from `date` on; needs today's price in `spot`; divided by it, rounded half up to 4 decimals
    yearly_growth    0.05 is 5 % a year, from today until `date`, in monthly steps (1 + g)^(months / 12), then
                     unchanged; the only row of its instrument

    Rows are counted from 1. Dates lie after `spot.as_of`.

    Raises:
        BadInput: every fault of the table at once.
    """
    rows: list[Mapping[Any, Any]] = [*view.to_dict("records")] if isinstance(view, pd.DataFrame) else list(view)
    found: list[Finding] = []
    taken: dict[tuple[str, date], int] = {}
    entries = []
    for number, row in enumerate(rows, 1):
        steps = _steps(dict(row), spot, number, found)
        for instrument, from_date, _ in steps:
            first = taken.setdefault((instrument, from_date), number)
            if first != number:
                zh, en = (
                    f"与第 {first} 行重复: {instrument} {from_date}",
                    f"repeats row {first}: {instrument} {from_date}",
                )
                found.append(fault("factor_twice", zh, en, row=number))
                break
        entries += steps
    found += _growth_beside_others(rows)
    if found:
        raise BadInput(sorted(found, key=lambda f: f.row or 0))
    return _outlook(entries)


type Step = tuple[str, date, int]
"""Instrument, first day, factor in ten-thousandths."""


def _steps(row: dict[Any, Any], spot: Spot, number: int, found: list[Finding]) -> list[Step]:
    before = len(found)
    given = {str(k): v for k, v in row.items() if not _blank(v)}
    instrument = _instrument(given, number, found)
    until = _day_after(given, spot, number, found)
    ways = [name for name in VIEW_COLUMNS[2:] if name in given]
    for name in given.keys() - set(VIEW_COLUMNS):
        listed = ", ".join(VIEW_COLUMNS)
        zh, en = f"未知的列; 应为 {listed}", f"unknown column; should be one of {listed}"
        found.append(fault("unknown_column", zh, en, row=number, column=name))
    if len(ways) != 1:
        zh, en = "应恰有 factor, price, yearly_growth 之一", "should have exactly one of factor, price, yearly_growth"
        found.append(fault("view_way", zh, en, row=number, value=", ".join(ways) or None))
        return []
    value = _number(given, ways[0], number, found)
    if len(found) > before or value is None or instrument is None or until is None:
        return []
    if ways[0] == "yearly_growth":
        return _growth(instrument, until, value, spot, number, found)
    factor = Fraction(value)
    if ways[0] == "price":
        today = spot.price_fen.get(instrument, 0)
        if today <= 0:
            zh, en = (
                f"{instrument} 没有今日价格, 无法换算; 请给出 factor",
                f"no price today of {instrument}; give a factor",
            )
            found.append(fault("spot_price", zh, en, row=number, column="price"))
            return []
        factor = factor * 100 / today
    return _checked([(instrument, until, round_half_up(factor * E4))], number, found)


def _growth(instrument: str, until: date, growth: Decimal, spot: Spot, number: int, found: list[Finding]) -> list[Step]:
    months = months_between(spot.as_of, until)
    if months < 1:
        zh, en = "应至少在一个月之后: 按月增长", "should be a month ahead at least: growth goes by months"
        found.append(fault("date_near", zh, en, row=number, column="date", value=until))
        return []
    base = 1 + growth
    steps = []
    for month in range(1, months + 1):
        power = _POWERS.power(base, _POWERS.divide(Decimal(month), Decimal(12)))
        factor_e4 = int((power * E4).to_integral_value(ROUND_HALF_UP))
        steps.append((instrument, month_later(spot.as_of, month), factor_e4))
    return _checked(steps, number, found)


def _checked(steps: list[Step], number: int, found: list[Finding]) -> list[Step]:
    wrong = next((s for s in steps if not 1 <= s[2] <= FACTOR_E4_MAX), None)
    if wrong is None:
        return steps
    zh, en = "系数应在 0.0001 与 10 之间", "a factor should be from 0.0001 to 10"
    found.append(fault("factor", zh, en, row=number, value=f"{wrong[1]} {rate(wrong[2])}"))
    return []


def _growth_beside_others(rows: Sequence[Mapping[Any, Any]]) -> Iterable[Finding]:
    names = [_instrument(row, 0, []) for row in rows]
    for number, (name, row) in enumerate(zip(names, rows, strict=True), 1):
        if name is not None and not _blank(row.get("yearly_growth")) and names.count(name) > 1:
            zh, en = (
                f"{name} 有 yearly_growth 时不应有其他行",
                f"{name}: beside yearly_growth there should be no other row",
            )
            yield fault("growth_beside_others", zh, en, row=number, column="yearly_growth")


def _instrument(given: Mapping[Any, Any], number: int, found: list[Finding]) -> str | None:
    text = half_width(str(given.get("instrument", "")))
    try:
        return word(text, "instrument")
    except CellError:
        listed = ", ".join(INSTRUMENTS)
        zh, en = f"应为以下之一: {listed}", f"should be one of: {listed}"
        found.append(fault("instrument", zh, en, row=number, column="instrument", value=text or None))
        return None


def _day_after(given: Mapping[str, Any], spot: Spot, number: int, found: list[Finding]) -> date | None:
    value = given.get("date")
    parsed: object = value.date() if isinstance(value, datetime) else value
    if isinstance(value, str):
        try:
            parsed = day(value).value
        except CellError:
            parsed = None
    if not isinstance(parsed, date):  # a number, a blank, or text that is no day
        zh, en = "应为日期, 例如 2027-01-01", "should be a date such as 2027-01-01"
        found.append(fault("date", zh, en, row=number, column="date", value=value))
        return None
    if parsed <= spot.as_of or months_between(spot.as_of, parsed) > MONTHS_MAX:
        zh = f"应在今日 {spot.as_of} 之后, {MONTHS_MAX} 个月之内: 系数相对今日价格"
        en = f"should be after today, {spot.as_of}, within {MONTHS_MAX} months: factors are on today's price"
        found.append(fault("date_range", zh, en, row=number, column="date", value=parsed))
        return None
    return parsed


def _number(given: Mapping[str, Any], name: str, number: int, found: list[Finding]) -> Decimal | None:
    least, most = {
        "factor": (Decimal(0), Decimal(FACTOR_E4_MAX // E4)),
        "price": (Decimal(0), Decimal(PRICE_YUAN_MAX)),
        "yearly_growth": (GROWTH_MIN, GROWTH_MAX),
    }[name]
    value = given[name]
    try:
        parsed = decimal_of(half_width(value) if isinstance(value, str) else _plain_number(value))
    except NotANumber:
        parsed = least
    if least < parsed <= most and (name != "factor" or parsed == round(parsed, 4)):
        return parsed
    zh, en = f"应为大于 {least} 至 {most} 的十进制数", f"should be a decimal number above {least}, at most {most}"
    if name == "factor":
        zh, en = f"{zh}, 最多 4 位小数", f"{en}, with at most 4 decimals"
    found.append(fault("number", zh, en, row=number, column=name, value=value))
    return None


def _plain_number(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _blank(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)


# ------------------------------------------------------------------------------------------------ estimated by a model


def estimated_outlook(
    model: PriceModel,
    spot: Spot,
    months: int,
    statistic: Statistic = "mean",
    *,
    seed: int,
    draws: int = ESTIMATE_DRAWS,
) -> EstimatedOutlook:
    """Factors by month for `months` months from `spot.as_of`: the mean, or a quantile, of the model's draws.

    A quantile is taken month by month: prices at P80 all along are dearer than four futures in five. Rounded half up to
    4 decimals; what would be above 10 is 10, with a finding. Instruments that the model does not move have no factors.

    Raises:
        BadInput: months, statistic or numbers of draws out of range.
    """
    _check_estimate(months, statistic)
    paths = model.log_factors(start_logs(model, spot), months, draw_range(draws, seed))
    factors = np.exp(paths)
    level = factors.mean(axis=2) if statistic == "mean" else np.quantile(factors, statistic, axis=2)
    raw_e4 = np.floor(level * E4 + 0.5)
    findings = list(model.findings)
    for k, name in enumerate(model.instruments):
        if (raw_e4[k] > FACTOR_E4_MAX).any():
            zh, en = f"{name} 的估计系数超过 10, 按 10 计", f"estimated factors of {name} are above 10 and taken as 10"
            findings.append(warning("factor_cut", zh, en))
    whole = np.clip(raw_e4, 1, FACTOR_E4_MAX).astype(np.int64)
    entries = [
        (name, month_later(spot.as_of, m + 1), int(whole[k, m]))
        for k, name in enumerate(model.instruments)
        for m in range(months)
    ]
    return EstimatedOutlook(_outlook(entries), _remarks(model, spot, statistic, draws, seed), tuple(findings))


def _check_estimate(months: int, statistic: object) -> None:
    found = []
    if not 1 <= months <= MONTHS_MAX:
        zh, en = f"应为 1 至 {MONTHS_MAX} 个月", f"should be from 1 to {MONTHS_MAX} months"
        found.append(fault("months", zh, en, path="months", value=months))
    if statistic != "mean" and not (isinstance(statistic, float) and 0 < statistic < 1):
        zh, en = "应为 mean 或 0 与 1 之间的分位, 例如 0.8", "should be mean or a quantile between 0 and 1, such as 0.8"
        found.append(fault("statistic", zh, en, path="statistic", value=statistic))
    if found:
        raise BadInput(found)


def _remarks(model: PriceModel, spot: Spot, statistic: Statistic, draws: int, seed: int) -> tuple[Text, ...]:
    zh, en = ("均值", "mean") if statistic == "mean" else (f"分位 {statistic}", f"quantile {statistic}")
    first, last = f"{model.first_month:%Y-%m}", f"{model.last_month:%Y-%m}"
    return (
        Text(
            f"{draws} 次抽样的{zh}, 种子 {seed}, 相对 {spot.as_of} 的价格, 按月",
            f"{en} of {draws} draws, seed {seed}, on prices of {spot.as_of}, by month",
        ),
        Text(f"模型 {model.kind}, 样本 {first} 至 {last}", f"model {model.kind}, calibrated on {first} to {last}"),
        *(Text(f"{s.instrument}: {s.n} 个月收益率", f"{s.instrument}: {s.n} monthly returns") for s in model.samples),
    )


# ------------------------------------------------------------------------------------------------------------- writing


def _outlook(entries: Iterable[Step]) -> Outlook:
    """In order of instrument and date."""
    ordered = sorted(entries, key=lambda e: (INSTRUMENTS.index(e[0]), e[1]))
    factors = [Factor.model_validate({"instrument": i, "from": d, "factor": rate(e4)}) for i, d, e4 in ordered]
    return Outlook(factors=tuple(factors))


def write_outlook(outlook: Outlook, remarks: Sequence[str] = ()) -> str:
    """The text of a YAML file that `--outlook` reads; `remarks` stand above as comments."""
    lines = [f"# {line}" for remark in remarks for line in remark.splitlines()]
    lines.append("factors:" if outlook.factors else "factors: []")
    for f in outlook.factors:
        factor = json.dumps(rate(f.factor_e4))
        lines.append(f"  - {{instrument: {f.instrument}, from: {f.from_date.isoformat()}, factor: {factor}}}")
    return "\n".join(lines) + "\n"
