"""Rows that give area and yield instead of tonnes: their quantity, price and delivery schedule are filled in.

The arithmetic lives in `forestry`; here live which cells a row must have, and which contradict each other.
"""

from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import numpy as np

from market_data import forestry
from market_data.cells import NUMBER_KINDS, CellError, dated, in_range, schedule_text
from market_data.columns import COLUMNS
from market_data.quality import doubtful_yield
from market_data.table_reader import TableReader
from optimizer.offers import Bools, Labels
from optimizer.wording import Text

FORESTRY_MEANS = frozenset({"area_mu", "area_ha"})
DAYS_PER_YEAR = 365.25

CONTRADICTIONS: dict[str, Text] = {
    "forestry_only": Text("面积与碳汇量只用于新建林业", "area and yield are for new forestry only"),
    "area_blank": Text("不能为空; 有碳汇量或每亩价格就要有面积", "is blank; a yield or a price per mu needs an area"),
    "yield_contradicts": Text("年均碳汇量与碳汇曲线只填一种", "give a mean yield or a curve, not both"),
    "planting_blank": Text(
        "不能为空; 年均碳汇量从造林完成之日起计", "is blank; a mean yield accrues from the day planting is complete"
    ),
    "schedule_contradicts": Text("交付计划与碳汇量只填一种", "give a delivery schedule or a yield, not both"),
    "price_contradicts": Text("价格与每亩价格只填一种", "give a price per t or per mu, not both"),
}


@dataclass(frozen=True)
class Row:
    """What one row says about its forest; None and 0 where the cell is blank."""

    area_e4: int
    curve: forestry.Curve | None
    yield_e4: int
    years: int
    planted_by: date | None
    price_fen_per_mu: int | None
    quantity_kg: int | None
    has_schedule: bool


def fill_from_area(reader: TableReader, columns: dict[str, Any], given: dict[str, Bools]) -> None:
    """Fills quantity, price and delivery schedule of the rows that give area and yield; faults go to the reader."""
    if not any(name in reader.placed for name in (*FORESTRY_MEANS, "yield_t_per_mu_yr", "yield_curve", "price_per_mu")):
        return
    area, given["area"] = _areas(reader)
    yields = reader.numbers("yield_t_per_mu_yr", 0)
    years = reader.numbers("yield_years", 0)
    curves = reader.read("yield_curve", _curve, None)
    per_mu = reader.numbers("price_per_mu", 0)
    given |= {"yield": yields.given, "curve": curves.given, "per_mu": per_mu.given}
    rows = given["area"] | yields.given | curves.given | per_mu.given
    wrong = _contradictions(reader, columns, given, rows)
    schedules = [columns["delivery_schedule"][i] for i in range(len(reader))] if rows.any() else []
    for i in np.flatnonzero(rows & ~wrong).tolist():
        planted = columns["planted_by"][i]
        row = Row(
            int(area[i]),
            curves.values[curves.codes[i]],
            int(yields.values[yields.codes[i]]),
            int(years.values[years.codes[i]]) or forestry.YIELD_YEARS_DEFAULT,
            None if np.isnat(planted) else planted.item(),
            int(per_mu.values[per_mu.codes[i]]) if per_mu.given[i] else None,
            int(columns["quantity_kg"][i]) if given["quantity"][i] else None,
            bool(schedules[i]),
        )
        _fill_row(reader, i, row, columns, given, schedules)
    if schedules:
        columns["delivery_schedule"] = Labels.of(schedules)
    _say_linear(reader, yields.given & ~wrong, years.given)


def _curve(text: str) -> forestry.Curve:
    points = dated(text, NUMBER_KINDS["accrued"])
    totals = [total for _, total in points]
    if totals != sorted(totals) or totals[-1] == 0:
        raise CellError("curve_falls")
    return tuple(points)


