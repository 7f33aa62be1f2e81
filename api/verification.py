"""Whether a database still holds what was put into it: everything that carries a hash or a rule is checked again.

Nothing is changed here. What the ledger and the retirements promise is checked by functions of theirs.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, text

from api.access import trail
from api.access.scope import Records
from api.access.trail_exports import Noted, export_lines, heads_document
from api.administration import operator
from api.archive.documents import content_of
from api.database import tables
from api.database.ledger_tables import LEDGER_GROWING
from api.database.opening import open_existing_database, schema_faults
from api.database.tables import GROWING, documents, held_snapshots
from api.ledger.accounts import ledger_faults
from api.ledger.retirement_checks import retirement_faults
from api.settings import database_url
from api.whole_files import whole_file
from market_data.snapshot_store import list_snapshots, read_snapshot, snapshot_of
from market_data.store_opening import Database
from market_data.store_tables import tables as market_tables
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.wording import Language, Text

FAULTS_MAX = 100
"""Of each check that are listed."""
GUARDED = (
    *(*sorted(market_tables.tables), *GROWING, *LEDGER_GROWING, "job_papers", "scenario_sets"),
    *("evidence_files", "evidence_chunks", "retirement_evidence", "disclosures", "disclosure_publications"),
)
"""Tables that only grow, each with its triggers of that name."""


class Check(NamedTuple):
    """One thing that is checked."""

    what: Text
    faults: Callable[[Connection], Iterator[Finding]]


class Checked(NamedTuple):
    """What became of it."""

    what: Text
    faults: tuple[Finding, ...]

    def as_dict(self, lang: Language) -> dict[str, Any]:
        """As programs read it."""
        found = [f.as_dict(lang) for f in self.faults]
        return {"what": self.what.say(lang), "holds": not self.faults, "faults": found}


def verify_database(database: Database) -> list[Checked]:
    """Every check, in one transaction that sees one moment. Where the schema is not this version's, only that.

    Raises:
        BadInput: what the database refuses.
    """
    with database.reading() as c:
        if c.dialect.name == "postgresql":
            c = c.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        schema = Checked(Text("结构版本", "schema"), tuple(schema_faults(c)))
        if schema.faults:
            return [schema]
        return [schema, *(Checked(check.what, _some(check.faults(c))) for check in CHECKS)]


def _some(found: Iterator[Finding]) -> tuple[Finding, ...]:
    return tuple(f for _, f in zip(range(FAULTS_MAX), found, strict=False))


def _integrity_faults(c: Connection) -> Iterator[Finding]:
    """What the database says of its own pages and keys; PostgreSQL keeps its keys itself."""
    if c.dialect.name != "sqlite":
        return
    pages: list[str] = list(c.execute(text("PRAGMA integrity_check")).scalars())
    for said in pages:
        if said != "ok":
            yield fault("database_damaged", f"数据库文件已损坏: {said}", f"the database file is damaged: {said}")
    for broken in c.execute(text("PRAGMA foreign_key_check")):
        zh, en = "指向不存在的行", "refers to a row that is not there"
        yield fault("reference_broken", zh, en, value=f"{broken[0]} {broken[1]} -> {broken[2]}")


def _guard_faults(c: Connection) -> Iterator[Finding]:
    """Triggers that keep rows from being changed: whoever takes one away can change rows past the service."""
    if c.dialect.name == "sqlite":
        there: set[str] = set(c.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars())
        endings: tuple[str, ...] = ("no_update", "no_delete")
    else:
        there = set(c.execute(text("SELECT tgname FROM pg_trigger WHERE tgenabled IN ('O', 'A')")).scalars())
        endings = ("only_grows",)
    for table in GUARDED:
        for name in (f"{table}_{ending}" for ending in endings):
            if name not in there:
                zh, en = "防止改动的触发器不见了", "the trigger that keeps rows from being changed is gone"
                yield fault("guard_missing", zh, en, value=name)


def _document_faults(c: Connection) -> Iterator[Finding]:
    for sha256 in c.execute(select(documents.c.sha256).order_by(documents.c.sha256)).scalars().all():
        yield from _damage(lambda: content_of(c, sha256), "document_damaged", sha256)  # noqa: B023 - called at once


def _snapshot_faults(c: Connection) -> Iterator[Finding]:
    known = {stored.id for stored in list_snapshots(c)}
    for snapshot_id in sorted(known | set(c.execute(select(held_snapshots.c.snapshot_id)).scalars())):
        if snapshot_id not in known:
            yield fault("snapshot_missing", "库中没有此快照", "the snapshot is not there", value=snapshot_id)
            continue
        yield from _damage(
            lambda: snapshot_of(*read_snapshot(c, snapshot_id)),  # noqa: B023 - called at once
            "snapshot_damaged",
            snapshot_id,
        )


def _damage(read: Callable[[], object], code: str, name: str) -> tuple[Finding, ...]:
    """What reading a thing complains of. SQLite keeps whatever somebody puts into a column, text for bytes as well."""
    try:
        read()
    except BadInput as error:
        return error.findings
    except (TypeError, ValueError):
        return (fault(code, "不是本程序保存的内容", "is nothing that this program has kept", value=name),)
    return ()


def _ledger_faults(c: Connection) -> Iterator[Finding]:
    for found in ledger_faults(c):
        zh = f"账目不合 ({found.what}): {found.detail}"
        yield fault("ledger", zh, f"does not add up ({found.what}): {found.detail}", value=found.thing)


def trail_faults(c: Connection, noted: Noted | None = None) -> Iterator[Finding]:
    """Every place where a trail does not hold."""
    names = trail.names_of(c)
    for found in trail.breaks(c, noted):
        owner = names.get(found.organisation_id, found.organisation_id)
        yield fault(f"trail_{found.what}", found.say("zh"), found.say("en"), path=owner)


CHECKS = [
    Check(Text("数据库文件与引用", "pages and references"), _integrity_faults),
    Check(Text("防改动触发器", "guards against change"), _guard_faults),
    Check(Text("文档与其哈希", "documents against their hashes"), _document_faults),
    Check(Text("行情快照与其编号", "snapshots against their ids"), _snapshot_faults),
    Check(Text("审计链", "trails"), trail_faults),
    Check(Text("预留与订单的账目", "the ledger of holds and orders"), _ledger_faults),
    Check(Text("注销与序列号", "retirements and serials"), retirement_faults),
]
"""In the order in which they are told."""


# ----------------------------------------------------------------------------------------------------------- the trail


class TrailChecked(NamedTuple):
    """What `jinheng audit verify` found."""

    organisations: int
    entries: int
    heads: list[dict[str, Any]]
    faults: tuple[Finding, ...]

    def as_dict(self, lang: Language) -> dict[str, Any]:
        """As programs read it; kept elsewhere it is what a later call verifies against."""
        faults = [f.as_dict(lang) for f in self.faults]
        return {"heads": self.heads, "holds": not self.faults, "entries": self.entries, "faults": faults}


def verify_trails(url: str | None, noted: Noted | None) -> TrailChecked:
    """Every entry of every organisation's trail, hashed again. Raises BadInput."""
    database = open_existing_database(database_url(url))
    try:
        with database.reading() as c:
            if found := schema_faults(c):
                raise BadInput(found)
            faults = tuple(trail_faults(c, noted))
            heads = heads_document(trail.heads(c), trail.names_of(c))
            entries = int(c.execute(select(func.count()).select_from(tables.trail)).scalar_one())
    finally:
        database.close()
    return TrailChecked(len(heads), entries, heads, faults)


def export_trails(url: str | None, organisation: str | None, path: Path) -> int:
    """Writes the trail of one organisation, or of all; gives the number of lines. Raises BadInput."""
    database = open_existing_database(database_url(url))
    try:
        records = Records(database)
        with database.reading() as c:
            if found := schema_faults(c):
                raise BadInput(found)
            owners = sorted(trail.names_of(c))
        if organisation is not None:
            owners = [operator(records, organisation).organisation_id]
        written = 0
        with whole_file(path) as part, part.open("wb") as file:
            for owner in owners:
                for line in export_lines(records, owner):
                    file.write(line)
                    written += 1
    finally:
        database.close()
    return written
