"""What is kept becomes papers: a plan, a version of a disclosure, a quote, under a name that says what it is.

Routes and pages call this alone. Reading is quick and belongs into the caller's transaction; writing takes a second,
and some seconds for a thousand purchases: it belongs outside it, in a thread. `Readied.file` does it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from api import settings
from api.access.received import received_quote
from api.access.scope import Scope
from api.archive import runs
from api.database import ledger_tables, retirement_tables
from api.ledger import disclosures, quotes
from api.printable import printable
from api.reports.disclosure_statement import DisclosedVersion
from api.reports.papers import MEDIA_TYPES, comparison_paper, disclosure_paper, plan_paper, quote_paper
from api.reports.plan_chapter import title_of_events
from api.reports.quote_letter import QuoteTold
from api.reports.words import event_names, pick
from optimizer.plan import Plan
from optimizer.wording import Language
from scenarios.side_by_side import SideBySide

NAME_CHARACTERS_MAX = 80
"""Of an event's name in a file's name; some systems take 255 bytes, three a Chinese character."""
KEPT_IN_NAMES = "-_.()（）"


@dataclass(frozen=True)
class PaperFile:
    """A paper ready to be sent or saved."""

    content: bytes
    media_type: str
    name: str
    """For people, in their words."""
    plain_name: str
    """The same paper for programs that know ASCII only."""

    @property
    def disposition(self) -> str:
        """The header by which a browser saves it under its name."""
        return f"attachment; filename=\"{self.plain_name}\"; filename*=UTF-8''{quote(self.name, safe='')}"


@dataclass(frozen=True)
class Readied:
    """A thing that was read, and how its paper is written."""

    stem: str
    plain_stem: str
    write: Callable[[str, Language], bytes]

    def file(self, kind: str, lang: Language) -> PaperFile:
        """The paper of this kind. Takes a second, and some for a thousand purchases."""
        content = self.write(kind, lang)
        return PaperFile(content, MEDIA_TYPES[kind], f"{self.stem}.{kind}", f"{self.plain_stem}.{kind}")


def plan_readied(scope: Scope, run_id: str) -> Readied:
    """A plan's papers. Raises Refused `not_found`."""
    content = runs.plan_of(scope, runs.find_run(scope, run_id))
    return plan_papers(content, settings.today())


def plan_papers(content: bytes, today: date) -> Readied:
    """The papers of a plan from its JSON."""
    plan = Plan.model_validate_json(content)
    names = event_names(plan)
    name = names[plan.events[0].id] if len(plan.events) == 1 else f"{len(plan.events)}"
    stem = f"{_for_a_file(name)}-{plan.plan_id[:12]}"
    return Readied(stem, f"plan-{plan.plan_id[:12]}", lambda kind, lang: plan_paper(plan, kind, lang, today))


def comparison_file(table: SideBySide, kind: str, lang: Language, today: date) -> PaperFile:
    """A comparison as a file of one of the kinds of papers.comparison_paper. Takes seconds."""
    base = table.base.result
    assert isinstance(base, Plan), "the base was planned"
    compared = pick(lang, "比选", "comparison")
    stem = f"{_for_a_file(title_of_events(base, lang))}-{compared}-{base.plan_id[:12]}"
    content = comparison_paper(table, kind, lang, today)
    return PaperFile(content, MEDIA_TYPES[kind], f"{stem}.{kind}", f"comparison-{base.plan_id[:12]}.{kind}")


def disclosure_readied(scope: Scope, disclosure_id: str) -> Readied:
    """The papers of a version of a disclosure. Raises Refused `not_found`."""
    row = scope.one(retirement_tables.disclosures, disclosure_id)
    whole = disclosures.whole(scope, row)
    plan = json.loads(runs.plan_of(scope, runs.find_run(scope, row["plan_id"])))
    told = DisclosedVersion(
        version=int(row["version"]),
        draft=bool(row["draft"]),
        sha256=whole["sha256"],
        record=whole["record"],
        made_on=_market_time(row["made_at"]).date(),
        published_on=None if whole["published_at"] is None else _market_time(whole["published_at"]).date(),
        place=whole["place"] or "",
        hashes={key: str(plan["provenance"][key]) for key in ("events_sha256", "offers_sha256")},
    )
    stem = f"{_for_a_file(str(whole['record']['event']['name'] or row['event_id']))}-v{told.version}"
    plain = f"disclosure-{told.sha256[:12]}-v{told.version}"
    return Readied(stem, plain, lambda kind, lang: disclosure_paper(told, kind, lang))


def quote_readied(scope: Scope, quote_id: str) -> Readied:
    """The papers of a quote that the organisation made, as its client gets them. Raises Refused `not_found`."""
    row = scope.one(ledger_tables.quotes, quote_id)
    return _quote_papers(scope, row, row["client"])


def received_quote_readied(scope: Scope, quote_id: str) -> Readied:
    """The papers of a quote that the organisation got. Raises Refused `not_found`."""
    return _quote_papers(scope, received_quote(scope, quote_id), scope.actor.organisation)


def _quote_papers(scope: Scope, row: Any, client: str) -> Readied:
    offered = quotes.as_client_reads(scope, row)
    told = QuoteTold(
        quote_id=offered["id"],
        sha256=row["offered"],
        offered=offered,
        client=client,
        made_on=_market_time(offered["made_at"]).date(),
        valid_until=_market_time(offered["valid_until"]),
        open=offered["open"],
    )
    stem = f"{_for_a_file(str(offered['event_name'] or offered['event_id']))}-{told.quote_id[:8]}"
    return Readied(stem, f"quote-{told.quote_id}", lambda kind, lang: quote_paper(told, kind, lang))


def _market_time(text: str) -> datetime:
    """A moment that is kept in UTC, as the market's clocks show it."""
    return datetime.fromisoformat(text).astimezone(ZoneInfo(settings.MARKET_ZONE))


def _for_a_file(name: str) -> str:
    """A name that every file system takes: letters, digits and a few signs."""
    kept = "".join(c if c.isalnum() or c in KEPT_IN_NAMES else "_" for c in printable(name))
    return kept[:NAME_CHARACTERS_MAX].strip("._") or "paper"
