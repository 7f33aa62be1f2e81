"""The lines of a plan derived again: dates, prices, payments, where and by when to retire, and what no line may exceed.

Sums over lines are the business of `check_totals`.
"""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np

from optimizer.arcs import last_day
from optimizer.offers import parse_price_breaks, parse_schedule
from optimizer.opened_plan import Differs, OpenedPlan, same
from optimizer.plan import Line
from optimizer.quantities import E4, fen_of, floor, kg_of, tonnes
from optimizer.recount import hard_rows
from optimizer.timeline import payment_shares


def check_lines(opened: OpenedPlan) -> None:
    """Every line in order: tier, tonnes, deadline, flags, registry, price, cost and payments. Raises Differs."""
    problem, arcs = opened.problem, opened.arcs
    same("order of lines", list(opened.purchase), sorted(opened.purchase))
    for line, (a, kg) in zip(opened.plan.lines, opened.purchase.items(), strict=True):
        e, i = int(arcs.event[a]), int(arcs.offer[a])
        name = f"{line.event_id} {line.offer_id}"
        same(f"{name} tier", line.tier, int(arcs.tier[a]))
        same(f"{name} contracted_t", line.contracted_t, tonnes(kg))
        same(f"{name} effective_t", Decimal(line.effective_t), Decimal(floor(opened.effective_kg[a])).scaleb(-3))
        same(f"{name} retire_by", line.retire_by, last_day(problem, e, problem.offers.instrument[i]))
        same(f"{name} late", line.late, bool(arcs.late[a]))
        same(f"{name} firm", line.firm, bool(problem.offers.firm[i]))
        same(f"{name} registry", line.registry, _registry(opened, i))
        same(f"{name} unit_price", Decimal(line.unit_price), _unit_price(opened, a, line.purchase_date))
        _check_money(opened, a, line)


def _registry(opened: OpenedPlan, i: int) -> str:
    offers = opened.problem.offers
    name = opened.problem.rule_pack.registry_of(offers.instrument[i], offers.mechanism[i])
    return offers.registry[i] or (offers.mechanism[i] if name is None else name.say(opened.plan.lang))


def _unit_price(opened: OpenedPlan, a: int, day: date) -> Decimal:
    """List price or that of the break in force, after the outlook and before fees, yuan/t."""
    offers, i, piece = opened.problem.offers, int(opened.arcs.offer[a]), int(opened.arcs.piece[a])
    fen = int(offers.price_fen[i]) if piece == 0 else parse_price_breaks(offers.price_breaks[i])[piece - 1][1]
    exact = Decimal(fen) * opened.problem.outlook.factor_e4(offers.instrument[i], day)
    return exact.scaleb(-6)


def _check_money(opened: OpenedPlan, a: int, line: Line) -> None:
    """Payments on their dates, each within a fen of its share; the cost is their sum."""
    schedule = parse_schedule(opened.problem.offers.payment_schedule[int(opened.arcs.offer[a])])
    due = payment_shares(schedule, line.purchase_date)
    same(f"{line.offer_id} payment dates", [p.date for p in line.payments], [day for day, _ in due])
    for payment, (_, share) in zip(line.payments, due, strict=True):
        if abs(fen_of(payment.amount) - opened.cost_fen[a] * Fraction(share, E4)) > 1:
            raise Differs(f"{line.offer_id} payment {payment.amount}")
    same(f"{line.offer_id} cost", fen_of(line.cost), sum(fen_of(p.amount) for p in line.payments))


def check_hard_rows(opened: OpenedPlan) -> None:
    """Availability, budgets and max shares, exactly. Raises Differs."""
    for what, used, limit in hard_rows(opened.problem, opened.arcs, opened.purchase):
        if used > limit:
            raise Differs(f"{what}: {float(used)} > {float(limit)}")


def check_registries(opened: OpenedPlan) -> None:
    """What is to be cancelled where and by when, and how long the plan is good. Raises Differs."""
    grouped: dict[str, list[Line]] = {}
    for line in opened.plan.lines:
        grouped.setdefault(line.registry, []).append(line)
    expected = [
        (name, sum(kg_of(x.contracted_t) for x in lines), len(lines), min(x.retire_by for x in lines))
        for name, lines in sorted(grouped.items())
    ]
    said = [(r.registry, kg_of(r.contracted_t), r.lines, r.retire_by) for r in opened.plan.registries]
    same("registries", said, expected)
    ends = [opened.problem.offers.valid_until[int(opened.arcs.offer[a])] for a in opened.purchase]
    dated = [d.astype(object) for d in ends if not np.isnat(d)]
    same("valid_until", opened.plan.valid_until, min(dated) if dated else None)
