"""The problem that a plan file carries, read back: its events, offers, rule pack, day and outlook.

Here lives reading alone; what is planned on it or derived from it is the business of the rooms that ask.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from optimizer.errors import BadInput
from optimizer.events import Calendar
from optimizer.findings import fault
from optimizer.offers import Offer, Offers
from optimizer.problem import Outlook, Problem
from optimizer.quantities import e4_of
from optimizer.rule_pack import RulePack

OFFERS_NEEDED = fault(
    "offers_needed",
    "方案只带报价的哈希; 请用 --offers 给出报价文件",
    "the plan carries only the hash of its offers; give the file with --offers",
)
OTHER_OFFERS = fault(
    "other_offers",
    "不是方案所依据的报价 (内容哈希或行数不同)",
    "are not the offers that the plan was made on (another content hash or number of rows)",
    path="problem.offers",
)


def read_problem_part(part: Mapping[str, Any], offers: Offers | None) -> Problem:
    """The problem of a plan file; `offers` is asked for where the file holds only their hash.

    Raises:
        BadInput: no offers, or others than those that were planned on.
        ValidationError, KeyError, TypeError, ValueError: it is no problem.
    """
    carried = part["offers"]
    if carried is not None:
        offers = Offers.of(Offer.model_validate(o) for o in carried)
    if offers is None:
        raise BadInput([OFFERS_NEEDED])
    if offers.sha256 != part["offers_sha256"] or len(offers) != part["offers_count"]:
        raise BadInput([OTHER_OFFERS])
    return Problem(
        Calendar.model_validate(part["calendar"]),
        offers,
        RulePack.model_validate(part["rule_pack"]),
        date.fromisoformat(part["as_of"]),
        Outlook.model_validate(part["outlook"]),
        e4_of(part["epsilon"]),
    )
