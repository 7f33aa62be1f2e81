"""check(plan): everything that a plan file says is derived again from the problem in it, in exact numbers.

Neither the formulation nor the solver is imported. What only a solver can say (repairs, prices of rules, break-evens,
the price of the order, the solver's own bounds, levels proven by the solver only) is sealed by `plan_id` and listed.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import ValidationError

from optimizer.arcs import Arcs, build_arcs, cost_fen, last_day, present_value
from optimizer.certificate import GRID, Frame, Goal, bound_in_phases, gaps_of, proof_step
from optimizer.eligibility import REASONS, Screening, reasons_of, screen
from optimizer.errors import BadInput
from optimizer.events import Calendar
from optimizer.findings import fault
from optimizer.limits import fit
from optimizer.offers import Offer, Offers, parse_price_breaks, parse_schedule
from optimizer.plan import OFFERS_IN_PLAN, Json, Plan, seal_is_whole, sha256
from optimizer.problem import Outlook, Problem
from optimizer.quantities import E4, ceil, e4_of, fen_of, floor, kg_of, price_text, round_half_up, tonnes, yuan
from optimizer.rule_pack import RulePack
from optimizer.timeline import payment_shares
from optimizer.wording import Language, Text


@dataclass(frozen=True)
class Checked:
    """One thing that was derived again."""

    what: Text
    holds: bool
    detail: str = ""


@dataclass(frozen=True)
class CheckReport:
    """What was re-proved, what is only sealed, and whether everything holds."""

    checked: tuple[Checked, ...]
    sealed: tuple[Text, ...]

    @property
    def holds(self) -> bool:
        """Everything that was derived again is as the plan says."""
        return bool(self.checked) and all(c.holds for c in self.checked)

    def as_dict(self, lang: Language) -> Json:
        """For JSON."""
        return {
            "holds": self.holds,
            "checked": [{"what": c.what.say(lang), "holds": c.holds, "detail": c.detail} for c in self.checked],
            "sealed": [s.say(lang) for s in self.sealed],
        }


class _Differs(Exception):
    """The plan says something else than the problem gives."""


def _same(what: str, said: object, derived: object) -> None:
    if said != derived:
        raise _Differs(f"{what}: {said} / {derived}")


def check(plan: Plan | Mapping[str, Any], offers: Offers | None = None) -> CheckReport:
    """Derive a plan again. `offers` is needed when the plan holds only the hash of its offers.

    A plan that is no plan at all, or that cannot be derived for want of offers, fails with the reason as detail.
    """
    document = plan.document() if isinstance(plan, Plan) else dict(plan)
    results: list[Checked] = []

    def run(what: Text, body: Callable[[], object]) -> bool:
        try:
            body()
            results.append(Checked(what, True))
        except _Differs as difference:
            results.append(Checked(what, False, str(difference)))
        except (
            ValidationError,
            BadInput,
            ValueError,
            KeyError,
            IndexError,
            TypeError,
            ArithmeticError,
            InvalidOperation,
        ) as error:
            results.append(Checked(what, False, f"{type(error).__name__}: {str(error)[:200]}"))
        return results[-1].holds

    opened: list[_Opened] = []
    run(Text("封印: plan_id 是其余内容的哈希", "seal: plan_id is the hash of all else"), lambda: _sealed(document))
    if run(Text("方案与问题可读", "plan and problem can be read"), lambda: opened.append(_open(document, offers))):
        for what, step in STEPS:
            run(what, lambda step=step: step(opened[0]))  # type: ignore[misc]
    return CheckReport(tuple(results), SEALED)


def _sealed(document: Json) -> None:
    if not seal_is_whole(document):
        raise _Differs("plan_id")


SEALED: tuple[Text, ...] = (
    Text("落选报价的保本价", "break-even prices"),
    Text("规则的价格", "prices of rules"),
    Text("推荐顺序的代价、整手的代价", "price of the order and cost of whole lots"),
    Text("不足时的原因与补救", "diagnosis and repairs"),
    Text("求解器自报的界, 以及仅由求解器证明的层级", "the solver's own bounds, and levels that only the solver proves"),
    Text("文件警告与版本, 是否可重现", "warnings of the files, versions, whether it is reproducible"),
    Text("落选报价的理由文字", "the reasons given for beaten offers"),
)


@dataclass(frozen=True, eq=False)
class _Opened:
    """A plan file with its problem built anew."""

    plan: Plan
    problem: Problem
    screening: Screening
    arcs: Arcs
    purchase: dict[int, int]
    """Arc -> kg, in the order of the plan's lines."""

    @cached_property
    def cost(self) -> dict[int, Fraction]:
        return {
            a: cost_fen(int(self.arcs.unit_cost_e8[a]), kg, int(self.arcs.fixed_fee_fen[a]))
            for a, kg in self.purchase.items()
        }

    @cached_property
    def effective(self) -> dict[int, Fraction]:
        return {a: Fraction(int(self.arcs.eta_e8[a]) * kg, 10**8) for a, kg in self.purchase.items()}

    @property
    def frame(self) -> Frame:
        return self._frame

    @cached_property
    def _frame(self) -> Frame:
        return Frame(self.problem, self.arcs)


