"""Near-optimal alternatives: portfolios that cost at most x % more, each as different as can be from those before.

Modelling to generate alternatives by hop, skip and jump (Brill 1979; Brill, Chang & Hopkins 1982): every level before
the cost stays at its best, the cost may exceed its least by a share, and the tonnes bought from offers that earlier
portfolios used are minimised, an offer counting once for each portfolio that used it. Quantities are divisible, in
whole kg; each portfolio is measured exactly.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pandas as pd

from optimizer.arcs import build_arcs
from optimizer.chain import Judge, WorkLimits
from optimizer.eligibility import screen
from optimizer.errors import BadInput, BrokenPlan
from optimizer.events import LevelSpec
from optimizer.findings import fault
from optimizer.formulation import formulate
from optimizer.lexicographic import solve_in_order
from optimizer.measure import Measure
from optimizer.plan import Json
from optimizer.problem import Problem, bare_calendar
from optimizer.program import Level, Program
from optimizer.quantities import E4, FEN_PER_YUAN, KG_PER_T, rate, tonnes
from optimizer.timeline import E8
from scenarios.breakpoints import rate_text, t_text, yuan_text

HOW_MANY_MAX = 50
"""More portfolios than this nobody reads."""
STAGE = "tie-break"
"""What the engine calls a level that counts nothing a plan reports: here, the tonnes from offers used before."""
COLUMNS = ("portfolio", "event_id", "offer_id", "tier", "contracted_t", "base_t", "change_t")
"""Of `Alternatives.to_frame`: one row a portfolio, event and offer that it or the base uses; floats in t. Portfolio 0
is the base."""

type Holdings = Mapping[tuple[str, str], int]
"""(event, offer) -> contracted kg."""


@dataclass(frozen=True)
class Portfolio:
    """One way to buy, exact."""

    holdings: Holdings
    effective_kg: Mapping[tuple[str, str], Fraction]
    cost: Fraction
    """The level `cost`, yuan."""
    shortfall_t: Fraction
    tiers: tuple[Fraction, ...]
    """Effective t of tier 1 .. n + 1."""

    def difference(self, other: "Portfolio") -> Fraction:
        """The share of the larger one's effective tonnes that the two do not have in common: 0 same, 1 disjoint."""
        common = sum(
            (min(kg, other.effective_kg.get(k, Fraction(0))) for k, kg in self.effective_kg.items()), Fraction(0)
        )
        most = max(sum(self.effective_kg.values(), Fraction(0)), sum(other.effective_kg.values(), Fraction(0)))
        return 1 - common / most if most else Fraction(0)

    def changes(self, base: "Portfolio") -> dict[tuple[str, str], int]:
        """(event, offer) -> contracted kg more (or less) than the base buys; those alike are left out."""
        keys = sorted({*self.holdings, *base.holdings})
        found = {key: self.holdings.get(key, 0) - base.holdings.get(key, 0) for key in keys}
        return {key: kg for key, kg in found.items() if kg}


