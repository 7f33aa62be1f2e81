"""Every route x role x organisation: who may, who may not, and that nobody sees what is another organisation's.

Routes are found by a walk through the routers and owned tables by their columns, so that a new one is held to this
without a word here. What makes one of everything stands in `things`.
"""

import ast
import json
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import Table, update

import api
from api.access.roles import MAY, ROLES
from api.database import tables
from market_data.store_tables import time_text
from tests.http.conftest import client_of
from tests.http.things import MAKERS, PARAMETER, QUERIES, Things, addresses, ask, body_of, operations

OPEN = {
    "POST /v1/session": "whoever signs in is nobody yet",
    "GET /healthz": "says only that the process lives",
    "GET /readyz": "says only that requests can be taken",
    "GET /metrics": "counts, without anything of anybody's",
}
"""Operations that ask nobody who they are, and why."""
CHOSEN = {
    "PUT /v1/events/{event_id}": "the id is the caller's own choice: it makes an event of their own",
}
"""Operations at an address that another organisation may use for a thing of its own."""
NOT_YET = {
    "GET /v1/jobs/{job_id}/result": "no worker runs here",
    "GET /v1/jobs/{job_id}/papers/{kind}": "no worker runs here",
    "GET /v1/jobs/{job_id}/progress": "goes on until the job ends",
}
"""Operations that have no answer for what was only just made."""
ANY = "/v1/me"
SQLITE = pytest.mark.parametrize("store_address", ["sqlite"], indirect=True)
"""For what is decided before a database is asked."""


def gated() -> list:
    return [o for o in operations() if o.permission is not None]


def at_anything(path: str) -> str:
    """The address with something in every place."""
    return PARAMETER.sub("0" * 24, path)


# -------------------------------------------------------------------------------------------------------------- roles


def test_every_operation_asks_who_it_is_or_is_known_to_be_open():
    assert {str(o) for o in operations() if o.permission is None} <= set(OPEN)


@SQLITE
def test_a_role_does_what_it_may_and_nothing_else(mine):
    wrong = []
    for operation in gated():
        for role in ROLES:
            answer = ask(mine.callers[role], operation, at_anything(operation.path), {})
            refused = answer.status_code == 403 and answer.json()["type"].endswith(":forbidden")
            if refused == (operation.permission in MAY[role]) or answer.status_code == 401:
                wrong.append((str(operation), role, answer.status_code))
    assert not wrong


def test_a_reader_changes_nothing():
    """The auditor has no permission that any changing operation asks for, but for what is one's own."""
    harmless = ("/check", "/replay", "/verify")
    may = [o for o in gated() if o.method != "GET" and o.permission in MAY["auditor"] and not o.path.endswith(harmless)]
    assert {o.permission for o in may} <= {"self"}


# ------------------------------------------------------------------------------------------------------------- nobody


@SQLITE
def test_nobody_comes_in_once_somebody_administers(app, mine):
    strangers = {
        "no key": client_of(app),
        "a key that never was": client_of(app, "jh_" + "A" * 43),
        "no bearer": client_of(app),
        "a session that never was": client_of(app),
    }
    strangers["no bearer"].headers["authorization"] = "Basic YTpi"
    strangers["a session that never was"].cookies.set("jinheng_session", "x" * 43)
    assert_all_closed(strangers)


def assert_all_closed(callers) -> None:
    wrong = []
    for operation in gated():
        for who, client in callers.items():
            answer = ask(client, operation, at_anything(operation.path), {})
            problem = answer.json()
            if (answer.status_code, problem["type"]) != (401, "urn:jinheng:problem:unauthenticated"):
                wrong.append((str(operation), who, answer.status_code))
            assert answer.headers["www-authenticate"] == "Bearer"
    assert not wrong


@SQLITE
def test_revoked_and_expired_keys_and_keys_of_disabled_users_open_nothing(app, mine):
    admin = mine.administrator

    def key_of(role: str) -> str:
        return str(mine.callers[role].get("/v1/keys").json()["items"][0]["id"])

    for role in ("broker", "finance", "organiser"):
        assert mine.callers[role].get(ANY).status_code == 200
    assert admin.delete(f"/v1/keys/{key_of('broker')}").status_code == 200
    with app.state.records.database.writing() as c:
        past = update(tables.keys).where(tables.keys.c.id == key_of("finance"))
        c.execute(past.values(expires_at=time_text(app.state.records.database and _a_moment_ago(c))))
    user = mine.organiser.get(ANY).json()["user"]
    assert admin.patch(f"/v1/users/{user}", json={"disabled": True}).status_code == 200
    assert_all_closed({role: mine.callers[role] for role in ("broker", "finance", "organiser")})
    assert admin.patch(f"/v1/users/{user}", json={"disabled": False}).status_code == 200
    assert mine.organiser.get(ANY).status_code == 401, "a key does not come back with its user"


