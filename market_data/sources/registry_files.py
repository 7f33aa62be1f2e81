"""The files that Verra and Gold Standard let anyone download: what was issued and is not retired, by serial numbers.

Verra: one row is one block of serial numbers, retired where it has a retirement date; blocks do not overlap. Gold
Standard: one file of issuances, one of retirements. A retired block that lies inside an issued one of the same file is
taken from it; one whose issuance is not in the file counts as issued and retired, so that it changes nothing.

Project ids carry the registry's letters (VCS1340, GS11603), so that a project is the same whichever feed names it.
The vintage of a Verra block is the year in which its period ends: registries and buyers label a block by its last
year, and a rule that asks for young reductions would else turn away one that ran over New Year.
"""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from market_data.feed_reading import FeedReading, RowAccount
from market_data.sources.registry_ledger import (
    Entries,
    Ledger,
    Project,
    check_days,
    check_numbers,
    check_vintages,
    feed_reading,
    leave_out_duplicates,
    leave_out_over_retired,
    range_ends,
    regions_of,
    stock_of,
    texts_by_project,
)
from market_data.sources.registry_table import RegistryTable, read_registry_table
from optimizer.findings import warning
from optimizer.offers import Bools, Ints
from optimizer.wording import counted

VERRA_FIELDS = {
    "project": ("ID",),
    "name": ("Name",),
    "country": ("Country/Area",),
    "methodology": ("Methodology",),
    "quantity": ("Quantity Issued",),
    "serial": ("Serial Number",),
    "issued_on": ("Issuance Date",),
    "retired_on": ("Retirement/Cancellation Date",),
    "start": ("Vintage Start",),
    "end": ("Vintage End",),
}
VERRA_REQUIRED = ("project", "country", "quantity", "serial", "retired_on", "end")
VERRA_PROJECT_FIELDS = {
    "project": ("ID",),
    "owner": ("Proponent",),
    "country": ("Country/Area",),
    "registered_on": ("Project Registration Date",),
}
GOLD_FIELDS = {
    "project": ("GSID",),
    "name": ("Project Name",),
    "owner": ("Project Developer", "Project Developer Name"),
    "country": ("Country",),
    "methodology": ("Methodology",),
    "quantity": ("Quantity",),
    "serial": ("Serial Number",),
    "vintage": ("Vintage",),
    "product": ("Product Type",),
    "issued_on": ("Issuance Date",),
    "retired_on": ("Retirement Date",),
}
GOLD_REQUIRED = ("project", "country", "quantity", "serial", "vintage")

VERRA_SERIAL = re.compile(r"[0-9]+-(?P<first>[0-9]{1,15})-(?P<last>[0-9]{1,15})-(?P<batch>VCS-.*)")
GOLD_SERIAL = re.compile(r"(?P<batch>GS.*)-(?P<first>[0-9]{1,12})-(?P<last>[0-9]{1,12})")
SERIAL_BITS = 40
"""Twelve digits of a Gold Standard serial number fit; 8 million batches beside them."""


class _Block(NamedTuple):
    """Serial ranges of rows: each array of shape (n,); "" and -1 where a serial has another shape."""

    batch: NDArray[np.object_]
    first: Ints
    last: Ints


def read_verra(
    content: bytes, name: str, *, as_of: date, projects: bytes | None = None, projects_name: str = "projects"
) -> FeedReading:
    """The stock of Verra's transactions, as known on `as_of`; `projects` adds proponents and dates of registration.

    Raises:
        BadInput: a table that is empty, broken, of another format or without a required column.
    """
    table = read_registry_table(content, name, VERRA_FIELDS, VERRA_REQUIRED)
    more = (
        None if projects is None else read_registry_table(projects, projects_name, VERRA_PROJECT_FIELDS, ("project",))
    )
    account = RowAccount()
    ledger = Ledger(table, account)
    kg, broken = table.kg("quantity")
    check_numbers(ledger, kg, broken)
    _check_project(ledger)
    check_days(ledger, "issued_on", *table.days("issued_on"), as_of)
    retired_on, broken = table.days("retired_on")
    check_days(ledger, "retired_on", np.full(len(table), np.datetime64("NaT", "D")), broken, as_of)
    gone = retired_on <= np.datetime64(as_of, "D")  # a block that is retired later was still there on that day
    project = _ids(table, "VCS")
    entries = Entries(project, _verra_vintages(ledger), kg, np.where(gone, kg, 0))
    leave_out_duplicates(ledger, "serial", entries)
    _check_serials(ledger, VERRA_SERIAL, kg)
    ledger.use_the_rest()
    about = _projects(account, table, "VCS", "Verra Registry", ledger.alive)
    stock = stock_of(entries, ledger.alive, _lookup(about, _verra_registration(more)), "credit")
    return feed_reading("verra", name, content, account, stock)