def read_problem_part(part: Mapping[str, Any], offers: Offers | None) -> Problem:
    """The problem that a plan file carries. Raises ValidationError, ValueError, BadInput."""
    carried = part["offers"]
    if carried is not None:
        offers = Offers.of(Offer.model_validate(o) for o in carried)
    if offers is None:
        raise BadInput([OFFERS_NEEDED])
    if offers.sha256 != part["offers_sha256"] or len(offers) != part["offers_count"]:
        raise _Differs("offers_sha256")
    return Problem(
        Calendar.model_validate(part["calendar"]),
        offers,
        RulePack.model_validate(part["rule_pack"]),
        date.fromisoformat(part["as_of"]),
        Outlook.model_validate(part["outlook"]),
        e4_of(part["epsilon"]),
    )


OFFERS_NEEDED = fault(
    "offers_needed",
    "方案只带报价的哈希; 请用 --offers 给出报价文件",
    "the plan carries only the hash of its offers; give the file with --offers",
)


def _open(document: Json, offers: Offers | None) -> _Opened:
    plan = Plan.model_validate(document)
    problem = read_problem_part(plan.problem, offers)
    screening = screen(problem)
    arcs = build_arcs(problem, screening)
    if problem.settings.whole_lots:
        arcs = fit(problem, arcs)
    rows = [(line.event_id, line.offer_id, str(line.purchase_date), line.contracted_t) for line in plan.lines]
    return _Opened(plan, problem, screening, arcs, _purchase(problem, arcs, rows))


def _purchase(problem: Problem, arcs: Arcs, rows: list[tuple[str, str, str, str]]) -> dict[int, int]:
    """Arc and kg of each (event, offer, day, tonnes); every one must be eligible, in whole lots, within its piece."""
    events = {event.id: e for e, event in enumerate(problem.events)}
    offers = {i: k for k, i in enumerate(problem.offers.offer_id.tolist())}
    found: dict[int, int] = {}
    used_lines: set[int] = set()
    for event_id, offer_id, day, contracted in rows:
        kg = kg_of(contracted)
        mine = np.flatnonzero(
            (arcs.event == events[event_id]) & (arcs.offer == offers[offer_id]) & (arcs.day == np.datetime64(day, "D"))
        )
        fitting = [
            a for a in mine.tolist() if 0 < arcs.least_kg[a] <= kg <= arcs.most_kg[a] and kg % arcs.lot_kg[a] == 0
        ]
        if len(fitting) != 1 or int(arcs.line[fitting[0]]) in used_lines:
            raise _Differs(f"line {event_id} {offer_id} {day} {contracted} t")
        used_lines.add(int(arcs.line[fitting[0]]))
        found[fitting[0]] = kg
    return found


# ------------------------------------------------------------------------------------------------------------- steps


def _lines(o: _Opened) -> None:
    problem, arcs = o.problem, o.arcs
    _same("order of lines", list(o.purchase), sorted(o.purchase))
    for line, (a, kg) in zip(o.plan.lines, o.purchase.items(), strict=True):
        e, i = int(arcs.event[a]), int(arcs.offer[a])
        name = f"{line.event_id} {line.offer_id}"
        _same(f"{name} tier", line.tier, int(arcs.tier[a]))
        _same(f"{name} contracted_t", line.contracted_t, tonnes(kg))
        _same(f"{name} effective_t", Decimal(line.effective_t), Decimal(floor(o.effective[a])).scaleb(-3))
        _same(f"{name} retire_by", line.retire_by, last_day(problem, e, problem.offers.instrument[i]))
        _same(f"{name} late", line.late, bool(arcs.late[a]))
        _same(f"{name} firm", line.firm, bool(problem.offers.firm[i]))
        _same(f"{name} registry", line.registry, _registry(o, i))
        _same(f"{name} unit_price", Decimal(line.unit_price), _unit_price(o, a, line.purchase_date))
        _line_money(o, a, line)


