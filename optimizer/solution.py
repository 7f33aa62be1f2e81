"""A problem solved and proved: purchase, exact measure, and each level's value, bound and kind of proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from optimizer.arcs import Arcs, build_arcs
from optimizer.certificate import Frame, Goal, Multipliers, bound_in_phases, on_grid, proof_step
from optimizer.chain import ArcName, Chain, Judge, WorkLimits, cap_of
from optimizer.eligibility import Screening, screen
from optimizer.errors import BrokenPlan
from optimizer.formulation import formulate
from optimizer.lexicographic import solve_in_order
from optimizer.limits import fit
from optimizer.measure import Measure, Purchase
from optimizer.problem import Problem
from optimizer.program import Floats, Key, Program

type Proof = Literal["exact", "solver", "open"]


@dataclass(frozen=True)
class LevelProof:
    """One level of a plan, in its unit (t or yuan)."""

    name: str
    value: Fraction
    cap: Fraction
    """What later levels had to keep to."""
    bound: Fraction
    """Nothing can be below it: exact, from the multipliers, in steps where the level counts steps."""
    step: Fraction
    """Value and bound closer than this: proven."""
    proof: Proof
    """exact: re-proved in exact arithmetic; solver: the solver says so; open: neither."""
    solver_bound: float
    phases: tuple[Multipliers, ...]
    """Multipliers of the bound, phase by phase (see `certificate.bound_in_phases`)."""
    witness: Purchase | None
    """For a level with slack: the purchase that attains its value."""

    @property
    def least(self) -> Fraction:
        """The best bound that is known: the exact one, or the solver's where it says that it has finished."""
        return self.value if self.proof != "open" else self.bound


@dataclass(frozen=True, eq=False)
class Solution:
    """A problem, how it was screened and formulated, and what came out."""

    problem: Problem
    screening: Screening
    arcs: Arcs
    program: Program
    chain: Chain
    measure: Measure
    proofs: tuple[LevelProof, ...]

    def proof(self, name: str) -> LevelProof:
        """The last level of this name. Raises KeyError."""
        return {p.name: p for p in self.proofs}[name]

    def bought(self) -> dict[ArcName, int]:
        """The purchase by names that hold in variants of the problem, kg."""
        arcs = self.arcs.take(self.measure.used)
        days = np.datetime_as_string(arcs.day).tolist()
        names = zip(arcs.event.tolist(), arcs.offer.tolist(), days, arcs.piece.tolist(), strict=True)
        return dict(zip(names, self.measure.purchase.values(), strict=True))

    @property
    def shortfall_t(self) -> Fraction:
        """What is left uncovered, exact, t."""
        n = self.problem.rule_pack.n_tiers
        return sum((self.measure.gap_kg(e, n + 1) for e in range(len(self.problem.events))), Fraction(0)) / 1000

    @property
    def cost_yuan(self) -> Fraction:
        """Total cost, nominal, exact."""
        return self.measure.cost_fen / 100


def solve(problem: Problem, limits: WorkLimits | None = None, *, prove: bool = True) -> Solution:
    """Screen, formulate, solve in order, measure, prove.

    Raises BrokenPlan when the outcome fails its own exact measure, SolverFailure, Cancelled.
    """
    limits = limits or WorkLimits()
    screening = screen(problem)
    arcs = build_arcs(problem, screening)
    whole = problem.settings.whole_lots
    if whole:
        arcs = fit(problem, arcs)
    program = formulate(problem, screening, arcs, "rows" if whole else "face")
    judge = Judge(problem, arcs)
    chain = solve_in_order(program, "rows" if whole else "face", judge, limits)
    measure = judge.measure(chain.purchase)
    broken = measure.broken()
    if broken:
        raise BrokenPlan(f"the plan breaks {broken[0]} and {len(broken) - 1} more")
    proofs = _proofs(problem, arcs, program, chain, measure) if prove else ()
    return Solution(problem, screening, arcs, program, chain, measure, proofs)


def _proofs(problem: Problem, arcs: Arcs, program: Program, chain: Chain, measure: Measure) -> tuple[LevelProof, ...]:
    frame = Frame(problem, arcs)
    between = arcs.kg_costs_fen(a for a in chain.between_kg if a in measure.purchase)
    earlier: list[Goal] = []
    found: list[LevelProof] = []
    for k, solved in enumerate(chain.levels):
        level = solved.level
        if level.name == "tie-break":
            continue
        value = solved.value if level.has_slack else measure.level(level.name)
        cap = max(cap_of(level, value), measure.level(level.name))
        phases = tuple(multipliers_of(program.row_keys, y, solved.held, k) for y in solved.row_duals)
        bound = bound_in_phases(frame, level.name, earlier, phases, value)
        step = proof_step(problem, level.name, between)
        proof: Proof = "exact" if value - bound < step else ("solver" if solved.closed else "open")
        witness = solved.witness if level.has_slack else None
        found.append(LevelProof(level.name, value, cap, bound, step, proof, solved.solver_bound, phases, witness))
        earlier.append(Goal(level.name, cap))
    return tuple(found)


def multipliers_of(row_keys: tuple[Key, ...], duals: Floats, held: Mapping[int, float], k: int) -> dict[Key, int]:
    """Row duals of level k as multipliers of the certificate; steps and held rows become ("level", i)."""
    found: dict[Key, int] = {}
    for i in np.flatnonzero(duals).tolist():
        key, y = row_keys[i], float(duals[i])
        if key[0] in ("steps", "held"):
            if isinstance(key[1], int) and key[1] < k:
                _add(found, ("level", key[1]), y if key[0] == "steps" else -y)
        else:
            _add(found, key, y)
    for earlier, multiplier in held.items():
        _add(found, ("level", earlier), multiplier)
    return {key: m for key, m in found.items() if m}


def _add(found: dict[Key, int], key: Key, value: float) -> None:
    found[key] = found.get(key, 0) + on_grid(value)