def _areas(reader: TableReader) -> tuple[Any, Bools]:
    """Areas in 1/10^4 mu, from whichever column a row fills; both filled must agree."""
    mu, ha = reader.numbers("area_mu", 0), reader.numbers("area_ha", 0)
    from_mu, from_ha = mu.array(np.int64), ha.array(np.int64) * forestry.MU_PER_HA
    clash = mu.given & ha.given & (np.abs(from_mu - from_ha) > from_mu // 1000)
    text = Text("与另一面积列不符 (1 公顷 = 15 亩)", "disagrees with the other column of areas (1 ha = 15 mu)")
    reader.complain_rows("area_ha", "area_contradicts", clash, lambda _: text)
    return np.where(mu.given, from_mu, from_ha), mu.given | ha.given


def _contradictions(reader: TableReader, columns: dict[str, Any], given: dict[str, Bools], rows: Bools) -> Bools:
    area_column = "area_ha" if "area_ha" in reader.placed and "area_mu" not in reader.placed else "area_mu"
    forest = columns["instrument"].isin(["forestry"])
    named = ~columns["instrument"].blank
    described = given["yield"] | given["curve"]
    placed = next(n for n in (area_column, "yield_t_per_mu_yr", "yield_curve", "price_per_mu") if n in reader.placed)
    checks = (
        (placed, "forestry_only", rows & ~forest & named),
        (area_column, "area_blank", rows & forest & ~given["area"]),
        ("yield_curve", "yield_contradicts", given["yield"] & given["curve"]),
        ("planted_by", "planting_blank", given["yield"] & forest & np.isnat(columns["planted_by"])),
        ("delivery_schedule", "schedule_contradicts", described & ~columns["delivery_schedule"].blank),
        ("price_per_mu", "price_contradicts", given["per_mu"] & given["price"]),
    )
    wrong = np.zeros(len(reader), dtype=bool)
    for name, kind, mask in checks:
        code = "blank" if kind.endswith("blank") else kind
        reader.complain_rows(name, code, mask, partial(_contradiction, kind))
        wrong |= mask
    return wrong


def _contradiction(kind: str, _: int) -> Text:
    return CONTRADICTIONS[kind]


def _fill_row(
    reader: TableReader, i: int, row: Row, columns: dict[str, Any], given: dict[str, Bools], schedules: list[str]
) -> None:
    curve = row.curve
    if row.yield_e4 and row.planted_by is not None:
        curve = forestry.linear_curve(row.planted_by, row.yield_e4, row.years)
    quantity = row.quantity_kg
    if quantity is None and curve is not None:
        quantity = forestry.contracted_kg(row.area_e4, curve)
        _set(reader, i, "quantity", quantity, columns, given)
    if not quantity:
        given["price"][i] |= row.price_fen_per_mu is not None
        text = Text("应大于 0: 面积与碳汇量折算不出吨数", "should be more than 0: area and yield make no tonnes")
        reader.complain_rows("quantity", "not_positive", np.array([i]), lambda _: text)
        return
    if curve is not None:
        schedules[i] = schedule_text(forestry.delivery_shares(row.area_e4, curve, quantity))
        _doubt_yield(reader, i, row, curve)
    if row.price_fen_per_mu is not None:
        price = forestry.price_fen_per_t(row.price_fen_per_mu, row.area_e4, quantity)
        _set(reader, i, "price", price, columns, given)


def _set(reader: TableReader, i: int, name: str, value: int, columns: dict[str, Any], given: dict[str, Bools]) -> None:
    column = COLUMNS[name]
    given[name][i] = True
    try:
        columns[column.field][i] = in_range(value, NUMBER_KINDS[column.kind])
    except CellError:
        text = Text("由面积折算的数值过大, 不合理", "is implausibly large as it follows from the area")
        reader.complain_rows(name, "huge", np.array([i]), lambda _: text)


def _doubt_yield(reader: TableReader, i: int, row: Row, curve: forestry.Curve) -> None:
    mean = row.yield_e4
    if not mean and row.planted_by is not None:
        years = max((curve[-1][0] - row.planted_by).days / DAYS_PER_YEAR, 1.0)
        mean = int(curve[-1][1] / years)
    text = doubtful_yield(mean)
    if text is not None:
        name = "yield_t_per_mu_yr" if row.yield_e4 else "yield_curve"
        reader.complain_rows(name, "yield_far_out", np.array([i]), lambda _: text, "warning")


def _say_linear(reader: TableReader, rows: Bools, years_given: Bools) -> None:
    text = Text(
        "年均碳汇量按每年相等累积; 幼林实际累积较慢, 有碳汇曲线时请改填曲线",
        "a mean yield accrues by equal parts a year; young stands are slower, give a yield curve where there is one",
    )
    reader.complain_rows("yield_t_per_mu_yr", "linear_accrual", rows, lambda _: text, "warning")
    six = Text("未填计入年限, 按 6 年计", "yield_years is blank: 6 years are counted")
    reader.complain_rows("yield_years", "yield_years_assumed", rows & ~years_given, lambda _: six, "warning")
