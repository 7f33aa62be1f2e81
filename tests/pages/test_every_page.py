"""Laws of all pages, by a walk through their routers: who may look, in which language, and that nothing is inline."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from fastapi.routing import APIRoute

from api.access.roles import MAY, ROLES
from api.pages.page_list import PAGES
from api.pages.viewing import PLACES, POLICY, Viewing
from tests.http.conftest import client_of
from tests.http.things import Operation, Things

OPEN = {
    "GET /static/{version}/{name}",
    "GET /favicon.ico",
    "GET /sign-in",
    "POST /sign-in",
}
"""What anybody may ask for."""
PARAMETERS = {
    "run_id": "/v1/plans/{run_id}",
    "snapshot": "/v1/snapshots/{snapshot}",
    "event_id": "/v1/events/{event_id}",
    "job_id": "/v1/jobs/{job_id}",
    "budget_id": "/v1/jobs/{budget_id}",
    "policy_id": "/v1/policies/{policy_id}",
    "user_id": "/v1/users/{user_id}",
    "key_id": "/v1/keys/{key_id}",
    "lot_id": "/v1/inventory/{lot_id}",
    "quote_id": "/v1/quotes/{quote_id}",
    "hold_id": "/v1/holds/{hold_id}",
    "order_id": "/v1/orders/{order_id}",
    "retirement_id": "/v1/retirements/{retirement_id}",
    "serial_id": "/v1/retirements/{retirement_id}/serials/{serial_id}",
    "evidence_id": "/v1/retirements/{retirement_id}/evidence/{evidence_id}",
    "disclosure_id": "/v1/disclosures/{disclosure_id}",
}
"""A parameter of a page's address -> the address in `/v1` of the same thing."""
BYTES_MAX = 100_000


def page_operations() -> list[Operation]:
    """Every operation of the pages."""
    found = []
    for router in PAGES:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            gates = [d.call for d in route.dependant.dependencies if isinstance(d.call, Viewing)]
            assert len(gates) <= 1, f"{route.path} asks twice"
            permission = gates[0].permission if gates else None
            found += [Operation(m, route.path, permission) for m in sorted(route.methods or ())]
    return found


OPERATIONS = page_operations()
LOOKED_AT = [o for o in OPERATIONS if o.method == "GET" and str(o) not in OPEN]


@pytest.fixture
def things(mine: Any) -> Things:
    return Things(mine)


def address_of(operation: Operation, things: Things) -> str:
    """Where a page is, with what its address names made for an organisation."""

    def value(match: "re.Match[str]") -> str:
        name = match.group(1)
        if name == "seq":
            return "1"
        if name not in PARAMETERS:
            pytest.fail(f"{operation}: say in PARAMETERS what {name} is, or give the page a test of its own")
        return things.value(PARAMETERS[name])

    return re.sub(r"\{(\w+)(?::\w+)?\}", value, operation.path)


def test_every_page_says_who_may_look_or_is_known_to_be_open():
    assert {str(o) for o in OPERATIONS if o.permission is None} == OPEN


def test_the_navigation_leads_to_pages_of_the_same_permission():
    known = {o.path: o.permission for o in OPERATIONS if o.method == "GET"}
    assert {p.path: p.permission for _, places in PLACES for p in places} == {
        p.path: known[p.path] for _, places in PLACES for p in places
    }


def test_whoever_is_not_signed_in_is_led_to_signing_in(app, mine):
    nobody = client_of(app)
    for operation in OPERATIONS:
        if operation.permission is not None:
            path = re.sub(r"\{[^}]*\}", "x", operation.path)
            answer = nobody.request(operation.method, path, follow_redirects=False)
            assert answer.status_code == 303, operation
            assert answer.headers["location"].startswith("/sign-in"), operation


def test_a_role_sees_what_it_may_and_nothing_else(mine):
    for operation in OPERATIONS:
        for role in ROLES:
            if operation.permission is not None and operation.permission not in MAY[role]:
                path = re.sub(r"\{[^}]*\}", "x", operation.path)
                answer = getattr(mine, role).request(operation.method, path, follow_redirects=False)
                assert answer.status_code == 403, f"{operation} as {role}: {answer.status_code}"


WITH_THINGS = [o for o in LOOKED_AT if "{" in o.path and str(o) != "GET /audit/{seq}"]
"""Pages of things that have an address; entries of the trail are numbered, and everybody has a first one."""


@pytest.mark.parametrize("operation", WITH_THINGS, ids=str)
def test_what_is_another_organisations_is_not_there(things, other, operation):
    answer = other.administrator.get(address_of(operation, things), follow_redirects=False)
    assert answer.status_code in (404, 422), f"{answer.status_code}: {answer.text[:300]}"


