"""The steps from a purchase to its proof, each with its note in the trail: what programs and pages do alike.

Beside them the sums that a checklist shows: how far each instruction is, and how far each event.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import RowMapping, case, func, select

from api.access.scope import Scope
from api.database.retirement_tables import evidence as evidence_table
from api.database.retirement_tables import retirements as table
from api.database.retirement_tables import serials as serials_table
from api.ledger import evidence, retirements, serials
from api.refusals import not_found
from optimizer.findings import Finding
from optimizer.quantities import tonnes

SERIALS_NOTED = 100
"""Ranges of one request that the trail names; it counts them all."""


@dataclass(frozen=True)
class Purchase:
    """What was bought, line by line, and what should be known before it is cancelled."""

    source: str
    """run | order"""
    source_id: str
    lines: Sequence[retirements.Line]
    doubts: Sequence[Finding]


def purchase(scope: Scope, run_id: str | None, order_id: str | None) -> Purchase:
    """What a plan of one's own purchases, or else an order, has to have cancelled.

    Raises:
        Refused: `not_found`; `conflict`, an order that is still open, or that no quote stands behind.
    """
    if run_id is not None:
        plan_id, lines, doubts = retirements.plan_lines(scope, run_id)
        return Purchase("run", plan_id, lines, doubts)
    return Purchase("order", str(order_id), retirements.delivered_lines(scope, str(order_id)), [])


def instruct(scope: Scope, bought: Purchase) -> tuple[list[RowMapping], bool, list[Finding]]:
    """The instructions of a purchase; the same again gives those that are there.

    Returns:
        The instructions, whether any is new, and what should be known.
    """
    rows, new = retirements.instruct(scope, bought.source, bought.source_id, bought.lines)
    return rows, new, [*bought.doubts, *retirements.others_for(scope, rows)]


def known_of(scope: Scope, bought: Purchase) -> int:
    """How many instructions of a purchase there are already."""
    return scope.count(table, table.c.source == bought.source, table.c.source_id == bought.source_id)


def others_beside(scope: Scope, bought: Purchase) -> list[Finding]:
    """A warning for each event of a purchase that instructions of another one stand for already."""
    asked = [
        {"event_id": line.event_id, "source": bought.source, "source_id": bought.source_id} for line in bought.lines
    ]
    return retirements.others_for(scope, asked)


def enter_serials(scope: Scope, retirement_id: str, entries: Sequence[serials.Entry], expected: int | None) -> int:
    """Adds serials to an instruction; gives how many were new. Those that it has already stay as they are.

    Raises:
        Refused: `not_found`, `stale`, `conflict`; `double_use`, with the place of every entry that is used already.
        BadInput: every fault of every entry; more than the instruction's mass.
    """
    row = retirements.open_instruction(scope, retirement_id, expected)
    claims = serials.read_claims(row, entries)
    new = serials.add_serials(scope, row, claims)
    if new:
        retirements.touch(scope, row)
        shown = [[c.serials.first_shown, c.serials.last_shown] for c in claims[:SERIALS_NOTED]]
        scope.note("retirement.serials", retirement_id, serials=shown, count=len(claims))
    return new


def free_serials(scope: Scope, retirement_id: str, serial_id: str, reason: str, expected: int | None) -> None:
    """Gives serials free that were entered by mistake; the trail keeps what they were.

    Raises:
        Refused: `not_found`, `stale`; `conflict`, the instruction is finished.
    """
    row = retirements.open_instruction(scope, retirement_id, expected)
    freed = serials.release(scope, retirement_id, serial_id)
    if not freed:
        raise not_found()
    retirements.touch(scope, row)
    shown = [freed[0].first_shown, freed[0].last_shown]
    scope.note("retirement.release", retirement_id, serials=shown, reason=reason)


def freed_serials(scope: Scope, retirement_id: str, serial_id: str) -> RowMapping | None:
    """Serials of an instruction that were given free; None where they stand, or never were."""
    here = (serials_table.c.id == serial_id, serials_table.c.retirement_id == retirement_id)
    return scope.find(serials_table, *here, serials_table.c.released_at.is_not(None))


def enter_again(scope: Scope, retirement_id: str, serial_id: str) -> None:
    """Takes a release back: the same serials are entered again, held against all others as if they were new.

    Raises:
        Refused, BadInput: as `enter_serials`; `not_found`, where nothing was given free.
    """
    freed = freed_serials(scope, retirement_id, serial_id)
    if freed is None:
        raise not_found()
    instruction = scope.one(table, retirement_id)
    by_the_tonne = instruction["instrument"] in serials.BY_THE_TONNE
    forestry = bool(freed["forestry"])
    last, certified = freed["last_shown"], freed["certified_kg"]
    entry = serials.Entry(
        freed["first_shown"],
        None if last == freed["first_shown"] else last,
        None if by_the_tonne else tonnes(freed["kg"]),
        freed["project"] if forestry else None,
        date.fromisoformat(freed["period_from"]) if forestry else None,
        date.fromisoformat(freed["period_until"]) if forestry else None,
        tonnes(certified) if forestry and certified is not None else None,
    )
    enter_serials(scope, retirement_id, [entry], None)


def keep_evidence(scope: Scope, retirement_id: str, file: evidence.File) -> tuple[RowMapping, bool]:
    """Keeps a file with an instruction; the same content again is the row that is there, and not new.

    Raises:
        Refused: `not_found`; `conflict`, more files than an instruction takes.
    """
    instruction = scope.one(table, retirement_id, lock=True)
    row, new = evidence.keep(scope, retirement_id, file)
    if new:
        if instruction["state"] == "due":
            retirements.touch(scope, instruction)
        scope.note("retirement.evidence", retirement_id, name=row["name"], sha256=file.sha256)
    return row, new


# --------------------------------------------------------------------------------------------------- how far things are


def proof_of(scope: Scope, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Instruction -> kilograms that its serials come to, and how many files prove it."""
    s, e = serials_table.c, evidence_table.c
    mine, theirs = scope.mine(serials_table), scope.mine(evidence_table)
    sums = select(s.retirement_id, func.sum(s.kg)).where(mine, s.retirement_id.in_(ids), s.released_at.is_(None))
    counts = select(e.retirement_id, func.count()).where(theirs, e.retirement_id.in_(ids))
    kg = {str(row[0]): int(row[1]) for row in scope.c.execute(sums.group_by(s.retirement_id))}
    files = {str(row[0]): int(row[1]) for row in scope.c.execute(counts.group_by(e.retirement_id))}
    return {row_id: (kg.get(row_id, 0), files.get(row_id, 0)) for row_id in ids}


def by_event(scope: Scope, today: date) -> list[dict[str, Any]]:
    """How far the cancellations of each event are; the event whose deadline comes next stands first."""
    t = table.c
    due = t.state == "due"
    sums = [
        func.coalesce(func.sum(case((when, t.kg), else_=0)), 0)
        for when in (due, due & (t.retire_by < today.isoformat()), t.state == "retired")
    ]
    next_deadline = func.min(case((due, t.retire_by)))
    grouped = select(t.event_id, func.count(), *sums, next_deadline).where(scope.mine(table), t.state != "cancelled")
    rows = scope.c.execute(grouped.group_by(t.event_id).order_by(t.event_id)).all()
    found = [
        {
            "event_id": str(row[0]),
            "instructions": int(row[1]),
            "due_t": tonnes(int(row[2])),
            "overdue_t": tonnes(int(row[3])),
            "retired_t": tonnes(int(row[4])),
            "total_t": tonnes(int(row[2]) + int(row[4])),
            "share": int(row[4]) / max(1, int(row[2]) + int(row[4])),
            "next_deadline": row[5],
        }
        for row in rows
    ]
    return sorted(found, key=lambda e: (e["next_deadline"] is None, e["next_deadline"] or ""))