def _registry(o: _Opened, i: int) -> str:
    offers = o.problem.offers
    name = o.problem.rule_pack.registry_of(offers.instrument[i], offers.mechanism[i])
    return offers.registry[i] or (offers.mechanism[i] if name is None else name.say(o.plan.lang))


def _unit_price(o: _Opened, a: int, day: date) -> Decimal:
    offers, i, piece = o.problem.offers, int(o.arcs.offer[a]), int(o.arcs.piece[a])
    fen = int(offers.price_fen[i]) if piece == 0 else parse_price_breaks(offers.price_breaks[i])[piece - 1][1]
    exact = Decimal(fen) * o.problem.outlook.factor_e4(offers.instrument[i], day)
    return exact.scaleb(-6)


def _line_money(o: _Opened, a: int, line: Any) -> None:
    schedule = parse_schedule(o.problem.offers.payment_schedule[int(o.arcs.offer[a])])
    due = payment_shares(schedule, line.purchase_date)
    _same(f"{line.offer_id} payment dates", [p.date for p in line.payments], [day for day, _ in due])
    for payment, (_, share) in zip(line.payments, due, strict=True):
        if abs(fen_of(payment.amount) - o.cost[a] * Fraction(share, E4)) > 1:
            raise _Differs(f"{line.offer_id} payment {payment.amount}")
    _same(f"{line.offer_id} cost", fen_of(line.cost), sum(fen_of(p.amount) for p in line.payments))


def _sums(o: _Opened) -> None:
    plan = o.plan
    total = round_half_up(sum(o.cost.values(), Fraction(0)))
    _same("totals.cost", plan.totals.cost, yuan(total))
    _same("sum of lines", sum(fen_of(line.cost) for line in plan.lines), total)
    for e, (event, result) in enumerate(zip(o.problem.events, plan.events, strict=True)):
        covered = sum((kg for a, kg in o.effective.items() if o.arcs.event[a] == e), Fraction(0))
        _same("event id", result.id, event.id)
        _same(f"{event.id} required_t", result.required_t, tonnes(event.need_kg))
        _same(f"{event.id} covered_t", result.covered_t, tonnes(floor(covered)))
        _same(f"{event.id} shortfall_t", result.shortfall_t, tonnes(max(0, ceil(event.need_kg - covered))))
        _same(
            f"{event.id} verified_short_t",
            result.verified_short_t,
            tonnes(max(0, ceil(event.emissions.emitted_kg - covered))),
        )
        _same(
            f"{event.id} cost",
            fen_of(result.cost),
            sum(fen_of(line.cost) for line in plan.lines if line.event_id == event.id),
        )
    for key in ("required_t", "covered_t", "shortfall_t"):
        _same(f"totals.{key}", kg_of(getattr(plan.totals, key)), sum(kg_of(getattr(r, key)) for r in plan.events))
    covered_kg = kg_of(plan.totals.covered_t)
    average = None if covered_kg == 0 else yuan(round_half_up(Fraction(total * 1000, covered_kg)))
    _same("average_price", plan.totals.average_price, average)
    _same("status", plan.status, "covered" if kg_of(plan.totals.shortfall_t) == 0 else "short")


def _tiers(o: _Opened) -> None:
    pack, need = o.problem.rule_pack, sum(e.need_kg for e in o.problem.events)
    everything = sum(o.effective.values(), Fraction(0))
    expected = list(range(1, pack.n_tiers + (2 if pack.unranked is not None else 1)))
    _same("tiers", [t.tier for t in o.plan.tiers], expected)
    for tier in o.plan.tiers:
        covered = sum((kg for a, kg in o.effective.items() if o.arcs.tier[a] == tier.tier), Fraction(0))
        _same(f"tier {tier.tier} effective_t", tier.effective_t, tonnes(floor(covered)))
        _same(f"tier {tier.tier} share", e4_of(tier.share), floor(covered * E4 / need))
        _same(
            f"tier {tier.tier} share_of_covered",
            e4_of(tier.share_of_covered),
            floor(covered * E4 / everything) if everything else 0,
        )
        _same(f"tier {tier.tier} name", tier.name, pack.tier_name(tier.tier).say(o.plan.lang))
        note = o.screening.empty_tier(tier.tier)
        _same(f"tier {tier.tier} note", tier.note, None if note is None else note.say(o.plan.lang))
        _same(
            f"tier {tier.tier} cost",
            fen_of(tier.cost),
            sum(fen_of(x.cost) for x in o.plan.lines if x.tier == tier.tier),
        )


