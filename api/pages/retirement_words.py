"""What pages about retirements share: registries in both languages, states, days left, serials as people type them."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from api.access.scope import Scope
from api.ledger import retirements, retiring, serials
from api.pages.typed_forms import Typed
from api.reports.words import registry_name
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.quantities import tonnes
from optimizer.wording import INSTRUMENT_NAMES, Text, counted

DAYS_SOON = 30
STATES = {
    "due": Text("待注销", "To be cancelled"),
    "overdue": Text("已逾期", "Overdue"),
    "retired": Text("已注销", "Cancelled in its registry"),
    "cancelled": Text("已取消, 不再办理", "Called off"),
}
KINDS = {"due": "", "soon": "warn", "overdue": "bad", "retired": "good", "cancelled": ""}
"""State -> how its tag looks; the words say the same."""
SERIAL_LABELS = {
    "serials": Text("编号", "Serials"),
    "first": Text("证书编号", "Number of the certificate"),
    "tonnes": Text("吨数", "Tonnes"),
    "project_id": Text("项目编号", "Project"),
    "period_from": Text("计入期起", "Accrual from"),
    "period_until": Text("计入期止", "Accrual until"),
    "certified": Text("该时段的认证总量", "Certified in that period"),
}
LINES_MAX = 1000
"""Serials and ranges of one form, as of one request of a program."""


def days_left(deadline: str, today: date) -> Text:
    """How long there is until a deadline."""
    days = (date.fromisoformat(deadline) - today).days
    if days < 0:
        return Text(f"逾期 {-days} 天", f"{counted(-days, 'day', 'days')} overdue")
    if days == 0:
        return Text("今日到期", "due today")
    return Text(f"还有 {days} 天", f"{counted(days, 'day', 'days')} left")


def shown(row: Any, today: date) -> dict[str, Any]:
    """An instruction as pages show it: with its registry, state and days left in words."""
    found: dict[str, Any] = retirements.as_dict(row, today)
    soon = found["state"] == "due" and (date.fromisoformat(found["retire_by"]) - today).days <= DAYS_SOON
    state = "overdue" if found["overdue"] else found["state"]
    what = found["project_name"] or found["project_id"] or found["mechanism"]
    return {
        **found,
        "registry_name": registry_name(found["registry"]),
        "instrument_name": INSTRUMENT_NAMES.get(found["instrument"], Text(found["instrument"], found["instrument"])),
        "what": what or found["offer_id"],
        "standing": state,
        "state_name": STATES[state],
        "kind": KINDS["soon" if soon and state == "due" else state],
        "left": days_left(found["retire_by"], today) if found["state"] == "due" else None,
    }


def with_proof(scope: Scope, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Instructions with what of their proof is there: tonnes by serials, files."""
    known = retiring.proof_of(scope, [row["id"] for row in rows])
    return [{**row, "given_t": tonnes(known[row["id"]][0]), "files": known[row["id"]][1]} for row in rows]


# ------------------------------------------------------------------------------------------------------ what was typed


def typed_entries(form: Typed, by_the_tonne: bool) -> list[serials.Entry]:
    """The serials of a form: one serial or range a line, or one certificate with its tonnes.

    Raises:
        BadInput: nothing was typed; a day that is none; too many lines.
    """
    if not by_the_tonne:
        return [_certificate(form)]
    lines = [line.strip() for line in form.text("serials").splitlines() if line.strip()]
    if not lines:
        zh, en = "请填写编号, 每行一个或一段", "enter serials, one or one range a line"
        raise BadInput([fault("missing", zh, en, path="serials")])
    if len(lines) > LINES_MAX:
        zh, en = f"一次至多 {LINES_MAX} 行", f"at most {LINES_MAX} lines at once"
        raise BadInput([fault("too_many", zh, en, path="serials")])
    # A tab is what stands between two cells that were copied from a sheet.
    pairs = [re.split(r"\s*\t\s*", line, maxsplit=1) for line in lines]
    return [serials.Entry(pair[0], pair[1] if len(pair) > 1 else None) for pair in pairs]


def _certificate(form: Typed) -> serials.Entry:
    found: list[Finding] = []
    if not form.text("first"):
        found.append(fault("missing", "请填写证书编号", "enter the certificate's number", path="first"))
    start, end = (typed_day(form, n, found) if form.text(n) else None for n in ("period_from", "period_until"))
    if found:
        raise BadInput(found)
    first, mass, project, certified = (form.text(n) or None for n in ("first", "tonnes", "project_id", "certified"))
    return serials.Entry(str(first), None, mass, project, start, end, certified)


def typed_day(form: Typed, name: str, found: list[Finding]) -> date | None:
    """A day as a browser or a person writes it; what is none is added to `found`."""
    text = form.text(name)
    try:
        return date.fromisoformat(text)
    except ValueError:
        zh, en = "应为日期, 例如 2027-03-01", "should be a day such as 2027-03-01"
        found.append(fault("day", zh, en, path=name, value=text or None))
        return None
