"""Retirement instructions: what an organisation has to cancel where and by when, and the way from due to retired.

    due -> retired        proven, for good             overdue is no state: due, and the deadline is past in China
    due -> cancelled      not to be done, with a reason; its serials are free again

Proof, by instrument:

    ccer, credit, allowance     serials that come to the mass, one a tonne (a broken tonne takes a whole serial)
    carbon_inclusion            certificates that come to the mass; where the platform gives no numbers, evidence
    forestry                    certificates that come to the mass, with project and accrual period, and evidence
    all                         the day, and the registry's own reference of the cancellation
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, case, func, select
from sqlalchemy.exc import IntegrityError

from api.access.scope import Scope
from api.archive import markets, runs
from api.database.retirement_tables import retirements
from api.ledger import evidence, orders, serials
from api.ledger.serial_numbers import register_of
from api.refusals import Refused
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault, warning
from optimizer.offers import Offers
from optimizer.quantities import kg_of, tonnes

STATES = ("due", "overdue", "retired", "cancelled")
"""As people ask for them; `overdue` is derived."""
DESCRIBED = ("instrument", "mechanism", "project_id", "project_name")
"""What the registry calls an offer."""
FROM_QUOTE = ("event_id", "registry", "retire_by", "tier", "effective_t")
"""What an order's line has to say, beside its offer, before it can be cancelled."""


@dataclass(frozen=True)
class Line:
    """One purchase of an event, to be cancelled."""

    event_id: str
    offer_id: str
    instrument: str
    mechanism: str
    project_id: str
    project_name: str
    vintage: int
    tier: int
    registry: str
    kg: int
    effective_kg: int
    retire_by: str


def plan_lines(scope: Scope, run_id: str) -> tuple[str, list[Line], list[Finding]]:
    """The plan's id, its purchases, one an event and offer, and what should be known before they are cancelled.

    Raises:
        Refused: `not_found`.
    """
    plan: dict[str, Any] = json.loads(runs.plan_of(scope, runs.find_run(scope, run_id)))
    described = _described(scope, plan)
    lines: dict[tuple[str, str], Line] = {}
    for line in plan["lines"]:
        key = line["event_id"], line["offer_id"]
        one = Line(
            *key,
            **described[key[1]],
            tier=line["tier"],
            registry=line["registry"],
            kg=kg_of(line["contracted_t"]),
            effective_kg=kg_of(line["effective_t"]),
            retire_by=line["retire_by"],
        )
        lines[key] = _together(lines[key], one) if key in lines else one
    return plan["plan_id"], list(lines.values()), _doubts(plan)


def delivered_lines(scope: Scope, order_id: str) -> list[Line]:
    """What an order delivered, one line an event and offer.

    Raises:
        Refused: `not_found`; `conflict`, while something of the order is still open, or where no quote said for which
            event, in which registry and by when its lines are to be cancelled.
    """
    found: list[Finding] = []
    lines: dict[tuple[str, str], Line] = {}
    for k, line in enumerate(orders.lines_of_order(scope, order_id)):
        path = f"lines[{k}]"
        if line.open_kg:
            zh, en = f"尚有 {tonnes(line.open_kg)} t 未交付", f"{tonnes(line.open_kg)} t are not delivered yet"
            found.append(fault("order_open", zh, en, path=path))
        lacking = [key for key in FROM_QUOTE if not line.facts.get(key)]
        if lacking:
            zh, en = f"订单行缺少 {', '.join(lacking)}", f"says no {', '.join(lacking)}: it comes from no quote"
            found.append(fault("order_without_quote", zh, en, path=path))
        if found or not line.filled_kg:
            continue
        one = _delivered(line)
        before = lines.get((one.event_id, one.offer_id))
        lines[one.event_id, one.offer_id] = one if before is None else _together(before, one)
    if found:
        raise Refused("conflict", found)
    return list(lines.values())


