"""The record of a disclosure (公示): the whole process of one event, from verified emissions to cancelled serials.

    a version        never changes; the same content again is the version that is there
    a draft          may lack things, and says which; it cannot be published
    published        once; what comes after corrects it, with a reason

Figures come from the plan and from the instructions that stand for its event, and are derived anew for each version.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from api.access.scope import Scope
from api.archive import documents, events, runs
from api.database.retirement_tables import disclosures, publications, retirements
from api.ledger import evidence, serials
from api.ledger.disclosure_words import plain, statement
from api.refusals import Refused
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.plan import canonical
from optimizer.quantities import kg_of, tonnes

type Record = dict[str, Any]


@dataclass(frozen=True)
class Wanted:
    """What a disclosure is asked for with."""

    event_id: str
    run_id: str
    measures: tuple[str, ...]
    draft: bool
    correction: str
    """Why a published one is corrected; blank where none is."""


def build(scope: Scope, wanted: Wanted) -> tuple[RowMapping, bool]:
    """The next version of an event's disclosure; the same content again is the newest version.

    Returns:
        The version, and whether it is new.

    Raises:
        Refused: `not_found`, the plan; `conflict`, with everything that is missing, unless a draft is wanted; `stale`.
        BadInput: the plan has no such event.
    """
    versions = _locked(scope, wanted.event_id)
    published = _published(scope, [r["id"] for r in versions])
    last = next((r for r in versions if r["id"] in published), None)
    record, found = _record(scope, wanted, last)
    if found and not wanted.draft:
        raise Refused("conflict", found)
    record["missing"] = [{"code": f.code, "path": f.path, "zh": f.message.zh, "en": f.message.en} for f in found]
    record["statement"] = statement(record)._asdict()
    sha256 = documents.keep(scope.c, canonical(record).encode())
    newest = versions[0] if versions else None
    if newest is not None and (newest["document"], newest["draft"]) == (sha256, wanted.draft):
        return newest, False
    version = 1 + (0 if newest is None else int(newest["version"]))
    values = {
        **{"event_id": wanted.event_id, "version": version, "draft": wanted.draft, "document": sha256},
        **{"corrects": None if last is None else last["id"], "plan_id": record["plan"]["plan_id"]},
    }
    row_id = _add(scope, values)
    scope.note("disclosure.build", row_id, event=wanted.event_id, version=version, draft=wanted.draft, sha256=sha256)
    return scope.one(disclosures, row_id), True


def lacking(scope: Scope, wanted: Wanted) -> list[Finding]:
    """What is missing before this could be published, without making a version of it. Raises as `build`."""
    return _record(scope, wanted, last_published(scope, wanted.event_id))[1]


def versions_of(scope: Scope, event_id: str) -> Sequence[RowMapping]:
    """The versions of an event, the newest first."""
    here = scope.select(disclosures, disclosures.c.event_id == event_id)
    return scope.rows(here.order_by(disclosures.c.version.desc()))


def last_published(scope: Scope, event_id: str) -> RowMapping | None:
    """The version of an event that was published last; None where none was."""
    versions = versions_of(scope, event_id)
    published = _published(scope, [r["id"] for r in versions])
    return next((r for r in versions if r["id"] in published), None)


def _locked(scope: Scope, event_id: str) -> Sequence[RowMapping]:
    """The versions of an event, the newest first; nobody else adds or publishes until the end."""
    here = scope.select(disclosures, disclosures.c.event_id == event_id)
    return scope.rows(here.order_by(disclosures.c.version.desc()).with_for_update())


def _add(scope: Scope, values: Record) -> str:
    try:
        with scope.c.begin_nested():
            return scope.add(disclosures, **values, made_by=scope.actor.user_id, made_at=scope.now_text)
    except IntegrityError:
        zh, en = "同时另有一个版本生成", "another version was made in this moment"
        raise Refused("stale", [fault("stale", zh, en)]) from None


# ---------------------------------------------------------------------------------------------------------- the record


def _record(scope: Scope, wanted: Wanted, last: RowMapping | None) -> tuple[Record, list[Finding]]:
    """What is disclosed, and what of it is missing."""
    plan: Record = json.loads(runs.plan_of(scope, runs.find_run(scope, wanted.run_id)))
    event = next((e for e in plan["problem"]["calendar"]["events"] if e["id"] == wanted.event_id), None)
    if event is None:
        zh, en = "此方案没有这个活动", "the plan has no such event"
        raise BadInput([fault("event_unknown", zh, en, path="event_id", value=wanted.event_id)])
    planned = next(e for e in plan["events"] if e["id"] == wanted.event_id)
    pack, emissions = plan["problem"]["rule_pack"], event["emissions"]
    here = (retirements.c.event_id == wanted.event_id, retirements.c.state != "cancelled")
    rows = scope.rows(scope.select(retirements, *here).order_by(retirements.c.tier, retirements.c.number))
    lines = [_retirement(scope, row, pack) for row in rows]
    offset = sum(r["effective_kg"] for r in rows if r["state"] == "retired")
    covered = offset >= kg_of(emissions["tonnes"]) and all(r["state"] == "retired" for r in rows)
    record: Record = {
        "event_id": wanted.event_id,
        "event": {k: event.get(k) or "" for k in ("id", "name", "organiser", "region", "end_date")},
        "emissions": {
            **{"tonnes": emissions["tonnes"], "status": emissions["status"]},
            **{k: emissions.get(k) for k in ("verifier", "statement", "verified_on")},
        },
        "measures": list(wanted.measures),
        "policy": {
            **{k: pack[k] for k in ("id", "version", "title", "document_number", "order")},
            "sha256": plan["policy"]["sha256"],
        },
        "plan": {"plan_id": plan["plan_id"], "as_of": plan["as_of"], **_planned(plan, planned)},
        "tiers": _tiers(pack, plan, wanted.event_id, rows),
        "retirements": lines,
        "totals": {
            "emitted_t": emissions["tonnes"],
            "bought_t": tonnes(sum(r["kg"] for r in rows)),
            "retired_t": tonnes(sum(r["kg"] for r in rows if r["state"] == "retired")),
            "offset_t": tonnes(offset),
            "due_t": tonnes(sum(r["kg"] for r in rows if r["state"] == "due")),
        },
        "completed_on": max(r["retired_on"] for r in rows) if rows and covered else None,
        "corrects": None if last is None else {"version": last["version"], "reason": plain(wanted.correction)},
    }
    return record, _missing(scope, record, wanted)


def _planned(plan: Record, planned: Record) -> Record:
    return {k: planned[k] for k in ("required_t", "covered_t", "shortfall_t")} | {"status": plan["status"]}


def _tiers(pack: Record, plan: Record, event_id: str, rows: Sequence[RowMapping]) -> list[Record]:
    """Of each tier what was planned, what was bought, and what of that is cancelled."""
    ranks = [*pack["tiers"], *([pack["unranked"]] if pack.get("unranked") else [])]
    lines = [line for line in plan["lines"] if line["event_id"] == event_id]
    found = []
    for rank in ranks:
        mine = [r for r in rows if r["tier"] == rank["tier"]]
        planned = sum(kg_of(line["contracted_t"]) for line in lines if line["tier"] == rank["tier"])
        found.append(
            {
                **{"tier": rank["tier"], "name": rank["name"], "clause": rank["clause"]},
                "planned_t": tonnes(planned),
                "bought_t": tonnes(sum(r["kg"] for r in mine)),
                "retired_t": tonnes(sum(r["kg"] for r in mine if r["state"] == "retired")),
            }
        )
    return found


def _retirement(scope: Scope, row: RowMapping, pack: Record) -> Record:
    given, files = serials.standing(scope, row["id"]), evidence.of_retirement(scope, row["id"])
    copied = ("offer_id", "instrument", "mechanism", "project_id", "project_name", "tier", "retire_by", "state")
    return {
        **{k: row[k] for k in copied},
        "vintage": row["vintage"] or None,
        "registry": _both(row["registry"], pack),
        "tonnes": tonnes(row["kg"]),
        "effective_t": tonnes(row["effective_kg"]),
        "retired_on": row["retired_on"],
        "reference": row["reference"],
        "serials": [
            {"first": s["first_shown"], "last": s["last_shown"], "tonnes": tonnes(s["kg"])}
            | ({"period_from": s["period_from"], "period_until": s["period_until"]} if s["forestry"] else {})
            for s in given
        ],
        "evidence": [{"name": f["name"], "sha256": f["sha256"]} for f in files],
    }


def _both(registry: str, pack: Record) -> dict[str, str]:
    """A registry's name in both languages, where the rule pack has it; else as the offer wrote it."""
    known = (r["name"] for r in pack["registries"])
    return next((dict(n) for n in known if registry in n.values()), {"zh": registry, "en": registry})


