"""Quotes that were made: kept whole for the broker, and as a paper of its own for the client.

    offered   what the client reads: lines, prices, total. Written here, from what a client may know, and kept apart
    costs     what the lines cost and earn, and who sells them
    plan      the plan at selling prices, `inventory` the lots at cost, `margin` the rules: with them everything shows

A quote reserves nothing: a hold does. It never changes; past `valid_until` it can no longer be held. What its client
answers is kept beside it (see `answers`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError
from sqlalchemy import RowMapping, select

from api import settings
from api.access import people
from api.access.scope import Scope
from api.access.secrets import new_id
from api.archive import documents
from api.archive.documents import Packed, packed
from api.database.ledger_tables import holds as hold_table
from api.database.ledger_tables import quotes
from api.database.tables import organisations
from api.ledger import answers, holds
from api.ledger.holds import Client, LineHeld
from api.ledger.margins import Margin
from api.ledger.quoting import QuoteMade, QuoteTask
from api.refusals import Refused
from market_data.store_tables import time_text
from optimizer.errors import BadInput
from optimizer.findings import fault, faults_of
from optimizer.nouns import Noun
from optimizer.plan import canonical
from optimizer.quantities import tonnes, yuan

HOURS_MAX = 24 * 90
HOURS = 24
SETTING = "quoting"
"""Where an organisation's settings keep these terms."""

type Feedback = Literal["none", "band", "exact"]


class QuotingTerms(Noun):
    """How an organisation quotes where a request says nothing else."""

    margin: Margin = Margin()
    valid_hours: int = Field(default=HOURS, ge=1, le=HOURS_MAX)
    feedback: Feedback = "none"
    """What the seller of a lot that lost is told of the price at which it would have won."""


def quoting_terms(scope: Scope) -> QuotingTerms:
    """The organisation's own."""
    return QuotingTerms.model_validate(people.settings_of(scope).get(SETTING, {}))


def set_quoting_terms(scope: Scope, terms: QuotingTerms) -> None:
    """Replaces them."""
    people.change_settings(scope, {SETTING: terms.dump()})


def terms_from(value: Any) -> QuotingTerms:
    """Terms from plain values. Raises BadInput with every fault."""
    try:
        return QuotingTerms.model_validate(value)
    except ValidationError as error:
        raise BadInput(faults_of(error, QuotingTerms)) from error


# ------------------------------------------------------------------------------------------------------------- keeping


@dataclass(frozen=True)
class Ready:
    """Quotes with all their documents, made ready before the transaction that keeps them."""

    made: tuple[QuoteMade, ...]
    firm: bool
    as_of: date
    offered: tuple[Packed, ...]
    costs: tuple[Packed, ...]
    inventory: Packed
    margin: Packed

    @property
    def papers(self) -> list[Packed]:
        """Every document."""
        return [self.inventory, self.margin, *self.offered, *self.costs, *(one.plan for one in self.made)]


def ready(task: QuoteTask, made: Sequence[QuoteMade], broker: str) -> Ready:
    """Writes the papers of quotes."""
    return Ready(
        tuple(made),
        task.firm,
        task.as_of,
        tuple(_paper(_offered(task, one, broker)) for one in made),
        tuple(_paper(_costs(one)) for one in made),
        _paper([dict(row) for row in task.lots]),
        _paper(task.margin.dump()),
    )


def _paper(document: Any) -> Packed:
    return packed(canonical(document).encode())


def _offered(task: QuoteTask, made: QuoteMade, broker: str) -> dict[str, Any]:
    """What the client may know, and nothing else: no cost, no margin, no seller, no other lot, no plan."""
    short = max(made.required_kg - made.covered_kg, 0)
    return {
        "broker": broker,
        "event_id": made.event_id,
        "event_name": made.event_name,
        "as_of": task.as_of.isoformat(),
        "firm": task.firm,
        "status": made.status,
        "required_t": tonnes(made.required_kg),
        "covered_t": tonnes(made.covered_kg),
        "shortfall_t": tonnes(short),
        "lines": [{**line.facts, "tonnes": tonnes(line.kg), "price": yuan(line.price_fen)} for line in made.lines],
        "fee": yuan(made.fee_fen),
        "price": yuan(made.price_fen),
    }


def _costs(made: QuoteMade) -> list[dict[str, Any]]:
    return [
        {
            "lot": line.lot_id,
            "seller": line.seller,
            "cost": yuan(line.cost_fen),
            "margin": yuan(line.price_fen - line.cost_fen),
            "kg": line.kg,
            "price_fen": line.price_fen,
        }
        for line in made.lines
    ]


