"""How a test makes one of everything that has an address of its own, and what each route asks of its caller.

A route is picked up by itself; where it needs a thing that nobody here knows how to make, the tests say so.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.access.roles import Permission
from api.router_list import ALL
from api.routes.answering import Allowed
from tests.http.conftest import AS_OF, EVENT, OFFERS, QUESTION, Organisation

PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")


class Operation(NamedTuple):
    """A method of an address, and the permission that its caller needs; None where it asks nobody who they are."""

    method: str
    path: str
    permission: Permission | None

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def operations() -> list[Operation]:
    """Every operation of the service, by a walk through its routers."""
    found = []
    for router in ALL:
        for route in router.routes:
            assert isinstance(route, APIRoute), f"{route} is no route of the kind that says what its caller may do"
            gates = [d.call for d in route.dependant.dependencies if isinstance(d.call, Allowed)]
            assert len(gates) <= 1, f"{route.path} asks twice"
            permission = gates[0].permission if gates else None
            found += [Operation(m, route.path, permission) for m in sorted(route.methods or ())]
    return found


# ------------------------------------------------------------------------------------------------- how to make one


def made(answer: Any, status: int = 201) -> Any:
    """The document of an answer that should have made something."""
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json()


def last_of(answer: Any) -> str:
    """The last part of where the made thing is."""
    made(answer)
    return str(answer.headers["location"]).rpartition("/")[2]


def a_pack(org: Organisation, things: "Things") -> str:
    document = {**org.administrator.get("/v1/policies/shanxi-2022").json()["pack"], "id": f"pack-of-{org.id[:8]}"}
    return str(made(org.administrator.post("/v1/policies", json=document))["id"])


def an_event(org: Organisation, things: "Things") -> str:
    event_id = f"event-of-{org.id[:8]}"
    made(org.organiser.put(f"/v1/events/{event_id}", json={**EVENT, "id": event_id}), 200)
    return event_id


def a_snapshot(org: Organisation, things: "Things") -> str:
    offers = [*OFFERS, {**OFFERS[0], "offer_id": f"only-{org.id[:8]}"}]
    return str(made(org.broker.post("/v1/snapshots", json={"offers": offers}))["id"])


def a_plan(org: Organisation, things: "Things") -> str:
    event = {**EVENT, "id": f"planned-by-{org.id[:8]}"}
    return last_of(org.organiser.post("/v1/plans", json={**QUESTION, "event": event}))


def a_user(org: Organisation, things: "Things") -> str:
    new = {"login": f"new@{org.id[:8]}", "name": "新用户", "roles": ["finance"]}
    return last_of(org.administrator.post("/v1/users", json=new))


def a_key(org: Organisation, things: "Things") -> str:
    return str(made(org.administrator.post("/v1/keys", json={"name": "of mine", "roles": ["auditor"]}))["id"])


def a_reply(org: Organisation, things: "Things") -> str:
    key = f"reply-to-{org.id[:8]}"
    name = {"name": org.administrator.get("/v1/organisation").json()["name"]}
    made(org.administrator.patch("/v1/organisation", json=name, headers={"Idempotency-Key": key}), 200)
    return key


def a_retirement(org: Organisation, things: "Things") -> str:
    run = things.value("/v1/plans/{run_id}")
    rows = made(org.organiser.post("/v1/retirements", json={"run_id": run}))["items"]
    return next(str(row["id"]) for row in rows if row["offer_id"] == "CCER-1")


def a_serial(org: Organisation, things: "Things") -> str:
    where = f"/v1/retirements/{things.value('/v1/retirements/{retirement_id}')}/serials"
    serials = {"serials": [f"CCER-14-{org.id[:6]}-2025-0000001"]}
    return str(made(org.organiser.post(where, json=serials), 200)["serials"][0]["id"])


def a_file(org: Organisation, things: "Things") -> str:
    where = f"/v1/retirements/{things.value('/v1/retirements/{retirement_id}')}/evidence"
    pdf = {"content-type": "application/pdf"}
    return str(made(org.organiser.post(where, content=PDF, headers=pdf))["id"])


def a_disclosure(org: Organisation, things: "Things") -> str:
    asked = {"event_id": f"planned-by-{org.id[:8]}", "run_id": things.value("/v1/plans/{run_id}"), "draft": True}
    return last_of(org.organiser.post("/v1/disclosures", json=asked))


def a_job(org: Organisation, things: "Things") -> str:
    question: dict[str, Any] = {**QUESTION, "event": {**EVENT, "id": f"job-of-{org.id[:8]}"}}
    return str(made(org.organiser.post("/v1/jobs", json={"kind": "plan", **question}), 202)["id"])


def a_sweep(org: Organisation, things: "Things") -> str:
    question: dict[str, Any] = {**QUESTION, "event": {**EVENT, "id": f"sweep-of-{org.id[:8]}"}}
    return str(made(org.organiser.post("/v1/sweeps", json={**question, "draws": 10, "seed": 7}), 202)["id"])


def a_budget(org: Organisation, things: "Things") -> str:
    question: dict[str, Any] = {**QUESTION, "event": {**EVENT, "id": f"budget-of-{org.id[:8]}"}}
    return str(made(org.finance.post("/v1/jobs", json={"kind": "calendar", **question}), 202)["id"])


def a_scenario_set(org: Organisation, things: "Things") -> str:
    kept = {"name": f"set-of-{org.id[:8]}", "scenarios": ["budget-minus-20"]}
    return str(made(org.organiser.post("/v1/scenario-sets", json=kept))["id"])


def stocked(org: Organisation) -> dict[str, str]:
    """Imports the market as the broker's own; offer -> lot."""
    # Without the days on which they end: quotes end by the real clock.
    offers = [{k: v for k, v in offer.items() if k != "valid_until"} for offer in OFFERS]
    org.broker.post("/v1/inventory", json={"offers": offers})
    return {lot["offer_id"]: str(lot["id"]) for lot in org.broker.get("/v1/inventory").json()["items"]}