def _missing(scope: Scope, record: Record, wanted: Wanted) -> list[Finding]:
    """Everything without which this would be no disclosure of the whole process."""
    found = [*_missing_of_event(record), *_missing_of_retirements(record)]
    if record["corrects"] is not None and not record["corrects"]["reason"]:
        zh, en = "已有公示版本, 应说明更正的原因", "one is published: say why it is corrected"
        found.append(fault("correction_missing", zh, en, path="correction"))
    kept = _kept_emissions(scope, wanted.event_id)
    if kept is not None and kept != record["emissions"]["tonnes"]:
        zh = "活动的排放量在方案之后已改变, 请重新编制方案"
        en = "the event's emissions were changed after this plan: plan again"
        found.append(fault("event_changed", zh, en, path="run_id", value=kept))
    return found


def _missing_of_event(record: Record) -> list[Finding]:
    found = []
    for key, zh, en in (
        ("name", "缺少活动名称", "the event's name"),
        ("organiser", "缺少组织者", "the organiser"),
    ):
        if not plain(record["event"][key]):
            found.append(fault("missing", zh, f"{en} is missing", path=f"event.{key}"))
    e = record["emissions"]
    if e["status"] != "verified":
        zh, en = "排放量尚未核查", "emissions are not verified"
        found.append(fault("not_verified", zh, en, path="emissions.status"))
    for key, zh, en in (("verifier", "缺少核查机构", "the verifier"), ("verified_on", "缺少核查日期", "its day")):
        if not plain(e[key]):
            found.append(fault("missing", zh, f"{en} is missing", path=f"emissions.{key}"))
    if not any(plain(m) for m in record["measures"]):
        zh, en = "缺少减排措施: 应先减排, 再抵销", "measures are missing: cutting comes before offsetting"
        found.append(fault("missing", zh, en, path="measures"))
    return found