def _a_moment_ago(c):
    from datetime import timedelta

    from api.access.scope import moment

    return moment(c) - timedelta(microseconds=1)


# ------------------------------------------------------------------------------------------------------ organisations


@pytest.fixture
def things(mine) -> Things:
    """One of everything, of the organisation `mine`."""
    made = Things(mine)
    for prefix in sorted(addresses() & set(MAKERS)):
        made.value(prefix)
    return made


def can_be_made(path: str) -> bool:
    """Whether an address has places, and something is known to stand in each of them."""
    prefixes = [path[: m.end()] for m in PARAMETER.finditer(path)]
    return bool(prefixes) and all(p in MAKERS for p in prefixes)


def without_place(answer) -> dict:
    """A problem without what names the request."""
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    return {k: v for k, v in problem.items() if k not in ("instance", "request_id")}


@SQLITE
def test_everything_that_has_an_address_can_be_made_here(app):
    assert addresses() <= set(MAKERS), "say in tests/http/things.py how to make one of each"


def test_what_is_another_organisations_is_not_there_whatever_is_asked_of_it(app, things, other):
    """Foreign and missing: the same status, the same words; and to its owner the thing is there."""
    wrong = []
    for operation in gated():
        if not can_be_made(operation.path) or str(operation) in CHOSEN:
            continue
        body = body_of(app, operation)
        query = QUERIES[str(operation)](things) if str(operation) in QUERIES else {}
        foreign = ask(other.administrator, operation, things.address(operation.path), body, params=query)
        for address in things.missing(operation.path):
            missing = ask(other.administrator, operation, address, body, params=query)
            same = without_place(foreign) == without_place(missing)
            if not foreign.status_code == missing.status_code == 404 or not same:
                wrong.append((str(operation), foreign.text, missing.text))
    assert not wrong


@SQLITE
def test_to_its_own_organisation_everything_is_there(app, things, mine):
    wrong = []
    for operation in gated():
        if operation.method == "GET" and can_be_made(operation.path) and str(operation) not in NOT_YET:
            query = QUERIES[str(operation)](things) if str(operation) in QUERIES else {}
            answer = ask(mine.administrator, operation, things.address(operation.path), params=query)
            if answer.status_code != 200:
                wrong.append((str(operation), answer.status_code, answer.text))
    assert not wrong


def test_no_list_shows_what_is_another_organisations(things, mine, other):
    ids = {prefix: things.value(prefix) for prefix in addresses() & set(MAKERS) if not prefix.endswith("{kind}")}
    seen = set()
    for operation in gated():
        if operation.method == "GET" and not PARAMETER.search(operation.path):
            text = ask(other.administrator, operation, operation.path).text
            assert not {prefix for prefix, value in ids.items() if value in text}, operation
            own = ask(mine.administrator, operation, operation.path, params={"everybody": "true"}).text
            seen |= {prefix for prefix, value in ids.items() if value in own}
    assert {"/v1/events/{event_id}", "/v1/plans/{run_id}", "/v1/users/{user_id}", "/v1/keys/{key_id}"} <= seen


@SQLITE
def test_an_id_that_two_organisations_choose_is_two_things(things, mine, other):
    event = {**mine.organiser.get(things.address("/v1/events/{event_id}")).json()["event"], "name": "别人的活动"}
    before = mine.organiser.get(things.address("/v1/events/{event_id}")).json()
    answer = other.organiser.put(f"/v1/events/{event['id']}", json=event)
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert mine.organiser.get(f"/v1/events/{event['id']}").json() == before


@SQLITE
def test_a_body_cannot_name_what_is_another_organisations(things, other):
    """By event_id, by snapshot (its id, or the beginning of it), by `to`, by cursor: as if it were not there."""
    event, snapshot = things.value("/v1/events/{event_id}"), things.value("/v1/snapshots/{snapshot}")
    own = other.broker.post("/v1/snapshots", json={"offers": [{"offer_id": "x", **ONE}]}).json()["id"]
    questions = [
        {"event_id": event, "offers": [{"offer_id": "x", **ONE}]},
        {"event": EVENT, "snapshot": snapshot},
        {"event": EVENT, "snapshot": snapshot[:12]},
        {"event": {**EVENT, "policy": things.value("/v1/policies/{policy_id}")}, "snapshot": own},
    ]
    for question in questions:
        text = json.dumps(question)
        missing = json.loads(text.replace(event, "no-such-event").replace(snapshot[:12], "0" * 12))
        answers = [other.organiser.post("/v1/plans", json=q) for q in (question, missing)]
        assert [a.status_code for a in answers] == [422, 422], answers[0].text
        assert without_place(answers[0]) == without_place(answers[1])
    to = other.broker.get(f"/v1/snapshots/{own}/differences", params={"to": snapshot})
    assert to.status_code == 404
    cursors = {"/v1/plans": "/v1/plans/{run_id}", "/v1/users": "/v1/users/{user_id}", "/v1/keys": "/v1/keys/{key_id}"}
    for path, prefix in cursors.items():
        assert other.administrator.get(path, params={"cursor": things.value(prefix)}).status_code == 422