def _years(o: _Opened) -> None:
    """Printed spending by year, budgets, and what is carried."""
    problem = o.problem
    owners: list[tuple[str | None, Any]] = [(e.id, e.budget) for e in problem.events]
    if problem.calendar.budget is not None:
        owners.append((None, problem.calendar.budget))
    expected = []
    for owner, budget in owners:
        spent = _shared_years(o) if owner is None else {}
        for p in (p for line in o.plan.lines if line.event_id == owner for p in line.payments):
            spent[p.date.year] = spent.get(p.date.year, 0) + fen_of(p.amount)
        by_year = budget is not None and budget.by_fiscal_year_fen is not None
        listed = budget.by_fiscal_year_fen if by_year else {}
        carried = 0
        for year in sorted(spent.keys() | {y for y in listed if y >= problem.as_of.year}):
            carries = budget is not None and budget.carry_forward and year < max(listed, default=0)
            carried = carried + listed.get(year, 0) - spent.get(year, 0) if carries else 0
            limit = yuan(listed.get(year, 0)) if by_year else None
            expected.append((owner, year, limit, yuan(spent.get(year, 0)), yuan(max(carried, 0))))
    _same("fiscal_years", [(f.event_id, f.year, f.budget, f.spent, f.carried) for f in o.plan.fiscal_years], expected)


def _shared_years(o: _Opened) -> dict[int, int]:
    """Fiscal year -> what all lines pay, running sums rounded half up, fen."""
    exact: dict[int, Fraction] = {}
    for a, cost in o.cost.items():
        for year, share in o.arcs.payments[int(o.arcs.payment[a])]:
            exact[year] = exact.get(year, Fraction(0)) + cost * Fraction(share, E4)
    years = sorted(exact)
    sums = [round_half_up(sum((exact[y] for y in years[: k + 1]), Fraction(0))) for k in range(len(years))]
    return {year: sums[k] - (sums[k - 1] if k else 0) for k, year in enumerate(years)}


def _registries(o: _Opened) -> None:
    grouped: dict[str, list[Any]] = {}
    for line in o.plan.lines:
        grouped.setdefault(line.registry, []).append(line)
    expected = [
        (name, sum(kg_of(x.contracted_t) for x in rows), len(rows), min(x.retire_by for x in rows))
        for name, rows in sorted(grouped.items())
    ]
    _same(
        "registries", [(r.registry, kg_of(r.contracted_t), r.lines, r.retire_by) for r in o.plan.registries], expected
    )
    ends = [o.problem.offers.valid_until[int(o.arcs.offer[a])] for a in o.purchase]
    dated = [d.astype(object) for d in ends if not np.isnat(d)]
    _same("valid_until", o.plan.valid_until, min(dated) if dated else None)


def _hard_rows(o: _Opened) -> None:
    """Availability, budgets and max shares, exactly."""
    for what, used, limit in hard_rows(o.problem, o.arcs, o.purchase):
        if used > limit:
            raise _Differs(f"{what}: {float(used)} > {float(limit)}")


def hard_rows(problem: Problem, arcs: Arcs, purchase: Mapping[int, int]) -> Iterator[tuple[str, Fraction, Fraction]]:
    """(rule, used, limit) of everything that a plan may not exceed; kg and fen."""
    bought: dict[int, int] = {}
    for a, kg in purchase.items():
        bought[int(arcs.offer[a])] = bought.get(int(arcs.offer[a]), 0) + kg
    for i, kg in bought.items():
        yield f"availability {problem.offers.offer_id[i]}", Fraction(kg), Fraction(int(problem.offers.quantity_kg[i]))
    cost = {a: cost_fen(int(arcs.unit_cost_e8[a]), kg, int(arcs.fixed_fee_fen[a])) for a, kg in purchase.items()}
    owners = [(e, event.budget) for e, event in enumerate(problem.events)]
    for e, budget in [*owners, (None, problem.calendar.budget)]:
        mine = [a for a in purchase if e is None or arcs.event[a] == e]
        if budget is not None:
            yield from _budget_rows(problem, arcs, budget, mine, cost)
    for e, event in enumerate(problem.events):
        for k, limit in enumerate(event.limits):
            if limit.max_share_e4 is not None:
                cap = Fraction(limit.max_share_e4 * event.need_kg, E4)
                for group, used in _shares(problem, arcs, purchase, e, k).items():
                    yield f"max share {event.id} {limit.name} {group}", used, cap


