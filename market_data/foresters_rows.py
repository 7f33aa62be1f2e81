"""Rows that give area and yield instead of tonnes: their quantity, price and delivery schedule are filled in.

The arithmetic lives in `forestry`; here live which cells a row must have, and which contradict each other.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, get_args

import numpy as np

from market_data import forestry
from market_data.cells import NUMBER_KINDS, CellError, clean_text, dated, in_range, number, schedule_text
from market_data.columns import COLUMNS, half_width, word_key
from market_data.forestry import Growth
from market_data.quality import doubtful_yield
from market_data.table_reader import Distinct, TableReader
from optimizer.offers import Bools, Labels
from optimizer.quantities import E4, rate
from optimizer.wording import Text

FORESTRY_MEANS = frozenset({"area_mu", "area_ha"})
DESCRIBING = ("yield_t_per_mu_yr", "yield_curve", "growth", "mortality", "price_per_mu")
"""Columns that are for new forestry by area only."""
DAYS_PER_YEAR = 365.25
ASYMPTOTE_E4_DOUBTFUL = 1_000_000
"""100 t CO2 per mu, 1,500 per ha: twice what old conifers on the Loess Plateau hold (PLoS ONE 2018, 0196927)."""

BY_SPECIES = "species"
"""The growth that says: as the row's species grows."""
MODELS: dict[str, str] = {
    **{model: model for model in (*get_args(forestry.Model.__value__), BY_SPECIES)},
    **{"线性": "linear", "舒马赫": "schumacher", "理查兹": "richards", "理查德": "richards", "按树种": BY_SPECIES},
}
PARAMETERS: dict[str, dict[str, str]] = {
    "linear": {},
    "schumacher": {"b": "age"},
    "richards": {"k": "exponent", "p": "exponent"},
    BY_SPECIES: {},
}
"""Parameters of a model and the kind of number each is; A may be added to those that have any."""

