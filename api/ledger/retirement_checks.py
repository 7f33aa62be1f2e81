"""What must hold of retirements in any database that nobody tampered with; `jinheng db verify` asks for it.

Runs over every organisation's rows, a few at a time, and changes nothing.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator

from sqlalchemy import Connection, RowMapping, select

from api.database.retirement_tables import evidence, evidence_chunks, evidence_files, retirements, serials
from api.ledger.evidence import damaged
from api.ledger.serials import BY_THE_TONNE, needed_kg
from optimizer.findings import Finding, fault
from optimizer.quantities import KG_PER_T, tonnes

ROWS_AT_ONCE = 1000


def retirement_faults(c: Connection) -> Iterator[Finding]:
    """Every broken promise: serials used twice, retired without proof, masses that differ, evidence that changed."""
    yield from _overlaps(c)
    yield from _masses(c)
    yield from _forests(c)
    yield from _contents(c)


def _overlaps(c: Connection) -> Iterator[Finding]:
    """Standing ranges of one register and prefix that share a serial: each is held against the furthest before it."""
    s = serials.c
    rows = c.execute(
        select(s.id, s.register, s.prefix, s.first, s.last)
        .where(s.released_at.is_(None))
        .order_by(s.register, s.prefix, s.first)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    lane, furthest = None, -2
    for row in rows:
        if (row.register, row.prefix) != lane:
            lane, furthest = (row.register, row.prefix), -2
        if row.first <= furthest:
            zh, en = "有编号被使用两次", "holds serials that are used twice"
            yield fault("serial_overlap", zh, en, path="retirement_serials", value=row.id)
        furthest = max(furthest, int(row.last))


def _masses(c: Connection) -> Iterator[Finding]:
    """Instructions whose serials come to other than their mass, or that were retired without what proves it."""
    given = _given(c)
    files = Counter(c.execute(select(evidence.c.retirement_id)).scalars())
    rows = c.execute(select(retirements).order_by(retirements.c.number).execution_options(yield_per=ROWS_AT_ONCE))
    for row in rows.mappings():
        yield from _mass_faults(row, given.get(row["id"], []), files[row["id"]])


def _given(c: Connection) -> dict[str, list[tuple[int, int]]]:
    """Instruction -> (units, kg) of its standing serials."""
    s = serials.c
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in c.execute(select(s.retirement_id, s.first, s.last, s.kg).where(s.released_at.is_(None))):
        found[row.retirement_id].append((int(row.last) - int(row.first) + 1, int(row.kg)))
    return found


def _mass_faults(row: RowMapping, given: list[tuple[int, int]], files: int) -> Iterator[Finding]:
    total, needed = sum(kg for _, kg in given), needed_kg(row)
    where = {"path": "retirements", "value": row["id"]}
    if row["instrument"] in BY_THE_TONNE and any(units * KG_PER_T != kg for units, kg in given):
        yield fault("serial_mass", "编号个数与吨数不符", "has serials that do not count one tonne each", **where)
    if total > needed or (row["state"] == "cancelled" and given):
        zh = f"编号合计 {tonnes(total)} t, 多于应注销的 {tonnes(needed)} t, 或指令已取消"
        en = f"serials come to {tonnes(total)} t where {tonnes(needed)} t are to be cancelled, or none"
        yield fault("serials_exceed", zh, en, **where)
    if row["state"] != "retired":
        return
    unnumbered = row["instrument"] == "carbon_inclusion" and not given and files
    if not unnumbered and total != needed:
        zh = f"已标为注销, 但编号合计 {tonnes(total)} t, 应为 {tonnes(needed)} t"
        en = f"is retired with serials of {tonnes(total)} t in place of {tonnes(needed)} t"
        yield fault("retired_unproven", zh, en, **where)
    if not row["retired_on"] or not row["reference"] or (row["instrument"] == "forestry" and not files):
        zh, en = "已标为注销, 但缺少日期, 凭证编号或证明文件", "is retired without its day, reference or evidence"
        yield fault("retired_unproven", zh, en, **where)


def _forests(c: Connection) -> Iterator[Finding]:
    """New forestry over overlapping periods of one project that comes to more than was certified."""
    s = serials.c
    standing = select(s.id, s.project, s.forestry, s.kg, s.certified_kg, s.period_from, s.period_until)
    rows = c.execute(standing.where(s.released_at.is_(None), s.project != "").order_by(s.number)).all()
    projects = defaultdict(list)
    for row in rows:
        projects[row.project].append(row)
    for row in rows:
        if not row.forestry:
            continue
        along = [
            r for r in projects[row.project] if r.period_from <= row.period_until and r.period_until >= row.period_from
        ]
        certified = [r.certified_kg for r in along if r.certified_kg is not None]
        enough = len(along) == 1 or (len(certified) == len(along) and sum(r.kg for r in along) <= min(certified))
        if not enough or any(not r.forestry for r in along):
            zh, en = "同一林业项目的碳汇被重复使用", "is of a forest whose sink is used more than once"
            yield fault("forestry_twice", zh, en, path="retirement_serials", value=row.id)


def _contents(c: Connection) -> Iterator[Finding]:
    """Evidence whose bytes are others than were kept."""
    for sha256, length in c.execute(select(evidence_files.c.sha256, evidence_files.c.byte_length)).all():
        digest, seen = hashlib.sha256(), 0
        pieces = select(evidence_chunks.c.content).where(evidence_chunks.c.sha256 == sha256)
        in_order = pieces.order_by(evidence_chunks.c.number).execution_options(yield_per=1)
        for piece in c.execute(in_order).scalars():
            digest.update(bytes(piece))
            seen += len(piece)
        if digest.hexdigest() != sha256 or seen != length:
            yield damaged(sha256)