def _budget_rows(
    problem: Problem, arcs: Arcs, budget: Any, mine: list[int], cost: Mapping[int, Fraction]
) -> Iterator[tuple[str, Fraction, Fraction]]:
    if budget.total_fen is not None:
        yield "budget total", sum((cost[a] for a in mine), Fraction(0)), Fraction(budget.total_fen)
    if budget.by_fiscal_year_fen is None:
        return
    spent: dict[int, Fraction] = {}
    for a in mine:
        for year, share in arcs.payments[int(arcs.payment[a])]:
            spent[year] = spent.get(year, Fraction(0)) + cost[a] * Fraction(share, E4)
    listed = {y: Fraction(b) for y, b in budget.by_fiscal_year_fen.items() if y >= problem.as_of.year}
    left = Fraction(0)
    for year in sorted(spent.keys() | listed.keys()):
        carried = left if budget.carry_forward and year <= max(listed, default=0) else Fraction(0)
        limit = listed.get(year, Fraction(0)) + carried
        yield f"budget {year}", spent.get(year, Fraction(0)), limit
        left = limit - spent.get(year, Fraction(0))


def _shares(problem: Problem, arcs: Arcs, purchase: Mapping[int, int], e: int, k: int) -> dict[str, Fraction]:
    """Group -> effective kg of event e under limit k; the one group of a `where` limit is called ''."""
    limit = problem.events[e].limits[k]
    totals: dict[str, Fraction] = {} if limit.group is not None else {"": Fraction(0)}
    for a, kg in purchase.items():
        if arcs.event[a] != e:
            continue
        offer = problem.offers[int(arcs.offer[a])]
        if limit.group is not None:
            group = _key_of(offer, int(arcs.tier[a]), limit.group)
        else:
            group = (
                ""
                if all(
                    _key_of(offer, int(arcs.tier[a]), key) in {v[:2] if key == "region" else v for v in wanted}
                    for key, wanted in (limit.where or {}).items()
                )
                else None
            )
        if group is not None:
            totals[group] = totals.get(group, Fraction(0)) + Fraction(int(arcs.eta_e8[a]) * kg, 10**8)
    return totals


def _key_of(offer: Offer, tier: int, key: str) -> str | None:
    """The offer's value under a limit's key; None where it is blank."""
    if key == "tier":
        return str(tier)
    if key == "vintage":
        return str(offer.vintage) if offer.vintage else None
    value = str(getattr(offer, key))
    return (value[:2] if key == "region" else value) or None


def level_value(problem: Problem, arcs: Arcs, purchase: Mapping[int, int], name: str) -> Fraction:
    """The value of a level, derived from the lines alone: t (in steps with whole lots) or yuan."""
    if name == "cost":
        rate = problem.settings.discount_rate_e4
        total = Fraction(0)
        for a, kg in purchase.items():
            weight = present_value(arcs.payments[int(arcs.payment[a])], problem.as_of.year, rate) if rate else 1
            total += weight * cost_fen(int(arcs.unit_cost_e8[a]), kg, int(arcs.fixed_fee_fen[a]))
        return total / 100
    gap = Fraction(0)
    for kind, e, k in gaps_of(problem, name):
        need = Fraction(problem.events[e].need_kg)
        if kind == "gap":
            covered = sum(
                (
                    Fraction(int(arcs.eta_e8[a]) * kg, 10**8)
                    for a, kg in purchase.items()
                    if arcs.event[a] == e and arcs.tier[a] <= k
                ),
                Fraction(0),
            )
        else:
            need *= Fraction(problem.events[e].limits[k].min_share_e4 or 0, E4)
            covered = sum(_shares(problem, arcs, purchase, e, k).values(), Fraction(0))
        gap += max(Fraction(0), need - covered)
    gap /= 1000
    return ceil(gap / problem.step_t) * problem.step_t if problem.settings.whole_lots else gap