CONTRADICTIONS: dict[str, Text] = {
    "forestry_only": Text("面积与碳汇量只用于新建林业", "area and yield are for new forestry only"),
    "area_blank": Text("不能为空; 有碳汇量或每亩价格就要有面积", "is blank; a yield or a price per mu needs an area"),
    "yield_contradicts": Text("年均碳汇量与碳汇曲线只填一种", "give a mean yield or a curve, not both"),
    "growth_contradicts": Text(
        "生长模型与碳汇曲线只填一种; 曲线已说明生长",
        "give a growth model or a curve, not both: points say how it grows",
    ),
    "asymptote_contradicts": Text(
        "生长模型已给出上限 A, 与年均碳汇量只填一种", "gives A beside a mean yield that sets A; give one of the two"
    ),
    "mean_blank": Text(
        "不能为空; 没有上限 A 的生长模型由年均碳汇量定标",
        "is blank; a growth model without A is scaled to a mean yield",
    ),
    "years_blank": Text(
        "不能为空; 生长模型按年均碳汇量所指的年数定标 (备案设计常为 20 至 40 年)",
        "is blank; a growth model is scaled over the years that the mean is stated for (20 to 40 in filed designs)",
    ),
    "species_unknown": Text(
        "没有已发表的生长曲线; 请在生长模型中填写参数, 已知树种: " + ", ".join(s.names[0] for s in forestry.SPECIES),
        "has no published curve here; give parameters under growth; known: "
        + ", ".join(s.names[1] for s in forestry.SPECIES),
    ),
    "mortality_unused": Text(
        "死亡率只作用于由面积折算的碳汇量; 请填碳汇量", "reduces what an area grows; give a yield, a curve or a growth"
    ),
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
    growth: Growth | None
    yield_e4: int
    years: int
    mortality_e4: int
    planted_by: date | None
    price_fen_per_mu: int | None
    quantity_kg: int | None


@dataclass(frozen=True)
class Cells:
    """The forestry columns of a table, read."""

    area_e4: Any
    yields: Distinct
    years: Distinct
    curves: Distinct
    growths: Distinct
    species: Distinct
    mortality: Distinct
    per_mu: Distinct

    def growth(self, i: int) -> Growth | None:
        """How row i grows; None where it does not say, or names a species that has no curve."""
        growth = _at(self.growths, i)
        if growth == BY_SPECIES:
            species = forestry.species_of(_at(self.species, i))
            return None if species is None else species.growth
        return growth  # type: ignore[no-any-return]  # a Growth or None: see _growth

    def mask(self, read: Distinct, test: Callable[[Any], bool]) -> Bools:
        """True for the rows whose cell passes; each distinct cell is asked once."""
        return np.array([test(value) for value in read.values], dtype=bool)[read.codes]


def fill_from_area(reader: TableReader, columns: dict[str, Any], given: dict[str, Bools]) -> None:
    """Fills quantity, price and delivery schedule of the rows that give area and yield; faults go to the reader."""
    if not any(name in reader.placed for name in (*FORESTRY_MEANS, *DESCRIBING)):
        return
    cells = _read_cells(reader, given)
    rows = given["area"] | given["yield"] | given["curve"] | given["growth"] | given["mortality"] | given["per_mu"]
    unread = _unread(reader, cells)
    wrong = _contradictions(reader, columns, given, rows, cells) | unread
    _spare_consequences(columns, given, wrong, unread)
    schedules = [columns["delivery_schedule"][i] for i in range(len(reader))] if rows.any() else []
    for i in np.flatnonzero(rows & ~wrong).tolist():
        _fill_row(reader, i, _row(i, cells, columns, given), columns, given, schedules)
    if schedules:
        columns["delivery_schedule"] = Labels.of(schedules)
    _say_linear(reader, given["yield"] & ~wrong, cells)
    _doubt_growth(reader, given["growth"] & ~wrong, cells)


def _read_cells(reader: TableReader, given: dict[str, Bools]) -> Cells:
    area, given["area"] = _areas(reader)
    cells = Cells(
        area,
        reader.numbers("yield_t_per_mu_yr", 0),
        reader.numbers("yield_years", 0),
        reader.read("yield_curve", _curve, None),
        reader.read("growth", _growth, None),
        reader.texts("species", clean_text),
        reader.numbers("mortality", 0),
        reader.numbers("price_per_mu", 0),
    )
    given |= {"yield": cells.yields.given, "curve": cells.curves.given, "growth": cells.growths.given}
    given |= {"mortality": cells.mortality.given, "per_mu": cells.per_mu.given}
    return cells


def _row(i: int, cells: Cells, columns: dict[str, Any], given: dict[str, Bools]) -> Row:
    planted = columns["planted_by"][i]
    return Row(
        int(cells.area_e4[i]),
        _at(cells.curves, i),
        cells.growth(i),
        int(_at(cells.yields, i)),
        int(_at(cells.years, i)) or forestry.YIELD_YEARS_DEFAULT,
        int(_at(cells.mortality, i)),
        None if np.isnat(planted) else planted.item(),
        int(_at(cells.per_mu, i)) if given["per_mu"][i] else None,
        int(columns["quantity_kg"][i]) if given["quantity"][i] else None,
    )


def _at(read: Distinct, i: int) -> Any:
    return read.values[read.codes[i]]


def _curve(text: str) -> forestry.Curve:
    points = dated(text, NUMBER_KINDS["accrued"])
    totals = [total for _, total in points]
    if totals != sorted(totals) or totals[-1] == 0:
        raise CellError("curve_falls")
    return tuple(points)


_NAMED = re.compile(r"([a-z]+)\s*[=:]\s*([^\s,;、=:]+)[\s,;、]*")


def _growth(text: str) -> Growth | str:
    """A growth model with its parameters, or BY_SPECIES. Raises CellError."""
    first, *rest = re.split(r"[\s(,;:]+", half_width(text).casefold().removesuffix(")"), maxsplit=1)
    model = MODELS.get(word_key(first))
    if model is None:
        raise CellError("growth_unknown")
    written = rest[0] if rest else ""
    found = [m.groups() for m in _NAMED.finditer(written)]
    kinds = PARAMETERS[model]
    names = [name for name, _ in found]
    if _NAMED.sub("", written).strip() or len(set(names)) < len(names) or set(names) - {"a"} != set(kinds):
        raise CellError("growth_parameters")
    if "a" in names and not kinds:
        raise CellError("growth_parameters")
    if model == BY_SPECIES:
        return BY_SPECIES
    values = {name: number(value, NUMBER_KINDS[kinds.get(name, "asymptote")]) for name, value in found}
    asymptote = values.pop("a", 0)
    return Growth(model, asymptote_e4=asymptote, **{f"{n}_e4": v for n, v in values.items()})  # type: ignore[arg-type]


def _areas(reader: TableReader) -> tuple[Any, Bools]:
    """Areas in 1/10^4 mu, from whichever column a row fills; both filled must agree."""
    mu, ha = reader.numbers("area_mu", 0), reader.numbers("area_ha", 0)
    from_mu, from_ha = mu.array(np.int64), ha.array(np.int64) * forestry.MU_PER_HA
    clash = mu.given & ha.given & (np.abs(from_mu - from_ha) > from_mu // 1000)
    text = Text("与另一面积列不符 (1 公顷 = 15 亩)", "disagrees with the other column of areas (1 ha = 15 mu)")
    reader.complain_rows("area_ha", "area_contradicts", clash, lambda _: text)
    return np.where(mu.given, from_mu, from_ha), mu.given | ha.given


def _contradictions(
    reader: TableReader, columns: dict[str, Any], given: dict[str, Bools], rows: Bools, cells: Cells
) -> Bools:
    area_column = "area_ha" if "area_ha" in reader.placed and "area_mu" not in reader.placed else "area_mu"
    forest = columns["instrument"].isin(["forestry"])
    named = ~columns["instrument"].blank
    described = given["yield"] | given["curve"] | given["growth"]
    dated_by_planting = (given["yield"] | given["growth"]) & forest
    placed = next(n for n in (area_column, *DESCRIBING) if n in reader.placed)
    checks = (
        (placed, "forestry_only", rows & ~forest & named),
        (area_column, "area_blank", rows & forest & ~given["area"]),
        ("yield_curve", "yield_contradicts", given["yield"] & given["curve"]),
        *_growth_checks(cells, given),
        ("mortality", "mortality_unused", given["mortality"] & forest & ~described),
        ("planted_by", "planting_blank", dated_by_planting & np.isnat(columns["planted_by"])),
        ("delivery_schedule", "schedule_contradicts", described & ~columns["delivery_schedule"].blank),
        ("price_per_mu", "price_contradicts", given["per_mu"] & given["price"]),
    )
    wrong = np.zeros(len(reader), dtype=bool)
    for name, kind, mask in checks:
        code = "blank" if kind.endswith("blank") else kind
        reader.complain_rows(name, code, mask, partial(_contradiction, kind))
        wrong |= mask
    return wrong


def _unread(reader: TableReader, cells: Cells) -> Bools:
    """Rows with a yield, curve or growth that could not be read and has been named."""
    found = np.zeros(len(reader), dtype=bool)
    for name, read in (("yield_t_per_mu_yr", cells.yields), ("yield_curve", cells.curves), ("growth", cells.growths)):
        if name in reader.placed:
            found |= reader.filled(name) & ~read.given
    return found


def _spare_consequences(columns: dict[str, Any], given: dict[str, Bools], wrong: Bools, unread: Bools) -> None:
    """A forest whose growth is wrong does not also lack the tonnes and the price that would follow from it."""
    forest = columns["instrument"].isin(["forestry"]) & wrong
    given["quantity"] |= forest & (given["yield"] | given["curve"] | given["growth"] | unread)
    given["price"] |= forest & given["per_mu"]


def _growth_checks(cells: Cells, given: dict[str, Bools]) -> list[tuple[str, str, Bools]]:
    said = given["growth"]
    own = cells.mask(cells.growths, lambda g: isinstance(g, Growth) and g.asymptote_e4 > 0)
    shaped = said & ~own & ~cells.mask(cells.growths, lambda g: isinstance(g, Growth) and g.model == "linear")
    by_species = cells.mask(cells.growths, lambda g: g == BY_SPECIES)
    known = cells.mask(cells.species, lambda text: forestry.species_of(text) is not None)
    return [
        ("growth", "growth_contradicts", said & given["curve"]),
        ("growth", "asymptote_contradicts", own & given["yield"]),
        ("yield_t_per_mu_yr", "mean_blank", said & ~own & ~given["yield"] & ~given["curve"]),
        ("yield_years", "years_blank", shaped & given["yield"] & ~cells.years.given),
        ("species", "species_unknown", by_species & ~known),
    ]


def _contradiction(kind: str, _: int) -> Text:
    return CONTRADICTIONS[kind]


def _fill_row(
    reader: TableReader, i: int, row: Row, columns: dict[str, Any], given: dict[str, Bools], schedules: list[str]
) -> None:
    curve = row.curve
    if (row.yield_e4 or row.growth) and row.planted_by is not None:
        curve = forestry.growth_curve(row.planted_by, row.growth or forestry.LINEAR, row.yield_e4, row.years)
    quantity = row.quantity_kg
    if quantity is None and curve is not None:
        quantity = forestry.contracted_kg(row.area_e4, curve, row.mortality_e4)
        _set(reader, i, "quantity", quantity, columns, given)
    if not quantity:
        given["price"][i] |= row.price_fen_per_mu is not None
        text = Text("应大于 0: 面积与碳汇量折算不出吨数", "should be more than 0: area and yield make no tonnes")
        reader.complain_rows("quantity", "not_positive", np.array([i]), lambda _: text)
        return
    if curve is not None:
        schedules[i] = schedule_text(forestry.delivery_shares(row.area_e4, curve, quantity, row.mortality_e4))
        _doubt_yield(reader, i, row, curve, columns["region"][i])
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


def _doubt_yield(reader: TableReader, i: int, row: Row, curve: forestry.Curve, region: str) -> None:
    mean = row.yield_e4
    if not mean and row.planted_by is not None:
        years = max((curve[-1][0] - row.planted_by).days / DAYS_PER_YEAR, 1.0)
        mean = int(curve[-1][1] / years)
    text = doubtful_yield(mean, region)
    if text is not None:
        name = "yield_t_per_mu_yr" if row.yield_e4 else "growth" if row.growth else "yield_curve"
        reader.complain_rows(name, "yield_far_out", np.array([i]), lambda _: text, "warning")


def _say_linear(reader: TableReader, rows: Bools, cells: Cells) -> None:
    """Equal parts a year overstate the first years; where the species is known, the warning says by how much."""
    linear = cells.mask(cells.growths, lambda g: g is None or (isinstance(g, Growth) and g.model == "linear"))
    reader.complain_rows("yield_t_per_mu_yr", "linear_accrual", rows & linear, partial(_linear_words, cells), "warning")
    six = Text("未填计入年限, 按 6 年计", "yield_years is blank: 6 years are counted")
    assumed = rows & ~cells.years.given
    reader.complain_rows("yield_years", "yield_years_assumed", assumed, lambda _: six, "warning")


def _linear_words(cells: Cells, i: int) -> Text:
    general = Text(
        "年均碳汇量按每年相等累积; 幼林实际累积较慢",
        "a mean yield accrues by equal parts a year; young stands are slower",
    )
    species = forestry.species_of(_at(cells.species, i))
    if species is None:
        remedy = Text("有碳汇曲线或生长模型时请改填", "give a yield curve or a growth model where there is one")
        return Text(f"{general.zh}, {remedy.zh}", f"{general.en}, {remedy.en}")
    six, mean, said = forestry.YIELD_YEARS_DEFAULT, int(_at(cells.yields, i)), int(_at(cells.years, i))
    years = said if said > six else forestry.FILED_YEARS
    grown = rate(forestry.totals(species.growth, mean, years)[six - 1])
    zh = f"若该均值为 {years} 年均值, 按{species.name.zh}生长曲线第 {six} 年为 {grown} 吨/亩, 而非 {rate(six * mean)}"
    en = (
        f"by the curve of {species.name.en} a mean over {years} years has grown {grown} t/mu in year {six}, "
        f"not {rate(six * mean)}"
    )
    return Text(
        f"{general.zh}: {zh}; 请将生长模型填为 species", f"{general.en}: {en}; say growth = species to count so"
    )


def _doubt_growth(reader: TableReader, rows: Bools, cells: Cells) -> None:
    """Parameters far from what was measured of the species, and stands heavier than forests here become."""
    if not rows.any():
        return
    far: dict[int, Text] = {}
    heavy: dict[int, Text] = {}
    for i in np.flatnonzero(rows).tolist():
        growth, species = cells.growth(i), forestry.species_of(_at(cells.species, i))
        if growth is None or growth.model == "linear":
            continue
        if species is not None and growth.model == "schumacher":
            low, high = species.peak_range_e4
            if not low <= growth.b_e4 <= high:
                far[i] = _far_words(species, low, high)
        top = forestry.asymptote_e4(growth, int(_at(cells.yields, i)), int(_at(cells.years, i)) or 1)
        if top > ASYMPTOTE_E4_DOUBTFUL:
            heavy[i] = _heavy_words(top)
    for code, words in (("growth_far_out", far), ("asymptote_far_out", heavy)):
        reader.complain_rows("growth", code, np.array(sorted(words), dtype=np.int64), words.__getitem__, "warning")


def _far_words(species: forestry.Species, low: int, high: int) -> Text:
    span, peak = f"{low // E4}..{high // E4}", rate(species.peak_e4)
    return Text(
        f"b 不在{species.name.zh}的合理范围 {span} 年内 (实测 {peak} 年: {species.source}), 请核对",
        f"has b outside {span} years, plausible for {species.name.en} (measured {peak}: {species.source})",
    )


def _heavy_words(top: int) -> Text:
    shown = f"{top // E4}" if top < E4 * E4 else f"{E4}+"
    limit = ASYMPTOTE_E4_DOUBTFUL // E4
    return Text(
        f"使林分最终达到 {shown} 吨/亩, 超过 {limit} 吨/亩; 均值、年数与参数可能不相配, 请核对",
        f"lets the stand reach {shown} t/mu, more than {limit}: mean, years and parameters may not fit together",
    )
