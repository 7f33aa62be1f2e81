"""What became of every offer for every event: bought, beaten by which, or left out for which reason, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

from optimizer.eligibility import REASONS, reasons_of
from optimizer.explain import Explanation
from optimizer.plan import OFFERS_IN_PLAN, Json
from optimizer.quantities import round_half_up, yuan
from optimizer.solution import Solution
from optimizer.wording import Language, Text

BEATEN_SHOWN = 200
"""Above OFFERS_IN_PLAN, the beaten offers that are shown: the nearest to being bought."""


@dataclass(frozen=True, eq=False)
class OfferBook:
    """What became of every offer for every event."""

    solution: Solution
    explanation: Explanation | None
    lang: Language

    def states(self, everything: bool) -> list[Json]:
        """All of them, or above OFFERS_IN_PLAN the used ones and the nearest beaten ones."""
        solution = self.solution
        n_events, n_offers = solution.screening.reasons.shape
        used, best = self._used, self._best
        if everything or n_events * n_offers <= OFFERS_IN_PLAN:
            return [self._entry(e, i) for e in range(n_events) for i in range(n_offers)]
        nearest = sorted((k for k in best if k not in used), key=lambda k: (self._distance(k), k))[:BEATEN_SHOWN]
        return [self._entry(e, i) for e, i in sorted(used | set(nearest))]

    @cached_property
    def _used(self) -> set[tuple[int, int]]:
        arcs = self.solution.arcs
        return {(int(arcs.event[a]), int(arcs.offer[a])) for a in self.solution.measure.purchase}

    @cached_property
    def _best(self) -> dict[tuple[int, int], tuple[float, int]]:
        """(event, offer) -> (highest break-even, its arc)."""
        arcs = self.solution.arcs
        values = np.full(len(arcs), np.nan) if self.explanation is None else self.explanation.break_even_yuan
        best: dict[tuple[int, int], tuple[float, int]] = {}
        for a, (e, i, v) in enumerate(zip(arcs.event.tolist(), arcs.offer.tolist(), values.tolist(), strict=True)):
            if (e, i) not in best or v > best[e, i][0]:
                best[e, i] = v, a
        return best

    def _distance(self, key: tuple[int, int]) -> float:
        value, a = self._best[key]
        gap = self.solution.arcs.unit_cost_e8[a] / 1e10 - value
        return gap if gap == gap else float("inf")

    def _entry(self, e: int, i: int) -> Json:
        problem = self.solution.problem
        entry: Json = {"offer_id": problem.offers.offer_id[i], "event_id": problem.events[e].id}
        if self.solution.screening.reasons[e, i]:
            return {
                **entry,
                "state": "left_out",
                "reasons": reasons_of(problem, self.solution.screening, e, i, self.lang),
            }
        used = (e, i) in self._used
        reasons = []
        break_even = None
        if (e, i) not in self._best:
            reasons.append(self._reason("does_not_fit"))
        elif self.explanation is not None:
            value = self._best[e, i][0]
            if value == value and value > 0.005:
                break_even = yuan(round_half_up(Fraction(value) * 100))
            elif value == value and not used:
                reasons.append(self._reason("beaten_by_order"))
        if not used and not reasons:
            reasons.append(self._reason(self._lost_by(e, i)))
        return {**entry, "state": "used" if used else "beaten", "reasons": reasons, "break_even": break_even}

    def _lost_by(self, e: int, i: int) -> str:
        """Why an offer is not used although it is worth something: used up, kept out by lots or limits, or dear."""
        worth, a = self._best[e, i]
        arcs = self.solution.arcs
        left = int(self.solution.problem.offers.quantity_kg[i]) - self._bought.get(i, 0)
        if left < int(arcs.least_kg[a]):
            return "used_up"
        return "beaten_by_lots" if worth * 1e10 > float(arcs.unit_cost_e8[a]) * (1 + 1e-9) else "beaten_by_price"

    @cached_property
    def _bought(self) -> dict[int, int]:
        bought: dict[int, int] = {}
        for a, kg in self.solution.measure.purchase.items():
            bought[int(self.solution.arcs.offer[a])] = bought.get(int(self.solution.arcs.offer[a]), 0) + kg
        return bought

    def _reason(self, code: str) -> Json:
        message, clause = BEATEN[code]
        pack = self.solution.problem.rule_pack
        where = f"{pack.document_number} {pack.recognised_clause}" if clause is None else clause.say(self.lang)
        return {"code": code, "message": message.say(self.lang), "clause": where}

    def summary(self) -> Json:
        """Counts by state and by reason, all events together."""
        reasons = self.solution.screening.reasons
        left = int((reasons != 0).sum())
        present = int(np.bitwise_or.reduce(reasons, axis=None))
        counts = {
            r.code: int((reasons >> np.uint32(k) & np.uint32(1)).sum())
            for k, r in enumerate(REASONS)
            if present >> k & 1
        }
        return {
            "used": len(self._used),
            "beaten": reasons.size - left - len(self._used),
            "left_out": left,
            "by_reason": counts,
        }


BEATEN: Mapping[str, tuple[Text, Text | None]] = {
    "beaten_by_order": (
        Text("推荐顺序更靠前的已足够, 即使价格为零也不会选用", "earlier tiers suffice: it would lose even at price 0"),
        None,
    ),
    "beaten_by_price": (Text("有更便宜的选择", "others are cheaper"), Text("成本", "cost")),
    "used_up": (Text("已由其他活动用尽", "used up by other events"), Text("可用量", "availability")),
    "beaten_by_lots": (
        Text(
            "价格合适, 但整手、最小量、固定费用或限额使其未被选用",
            "priced well, but lots, its minimum, a fee or a limit keep it out",
        ),
        Text("整手与限额", "lots and limits"),
    ),
    "does_not_fit": (
        Text("最小可购量超过某项上限或预算", "its least purchase exceeds a cap or the budget"),
        Text("限额与预算", "limits and budget"),
    ),
}
