"""OffsetsDB's tables of credits and projects (CSV or Parquet): issued less retired, by project and vintage.

Columns are those of the processed data of carbonplan/offsets-db-data (MIT): every transaction of five and more
registries in one shape. Cancelled credits are as gone as retired ones. Nothing here knows prices: there are none.
"""

from datetime import date
from typing import Any

import numpy as np
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
    leave_out_over_retired,
    regions_of,
    stock_of,
    texts_by_project,
)
from market_data.sources.registry_table import RegistryTable, read_registry_table
from optimizer.findings import warning
from optimizer.wording import counted

FEED = "offsets-db"

CREDIT_FIELDS = {
    "project": ("project_id",),
    "quantity": ("quantity",),
    "vintage": ("vintage",),
    "day": ("transaction_date",),
    "kind": ("transaction_type",),
}
PROJECT_FIELDS = {
    "project": ("project_id",),
    "name": ("name", "project_name"),
    "registry": ("registry",),
    "owner": ("proponent",),
    "methodology": ("protocol",),
    "country": ("country",),
}
ISSUED, RETIRED = ("issuance",), ("retirement", "cancellation", "cancellation/retirement")

MECHANISMS = {
    "verra": "VCS",
    "gold-standard": "GS",
    "american-carbon-registry": "ACR",
    "climate-action-reserve": "CAR",
    "art-trees": "ART",
    "cercarbono": "CERCARBONO",
    "isometric": "ISOMETRIC",
}
"""Registry as OffsetsDB spells it -> mechanism as offers name it; any other stays as it is spelled."""
PREFIXES = {"VCS": "verra", "GS": "gold-standard", "ACR": "american-carbon-registry", "CAR": "climate-action-reserve"}
"""How ids begin, for credits whose project is in no table."""


def read_offsets_db(
    content: bytes, name: str, *, as_of: date, projects: bytes | None = None, projects_name: str = "projects"
) -> FeedReading:
    """The stock of a credits table, as known on `as_of`; `projects` is the table that names and places the projects.

    Rows are those of the credits table. Without `projects`, or for projects that it lacks, the region stays blank.

    Raises:
        BadInput: a table that is empty, broken, of another format or without a required column.
    """
    table = read_registry_table(content, name, CREDIT_FIELDS, CREDIT_FIELDS)
    account = RowAccount()
    known = {} if projects is None else _projects(projects, projects_name, account)
    ledger = Ledger(table, account)
    entries = _entries(ledger, as_of)
    if projects is not None:
        _doubt_strangers(ledger, entries.project, known)
    leave_out_over_retired(ledger, "project", entries)
    ledger.use_the_rest()
    stock = stock_of(entries, ledger.alive, lambda p: known.get(p) or _stranger(p), "credit")
    return feed_reading(FEED, name, content, account, stock)


def _entries(ledger: Ledger, as_of: date) -> Entries:
    table = ledger.table
    project = table.text("project").to_numpy(dtype=object)
    zh, en = "没有项目编号", "has no project id"
    ledger.leave_out("project", project == "", "no_project", zh, en)
    kinds = table.text("kind").str.casefold()
    issued, retired = (kinds.isin(words).to_numpy(dtype=bool) for words in (ISSUED, RETIRED))
    zh, en = "应为 issuance, retirement 或 cancellation", "should be issuance, retirement or cancellation"
    ledger.leave_out("kind", ~issued & ~retired, "unknown_kind", zh, en)
    kg, broken = table.kg("quantity")
    check_numbers(ledger, kg, broken)
    check_days(ledger, "day", *table.days("day"), as_of)
    vintage, broken = table.years("vintage")
    check_vintages(ledger, "vintage", vintage, broken)
    return Entries(project, vintage, np.where(issued, kg, 0), np.where(retired, kg, 0))


def _doubt_strangers(ledger: Ledger, project: NDArray[Any], known: dict[str, Project]) -> None:
    strange = ~np.isin(project.astype(str), list(known)) if known else np.ones(len(project), dtype=bool)
    zh = "项目表中没有该项目: 计入, 但名称和地区留空"
    en = "is not in the projects table: kept, with blank name and region"
    ledger.doubt("project", strange, "project_unknown", zh, en)


def _projects(content: bytes, name: str, account: RowAccount) -> dict[str, Project]:
    table = read_registry_table(content, name, PROJECT_FIELDS, ("project", "country"))
    ids = table.text("project").to_numpy(dtype=object)
    _doubt_repeats(table, account)
    fields = ("name", "registry", "owner", "methodology", "country")
    names, registries, owners, methods, countries = texts_by_project(table, ids, *fields)
    regions = regions_of(account, name, countries)
    return {
        p: Project(
            mechanism_of(registries.get(p, "") or _registry_by_id(p)),
            names.get(p, ""),
            bare_list(methods.get(p, "")),
            regions.get(p, ""),
            owners.get(p, ""),
            registries.get(p, ""),
        )
        for p in map(str, sorted(set(ids)))
        if p
    }


def _doubt_repeats(table: RegistryTable, account: RowAccount) -> None:
    repeats = int(table.text("project").duplicated().sum())
    if repeats:
        zh = f"{repeats} 行的项目编号重复: 各栏取字母序在前者"
        rows = counted(repeats, "row repeats", "rows repeat")
        en = f"{rows} a project id: of each column the first in order of the alphabet is taken"
        account.doubt(warning("duplicate_project", zh, en).at(table.name))


def mechanism_of(registry: str) -> str:
    """The mechanism of a registry as OffsetsDB spells it; an unknown one in capitals."""
    return MECHANISMS.get(registry.casefold(), registry.upper())


def bare_list(text: str) -> str:
    """A list as a CSV of OffsetsDB prints it, "['acm0001', 'acm0002']", as "acm0001; acm0002"."""
    if not (text.startswith("[") and text.endswith("]")):
        return text
    return "; ".join(part.strip(" '\"") for part in text[1:-1].split(",") if part.strip(" '\""))


def _registry_by_id(project: str) -> str:
    letters = project.rstrip("0123456789")
    return PREFIXES.get(letters, letters)


def _stranger(project: str) -> Project:
    return Project(mechanism_of(_registry_by_id(project)))
