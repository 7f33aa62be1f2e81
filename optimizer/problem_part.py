"""The problem as a plan carries it: all that the check needs to derive the plan again.

`carried_problem` reads it back.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np

from optimizer.events import LevelSpec
from optimizer.offers import COLUMN_KINDS, LOT_KG_DEFAULT, Bools, Labels, Offer, Offers
from optimizer.plan import Json
from optimizer.problem import Problem
from optimizer.program import Index
from optimizer.quantities import rate, tonnes, yuan


def problem_part(problem: Problem, with_offers: bool) -> Json:
    """All that the check needs; above OFFERS_IN_PLAN the offers by their hash."""
    return {
        "calendar": problem.calendar.dump(),
        "rule_pack": problem.rule_pack.dump(),
        "as_of": problem.as_of.isoformat(),
        "outlook": problem.outlook.dump(),
        "epsilon": rate(problem.epsilon_e4),
        "offers": offer_dicts(problem.offers) if with_offers else None,
        "offers_sha256": problem.offers.sha256,
        "offers_count": len(problem.offers),
    }


_ALIASES = {name: (field.alias or name) for name, field in Offer.model_fields.items()}
_ALWAYS = ("instrument", "quantity_kg", "price_fen")
_DEFAULTS: Mapping[str, Any] = {"lot_kg": LOT_KG_DEFAULT, "firm": True}
"""What a blank means where it is not nothing."""
_TEXTS: Mapping[str, Callable[[Any], Any]] = {"kg": tonnes, "fen": yuan, "e4": rate}


def offer_dicts(offers: Offers) -> list[Json]:
    """Every offer as the file has it, blanks left out; column by column."""
    rows: list[Json] = [{"offer_id": offer_id} for offer_id in offers.offer_id.tolist()]
    for name, kind in COLUMN_KINDS.items():
        if kind == "id":
            continue
        column, alias = getattr(offers, name), _ALIASES[name]
        chosen = np.arange(len(rows)) if name in _ALWAYS else np.flatnonzero(_filled(column, name))
        if len(chosen):
            for i, text in zip(chosen.tolist(), _texts(column, name, chosen), strict=True):
                rows[i][alias] = text
    return rows


def _filled(column: Any, name: str) -> Bools:
    """Where a column says something."""
    if isinstance(column, Labels):
        return ~column.blank
    return np.asarray(~np.isnat(column) if COLUMN_KINDS[name] == "date" else column != _DEFAULTS.get(name, 0))


def _texts(column: Any, name: str, rows: Index) -> list[Any]:
    """Some values of a column as the file has them; each distinct one is put into words once."""
    if isinstance(column, Labels):
        names = [*column.names, ""]
        return [names[code] for code in column.codes[rows].tolist()]
    values: list[Any] = column[rows].tolist()
    text = date.isoformat if COLUMN_KINDS[name] == "date" else _TEXTS.get(name.rpartition("_")[2])
    if text is None:
        return values
    said = {value: text(value) for value in set(values)}
    return [said[value] for value in values]


def objective_part(problem: Problem) -> str | list[Json]:
    """A preset's name, or the list of levels."""
    objective = problem.objective
    if isinstance(objective, str):
        return objective
    return [_spec(s) for s in objective]


def _spec(spec: LevelSpec) -> Json:
    full = spec.dump()
    return {k: v for k, v in full.items() if k == "level" or v != "0"}