@dataclass(frozen=True)
class Alternatives:
    """The base and what else could be bought for nearly as much."""

    base: Portfolio
    others: tuple[Portfolio, ...]
    """In the order in which they were found: each as different as possible from all before. Fewer than asked for where
    no other one is left."""
    within_e4: int
    tiers_of: Mapping[str, int]
    """Tier of each offer that some portfolio uses."""

    def as_dict(self) -> Json:
        """Decimal strings, rounded half up: yuan to fen, t to kg, shares to six decimals."""
        every = (self.base, *self.others)

        def told(k: int, one: Portfolio) -> Json:
            return {
                "cost": yuan_text(one.cost),
                "shortfall_t": t_text(one.shortfall_t),
                "tiers": [t_text(t) for t in one.tiers],
                "difference": rate_text(one.difference(self.base)),
                "least_difference": rate_text(min((one.difference(p) for p in every[:k]), default=Fraction(0))),
                "lines": [
                    {"event_id": e, "offer_id": o, "tier": self.tiers_of[o], "contracted_t": tonnes(kg)}
                    for (e, o), kg in sorted(one.holdings.items())
                ],
                "changes": [
                    {"event_id": e, "offer_id": o, "change_t": tonnes(kg)}
                    for (e, o), kg in one.changes(self.base).items()
                ],
            }

        return {"within": rate(self.within_e4), "portfolios": [told(k, one) for k, one in enumerate(every)]}

    def to_frame(self) -> pd.DataFrame:
        """Columns as COLUMNS."""
        rows = []
        for number, one in enumerate((self.base, *self.others)):
            for event, offer in sorted({*one.holdings, *self.base.holdings}):
                bought, base = one.holdings.get((event, offer), 0), self.base.holdings.get((event, offer), 0)
                amounts = (bought / KG_PER_T, base / KG_PER_T, (bought - base) / KG_PER_T)
                rows.append((number, event, offer, self.tiers_of[offer], *amounts))
        return pd.DataFrame(rows, columns=list(COLUMNS))


def alternatives(
    problem: Problem, within_e4: int, how_many: int, *, cancelled: Callable[[], bool] | None = None
) -> Alternatives:
    """Other portfolios within a share of the least cost, as different as possible.

    Args:
        problem: the levels of its objective before the first `cost` are held at their best; what comes after is not.
        within_e4: how much dearer they may be, ten-thousandths of the least cost.
        how_many: how many to look for, 1 to 50.
        cancelled: asked now and then; True stops the work.

    Raises:
        BadInput: an objective without cost; a number out of range.
        BrokenPlan: a portfolio that fails its own exact measure: our fault.
        SolverFailure: the solver gave no usable answer.
        Cancelled: asked to stop.
    """
    _refuse(problem, within_e4, how_many)
    search = _Search(problem, within_e4, WorkLimits(cancelled=cancelled))
    base = search.portfolio(search.measured({}))
    found = [base]
    while len(found) <= how_many:
        uses: dict[tuple[str, str], int] = {}
        for one in found:
            for key in one.holdings:
                uses[key] = uses.get(key, 0) + 1
        other = search.portfolio(search.measured(uses))
        if min(other.difference(p) for p in found) == 0:
            break
        found.append(other)
    return Alternatives(base, tuple(found[1:]), within_e4, search.tiers_of(found))


def _refuse(problem: Problem, within_e4: int, how_many: int) -> None:
    faults = []
    if not 0 <= within_e4 <= E4:
        zh, en = "允许多花的比例应在 0 到 1 之间", "how much dearer should be a share from 0 to 1"
        faults.append(fault("within", zh, en, path="within", value=rate(within_e4)))
    if not 1 <= how_many <= HOW_MANY_MAX:
        zh, en = f"方案个数应为 1 到 {HOW_MANY_MAX}", f"how many should be from 1 to {HOW_MANY_MAX}"
        faults.append(fault("how_many", zh, en, path="how_many", value=how_many))
    if all(spec.level != "cost" for spec in problem.levels()):
        zh, en = "目标应包含 cost 层", "the objective should have the level cost"
        faults.append(fault("no_cost", zh, en, path="objective"))
    if faults:
        raise BadInput(faults)