ONE = {"instrument": "ccer", "quantity": "10", "price": "1"}
EVENT = {"id": "e", "end_date": "2026-10-11", "emissions": {"tonnes": "5", "status": "verified"}}


# ------------------------------------------------------------------------------------- rows only through their owner

BESIDE = {
    "api/access/people.py": "finds out who somebody is, before there is a scope",
    "api/access/trail.py": "chains of all organisations are verified by the operator",
    "api/verification.py": "the operator verifies the whole database",
    "api/ledger/accounts.py": "the operator adds up the whole ledger",
    "api/ledger/retirement_checks.py": "the operator verifies every retirement",
    "api/ledger/reminders.py": "deadlines of all organisations, each told to its own",
    "api/ledger/serials.py": "nothing is used twice, by whomever: a claim is held against everybody's",
    "api/jobs/waiting.py": "counts for monitors, of all organisations together, naming none",
    "api/jobs/dispatch.py": "a worker takes jobs of every organisation and then acts as their maker",
}
"""Files that reach rows of every organisation, and why."""


@cache
def owned_tables() -> set[str]:
    return {t.name for t in tables.tables.tables.values() if "organisation_id" in t.c}


def names_of_tables(tree: ast.Module) -> dict[str, str]:
    """What a file calls the tables that belong to organisations: `events` or `tables.events` -> events."""
    from importlib import import_module

    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("api.database"):
            for alias in node.names:
                here = alias.asname or alias.name
                module = import_module(node.module or "")
                if hasattr(module, alias.name) and not isinstance(getattr(module, alias.name), ModuleType):
                    inner = {here: getattr(module, alias.name)}
                else:
                    inside = vars(import_module(f"{node.module}.{alias.name}"))
                    inner = {f"{here}.{name}": thing for name, thing in inside.items()}
                known |= {n: t.name for n, t in inner.items() if isinstance(t, Table) and t.name in owned_tables()}
    return known


def unowned_statements(path: Path) -> list[str]:
    """Statements that select, change, add or remove rows of an owned table and do not say whose."""
    source = path.read_text("utf-8")
    if "api.database" not in source:
        return []
    tree = ast.parse(source)
    owned = set(names_of_tables(tree))
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = []
    for node in (n for n in ast.walk(tree) if isinstance(n, ast.stmt)):
        parts = [p for p in ast.iter_child_nodes(node) if not isinstance(p, ast.stmt | ast.excepthandler)]
        verbs = {verb for p in parts for n in ast.walk(p) if (verb := verb_over(n, owned))}
        if not verbs:
            continue
        whole = " ".join(ast.unparse(p) for p in parts)
        # Rows that are added are often gathered before: the function says whose they are.
        around = [ast.unparse(f) for f in functions if verbs == {"insert"} and node in ast.walk(f)]
        words = (".mine(", "organisation_id", "scope.select(")
        if not any(word in whole for word in words) and not any("organisation_id" in text for text in around):
            found.append((node.lineno, f"{path.name}:{node.lineno} {whole.splitlines()[0]}"))
    return [told for _, told in sorted(found)]


def verb_over(node: ast.AST, owned: set[str]) -> str:
    """What a call does with one of the tables; "" for what is no such call."""
    if not isinstance(node, ast.Call):
        return ""
    verb = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    if verb not in ("select", "update", "delete", "insert", "join", "select_from"):
        return ""
    named = {ast.unparse(n) for n in ast.walk(node) if isinstance(n, ast.Name | ast.Attribute)}
    return str(verb) if named & owned else ""


def test_rows_of_organisations_are_reached_only_through_their_owner():
    root = Path(api.__file__).parent
    found: dict[str, list[str]] = {}
    for path in sorted(root.rglob("*.py")):
        where = f"api/{path.relative_to(root).as_posix()}"
        if "migrations" not in where and (statements := unowned_statements(path)):
            found[where] = statements
    assert not {k: v for k, v in found.items() if k not in BESIDE}
    assert set(BESIDE) - set(found) <= {w for w in BESIDE if not (root.parent / w).exists()}, "no longer needed"


def test_a_statement_that_does_not_say_whose_rows_is_found(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from sqlalchemy import select, update\n"
        "from api.database import tables\n"
        "from api.database.tables import runs as r\n"
        "def f(c, scope):\n"
        "    if c.execute(select(r.c.id)).first():\n"
        "        wanted = update(tables.events).values(version=1)\n"
        "    c.execute(tables.users.insert(), {})\n"
        "    right = select(r).where(scope.mine(r))\n"
        "    return wanted, right\n"
    )
    assert [s.split(" ")[0] for s in unowned_statements(wrong)] == ["wrong.py:5", "wrong.py:6", "wrong.py:7"]