def _missing_of_retirements(record: Record) -> list[Finding]:
    rows = record["retirements"]
    if not rows:
        zh, en = "尚无注销指令", "nothing was instructed to be cancelled"
        return [fault("not_instructed", zh, en, path="retirements")]
    found = []
    for k, row in enumerate(rows):
        path = f"retirements[{k}]"
        if row["state"] != "retired":
            zh, en = "尚未注销", "is not cancelled yet"
            found.append(fault("not_retired", zh, en, path=path, value=row["offer_id"]))
        elif not row["evidence"]:
            zh, en = "缺少注销证明文件", "has no evidence of its cancellation"
            found.append(fault("evidence_missing", zh, en, path=path, value=row["offer_id"]))
    short = kg_of(record["totals"]["emitted_t"]) - kg_of(record["totals"]["offset_t"])
    if short > 0:
        zh = f"已抵销量比排放量少 {tonnes(short)} t"
        en = f"what is offset falls short of the emissions by {tonnes(short)} t"
        found.append(fault("not_covered", zh, en, path="totals.offset_t", value=record["totals"]["offset_t"]))
    return found


def _kept_emissions(scope: Scope, event_id: str) -> str | None:
    """What the organisation's newest version of the event says it emitted; None where it keeps no such event."""
    try:
        kept = events.content_of(scope, events.newest_version(scope, event_id))
        return tonnes(kg_of(kept["emissions"]["tonnes"]))
    except (Refused, KeyError, TypeError):
        return None  # not kept, or a calendar of that id


# ---------------------------------------------------------------------------------------------------------- publishing


def publish(scope: Scope, disclosure_id: str, place: str) -> None:
    """Notes that a version was made public, where, and when.

    Raises:
        Refused: `not_found`; `conflict`: a draft, published already, older than another, or it corrects what is no
            longer the published one.
    """
    row = scope.one(disclosures, disclosure_id)
    versions = _locked(scope, row["event_id"])
    published = _published(scope, [r["id"] for r in versions])
    last = next((r["id"] for r in versions if r["id"] in published), None)
    if disclosure_id in published:
        raise _conflict("published", "此版本已公示; 只能以新版本更正", "is published; a new version may correct it")
    if row["draft"]:
        raise _conflict("draft", "草稿不能公示", "a draft cannot be published")
    if versions[0]["id"] != disclosure_id or row["corrects"] != last:
        raise _conflict("superseded", "已有更新的版本, 请公示最新版本", "a newer version is there: publish that one")
    made = {"made_by": scope.actor.user_id, "published_at": scope.now_text}
    try:
        with scope.c.begin_nested():
            scope.add(publications, disclosure_id=disclosure_id, place=place, **made)
    except IntegrityError:
        raise _conflict("published", "此版本已公示", "is published") from None
    scope.note("disclosure.publish", disclosure_id, event=row["event_id"], version=row["version"], place=place)


def _conflict(code: str, zh: str, en: str) -> Refused:
    return Refused("conflict", [fault(code, zh, en)])


def _published(scope: Scope, ids: Sequence[str]) -> dict[str, RowMapping]:
    """Disclosure -> its publication, of those that have one."""
    wanted = scope.select(publications, publications.c.disclosure_id.in_(list(ids)))
    return {r["disclosure_id"]: r for r in scope.rows(wanted)}


def as_dicts(scope: Scope, rows: Sequence[RowMapping]) -> list[Record]:
    """Versions as a list shows them."""
    published = _published(scope, [r["id"] for r in rows])
    copied = ("id", "event_id", "version", "draft", "corrects", "plan_id", "made_by", "made_at")
    found = []
    for row in rows:
        public = published.get(row["id"])
        where = {
            "published_at": public["published_at"] if public else None,
            "place": public["place"] if public else None,
        }
        found.append({**{k: row[k] for k in copied}, "sha256": row["document"], **where})
    return found


def whole(scope: Scope, row: RowMapping) -> Record:
    """A version with its record."""
    record = json.loads(documents.content_of(scope.c, row["document"]))
    return {**as_dicts(scope, [row])[0], "record": record}