class _Search:
    """One problem, formulated once for the base and once for the search."""

    def __init__(self, problem: Problem, within_e4: int, limits: WorkLimits) -> None:
        self.limits = limits
        specs = problem.levels()
        head = specs[: [s.level for s in specs].index("cost")]
        plain = problem.with_settings(whole_lots=False)
        screening = screen(plain)
        self.arcs = build_arcs(plain, screening)
        exact = tuple([*head, LevelSpec(level="cost")])
        near = tuple([*head, LevelSpec.model_validate({"level": "cost", "relative": rate(within_e4)})])
        self.base, self.near = _ordered(plain, exact), _ordered(plain, near)
        self.base_program = formulate(self.base, screening, self.arcs, "face")
        self.near_program = formulate(self.near, screening, self.arcs, "face")
        ids = [event.id for event in plain.events]
        offers = plain.offers.offer_id
        pairs = zip(self.arcs.event.tolist(), self.arcs.offer.tolist(), strict=True)
        self.keys = [(ids[e], str(offers[i])) for e, i in pairs]
        self.least: dict[str, Fraction] = {}

    def measured(self, uses: Mapping[tuple[str, str], int]) -> Measure:
        """The best plan when these holdings were used so often before; none: the base."""
        program, problem = (self.near_program, self.near) if uses else (self.base_program, self.base)
        if uses:
            program = self._staged(program, uses)
        judge = Judge(problem, self.arcs)
        chain = solve_in_order(program, "face", judge, self.limits)
        measure = judge.measure(chain.purchase)
        self._check(measure, program)
        return measure

    def _staged(self, program: Program, uses: Mapping[tuple[str, str], int]) -> Program:
        """With the level of tonnes from offers used before, after the cost."""
        weight = np.array([uses.get(key, 0) for key in self.keys], dtype=float) * self.arcs.eta_e8 / E8
        none = np.zeros(0, dtype=np.int64)
        stage = Level(STAGE, np.arange(len(self.arcs)), weight, "none", None, None, None, none)
        return replace(program, levels=(*program.levels[:-1], stage, program.levels[-1]))

    def _check(self, measure: Measure, program: Program) -> None:
        """Breaks nothing, gives up no level before the cost, and costs at most what it may: exactly."""
        if measure.broken():
            raise BrokenPlan(f"an alternative breaks {measure.broken()[0]}")
        names = [level.name for level in program.levels if level.name != STAGE]
        if not self.least:
            self.least = {name: measure.level(name) for name in names}
            return
        slack = Fraction(program.levels[names.index("cost")].relative_e4, E4)
        for name in names:
            # quantities are whole kg, so a gap level may differ by what the lines between two kg round to
            room = self.least["cost"] * slack if name == "cost" else Fraction(len(measure.purchase) + 1, KG_PER_T)
            room += self._kg_of_cost(measure) if name == "cost" else 0
            if measure.level(name) > self.least[name] + room:
                raise BrokenPlan(f"an alternative gives up {name}")

    def _kg_of_cost(self, measure: Measure) -> Fraction:
        """What one kg more of every line costs, yuan: the cost of whole kg."""
        per_t = [int(self.arcs.unit_cost_e8[a]) for a in measure.purchase]
        return Fraction(sum(per_t), E8 * FEN_PER_YUAN * KG_PER_T)

    def portfolio(self, measure: Measure) -> Portfolio:
        """A measured purchase as what a reader compares."""
        holdings: dict[tuple[str, str], int] = {}
        effective: dict[tuple[str, str], Fraction] = {}
        tiers = [Fraction(0)] * (self.base.rule_pack.n_tiers + 1)
        for a, kg in sorted(measure.purchase.items()):
            key = self.keys[a]
            holdings[key] = holdings.get(key, 0) + kg
            effective[key] = effective.get(key, Fraction(0)) + measure.effective_kg[a]
            tiers[int(self.arcs.tier[a]) - 1] += measure.effective_kg[a] / KG_PER_T
        n = self.base.rule_pack.n_tiers + 1
        short = sum((measure.gap_kg(e, n) for e in range(len(self.base.events))), Fraction(0))
        return Portfolio(holdings, effective, measure.level("cost"), short / KG_PER_T, tuple(tiers))

    def tiers_of(self, found: list[Portfolio]) -> dict[str, int]:
        """Tier of each offer that is used."""
        used = {offer for one in found for _, offer in one.holdings}
        pairs = zip(self.keys, self.arcs.tier.tolist(), strict=True)
        return {offer: tier for (_, offer), tier in pairs if offer in used}


def _ordered(problem: Problem, levels: tuple[LevelSpec, ...]) -> Problem:
    return problem.replace(calendar=bare_calendar(problem.calendar).model_copy(update={"objective": levels}))