def read_gold_standard(
    content: bytes, name: str, *, as_of: date, retirements: bytes | None = None, retirements_name: str = "retirements"
) -> FeedReading:
    """The stock of Gold Standard's issuances less its retirements, as known on `as_of`; rows of both files count.

    Credits of product type CER keep the mechanism GS: they were issued under it as well.

    Raises:
        BadInput: a table that is empty, broken, of another format or without a required column.
    """
    issued = read_registry_table(content, name, GOLD_FIELDS, GOLD_REQUIRED)
    tables = [issued]
    if retirements is not None:
        required = (*GOLD_REQUIRED, "retired_on")
        tables.append(read_registry_table(retirements, retirements_name, GOLD_FIELDS, required))
    account = RowAccount()
    table = _stacked(tables)
    ledger = Ledger(table, account)
    kg, broken = table.kg("quantity")
    check_numbers(ledger, kg, broken)
    _check_project(ledger)
    gone = np.arange(len(table)) >= len(issued)
    check_days(ledger, "issued_on", *table.days("issued_on"), as_of)
    check_days(ledger, "retired_on", *table.days("retired_on"), as_of)
    vintage, broken = table.years("vintage")
    check_vintages(ledger, "vintage", vintage, broken)
    entries = _gold_entries(ledger, gone, kg, vintage, retirements_name)
    leave_out_over_retired(ledger, "project", entries)
    ledger.use_the_rest()
    about = _projects(account, table, "GS", "Gold Standard Impact Registry", ledger.alive)
    return feed_reading(
        "gold-standard", name, content, account, stock_of(entries, ledger.alive, _lookup(about), "credit")
    )


def _gold_entries(ledger: Ledger, gone: Bools, kg: Ints, vintage: Ints, retirements_name: str) -> Entries:
    """Issuances add; a retirement inside one of them takes away, one without adds and takes away."""
    project = _ids(ledger.table, "GS")
    for rows in (gone, ~gone):  # the same serial number once among issuances and once among retirements is right
        part = Entries(project, vintage, np.where(gone, 0, kg), np.where(gone, kg, 0))
        others = ledger.alive & ~rows
        ledger.alive &= rows
        leave_out_duplicates(ledger, "serial", part)
        ledger.alive |= others
    block = _check_serials(ledger, GOLD_SERIAL, kg)
    lone = gone & ~_inside(block, ~gone & ledger.alive) & (block.first >= 0)
    n = int((lone & ledger.alive).sum())
    if n:
        zh = f"{n} 行注销的减排量不在签发文件中: 按签发并注销计, 不影响结余"
        retire = counted(n, "row retires", "rows retire")
        en = f"{retire} from issuances that the file lacks: counted as issued and retired, which changes nothing"
        ledger.account.doubt(warning("issuance_missing", zh, en).at(retirements_name))
    return Entries(project, vintage, np.where(~gone | lone, kg, 0), np.where(gone, kg, 0))