def _delivered(line: orders.OrderLine) -> Line:
    facts = line.facts
    effective = kg_of(facts["effective_t"]) * line.filled_kg // line.ordered_kg
    return Line(
        event_id=str(facts["event_id"]),
        offer_id=str(facts["offer_id"]),
        instrument=str(facts["instrument"]),
        mechanism=facts.get("mechanism") or "",
        project_id=facts.get("project_id") or "",
        project_name=facts.get("project_name") or "",
        vintage=int(facts.get("vintage") or 0),
        tier=int(facts["tier"]),
        registry=str(facts["registry"]),
        kg=line.filled_kg,
        effective_kg=effective,
        retire_by=str(facts["retire_by"]),
    )


def _together(one: Line, other: Line) -> Line:
    """Two purchases of one offer for one event: cancelled together, by the earlier deadline."""
    return replace(
        one,
        kg=one.kg + other.kg,
        effective_kg=one.effective_kg + other.effective_kg,
        retire_by=min(one.retire_by, other.retire_by),
    )


def _described(scope: Scope, plan: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Offer -> what the registry calls it; from the plan itself, else from the snapshot that it names."""
    used = {line["offer_id"] for line in plan["lines"]}
    part = plan["problem"]
    if part["offers"] is not None:
        rows = {o["offer_id"]: o for o in part["offers"] if o["offer_id"] in used}
    else:
        offers: Offers = markets.load(scope, part["offers_sha256"]).offers
        found = [offers[i] for i in range(len(offers)) if offers.offer_id[i] in used]
        rows = {o.offer_id: o.model_dump() for o in found}
    return {
        name: {**{k: row.get(k) or "" for k in DESCRIBED}, "vintage": int(row.get("vintage") or 0)}
        for name, row in rows.items()
    }


def _doubts(plan: Mapping[str, Any]) -> list[Finding]:
    found = []
    for event in plan["problem"]["calendar"]["events"]:
        if event["emissions"]["status"] != "verified":
            zh = "方案按预估排放量编制; 注销前应有经核查的排放量"
            en = "was planned on estimated emissions; have them verified before anything is cancelled"
            found.append(warning("estimated", zh, en, path="events", value=event["id"]))
    return found


def instruct(scope: Scope, source: str, source_id: str, lines: Sequence[Line]) -> tuple[list[RowMapping], bool]:
    """Turns purchases into instructions; the same source again gives those that are there.

    Returns:
        The instructions in the order of the lines, and whether any is new.
    """
    known = _of_source(scope, source, source_id)
    new = [line for line in lines if line.kg > 0 and (line.event_id, line.offer_id) not in known]
    try:
        with scope.c.begin_nested():
            for line in new:
                _add(scope, source, source_id, line)
    except IntegrityError:  # another request of the organisation made them in this moment
        new = []
    for line in new:
        scope.note("retirement.instruct", f"{line.event_id}/{line.offer_id}", source=source, source_id=source_id)
    known = _of_source(scope, source, source_id)
    return [known[k] for k in ((x.event_id, x.offer_id) for x in lines) if k in known], bool(new)


def _of_source(scope: Scope, source: str, source_id: str) -> dict[tuple[str, str], RowMapping]:
    wanted = scope.select(retirements, retirements.c.source == source, retirements.c.source_id == source_id)
    return {(r["event_id"], r["offer_id"]): r for r in scope.rows(wanted)}


def _add(scope: Scope, source: str, source_id: str, line: Line) -> None:
    scope.add(
        retirements,
        source=source,
        source_id=source_id,
        **asdict(line),
        register=register_of(line.instrument, line.mechanism, line.registry),
        state="due",
        version=1,
        made_by=scope.actor.user_id,
        made_at=scope.now_text,
        changed_at=scope.now_text,
    )


def others_for(scope: Scope, rows: Sequence[Mapping[str, Any] | RowMapping]) -> list[Finding]:
    """A warning for each event that instructions of another source stand for too: nothing should be cancelled twice."""
    if not rows:
        return []
    ids, source = {r["event_id"] for r in rows}, (rows[0]["source"], rows[0]["source_id"])
    wanted = scope.select(retirements, retirements.c.event_id.in_(sorted(ids)), retirements.c.state != "cancelled")
    found = {r["event_id"] for r in scope.rows(wanted) if (r["source"], r["source_id"]) != source}
    zh = "此活动另有其他方案或订单的注销指令; 不再需要的请取消"
    en = "has instructions of another plan or order too; cancel those that are no longer wanted"
    return [warning("instructed_before", zh, en, path="event_id", value=e) for e in sorted(found)]


# ------------------------------------------------------------------------------------------------------------- reading


def wanted(
    today: date, state: str | None = None, registry: str | None = None, event_id: str | None = None
) -> list[ColumnElement[bool]]:
    """Conditions of a list of instructions."""
    found = []
    if state == "overdue":
        found.append(_overdue(today))
    elif state is not None:
        found.append(retirements.c.state == state)
    if registry is not None:
        found.append(retirements.c.registry == registry)
    if event_id is not None:
        found.append(retirements.c.event_id == event_id)
    return found


def _overdue(today: date) -> ColumnElement[bool]:
    return and_(retirements.c.state == "due", retirements.c.retire_by < today.isoformat())


def by_registry(scope: Scope, today: date) -> list[dict[str, Any]]:
    """What is to be cancelled, by registry: how much is due, overdue and retired, and the next deadline."""
    t = retirements.c
    due, overdue = t.state == "due", _overdue(today)
    sums = [func.coalesce(func.sum(case((when, t.kg), else_=0)), 0) for when in (due, overdue, t.state == "retired")]
    columns = (t.registry, func.count(), *sums, func.min(case((due, t.retire_by))))
    grouped = select(*columns).where(scope.mine(retirements), t.state != "cancelled").group_by(t.registry)
    names = ("due_t", "overdue_t", "retired_t")
    return [
        {
            "registry": row[0],
            "instructions": int(row[1]),
            **{name: tonnes(int(kg)) for name, kg in zip(names, row[2:5], strict=True)},
            "next_deadline": row[5],
        }
        for row in scope.c.execute(grouped.order_by(t.registry))
    ]


def missing(scope: Scope, row: RowMapping) -> list[Finding]:
    """What an instruction still lacks before it can be marked as retired, all of it."""
    given, files = serials.standing(scope, row["id"]), evidence.of_retirement(scope, row["id"])
    total, needed = sum(r["kg"] for r in given), serials.needed_kg(row)
    found = []
    unnumbered = row["instrument"] == "carbon_inclusion" and not given
    if unnumbered and not files:
        zh, en = "缺少证书编号或平台出具的证明文件", "has neither certificates nor evidence of the platform"
        found.append(fault("proof_missing", zh, en, path="serials"))
    elif not unnumbered and total != needed:
        zh = f"编号合计 {tonnes(total)} t, 应为 {tonnes(needed)} t"
        en = f"serials come to {tonnes(total)} t and should come to {tonnes(needed)} t"
        found.append(fault("serials_missing", zh, en, path="serials", value=tonnes(total)))
    if row["instrument"] == "forestry" and not files:
        zh, en = "缺少认证机构出具的证明文件", "has no evidence of the certifying body"
        found.append(fault("evidence_missing", zh, en, path="evidence"))
    return found


# ------------------------------------------------------------------------------------------------------------ changing


def open_instruction(scope: Scope, retirement_id: str, expected: int | None = None) -> RowMapping:
    """An instruction that is still due, locked until the end.

    Raises:
        Refused: `not_found`; `stale`, where another version is expected; `conflict`, where it is finished.
    """
    row = scope.one(retirements, retirement_id, lock=True)
    if expected is not None and expected != row["version"]:
        zh, en = f"现为第 {row['version']} 版", f"is now at version {row['version']}"
        raise Refused("stale", [fault("stale", zh, en, path="If-Match", value=f"v{expected}")])
    if row["state"] != "due":
        zh, en = "此项已注销或已取消, 不再改变", "is retired or cancelled and changes no more"
        raise Refused("conflict", [fault("finished", zh, en, path="state", value=row["state"])])
    return row


def touch(scope: Scope, row: RowMapping, **values: Any) -> None:
    """Writes a change of an open instruction, as its next version."""
    here = (retirements.c.id == row["id"], retirements.c.version == row["version"], retirements.c.state == "due")
    changed = scope.change(retirements, *here, **values, version=row["version"] + 1, changed_at=scope.now_text)
    if not changed:
        raise Refused("stale", [fault("stale", "同时有另一处修改", "was changed by somebody else in this moment")])


def retire(scope: Scope, row: RowMapping, on: date, reference: str, today: date) -> None:
    """Marks an instruction as cancelled in its registry, with its proof.

    Raises:
        Refused: `conflict`, with everything that is missing.
        BadInput: a day to come; no reference.
    """
    told = []
    if on > today:
        zh, en = f"不应晚于今日 ({today})", f"should not be after today ({today})"
        told.append(fault("date_to_come", zh, en, path="on", value=on))
    if not reference.strip():
        zh, en = "应为注销机构给出的凭证编号", "should be the registry's reference of the cancellation"
        told.append(fault("missing", zh, en, path="reference"))
    lacking = missing(scope, row)
    if lacking:
        raise Refused("conflict", [*lacking, *told])
    if told:
        raise BadInput(told)
    touch(scope, row, state="retired", retired_on=on.isoformat(), reference=reference.strip())
    given = [[r["first_shown"], r["last_shown"]] for r in serials.standing(scope, row["id"])[:100]]
    files = [r["sha256"] for r in evidence.of_retirement(scope, row["id"])]
    facts = {"on": on.isoformat(), "reference": reference.strip(), "tonnes": tonnes(row["kg"])}
    scope.note("retirement.retire", row["id"], **facts, serials=given, evidence=files)


def cancel(scope: Scope, row: RowMapping, reason: str) -> None:
    """Ends an instruction that is not to be done; its serials are free again."""
    freed = serials.release(scope, row["id"])
    touch(scope, row, state="cancelled", reason=reason)
    scope.note("retirement.cancel", row["id"], reason=reason, released=len(freed))


def as_dict(row: RowMapping, today: date) -> dict[str, Any]:
    """An instruction as a list shows it."""
    copied = ("id", "source", "source_id", "event_id", "offer_id", "instrument", "mechanism", "project_id")
    more = ("project_name", "tier", "registry", "retire_by", "state", "retired_on", "reference", "reason")
    return {
        **{k: row[k] for k in (*copied, *more)},
        "vintage": row["vintage"] or None,
        "tonnes": tonnes(row["kg"]),
        "to_cancel_t": tonnes(serials.needed_kg(row)),
        "overdue": row["state"] == "due" and row["retire_by"] < today.isoformat(),
        "late": row["retired_on"] is not None and row["retired_on"] > row["retire_by"],
        "version": row["version"],
        "made_by": row["made_by"],
        "made_at": row["made_at"],
        "changed_at": row["changed_at"],
    }


def whole(scope: Scope, row: RowMapping, today: date, lang: Any) -> dict[str, Any]:
    """An instruction with its serials, its evidence, and what it still lacks."""
    lacking = missing(scope, row) if row["state"] == "due" else []
    return {
        **as_dict(row, today),
        "serials": [serials.as_dict(r) for r in serials.standing(scope, row["id"])],
        "evidence": [evidence.as_dict(r) for r in evidence.of_retirement(scope, row["id"])],
        "missing": [f.as_dict(lang) for f in lacking],
    }