class Text(HTMLParser):
    """What is to be read on a page, and what should not stand in it."""

    def __init__(self, lang: str) -> None:
        super().__init__()
        self.lang = lang
        self.words: list[str] = []
        self.odd: list[str] = []
        self.headings = 0
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        for name, value in attrs:
            if name == "style" or name.startswith("on") or (value or "").strip().lower().startswith("javascript:"):
                self.odd.append(f"<{tag} {name}={value!r}>")
            if name in ("aria-label", "title", "placeholder", "alt") and value and not self._elsewhere():
                self.words.append(value)
        if tag == "style" or (tag == "script" and "src" not in given):
            self.odd.append(f"<{tag}>")
        self.headings += tag == "h1"
        if tag not in VOID:
            elsewhere = "lang" in given and tag != "html" and not str(given["lang"]).startswith(self.lang)
            self._open.append((tag, elsewhere or tag in ("code", "pre", "textarea", "script")))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._elsewhere():
            self.words.append(" ".join(data.split()))

    def _elsewhere(self) -> bool:
        return any(elsewhere for _, elsewhere in self._open)


VOID = {"meta", "link", "img", "input", "br", "hr", "path", "rect", "circle", "line", "use", "source", "wbr", "col"}
NAMES = re.compile(
    r"三晋绿色生活|三晋|小型会议|甲|晋衡|晋环发〔2022〕\s*41\s*号|新用户|生态环境部公告2019年第19号|山西省大型活动碳中和实施方案(（试行）|\(试行\))?"
    r"|大型活动碳中和实施指南(（试行）|\(试行\))?|山西省生态环境厅等七部门|[一二三四五六七八九]、?[（(][一二三四五六七八九十]+[）)]"
    r"|抵消方式|新建林业项目|完成时限|注销|全国碳市场|全国碳排放权交易市场"
)
"""What users typed, and names and clauses of documents that have no other name in English."""
HAN = re.compile(r"[\u3400-\u9fff]+")
SENTENCE = re.compile(r"\b[A-Za-z][a-z]+(?: [a-z]+){3,}")
"""Four words of English in a row."""


@pytest.mark.parametrize("operation", LOOKED_AT, ids=str)
def test_a_page_speaks_its_language_and_holds_nothing_inline(things, mine, operation):
    path = address_of(operation, things)
    for lang in ("zh", "en"):
        answer = mine.administrator.get(path, params={"lang": lang}, headers={"accept-language": lang})
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text[:500]}"
        if "text/html" not in answer.headers["content-type"]:
            return
        assert answer.headers["content-security-policy"] == POLICY
        assert len(answer.content) < BYTES_MAX
        found = Text(lang)
        found.feed(answer.text)
        assert found.odd == []
        whole = "<html" in answer.text
        assert found.headings == (1 if whole else 0), "a page has one heading of the first level"
        assert untranslated(found.words, lang) == []


def untranslated(words: list[str], lang: str) -> list[str]:
    """Texts of a page in a language that are in the other."""
    return [text for text in words if _is_foreign(text, lang)]


def _is_foreign(text: str, lang: str) -> bool:
    if lang == "en":
        return bool(HAN.search(NAMES.sub("", text)))
    return bool(SENTENCE.search(text)) and not HAN.search(text)


def test_an_untranslated_text_is_found():
    assert untranslated(["没有内容", "of 三晋绿色生活"], "en") == ["没有内容"]
    assert untranslated(["There is nothing here yet", "CCER-1", "2026 年 of it"], "zh") == ["There is nothing here yet"]


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e=cmd|'/c calc'!A1 {{7*7}} 😀" + "长" * 60


def test_hostile_text_is_only_ever_text(mine):
    """What a user typed stands on every page that shows it as what it is."""
    event: dict[str, Any] = {"id": "hostile", "name": HOSTILE, "organiser": HOSTILE, "end_date": "2026-10-11"}
    event["emissions"] = {"tonnes": "10", "status": "verified", "verifier": HOSTILE}
    assert mine.organiser.put("/v1/events/hostile", json=event).status_code == 200
    offers = [{"offer_id": HOSTILE[:100], "instrument": "allowance", "mechanism": "CEA", "quantity": "50"}]
    offers[0] |= {"price": "75", "seller": HOSTILE, "project_name": HOSTILE}
    snapshot = mine.organiser.post("/v1/snapshots", json={"offers": offers, "name": HOSTILE}).json()["id"]
    plan = mine.organiser.post("/v1/plans", json={"event_id": "hostile", "snapshot": snapshot, "as_of": "2026-11-22"})
    run = plan.headers["location"].rpartition("/")[2]
    lots = mine.broker.post("/v1/inventory", json={"offers": offers})
    assert lots.status_code in (200, 201), lots.text
    paths = ["/", "/events", "/events/hostile", "/events/hostile/edit", "/markets", f"/markets/{snapshot}", "/plans"]
    paths += [f"/plans/{run}", "/inventory", "/audit", "/quotes/new", "/compare", "/budget", "/plans/new"]
    shown = 0
    for path in paths:
        answer = mine.administrator.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text[:300]}"
        assert "<script>alert" not in answer.text and "<img src=x" not in answer.text and "49 😀" not in answer.text, (
            path
        )
        shown += "&lt;script&gt;alert" in answer.text
    assert shown >= 5
