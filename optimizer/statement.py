"""From a solution to the plan's document: printed numbers that add up, reasons in words, the certificate as data."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property, partial

import numpy as np

from optimizer.arcs import Arcs, last_day
from optimizer.measure import PAID
from optimizer.offers import Shorts, parse_price_breaks, parse_schedule
from optimizer.plan import Json
from optimizer.problem import Problem
from optimizer.quantities import (
    ceil,
    floor,
    plain,
    price_text,
    price_text_e4,
    quotient_half_up,
    round_half_up,
    share_out,
    tonnes,
    yuan,
)
from optimizer.solution import LevelProof, Solution
from optimizer.timeline import E8, payment_shares
from optimizer.wording import Language


def round_down(value: Fraction, decimals: int) -> str:
    """A decimal, rounded down."""
    return plain(Decimal(floor(value * 10**decimals)).scaleb(-decimals))


@dataclass(frozen=True, eq=False)
class Ledger:
    """The money of a plan in whole fen: every line, payment, year, event and the total add up (MODEL 1).

    Events in order of id and their fiscal years in order stand in one row; running sums are rounded half up, so that
    the total is rounded half up and no event or year exceeds a whole-fen budget. Inside a year of an event the lines'
    payments are shared out by largest remainder.
    """

    solution: Solution

    @cached_property
    def payments(self) -> dict[int, list[tuple[date, int]]]:
        """Line -> its dated exact payments, in 1/PAID of a fen."""
        arcs, measure = self.solution.arcs, self.solution.measure
        schedules = self.solution.problem.offers.payment_schedule
        codes, days = schedules.codes[arcs.offer[measure.used]].tolist(), arcs.day[measure.used].tolist()
        known: dict[tuple[int, date], list[tuple[date, int]]] = {}
        found = {}
        for (a, cost), key in zip(measure.line_costs.items(), zip(codes, days, strict=True), strict=True):
            if key not in known:
                known[key] = payment_shares(parse_schedule("" if key[0] < 0 else schedules.names[key[0]]), key[1])
            found[a] = [(day, cost * share_e4) for day, share_e4 in known[key]]
        return found

    @cached_property
    def printed(self) -> dict[tuple[int, date], int]:
        """(line, day) -> fen."""
        used = np.sort(self.solution.measure.used)
        cells: dict[tuple[int, int], list[tuple[int, date, int]]] = {}
        for a, e in zip(used.tolist(), self.solution.arcs.event[used].tolist(), strict=True):
            for day, paid in self.payments[a]:
                cells.setdefault((e, day.year), []).append((a, day, paid))
        result: dict[tuple[int, date], int] = {}
        exact = before = 0
        for cell in sorted(cells):
            entries = cells[cell]
            parts = [paid for _, _, paid in entries]
            exact += sum(parts)
            after = quotient_half_up(exact, PAID)
            for (a, day, _), printed in zip(entries, share_out(after - before, parts, PAID), strict=True):
                result[a, day] = printed
            before = after
        return result

    @cached_property
    def lines_fen(self) -> dict[int, int]:
        """What each line costs."""
        totals: dict[int, int] = {a: 0 for a in self.solution.measure.purchase}
        for (a, _), fen in self.printed.items():
            totals[a] += fen
        return totals

    @cached_property
    def _by_year(self) -> dict[int, dict[int, int]]:
        used = self.solution.measure.used
        owner = dict(zip(used.tolist(), self.solution.arcs.event[used].tolist(), strict=True))
        spent: dict[int, dict[int, int]] = {}
        for (a, day), fen in self.printed.items():
            years = spent.setdefault(owner[a], {})
            years[day.year] = years.get(day.year, 0) + fen
        return spent

    @cached_property
    def shared_spent_fen(self) -> dict[int, int]:
        """Fiscal year -> what all events pay, rounded year by year for the shared budget: running sums half up."""
        exact: dict[int, int] = {}
        for day, paid in (p for payments in self.payments.values() for p in payments):
            exact[day.year] = exact.get(day.year, 0) + paid
        spent, running, before = {}, 0, 0
        for year in sorted(exact):
            running += exact[year]
            spent[year] = quotient_half_up(running, PAID) - before
            before += spent[year]
        return spent

    def spent_fen(self, e: int) -> dict[int, int]:
        """Fiscal year -> what event e pays."""
        return self._by_year.get(e, {})


def lines(solution: Solution, ledger: Ledger, lang: Language) -> list[Json]:
    """Every purchase in canonical order."""
    problem, measure, offers = solution.problem, solution.measure, solution.problem.offers
    used = np.sort(measure.used)
    arcs = solution.arcs.take(used)
    purchases = zip(used.tolist(), arcs.event.tolist(), arcs.offer.tolist(), arcs.day.tolist(), strict=True)
    terms = zip(
        arcs.tier.tolist(),
        unit_prices(problem, arcs),
        registries_of(problem, arcs.offer, lang),
        arcs.late.tolist(),
        offers.firm[arcs.offer].tolist(),
        strict=True,
    )
    retire_by = cache(partial(last_day, problem))
    found = []
    for (a, e, i, day), (tier, price, registry, late, firm) in zip(purchases, terms, strict=True):
        found.append(
            {
                "event_id": problem.events[e].id,
                "offer_id": offers.offer_id[i],
                "tier": tier,
                "contracted_t": tonnes(measure.purchase[a]),
                "effective_t": tonnes(measure.effective_e8[a] // E8),
                "unit_price": price,
                "cost": yuan(ledger.lines_fen[a]),
                "purchase_date": day,
                "payments": [{"date": d, "amount": yuan(ledger.printed[a, d])} for d, _ in ledger.payments[a]],
                "retire_by": retire_by(e, offers.instrument[i]),
                "registry": registry,
                "late": late,
                "firm": firm,
            }
        )
    return found


def unit_prices(problem: Problem, arcs: Arcs) -> list[str]:
    """Price of each arc after break and outlook, before fees, yuan/t."""
    offers, breaks = problem.offers, cache(parse_price_breaks)
    factor = cache(problem.outlook.factor_e4)
    prices, rows = offers.price_fen[arcs.offer].tolist(), arcs.offer.tolist()
    found = []
    for price, i, piece, day in zip(prices, rows, arcs.piece.tolist(), arcs.day.tolist(), strict=True):
        fen = price if piece == 0 else breaks(offers.price_breaks[i])[piece - 1][1]
        found.append(price_text_e4(fen * factor(offers.instrument[i], day)))
    return found


def registries_of(problem: Problem, rows: Shorts, lang: Language) -> list[str]:
    """Where each of these offers is cancelled: as it says itself, else as the rule pack says for its instrument."""

    @cache
    def by_rule(instrument: str, mechanism: str) -> str:
        name = problem.rule_pack.registry_of(instrument, mechanism)
        return mechanism if name is None else name.say(lang)

    offers = problem.offers
    return [offers.registry[i] or by_rule(offers.instrument[i], offers.mechanism[i]) for i in rows.tolist()]


def events(solution: Solution, ledger: Ledger) -> list[Json]:
    """One entry an event: need, what is covered, what is left."""
    n = solution.problem.rule_pack.n_tiers
    found = []
    for e, event in enumerate(solution.problem.events):
        covered = sum((kg for (owner, _), kg in solution.measure.covered_kg.items() if owner == e), Fraction(0))
        verified_short = max(Fraction(0), event.emissions.emitted_kg - covered)
        found.append(
            {
                "id": event.id,
                "required_t": tonnes(event.need_kg),
                "covered_t": tonnes(floor(covered)),
                "shortfall_t": tonnes(ceil(solution.measure.gap_kg(e, n + 1))),
                "verified_short_t": tonnes(ceil(verified_short)),
                "cost": yuan(sum(ledger.spent_fen(e).values())),
            }
        )
    return found


def totals(solution: Solution, per_event: Iterable[Json], ledger: Ledger) -> Json:
    """Sums over the events; the average price is cost / covered."""
    rows = list(per_event)
    mass = {
        key: sum((Decimal(row[key]) for row in rows), Decimal(0)) for key in ("required_t", "covered_t", "shortfall_t")
    }
    cost = sum(ledger.lines_fen.values())
    average = None if mass["covered_t"] == 0 else yuan(round_half_up(Fraction(cost) / Fraction(mass["covered_t"])))
    return {**{k: plain(v) for k, v in mass.items()}, "cost": yuan(cost), "average_price": average}


def tiers(solution: Solution, ledger: Ledger, lang: Language) -> list[Json]:
    """What each tier covers, and what it costs; unranked last."""
    problem, arcs = solution.problem, solution.arcs
    need = sum(e.need_kg for e in problem.events)
    all_covered = sum(solution.measure.covered_kg.values(), Fraction(0))
    of_tier = dict(zip(solution.measure.used.tolist(), arcs.tier[solution.measure.used].tolist(), strict=True))
    costs: dict[int, int] = {}
    for a, fen in ledger.lines_fen.items():
        costs[of_tier[a]] = costs.get(of_tier[a], 0) + fen
    found = []
    last = problem.rule_pack.n_tiers + (1 if problem.rule_pack.unranked is not None else 0)
    for tier in range(1, last + 1):
        covered = sum((kg for (_, t), kg in solution.measure.covered_kg.items() if t == tier), Fraction(0))
        note = solution.screening.empty_tier(tier)
        found.append(
            {
                "tier": tier,
                "name": problem.rule_pack.tier_name(tier).say(lang),
                "effective_t": tonnes(floor(covered)),
                "share": round_down(covered / need, 4),
                "share_of_covered": round_down(covered / all_covered, 4) if all_covered else "0",
                "cost": yuan(costs.get(tier, 0)),
                "note": None if note is None else note.say(lang),
            }
        )
    return found


def fiscal_years(solution: Solution, ledger: Ledger) -> list[Json]:
    """Spending by fiscal year of each event and, where there is one, of the shared budget."""
    problem = solution.problem
    owners: list[tuple[str | None, int | None]] = [(event.id, e) for e, event in enumerate(problem.events)]
    if problem.calendar.budget is not None:
        owners.append((None, None))
    found = []
    for owner, e in owners:
        budget = problem.calendar.budget if e is None else problem.events[e].budget
        spent = ledger.shared_spent_fen if e is None else ledger.spent_fen(e)
        listed = {} if budget is None or budget.by_fiscal_year_fen is None else budget.by_fiscal_year_fen
        by_year = budget is not None and budget.by_fiscal_year_fen is not None
        years = sorted(spent.keys() | {y for y in listed if y >= problem.as_of.year})
        carried = 0
        for year in years:
            limit = listed.get(year, 0) if by_year else None
            carries = budget is not None and budget.carry_forward and year < max(listed, default=0)
            carried = carried + (limit or 0) - spent.get(year, 0) if carries else 0
            found.append(
                {
                    "event_id": owner,
                    "year": year,
                    "budget": None if limit is None else yuan(limit),
                    "spent": yuan(spent.get(year, 0)),
                    "carried": yuan(max(carried, 0)),
                }
            )
    return found


def registries(plan_lines: Iterable[Json]) -> list[Json]:
    """What is to be cancelled where, and by when at the earliest."""
    grouped: dict[str, list[Json]] = {}
    for line in plan_lines:
        grouped.setdefault(line["registry"], []).append(line)
    return [
        {
            "registry": name,
            "contracted_t": plain(sum((Decimal(x["contracted_t"]) for x in rows), Decimal(0))),
            "lines": len(rows),
            "retire_by": min(x["retire_by"] for x in rows),
        }
        for name, rows in sorted(grouped.items())
    ]


def valid_until(solution: Solution) -> date | None:
    """The earliest `valid_until` among used lines."""
    used = solution.problem.offers.valid_until[solution.arcs.offer[solution.measure.used]]
    dates = used[~np.isnat(used)]
    return min(dates.tolist()) if len(dates) else None


def levels(solution: Solution) -> list[Json]:
    """Every level with its value, bound, and the kind of its proof."""
    return [level_entry(p) for p in solution.proofs]


def level_entry(p: LevelProof) -> Json:
    """One level as the plan prints it: tonnes rounded up, yuan half up; the bound never above the value."""
    money = p.name in ("cost", "extra budget")
    value, bound = level_text(p.value, money), level_text(p.bound, money)
    return {
        "name": p.name,
        "unit": "yuan" if money else "t",
        "value": value,
        "bound": bound,
        "gap": plain(Decimal(value) - Decimal(bound)) if not money else f"{Decimal(value) - Decimal(bound):.2f}",
        "step": price_text(p.step) if money else plain(Decimal(ceil(p.step * 1000)).scaleb(-3)),
        "proof": p.proof,
        "solver_bound": None if abs(p.solver_bound) == float("inf") else f"{p.solver_bound:.4f}",
    }


def level_text(value: Fraction, money: bool) -> str:
    """A level's number: yuan half up to the fen, tonnes up to the kg."""
    return yuan(round_half_up(value * 100)) if money else tonnes(ceil(value * 1000))