def keep_quotes(
    scope: Scope, papers: Ready, clients: Sequence[Client], valid_until: datetime, batch_id: str | None = None
) -> list[str]:
    """Keeps quotes for good; gives their ids in the order in which they were made.

    Args:
        scope: the broker's organisation.
        papers: the quotes.
        clients: for whom, by the place of the event in what was asked.
        valid_until: at the latest; a quote ends with the last day of its lots, if that is earlier.
        batch_id: of quotes that were made together.

    Raises:
        BadInput: a client's organisation that is not there; a moment that has passed.
    """
    _check_clients(scope, clients)
    if valid_until <= scope.now:
        zh, en = "应在将来", "should lie in the future"
        raise BadInput([fault("valid_until", zh, en, path="valid_until", value=valid_until.isoformat())])
    documents.keep_packed(scope.c, papers.papers)
    rows: list[dict[str, Any]] = []
    for k, one in enumerate(papers.made):
        client = clients[one.place]
        last = valid_until if one.valid_until is None else min(valid_until, end_of_day(one.valid_until))
        rows.append(
            {
                **{"id": new_id(), "organisation_id": scope.actor.organisation_id, "batch_id": batch_id},
                **{"event_id": one.event_id, "client": client.name, "client_organisation_id": client.organisation_id},
                **{"firm": papers.firm, "status": one.status, "as_of": papers.as_of.isoformat()},
                **{"valid_until": time_text(last), "plan_id": one.plan_id},
                **{"required_kg": one.required_kg, "covered_kg": one.covered_kg},
                **{"price_fen": one.price_fen, "cost_fen": one.cost_fen},
                **{"offered": papers.offered[k].sha256, "costs": papers.costs[k].sha256, "plan": one.plan.sha256},
                **{"inventory": papers.inventory.sha256, "margin": papers.margin.sha256},
                **{"made_by": scope.actor.user_id, "made_at": scope.now_text},
            }
        )
    scope.c.execute(quotes.insert(), rows)
    for row in rows:
        told = {"event": row["event_id"], "plan": row["plan_id"], "client": row["client"], "firm": row["firm"]}
        scope.note("quote.make", row["id"], **told, price=yuan(row["price_fen"]), batch=batch_id)
    return [row["id"] for row in rows]


def _check_clients(scope: Scope, clients: Sequence[Client]) -> None:
    named = {client.organisation_id for client in clients if client.organisation_id is not None}
    known = set(scope.c.execute(select(organisations.c.id).where(organisations.c.id.in_(named))).scalars())
    zh, en = "没有这个单位", "there is no such organisation"
    found = [fault("unknown", zh, en, path="client_organisation", value=one) for one in sorted(named - known)]
    if found:
        raise BadInput(found)


def end_of_day(day: date) -> datetime:
    """The moment at which a day of the market ends."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(settings.MARKET_ZONE))


# ------------------------------------------------------------------------------------------------------------- reading


def is_open(scope: Scope, row: RowMapping) -> bool:
    """Whether the quote still stands, by the database's clock."""
    return bool(row["valid_until"] > scope.now_text)


def as_client_reads(scope: Scope, row: RowMapping) -> dict[str, Any]:
    """A quote as its client reads it; `row` has no other columns than `received.SHOWN`."""
    offered: dict[str, Any] = json.loads(documents.content_of(scope.c, row["offered"]))
    moments = {"valid_until": row["valid_until"], "made_at": row["made_at"]}
    return {"id": row["id"], **moments, "open": is_open(scope, row), **offered}


