"""The audit trail: who did what, one entry whole, whether the record holds, and the whole of it to keep elsewhere."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from api.access.people import OPERATOR
from api.access.scope import Scope
from api.database import tables
from api.pages.audit_words import ACTIONS, WAYS, address_of
from api.pages.field_faults import at_fields
from api.pages.rendering import CHINA
from api.pages.viewing import View, viewing
from api.refusals import not_found
from api.routes.audit import SEQ_MAX, Sought, entries_found, entry_found, place_of, verified
from market_data.store_tables import time_text
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.wording import Language, Text

router = APIRouter(include_in_schema=False)
ROWS = 50
NAMELESS = {
    OPERATOR: Text("运维人员", "operator"),
    "local-user": Text("本机用户", "whoever is at this machine"),
}
"""Who acts without being a user of the organisation's."""
FIELDS = ("user", "action", "object", "since", "until")
LABELS = {
    "since": Text("从", "From"),
    "until": Text("到", "Until"),
    "cursor": Text("页", "Page"),
    "seq": Text("序号", "Number"),
    "hash": Text("哈希", "Hash"),
}


@router.get("/audit")
async def trail_page(view: View = viewing("audit.read")) -> Response:
    """Entries of the trail, the newest first, by who, what, which thing and when."""
    return await run_in_threadpool(_trail, view)


def _trail(view: View) -> Response:
    asked = view.request.query_params
    chosen = {name: asked.get(name, "").strip()[:200].replace("\0", "") for name in FIELDS}
    faults: list[Finding] = []
    wanted = Sought(
        chosen["action"] or None,
        chosen["object"] or None,
        chosen["user"] or None,
        _beginning(chosen, "since", 0, faults),
        _beginning(chosen, "until", 1, faults),
    )

    def work(scope: Scope) -> dict[str, Any]:
        before = place_of(asked["cursor"]) if asked.get("cursor") else None
        rows, after = ([], None) if faults else entries_found(scope, wanted, ROWS, before)
        people = [(str(u["id"]), str(u["name"])) for u in scope.rows(scope.select(tables.users))]
        return {"rows": [_shown(row, view.lang) for row in rows], "after": after, "people": people}

    found = view.read(work)
    options = sorted(ACTIONS.items(), key=lambda item: item[1].say(view.lang))
    nameless = [(user, name.say(view.lang)) for user, name in NAMELESS.items()]
    return view.page(
        "audit/trail.html",
        422 if faults else 200,
        faults=at_fields(faults, LABELS),
        chosen=chosen,
        kept={k: v for k, v in chosen.items() if v},
        actions=options,
        people=[*found.pop("people"), *nameless],
        first=not asked.get("cursor"),
        **found,
    )


def _beginning(chosen: Mapping[str, str], name: str, days: int, faults: list[Finding]) -> str | None:
    """When a day begins in China, or the one so many days later, as the tables write moments."""
    if not chosen[name]:
        return None
    try:
        known = date.fromisoformat(chosen[name]) + timedelta(days)
        return time_text(datetime.combine(known, time(), CHINA).astimezone(UTC))
    except (ValueError, OverflowError):
        zh, en = "应为日期, 例如 2026-11-22", "should be a day such as 2026-11-22"
        faults.append(fault("day", zh, en, path=name, value=chosen[name]))
        return None


def _shown(entry: Mapping[str, Any], lang: Language) -> dict[str, Any]:
    """An entry with who and what in words; what somebody changed so that it is no JSON stays as it stands."""
    actor = entry["actor"] if isinstance(entry["actor"], dict) else {}
    action = str(entry["action"])
    words = ACTIONS.get(action, Text(action, action))
    way = WAYS.get(str(actor.get("way", "")), Text("–", "–"))
    return {
        **entry,
        "who": _who(actor, entry["actor"], lang),
        "way": way.say(lang),
        "action_name": words,
        "address": address_of(action, str(entry["object"])),
    }


def _who(actor: Mapping[str, Any], written: Any, lang: Language) -> str:
    """Somebody by name; whoever needs no name in words."""
    user = str(actor.get("user", ""))
    return NAMELESS[user].say(lang) if user in NAMELESS else str(actor.get("name") or user or written)


@router.get("/audit/verify")
async def verify(view: View = viewing("audit.read")) -> Response:
    """Whether every entry is what was written, also against an end that was noted elsewhere."""
    return await run_in_threadpool(_verify, view)


def _verify(view: View) -> Response:
    asked = view.request.query_params
    typed = {name: asked.get(name, "").strip() for name in ("seq", "hash")}
    faults: list[Finding] = []
    noted: dict[int, str] = {}
    if any(typed.values()):
        number, digest = typed["seq"].replace(",", ""), typed["hash"].casefold()
        if not (number.isascii() and number.isdigit() and int(number) <= SEQ_MAX):
            zh, en = "应为记下的条数, 例如 128", "should be the number that was noted, such as 128"
            faults.append(fault("seq", zh, en, path="seq", value=typed["seq"] or None))
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            zh, en = "应为 64 位十六进制", "should be 64 hexadecimal digits"
            faults.append(fault("hash", zh, en, path="hash", value=typed["hash"] or None))
        noted = {} if faults else {int(number): digest}
    result = None if faults else view.read(lambda scope: verified(scope, noted, view.lang))
    told: Sequence[Finding] = at_fields(faults, LABELS)
    status = 422 if faults else 200
    return view.page("audit/verify.html", status, faults=told, result=result, typed=typed, against=bool(noted))


@router.get("/audit/{seq}")
async def entry(seq: str, view: View = viewing("audit.read")) -> Response:
    """One entry, whole, and whether it is what was written."""

    def work(scope: Scope) -> dict[str, Any]:
        found, holds = entry_found(scope, _number(seq))
        more = bool(entries_found(scope, Sought(), 1)[0][0]["seq"] > found["seq"])
        return {"row": _shown(found, view.lang), "holds": holds, "more": more}

    found = await run_in_threadpool(view.read, work)
    details = found["row"]["details"]
    text = details if isinstance(details, str) else json.dumps(details, ensure_ascii=False, indent=2)
    return view.page("audit/entry.html", text=text, **found)


def _number(text: str) -> int:
    """The number of an entry. Raises Refused `not_found`."""
    try:
        return place_of(text)
    except BadInput as error:
        raise not_found() from error