def _inside(block: _Block, issued: Bools) -> Bools:
    """Which ranges lie inside one of the issued ranges of their batch, shape (n,)."""
    codes = pd.factorize(block.batch)[0].astype(np.int64)
    order = np.lexsort((block.first, codes))
    order = order[issued[order]]
    if not len(order):
        return np.zeros(len(codes), dtype=bool)
    # The last issued range that does not begin behind this one is the only one that can hold it: issued ranges of a
    # batch do not overlap once repeated serials are out. Batch and first number make one key, exact in 64 bits.
    key = (codes << SERIAL_BITS) + np.maximum(block.first, 0)
    at = np.searchsorted(key[order], key, side="right") - 1
    holder = order[np.maximum(at, 0)]
    inside: Bools = (at >= 0) & (codes[holder] == codes) & (block.last[holder] >= block.last)
    return inside


def _check_project(ledger: Ledger) -> None:
    blank = (ledger.table.text("project") == "").to_numpy(dtype=bool)
    ledger.leave_out("project", blank, "no_project", "没有项目编号", "has no project id")


def _check_serials(ledger: Ledger, pattern: "re.Pattern[str]", kg: Ints) -> _Block:
    block = _Block(*range_ends(ledger.table.text("serial"), pattern))
    spanned = (block.last - block.first + 1) * 1000
    wrong = (block.first >= 0) & (spanned != kg)
    zh, en = "序列号的个数与数量不符, 请核对", "spans another number of credits than the quantity says; check it"
    ledger.doubt("serial", wrong, "serial_quantity", zh, en)
    return block


def _verra_vintages(ledger: Ledger) -> Ints:
    table = ledger.table
    end, broken = table.days("end")
    start, _ = table.days("start")
    day = np.where(np.isnat(end), start, end)
    years = np.where(np.isnat(day), 0, day.astype("datetime64[Y]").astype(np.int64) + 1970)
    check_vintages(ledger, "end", years, broken | ((years != 0) & ((years < 1990) | (years > 2100))))
    return years


def _ids(table: RegistryTable, letters: str) -> NDArray[np.object_]:
    ids = table.text("project").str.removesuffix(".0").str.removeprefix(letters).str.strip()
    return np.asarray((letters + ids).to_numpy(dtype=object))


def _stacked(tables: list[RegistryTable]) -> RegistryTable:
    """One table below the other; rows keep their own files' numbers."""
    columns = {f: pd.concat([t.columns[f] for t in tables], ignore_index=True) for f in tables[0].columns}
    headers: dict[str, str] = {}
    for table in tables:
        headers |= table.headers
    files = tuple(t.name for t in tables for _ in range(len(t))) if len(tables) > 1 else ()
    return RegistryTable(tables[0].name, headers, columns, np.concatenate([t.rows for t in tables]), files)


def _projects(
    account: RowAccount, table: RegistryTable, letters: str, registry: str, alive: Bools
) -> dict[str, Project]:
    ids = _ids(table, letters)
    fields = [f for f in ("name", "country", "methodology", "owner") if f in table.columns]
    names, countries, methods, *owners = texts_by_project(table, ids, *fields)
    used = set(ids[alive])
    regions = regions_of(account, table.name, {p: c for p, c in countries.items() if p in used})
    owner: Mapping[str, str] = owners[0] if owners else {}
    return {
        p: Project(letters, names.get(p, ""), methods.get(p, ""), regions.get(p, ""), owner.get(p, ""), registry)
        for p in used
    }


def _verra_registration(projects: RegistryTable | None) -> dict[str, tuple[str, date | None]]:
    """Proponent and date of registration by project; a date that cannot be read is none."""
    if projects is None:
        return {}
    ids = _ids(projects, "VCS")
    (owners,) = texts_by_project(projects, ids, "owner")
    days, _ = projects.days("registered_on")
    dates = {p: d.astype(object) for p, d in sorted(zip(ids, days, strict=True), reverse=True) if not np.isnat(d)}
    return {str(p): (owners.get(p, ""), dates.get(p)) for p in set(ids)}


def _lookup(about: dict[str, Project], more: Mapping[str, tuple[str, date | None]] | None = None) -> Any:
    def project(project_id: str) -> Project:
        known = about[project_id]
        owner, registered_on = (more or {}).get(project_id, (known.owner, None))
        return Project(
            known.mechanism, known.name, known.methodology, known.region, owner, known.registry, registered_on
        )

    return project
