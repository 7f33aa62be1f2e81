"""The form of a question for a plan: what there is to choose from, and what was chosen as `POST /v1/plans` asks it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from api import settings
from api.access.scope import Scope
from api.archive import events, packs
from api.database import tables
from market_data.snapshot import ID_SHOWN_LENGTH
from optimizer.rule_pack import read_rule_pack, shipped_rule_packs
from optimizer.term_names import OBJECTIVE_NAMES
from optimizer.wording import Language, Text

CHOICES_MAX = 300
"""Events and markets that a form offers, the newest; an older one stands there when the address names it."""
FIELDS = ("event_id", "snapshot", "as_of", "policy", "objective", "epsilon", "budget", "explain")

type Options = Sequence[tuple[str, str | Text]]


@dataclass(frozen=True)
class Choices:
    """What a question can be asked about."""

    events: Options
    markets: Options
    packs: Options

    @property
    def is_ready(self) -> bool:
        """Whether there is an event and a market."""
        return bool(self.events and self.markets)


def choices(scope: Scope, lang: Language, known: Mapping[str, str]) -> Choices:
    """The organisation's events, markets and rule packs, the newest first, and those that the address names."""
    rows, _ = scope.page(tables.events, CHOICES_MAX, None, events.newest_only(scope))
    asked = known.get("event_id", "")
    ids = [str(r["event_id"]) for r in rows]
    if asked and asked not in ids and _is_kept(scope, asked):
        ids.append(asked)
    held, _ = scope.page(tables.held_snapshots, CHOICES_MAX, None)
    offered = {str(r["snapshot_id"]): r for r in held}
    for row in _named_market(scope, known.get("snapshot", "")):
        offered.setdefault(str(row["snapshot_id"]), row)
    own = [str(r["pack_id"]) for r in packs.newest_packs(scope)]
    return Choices(
        [(k, k if name == k else f"{name} ({k})") for k, name in events.names_of(scope, ids).items()],
        [(k, _market_name(r, lang)) for k, r in offered.items()],
        [(name, f"{name}: {read_rule_pack(name).title.say(lang)}") for name in shipped_rule_packs()]
        + [(name, name) for name in own if name not in shipped_rule_packs()],
    )


def _market_name(row: Any, lang: Language) -> str:
    n, short = int(row["offers"]), str(row["snapshot_id"])[:ID_SHOWN_LENGTH]
    count = f"{n:,} 个报价" if lang == "zh" else f"{n:,} offers"
    return f"{row['name']} · {row['as_of']} · {count} · {short}"


def _is_kept(scope: Scope, event_id: str) -> bool:
    return scope.count(tables.events, tables.events.c.event_id == event_id) > 0


def _named_market(scope: Scope, text: str) -> list[Any]:
    c = tables.held_snapshots.c
    full = text if len(text) == 64 else ""
    return list(scope.rows(scope.select(tables.held_snapshots, c.snapshot_id == full))) if full else []


def market_of(text: str, known: Choices) -> str:
    """The market that an address names, by its id or the beginning of it."""
    return next((k for k, _ in known.markets if text and k.startswith(text)), text)


def asked_values(given: Mapping[str, str], known: Choices) -> dict[str, str]:
    """What the form shows: as given, and where nothing is, the newest event and market, and today."""
    values = {name: given.get(name, "").strip()[:1000] for name in FIELDS}
    values["event_id"] = values["event_id"] or (str(known.events[0][0]) if known.events else "")
    values["snapshot"] = market_of(values["snapshot"], known) or (str(known.markets[0][0]) if known.markets else "")
    values["as_of"] = values["as_of"] or settings.today().isoformat()
    return values


def question_of_form(given: Mapping[str, str]) -> dict[str, Any]:
    """The question as a program asks it: blanks left out, the slack in per cent as a share, money without commas."""
    asked: dict[str, Any] = {k: given.get(k, "").strip() for k in FIELDS if given.get(k, "").strip()}
    if "epsilon" in asked:
        asked["epsilon"] = share_of_percent(asked["epsilon"])
    if asked.get("objective") not in (None, "balanced"):
        asked.pop("epsilon", None)
    if "budget" in asked:
        asked["budget"] = asked["budget"].replace(",", "").replace("，", "")
    return asked


def share_of_percent(text: str) -> str:
    """A share of 1; what is no number stays as it is, and is refused where the question is read."""
    try:
        return f"{Decimal(text.rstrip('% ')) / 100:f}"
    except InvalidOperation:
        return text


def objective_options() -> Options:
    """The presets in words, and the event's own first."""
    first = ("", Text("按活动的设定 (通常为推荐顺序优先)", "as the event says (usually the recommended order)"))
    return [first, *OBJECTIVE_NAMES.items()]