def as_rows(scope: Scope, rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """Lines of the broker's list of quotes, each with what its client answered."""
    answered = answers.last_answers(scope, [row["id"] for row in rows])
    return [{**_as_row(scope, row), "answer": answers.as_dict(answered.get(row["id"]))} for row in rows]


def as_row(scope: Scope, row: RowMapping) -> dict[str, Any]:
    """A line of the broker's list of quotes."""
    return as_rows(scope, [row])[0]


def _as_row(scope: Scope, row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "batch_id": row["batch_id"],
        "event_id": row["event_id"],
        "client": row["client"],
        "client_organisation": row["client_organisation_id"],
        "firm": row["firm"],
        "open": is_open(scope, row),
        "valid_until": row["valid_until"],
        "as_of": row["as_of"],
        "status": row["status"],
        "plan_id": row["plan_id"],
        "required_t": tonnes(row["required_kg"]),
        "covered_t": tonnes(row["covered_kg"]),
        "price": yuan(row["price_fen"]),
        "cost": yuan(row["cost_fen"]),
        "margin": yuan(row["price_fen"] - row["cost_fen"]),
        "made_by": row["made_by"],
        "made_at": row["made_at"],
    }


def as_broker_reads(scope: Scope, row: RowMapping) -> dict[str, Any]:
    """A quote whole: what the client reads, and what each line costs and earns."""
    offered = json.loads(documents.content_of(scope.c, row["offered"]))
    costs = json.loads(documents.content_of(scope.c, row["costs"]))
    lines = [
        {**line, **{k: cost[k] for k in ("lot", "seller", "cost", "margin")}}
        for line, cost in zip(offered["lines"], costs, strict=True)
    ]
    return {**as_row(scope, row), "fee": offered["fee"], "lines": lines}


def lines_to_hold(scope: Scope, row: RowMapping) -> list[LineHeld]:
    """A quote's lines, to be held at their prices.

    Raises:
        Refused: `conflict`, an indicative quote, one that its client declined, or one without lines; `expired`, past
            its moment.
    """
    if not row["firm"]:
        zh, en = (
            "意向报价不能预留; 请先作出确定报价 (firm: true)",
            "is indicative; ask for a firm quote first (firm: true)",
        )
        raise Refused("conflict", [fault("indicative", zh, en, path="quote_id", value=row["id"])])
    if not is_open(scope, row):
        raise ended(row)
    answers.refuse_declined(scope, row["id"])
    offered = json.loads(documents.content_of(scope.c, row["offered"]))
    costs = json.loads(documents.content_of(scope.c, row["costs"]))
    if not costs:
        zh, en = "此报价没有可预留的行", "this quote has no line to hold"
        raise Refused("conflict", [fault("no_lines", zh, en, path="quote_id", value=row["id"])])
    return [
        LineHeld(cost["lot"], cost["kg"], cost["price_fen"], _facts(line, cost))
        for line, cost in zip(offered["lines"], costs, strict=True)
    ]


def ended(row: RowMapping) -> Refused:
    """A quote that stands no more."""
    zh, en = (
        f"报价已于 {row['valid_until']} 失效; 需要新的报价",
        f"ended at {row['valid_until']}; a new quote is needed",
    )
    return Refused("expired", [fault("quote_expired", zh, en, path="quote_id", value=row["id"])])


def _facts(line: dict[str, Any], cost: dict[str, Any]) -> dict[str, Any]:
    return {**{k: v for k, v in line.items() if k not in ("tonnes", "price")}, "seller": cost["seller"]}


def hold_quote(scope: Scope, quote_id: str, minutes: int, reason: str) -> str:
    """Holds a quote whole, at its prices, for so many minutes; gives the hold's id.

    Raises:
        Refused: as `lines_to_hold` and `holds.take`.
    """
    row = scope.one(quotes, quote_id)
    client = Client(row["client"], row["client_organisation_id"])
    return holds.take(scope, client, lines_to_hold(scope, row), minutes, reason, quote_id)


def hold_again(scope: Scope, hold_id: str, expires_at: datetime) -> str:
    """Holds once more what a hold kept, at its prices, until a moment; gives the new hold's id.

    Raises:
        Refused: `expired`, the moment or the quote has passed; `sold_out`, where too little is left; `conflict`, where
            the quote is held or ordered already; `not_found`.
    """
    row = scope.one(hold_table, hold_id)
    minutes = (expires_at - scope.now) // timedelta(minutes=1)
    if minutes < 1:
        raise Refused("expired", [fault("hold_expired", "预留的时限已过", "the time of the hold is over")])
    if row["quote_id"] is None:
        lines = [
            LineHeld(line["lot_id"], line["kg"], line["price_fen"], json.loads(line["facts"]))
            for line in holds.lines_of(scope, [hold_id])
        ]
    else:
        lines = lines_to_hold(scope, scope.one(quotes, row["quote_id"]))
    client = Client(row["client"], row["client_organisation_id"])
    return holds.take(scope, client, lines, min(minutes, holds.MINUTES_MAX), row["reason"], row["quote_id"])


def extend_hold(scope: Scope, hold_id: str, expires_at: datetime, reason: str) -> str:
    """Gives a hold back and holds the same again until a later moment, both or neither; gives the new hold's id.

    Raises:
        Refused: as `hold_again`; `conflict`, where the hold has ended.
    """
    holds.release(scope, hold_id, reason)
    return hold_again(scope, hold_id, expires_at)