def _levels(o: _Opened) -> None:
    """Values, caps, exact bounds and proof labels of every level."""
    problem, arcs = o.problem, o.arcs
    specs = problem.levels()
    proofs = o.plan.certificate["levels"]
    _same("levels", [x.name for x in o.plan.levels], [s.level for s in specs])
    _same("certificate", [p["name"] for p in proofs], [s.level for s in specs])
    lines = list(o.purchase)
    if problem.settings.whole_lots and o.plan.certificate["between_kg"]:
        raise _Differs("between_kg with whole lots")
    between = arcs.kg_costs_fen(lines[k] for k in sorted(set(o.plan.certificate["between_kg"])))
    earlier: list[Goal] = []
    for spec, shown, proof in zip(specs, o.plan.levels, proofs, strict=True):
        own = level_value(problem, arcs, o.purchase, spec.level)
        _same(f"{spec.level} witness", "witness" in proof, spec.relative_e4 > 0 or spec.absolute_e4 > 0)
        value = (
            own
            if "witness" not in proof
            else level_value(problem, arcs, _witness(o, proof["witness"], earlier, between), spec.level)
        )
        cap = value + abs(value) * Fraction(spec.relative_e4, E4) + Fraction(spec.absolute_e4, E4)
        step = proof_step(problem, spec.level, between)
        if own > cap + (0 if problem.settings.whole_lots else step):
            raise _Differs(f"{spec.level} exceeds what it may be")
        cap = max(cap, own)
        phases = [
            {tuple(row[:-1]): int(Decimal(_digits(row[-1])) * GRID) for row in phase} for phase in proof["phases"]
        ]
        bound = bound_in_phases(o.frame, spec.level, earlier, phases, value)
        _same(f"{spec.level} exact value", Fraction(_digits(proof["value"])), value)
        _same(f"{spec.level} exact bound", Fraction(_digits(proof["bound"])), bound)
        _shown_level(problem, spec.level, shown, value, bound, step)
        earlier.append(Goal(spec.level, cap))


PLAIN_NUMBER = re.compile(r"-?[0-9]{1,400}(\.[0-9]{1,400}|/[0-9]{1,400})?")


def _digits(text: object) -> str:
    """A number written out; an exponent could ask for more digits than there is memory. Raises ValueError."""
    if not isinstance(text, str) or PLAIN_NUMBER.fullmatch(text) is None:
        raise ValueError("not a plain number")
    return text


def _shown_level(problem: Problem, name: str, shown: Any, value: Fraction, bound: Fraction, step: Fraction) -> None:
    money = name == "cost"

    def text(number: Fraction) -> str:
        return yuan(round_half_up(number * 100)) if money else tonnes(ceil(number * 1000))

    _same(f"{name} unit", shown.unit, "yuan" if money else "t")
    _same(f"{name} value", shown.value, text(value))
    _same(f"{name} bound", shown.bound, text(bound))
    _same(f"{name} gap", Decimal(shown.gap), Decimal(shown.value) - Decimal(shown.bound))
    _same(f"{name} exact proof", shown.proof == "exact", value - bound < step)
    _same(f"{name} step", shown.step, price_text(step) if money else tonnes(ceil(step * 1000)))


def _witness(o: _Opened, rows: list[list[Any]], earlier: list[Goal], between: list[Fraction]) -> dict[int, int]:
    """The purchase from which a slack is measured: it breaks nothing and keeps the earlier levels."""
    purchase = _purchase(o.problem, o.arcs, [(str(e), str(i), str(d), str(t)) for e, i, d, t in rows])
    for what, used, limit in hard_rows(o.problem, o.arcs, purchase):
        if used > limit:
            raise _Differs(f"witness {what}")
    for goal in earlier:
        room = 0 if o.problem.settings.whole_lots else proof_step(o.problem, goal.name, between)
        if goal.cap is not None and level_value(o.problem, o.arcs, purchase, goal.name) > goal.cap + room:
            raise _Differs(f"witness {goal.name}")
    return purchase


