"""Rows of issued and retired credits become what is there, by project and vintage; every row is accounted for.

A ledger row is left out once, for the first reason that is found, or counted. What a file's columns mean lives with
its feed; here live the sums (exact integers) and the words that all registries share.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from market_data.complaints import Group
from market_data.feed_reading import FeedReading, RowAccount
from market_data.quotes import Stock
from market_data.sources.registry_table import RegistryTable, first_by_project
from optimizer.findings import warning
from optimizer.offers import Bools, Dates, Ints
from optimizer.regions import region_code
from optimizer.wording import Text

VINTAGE_SPAN = 10_000
"""Project x VINTAGE_SPAN + year is one number for both."""


@dataclass(frozen=True)
class Project:
    """What is known of a project beside its credits."""

    mechanism: str
    name: str = ""
    methodology: str = ""
    region: str = ""
    owner: str = ""
    registry: str = ""
    registered_on: date | None = None


class Ledger:
    """The rows of one table on their way to stock. `alive` are those not left out so far."""

    def __init__(self, table: RegistryTable, account: RowAccount) -> None:
        self.table = table
        self.account = account
        self.alive = np.ones(len(table), dtype=bool)

    def leave_out(self, field: str, where: Bools, code: str, zh: str, en: str) -> None:
        """These rows, as far as they are alive, do not count, for this reason."""
        where = where & self.alive
        self.alive &= ~where
        n = int(where.sum())
        if n:
            self.account.read += n
            self.account.left_out[code] += n
            self._complain(field, where, code, Text(zh, en))

    def doubt(self, field: str, where: Bools, code: str, zh: str, en: str) -> None:
        """These rows count, and yet."""
        self._complain(field, where & self.alive, code, Text(zh, en))

    def use_the_rest(self) -> None:
        """What was not left out is stock."""
        self.account.use(int(self.alive.sum()))

    def _complain(self, field: str, where: Bools, code: str, words: Text) -> None:
        table, indices = self.table, np.flatnonzero(where)
        cells = table.columns[field]
        files = table.files

        def said(index: int) -> Text:
            return words if not files else Text(*(f"{files[index]}: {w}" for w in words))

        header = table.headers.get(field, "")
        group = Group(code, "warning", header, 0, indices, table.rows[indices], lambda i: str(cells.iloc[i]), said)
        self.account.complaints.add_group(group)


@dataclass(frozen=True, eq=False)
class Entries:
    """Ledger rows as numbers, each array of shape (n,)."""

    project: NDArray[np.object_]
    vintage: Ints
    issued_kg: Ints
    retired_kg: Ints


def leave_out_over_retired(ledger: Ledger, field: str, entries: Entries) -> None:
    """Project vintages of which more is retired than issued: the file is incomplete there, and nothing can be had."""
    alive = ledger.alive
    _, _, of_row, issued, retired = _sums(entries, alive)
    over = np.zeros(len(alive), dtype=bool)
    over[alive] = (retired > issued)[of_row]
    zh = "该项目该年份注销多于签发: 文件在此不完整, 不计入"
    en = "more of this project and vintage is retired than issued: the file is incomplete here, so it is not counted"
    ledger.leave_out(field, over, "over_retired", zh, en)


def stock_of(entries: Entries, alive: Bools, projects: Callable[[str], Project], instrument: str) -> tuple[Stock, ...]:
    """One stock per project and vintage, in order of mechanism, project and vintage."""
    ids, keys, _, issued, retired = _sums(entries, alive)
    stock = []
    for key, plus, minus in zip(keys.tolist(), issued.tolist(), retired.tolist(), strict=True):
        project_id, vintage = str(ids[key // VINTAGE_SPAN]), key % VINTAGE_SPAN
        p = projects(project_id)
        about = (p.name, p.methodology, p.region, vintage, plus, minus, p.registered_on, p.owner, p.registry)
        stock.append(Stock(instrument, p.mechanism, project_id, *about))
    return tuple(sorted(stock, key=lambda s: (s.mechanism, s.project_id, s.vintage)))


def _sums(entries: Entries, alive: Bools) -> tuple[NDArray[Any], Ints, Ints, Ints, Ints]:
    """Project names; and by project x vintage: its key, which one a living row belongs to, issued and retired kg."""
    codes, ids = pd.factorize(entries.project[alive], sort=True)
    key = codes.astype(np.int64) * VINTAGE_SPAN + entries.vintage[alive]
    keys, of_row = np.unique(key, return_inverse=True)
    order = np.argsort(of_row, kind="stable")
    starts = np.searchsorted(of_row[order], np.arange(len(keys)))
    issued, retired = (
        np.add.reduceat(column[alive][order], starts) if len(keys) else np.zeros(0, dtype=np.int64)
        for column in (entries.issued_kg, entries.retired_kg)
    )
    return np.asarray(ids, dtype=object), keys, of_row, issued, retired


def check_numbers(ledger: Ledger, kg: Ints, broken: Bools, field: str = "quantity") -> None:
    """Leaves out rows without a mass, and rows with one that cannot be read."""
    zh, en = "应为吨数, 如 28,571", "should be tonnes such as 28,571"
    ledger.leave_out(field, broken, "bad_number", zh, en)
    ledger.leave_out(field, kg < 0, "no_quantity", "没有数量", "has no quantity")


def check_days(ledger: Ledger, field: str, days: Dates, broken: Bools, as_of: date) -> None:
    """Leaves out rows whose day cannot be read or lies behind the day of the question."""
    zh, en = "应为日期, 如 2026-04-03", "should be a date such as 2026-04-03"
    ledger.leave_out(field, broken, "bad_date", zh, en)
    zh, en = f"晚于 {as_of}: 当日尚未发生", f"is after {as_of}: it had not happened by then"
    ledger.leave_out(field, days > np.datetime64(as_of, "D"), "after_as_of", zh, en)


def check_vintages(ledger: Ledger, field: str, years: Ints, broken: Bools) -> None:
    """Leaves out rows whose vintage cannot be read; a blank one is kept, with a doubt."""
    zh, en = "应为年份, 如 2022", "should be a year such as 2022"
    ledger.leave_out(field, broken, "bad_vintage", zh, en)
    zh, en = "没有年份: 计入, 但不合任何年份要求", "has no vintage: kept, yet no vintage window can admit it"
    ledger.doubt(field, years == 0, "vintage_unknown", zh, en)


def leave_out_duplicates(ledger: Ledger, field: str, entries: Entries) -> None:
    """The same serial numbers twice: the same credits again. The row stays that says most is retired and least issued.

    So the choice is the cautious one, and the same whatever the row order.
    """
    serials = ledger.table.text(field)
    columns = {"retired": -entries.retired_kg, "issued": entries.issued_kg, "vintage": entries.vintage}
    frame = pd.DataFrame({"serial": serials.to_numpy(dtype=object), "project": entries.project, **columns})
    ordered = frame[ledger.alive].sort_values(["retired", "issued", "project", "vintage"], kind="stable")
    again = np.zeros(len(frame), dtype=bool)
    again[ordered.index[ordered.duplicated("serial", keep="first")]] = True
    again &= (serials != "").to_numpy(dtype=bool)
    zh, en = "序列号与另一行相同: 同一批减排量不重复计入", "repeats the serial numbers of another row: the same credits"
    ledger.leave_out(field, again, "duplicate_serial", zh, en)


def regions_of(account: RowAccount, name: str, countries: Mapping[str, str]) -> dict[str, str]:
    """Project -> canonical region of its country; says once how many Chinese projects have no province.

    A country that is not known leaves the region blank, with a doubt that names it.
    """
    codes = {country: region_code(country) or "" for country in set(countries.values())}
    for country in sorted(c for c, code in codes.items() if c and not code):
        zh, en = "不认识的国家或地区: 地区留空", "is no country that is known here: the region stays blank"
        account.doubt(warning("region_unknown", zh, en, value=country).at(name))
    regions = {project: codes[country] for project, country in countries.items()}
    doubt_chinese(account, name, sum(code == "CN" for code in regions.values()))
    return regions


def doubt_chinese(account: RowAccount, name: str, n: int) -> None:
    """Says that Chinese projects without a province cannot count as projects of one."""
    if n:
        zh = f"{n} 个中国项目未注明省份: 地区记为 CN, 不能算作省内 (如山西) 项目; 知道省份的请自行填写"
        en = f"{n} Chinese projects come without a province: region CN, so none counts as Shanxi's; add it if known"
        account.doubt(warning("province_unknown", zh, en).at(name))


def texts_by_project(table: RegistryTable, project: NDArray[Any], *fields: str) -> list[dict[Any, str]]:
    """For each field the text of every project; where rows differ, the first in order of the alphabet."""
    return [first_by_project(project, table.text(f)) for f in fields]


def range_ends(serials: "pd.Series[str]", pattern: "re.Pattern[str]") -> tuple[NDArray[np.object_], Ints, Ints]:
    """Batch, first and last number of serials by a pattern with these three groups; "" and -1 where it does not fit."""
    parts = serials.str.extract(pattern)
    batch = parts["batch"].fillna("").to_numpy(dtype=object)
    first, last = (pd.to_numeric(parts[k], errors="coerce").fillna(-1).to_numpy(np.int64) for k in ("first", "last"))
    return batch, first, last


def feed_reading(feed: str, name: str, content: bytes, account: RowAccount, stock: tuple[Stock, ...]) -> FeedReading:
    """The reading of a feed that gives stock."""
    digest = hashlib.sha256(content).hexdigest()
    findings = account.complaints.listed("warning", name)
    left_out = dict(sorted(account.left_out.items()))
    return FeedReading(feed, name, digest, account.read, account.used, left_out, stock=stock, findings=findings)