def a_lot(org: Organisation, things: "Things") -> str:
    return stocked(org)["CEA-1"]


def a_quote(org: Organisation, things: "Things") -> str:
    """A quote of its own to itself: so it is also one that it received."""
    things.value("/v1/inventory/{lot_id}")
    asked = {"event": {**EVENT, "id": f"quoted-by-{org.id[:8]}"}, "as_of": AS_OF, "margin": {"rules": [{"per_t": "3"}]}}
    return str(made(org.broker.post("/v1/quotes", json={**asked, "client_organisation": org.id}))["id"])


def a_hold(org: Organisation, things: "Things") -> str:
    lines = [{"lot": things.value("/v1/inventory/{lot_id}"), "tonnes": "5"}]
    return str(made(org.broker.post("/v1/holds", json={"lines": lines}))["id"])


def an_order(org: Organisation, things: "Things") -> str:
    lines = [{"lot": things.value("/v1/inventory/{lot_id}"), "tonnes": "2"}]
    hold = made(org.broker.post("/v1/holds", json={"lines": lines}))["id"]
    return str(made(org.broker.post("/v1/orders", json={"hold_id": hold}))["id"])


type Maker = Callable[[Organisation, "Things"], str]
MAKERS: dict[str, Maker] = {
    "/v1/policies/{policy_id}": a_pack,
    "/v1/events/{event_id}": an_event,
    "/v1/snapshots/{snapshot}": a_snapshot,
    "/v1/plans/{run_id}": a_plan,
    "/v1/users/{user_id}": a_user,
    "/v1/keys/{key_id}": a_key,
    "/v1/replies/{key}": a_reply,
    "/v1/jobs/{job_id}": a_job,
    "/v1/jobs/{job_id}/papers/{kind}": lambda org, things: "xlsx",
    "/v1/sweeps/{job_id}": a_sweep,
    "/v1/jobs/{budget_id}": a_budget,
    "/v1/scenario-sets/{set_id}": a_scenario_set,
    "/v1/disclosures/{disclosure_id}": a_disclosure,
    "/v1/inventory/{lot_id}": a_lot,
    "/v1/quotes/{quote_id}": a_quote,
    "/v1/quotes/received/{quote_id}": a_quote,
    "/v1/holds/{hold_id}": a_hold,
    "/v1/orders/{order_id}": an_order,
    "/v1/retirements/{retirement_id}": a_retirement,
    "/v1/retirements/{retirement_id}/serials/{serial_id}": a_serial,
    "/v1/retirements/{retirement_id}/evidence/{evidence_id}": a_file,
}
"""The address of one of them -> what makes one for an organisation and gives what stands in the address."""


