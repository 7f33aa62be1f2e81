"""What worked examples are written in: one event, a handful of offers, and the answer read by name.

Keys are those of the files that users write (tonnes, yuan, dates as text), so that a case can go through any door.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

type Json = dict[str, Any]

AS_OF = "2026-11-22"
"""The day on which every worked plan is made unless the case says otherwise."""
END = "2026-10-11"
"""The end of every worked event: retire by 2027-10-11, forests deliver by 2032-10-11."""

TIERS: Mapping[int, Json] = {
    1: {"instrument": "carbon_inclusion", "mechanism": "三晋绿色生活"},
    2: {"instrument": "ccer", "mechanism": "CCER", "region": "14"},
    3: {
        "instrument": "forestry",
        "region": "14",
        "certified_by": "权威机构",
        "delivery_schedule": "2030-12-31=1",
    },
    4: {"instrument": "allowance", "mechanism": "CEA"},
    5: {"instrument": "credit", "mechanism": "VCS", "region": "15"},
}
"""What makes an offer of this tier under shanxi-2022; 5 is permitted but unranked."""


def event(tonnes: str | float = "100", **keys: Any) -> Json:
    """One event, verified, with these further keys of the event file."""
    return {"id": "e", "end_date": END, "emissions": {"tonnes": tonnes, "status": "verified"}, **keys}


def offer(offer_id: str, tier: int, quantity: str | float, price: str | float, **keys: Any) -> Json:
    """One offer of a tier of shanxi-2022 with these further columns of the offers file."""
    return {"offer_id": offer_id, "quantity": quantity, "price": price, **TIERS[tier], **keys}


@dataclass(frozen=True)
class Case:
    """Everything that a door needs: the event file's content, the rows of the offers file, the options."""

    calendar: Json
    """The event file: a calendar, also for one event."""
    offers: list[Json]
    as_of: str
    epsilon: str
    outlook: list[Json]
    """Entries `{instrument, from, factor}`."""
    explanations: Literal["none", "short", "all"]
    lang: Literal["zh", "en"]


@dataclass(frozen=True)
class Answer:
    """A plan document and short ways to read it."""

    document: Json

    def __getitem__(self, key: str) -> Any:
        return self.document[key]

    @property
    def bought(self) -> dict[str, str]:
        """Offer -> contracted tonnes; with several events "event offer", with several dates in plan order joined."""
        found: dict[str, str] = {}
        several = len(self.document["events"]) > 1
        for line in self.document["lines"]:
            key = f"{line['event_id']} {line['offer_id']}" if several else line["offer_id"]
            found[key] = line["contracted_t"] if key not in found else f"{found[key]} + {line['contracted_t']}"
        return found

    @property
    def cost(self) -> str:
        """Total cost, yuan."""
        return str(self.document["totals"]["cost"])

    @property
    def shortfall(self) -> str:
        """Total shortfall, t."""
        return str(self.document["totals"]["shortfall_t"])

    @property
    def levels(self) -> dict[str, str]:
        """Level -> value; the later of two of the same name."""
        return {level["name"]: level["value"] for level in self.document["levels"]}

    @property
    def order(self) -> list[str]:
        """The names of the levels in the order in which they were minimised."""
        return [level["name"] for level in self.document["levels"]]

    @property
    def proofs(self) -> set[str]:
        """The kinds of proof that occur."""
        return {level["proof"] for level in self.document["levels"]}

    def line(self, offer_id: str) -> Json:
        """The only line of an offer."""
        (found,) = [x for x in self.document["lines"] if x["offer_id"] == offer_id]
        return dict(found)

    def offer(self, offer_id: str) -> Json:
        """What became of an offer."""
        (found,) = [x for x in self.document["offers"] if x["offer_id"] == offer_id]
        return dict(found)

    def reasons(self, offer_id: str) -> list[str]:
        """The codes of the reasons that an offer carries."""
        return [r["code"] for r in self.offer(offer_id)["reasons"]]

    def rule(self, name: str, event_id: str | None = "e") -> Json:
        """The price of a rule."""
        (found,) = [r for r in self.document["rules"] if (r["rule"], r["event_id"]) == (name, event_id)]
        return dict(found)

    def repair(self, kind: str) -> Json:
        """The only repair of this kind."""
        (found,) = [r for r in self.document["repairs"] if r["kind"] == kind]
        return dict(found)

    @property
    def repairs(self) -> list[str]:
        """The kinds of the repairs, best first."""
        return [r["kind"] for r in self.document["repairs"]]

    @property
    def causes(self) -> list[tuple[str, str, str]]:
        """(code, at most, required) of the diagnosis."""
        return [(c["code"], c["at_most_t"], c["required_t"]) for c in self.document["diagnosis"]]

    @property
    def warnings(self) -> list[str]:
        """The codes of the warnings."""
        return [w["code"] for w in self.document["warnings"]]

    def spending(self, event_id: str | None = "e") -> dict[int, tuple[str | None, str, str]]:
        """Fiscal year -> (budget, spent, carried on)."""
        return {
            y["year"]: (y["budget"], y["spent"], y["carried"])
            for y in self.document["fiscal_years"]
            if y["event_id"] == event_id
        }