def _offers(o: _Opened) -> None:
    """Used, left out with all reasons and clauses, or beaten; and the counts."""
    problem, screening = o.problem, o.screening
    events = {event.id: e for e, event in enumerate(problem.events)}
    numbers = {i: k for k, i in enumerate(problem.offers.offer_id.tolist())}
    used = {(int(o.arcs.event[a]), int(o.arcs.offer[a])) for a in o.purchase}
    seen = set()
    for entry in o.plan.offers:
        e, i = events[entry.event_id], numbers[entry.offer_id]
        seen.add((e, i))
        if screening.reasons[e, i]:
            _same(f"{entry.offer_id} state", (entry.state, entry.break_even), ("left_out", None))
            _same(
                f"{entry.offer_id} reasons",
                [r.model_dump() for r in entry.reasons],
                reasons_of(problem, screening, e, i, o.plan.lang),
            )
        else:
            _same(f"{entry.offer_id} state", entry.state, "used" if (e, i) in used else "beaten")
    everything = len(events) * len(numbers)
    if o.plan.provenance["explanations"] == "none":
        _same("offers", len(o.plan.offers), 0)
    else:
        _same("used offers shown", used - seen, set())
        _same("offers shown once", len(seen), len(o.plan.offers))
        order = [(events[x.event_id], numbers[x.offer_id]) for x in o.plan.offers]
        _same("order of offers", order, sorted(order))
        if everything <= OFFERS_IN_PLAN or o.plan.provenance["explanations"] == "all":
            _same("all offers shown", len(seen), everything)
    reasons = screening.reasons
    left = int((reasons != 0).sum())
    counts = {r.code: int((reasons >> np.uint32(k) & np.uint32(1)).sum()) for k, r in enumerate(REASONS)}
    expected = {
        "used": len(used),
        "beaten": reasons.size - left - len(used),
        "left_out": left,
        "by_reason": {c: n for c, n in counts.items() if n},
    }
    _same("offers_summary", o.plan.offers_summary, expected)


def _provenance(o: _Opened) -> None:
    problem, plan = o.problem, o.plan
    _same("as_of", plan.as_of, problem.as_of)
    _same(
        "policy",
        (plan.policy.id, plan.policy.version, plan.policy.sha256),
        (problem.rule_pack.id, problem.rule_pack.version, problem.rule_pack.sha256),
    )
    provenance = plan.provenance
    _same("events_sha256", provenance["events_sha256"], sha256(problem.calendar.dump()))
    _same("offers_sha256", provenance["offers_sha256"], problem.offers.sha256)
    _same("rule_pack_sha256", provenance["rule_pack_sha256"], problem.rule_pack.sha256)
    _same("settings", provenance["settings"], problem.settings.dump())
    _same("multiplier_grid", provenance["multiplier_grid"], str(GRID))
    if provenance["lang"] not in ("zh", "en") or provenance["explanations"] not in ("none", "short", "all"):
        raise _Differs("lang or explanations")
    objective = problem.objective
    said = plan.objective if isinstance(plan.objective, str) else [dict(x) for x in plan.objective]
    derived = (
        objective
        if isinstance(objective, str)
        else [{k: v for k, v in s.dump().items() if k == "level" or v != "0"} for s in objective]
    )
    _same("objective", said, derived)
    missed = {
        (event.id, tonnes(ceil(m)))
        for e, event in enumerate(problem.events)
        for k, limit in enumerate(event.limits)
        if limit.min_share_e4 is not None
        and (
            m := Fraction(limit.min_share_e4 * event.need_kg, E4)
            - sum(_shares(problem, o.arcs, o.purchase, e, k).values(), Fraction(0))
        )
        > 0
    }
    _same("missed min shares", {(r.event_id, r.missed_t) for r in plan.rules if r.missed_t is not None}, missed)


STEPS: tuple[tuple[Text, Callable[[_Opened], None]], ...] = (
    (
        Text(
            "每一行: 资格、日期、整手、价格、付款、注销",
            "every line: eligibility, dates, lots, price, payments, retirement",
        ),
        _lines,
    ),
    (Text("可用量、预算、份额上限", "availability, budgets, max shares"), _hard_rows),
    (Text("覆盖量、成本与合计", "coverage, costs and totals"), _sums),
    (Text("各层级的量与金额", "tiers"), _tiers),
    (Text("财政年度", "fiscal years"), _years),
    (Text("登记机构与有效期", "registries and validity"), _registries),
    (Text("各目标层级的值与精确下界", "values and exact bounds of the levels"), _levels),
    (Text("每个报价的去向与理由", "what became of every offer, and why"), _offers),
    (Text("来源哈希、设置与规则", "hashes, settings and rules"), _provenance),
)