def addresses() -> set[str]:
    """The address of everything that the service gives one: `/v1/things/{thing_id}`."""
    return {o.path[: m.end()] for o in operations() for m in PARAMETER.finditer(o.path)}


class Things:
    """One of everything that an organisation can have, made when it is first asked for."""

    def __init__(self, org: Organisation) -> None:
        self._org = org
        self._known: dict[str, str] = {}

    def value(self, prefix: str) -> str:
        """What stands at the end of `/v1/things/{thing_id}`."""
        if prefix not in self._known:
            assert prefix in MAKERS, f"say in tests/http/things.py how to make one of {prefix}"
            self._known[prefix] = MAKERS[prefix](self._org, self)
        return self._known[prefix]

    def values(self, path: str) -> dict[str, str]:
        """What stands for each parameter of an address."""
        return {m[1]: self.value(path[: m.end()]) for m in PARAMETER.finditer(path)}

    def address(self, path: str) -> str:
        """The address with what is there."""
        values = self.values(path)
        return PARAMETER.sub(lambda m: values[m[1]], path)

    def missing(self, path: str) -> Iterator[str]:
        """The address with, in turn, each of its parts something of the same form that never was."""
        values = self.values(path)
        for name, value in values.items():
            if name == "kind":
                continue  # one of a few words, and no id
            changed = values | {name: never_was(value)}
            yield PARAMETER.sub(lambda m, changed=changed: changed[m[1]], path)  # type: ignore[misc]


def never_was(value: str) -> str:
    """Another value of the same form."""
    if re.fullmatch("[0-9a-f]{8,64}", value):
        return hashlib.sha256(value.encode()).hexdigest()[: len(value)]
    return f"no-{value}"[: max(len(value), 8)]


# ------------------------------------------------------------------------------------------------- how to ask

PDF = b"%PDF-1.7\n1 0 obj\n"
BODIES: dict[str, Any] = {
    "POST /v1/snapshots/files": b"offer_id,instrument,quantity,price\nA,ccer,1,1\n",
    "POST /v1/inventory/files": b"offer_id,instrument,quantity,price\nA,ccer,1,1\n",
    "PATCH /v1/organisation": {"name": "mine"},
    "POST /v1/retirements/{retirement_id}/evidence": PDF,
    "POST /v1/retirements/{retirement_id}/serials/{serial_id}/release": {"reason": "误录"},
    "POST /v1/retirements/{retirement_id}/retire": {"on": "2026-11-22", "reference": "ZX-1"},
    "POST /v1/retirements/{retirement_id}/cancel": {"reason": "不再需要"},
}
"""Where the example of the document would not do."""
QUERIES: dict[str, Callable[[Things], dict[str, str]]] = {
    "GET /v1/snapshots/{snapshot}/differences": lambda t: {"to": t.value("/v1/snapshots/{snapshot}")},
    "GET /v1/plans/{run_id}/paper": lambda t: {"kind": "html"},
    "GET /v1/disclosures/{disclosure_id}/paper": lambda t: {"kind": "html"},
    "GET /v1/quotes/{quote_id}/paper": lambda t: {"kind": "html"},
    "GET /v1/quotes/received/{quote_id}/paper": lambda t: {"kind": "html"},
}
"""Parameters without which a route answers nothing."""


def body_of(app: FastAPI, operation: Operation) -> Any:
    """What the operation takes: the first example of its document; None where it takes nothing."""
    if str(operation) in BODIES:
        return BODIES[str(operation)]
    document = app.openapi()
    asked = document["paths"][operation.path][operation.method.lower()].get("requestBody")
    if asked is None:
        return None
    content = next(iter(asked["content"].values()))
    if "example" in content:
        return content["example"]
    schema = content["schema"]
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert schema.get("examples"), f"{operation} shows no example of its body"
    return schema["examples"][0]


def ask(client: TestClient, operation: Operation, address: str, body: Any = None, **more: Any) -> Any:
    """The operation, at an address."""
    if isinstance(body, bytes):
        kind = "application/pdf" if body is PDF else "text/csv"
        headers = {"content-type": kind, **more.pop("headers", {})}
        return client.request(operation.method, address, content=body, headers=headers, **more)
    return client.request(operation.method, address, **({} if body is None else {"json": body}), **more)
