"""Which of the facts explain which changed line: its own offer, the event and the rules, other lines, or nothing.

A line's causes, in this order: what decides alone (gone, new, barred, admitted); the offer's own changes that pull the
line's way; what changed for the event; a limit or budget that binds only now; the lines that took its place or whose
place it takes. Where none of these is found: changes elsewhere, then the offer's own change the other way, and in the
end an honest "another plan that is as good".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from optimizer.plan import Json, Line, Plan, RulePrice
from optimizer.quantities import kg_of, price_text, tonnes
from optimizer.term_names import group_name
from optimizer.wording import Text
from scenarios.circumstances import date_moved, event_changes, shared_changes
from scenarios.offer_facts import Cause, Side

NAMES_SHOWN = 3
"""How many lines a sentence names; the evidence names all."""
KEYS_OF_LIMITS = frozenset(
    ("seller", "project_id", "instrument", "region", "vintage", "mechanism", "methodology", "registry", "channel")
)
"""Columns of an offer that a limit's name may carry; a tier is none."""


@dataclass(frozen=True)
class Move:
    """A line that changed: which way (+1 more or new, -1 less or gone, 0 otherwise), and the facts about its offer."""

    event_id: str
    offer_id: str
    direction: int
    effective_kg: int
    """After less before."""
    dates_differ: bool
    price_before: Fraction | None
    """Cost / contracted, yuan/t; None where nothing was bought."""
    price_after: Fraction | None
    facts: tuple[Cause, ...]

    @property
    def decisive(self) -> tuple[Cause, ...]:
        """Facts that decide alone: it is not there any more, or could not be bought before."""
        if self.direction == -1 and self.price_after is None:
            return tuple(
                f for f in self.facts if f.direction == -1 and (f.clause is not None or f.code == "offer_gone")
            )
        if self.direction == 1 and self.price_before is None:
            return tuple(f for f in self.facts if f.code in ("offer_new", "now_eligible"))
        return ()

    @property
    def own(self) -> tuple[Cause, ...]:
        """Facts that pull the way in which the line went."""
        return self.decisive or tuple(f for f in self.facts if f.pulls(self.direction))

    def named(self) -> Json:
        """For the evidence of other lines."""
        prices = {
            key: None if price is None else price_text(price)
            for key, price in (("price_before", self.price_before), ("price_after", self.price_after))
        }
        change = {"event_id": self.event_id, "offer_id": self.offer_id, "effective_change_t": tonnes(self.effective_kg)}
        return {**change, **prices, "because": [f.code for f in self.own]}


@dataclass(frozen=True, eq=False)
class Reasoning:
    """Two plans with their problems and every line that changed: gives the causes of each."""

    before: Plan
    after: Plan
    old: Side
    new: Side
    moves: tuple[Move, ...]

    def causes(self, move: Move) -> tuple[Cause, ...]:
        """At least one."""
        if move.decisive:
            return move.decisive
        moved = date_moved(self.old.problem, self.new.problem) if move.dates_differ else []
        around = self._around(move)
        if move.direction == 0:
            found = [*move.own, *(c for c in around if c.code == "outlook_changed"), *moved] or around
        else:
            found = [*move.own, *around, *self._newly_binding(move), *self._counterparts(move), *moved]
        return tuple(found or self._newly_binding(move) or self._far(move) or self._last_resort(move))

    def _around(self, move: Move) -> list[Cause]:
        """What changed for the event."""
        own = event_changes(self.old.problem, self.new.problem, move.event_id)
        if any(c.code in ("event_new", "event_gone") for c in own):
            return own
        return own + shared_changes(self.old.problem, self.new.problem)

    def _counterparts(self, move: Move) -> list[Cause]:
        """Lines of the same event that went the other way."""
        others = [m for m in self.moves if m.event_id == move.event_id and m.direction == -move.direction != 0]
        if move.direction == -1 and others:
            better = [m for m in others if any(f.direction == 1 for f in m.own)]
            if better:
                return [self._beaten(move, better)]
            return [_replaced(others)] if move.own else []
        worse = [m for m in others if any(f.direction == -1 for f in m.own)]
        return [_takes_place(worse)] if move.direction == 1 and worse and not move.own else []

    def _beaten(self, move: Move, better: Sequence[Move]) -> Cause:
        limit = self._break_even(move)
        zh, en = "; ".join(_priced(m).zh for m in _largest(better)), "; ".join(_priced(m).en for m in _largest(better))
        text = Text(f"被更好的报价取代: {zh}{_rest(better).zh}", f"beaten by better offers: {en}{_rest(better).en}")
        if limit is not None:
            text = Text(f"{text.zh}; 全价不高于 {limit} 元/吨才会再买", f"{text.en}; worth at most {limit} yuan/t now")
        return Cause("beaten", text, {"by": [m.named() for m in better], "break_even": limit}, direction=-1)

    def _break_even(self, move: Move) -> str | None:
        """What the offer may cost to be bought, where the new plan says so of an offer that it does not use."""
        mine = (s for s in self.after.offers if (s.event_id, s.offer_id) == (move.event_id, move.offer_id))
        return next((s.break_even for s in mine if s.state == "beaten"), None)

    def _newly_binding(self, move: Move) -> list[Cause]:
        """Limits and budgets that have a price in the new plan and had none in the old one, told together."""
        old = {(r.rule, r.event_id) for r in self.before.rules if r.marginal is not None}
        found = [
            r
            for r in self.after.rules
            if r.marginal is not None and (r.rule, r.event_id) not in old and self._bears_on(r, move)
        ]
        if not found:
            return []
        names = [rule_text(r.rule) for r in found]
        text = Text(f"现受限于: {'; '.join(n.zh for n in names)}", f"what binds now: {'; '.join(n.en for n in names)}")
        rules = [{"rule": r.rule, "marginal": r.marginal, "unit": r.unit} for r in found]
        return [Cause("limit_binds", text, {"rules": rules})]

    def _bears_on(self, rule: RulePrice, move: Move) -> bool:
        """Whether a rule is a limit that counts the offer, or a budget of the event that has money at all."""
        kind, _, rest = rule.rule.partition(" ")
        if rule.event_id not in (None, move.event_id) or kind not in ("max", "min", "budget"):
            return False
        if kind != "budget":
            return self._in_group(rule.rule, move)
        listed = {str(f.year) for f in self.after.fiscal_years if f.budget is not None and f.event_id == rule.event_id}
        return rest == "total" or rest in listed

    def _in_group(self, rule: str, move: Move) -> bool:
        """Whether a limit counts the offer; one of several keys is taken to count it."""
        key, _, value = _limited(rule).partition("=")
        terms = self.new.terms(move.offer_id) or self.old.terms(move.offer_id)
        if key not in KEYS_OF_LIMITS or ", " in value:
            return True
        own = str(terms.get(key, ""))
        return (own[:2] if key == "region" else own) in {v[:2] if key == "region" else v for v in value.split("|")}

    def _far(self, move: Move) -> list[Cause]:
        """What changed elsewhere: other lines of the event, other events, then the offer itself the other way."""
        others = [m for m in self.moves if m is not move and any(not f.weak for f in m.facts)]
        near = [m for m in others if m.event_id == move.event_id] or others
        if near:
            return [_displaced(near)]
        ids = sorted({e.id for p in (self.old.problem, self.new.problem) for e in p.events} - {move.event_id})
        elsewhere = [(i, c) for i in ids for c in event_changes(self.old.problem, self.new.problem, i)]
        if elsewhere:
            return [_other_event(event_id, cause) for event_id, cause in elsewhere]
        return [_against(f) for f in move.facts] + date_moved(self.old.problem, self.new.problem)

    def _last_resort(self, move: Move) -> list[Cause]:
        if not self.old.known:
            zh = "旧方案只带报价的哈希, 而未给出旧市场: 无从得知这个报价此前如何"
            en = "the old plan carries only the hash of its market, which was not given: what became of it is not known"
            return [Cause("old_market_unknown", Text(zh, en))]
        values = [[(x.name, x.value) for x in plan.levels] for plan in (self.before, self.after)]
        if values[0] == values[1]:
            zh, en = "各目标的值相同: 两个方案同样好", "every goal has the same value: both plans are as good"
        else:
            zh, en = "未见与此行有关的变化, 是整体最优的结果", "nothing that bears on this line changed: the mix did"
        return [Cause("other_optimum", Text(zh, en), {"same_goals": values[0] == values[1]})]


def _limited(rule: str) -> str:
    """`max share seller=A 40 %` -> `seller=A`."""
    return rule.split(" ", 2)[2].rsplit(" ", 2)[0]


def rule_text(rule: str) -> Text:
    """The name of a budget or of a limit as plans have it, in both languages."""
    kind, _, rest = rule.partition(" ")
    if kind == "budget":
        return Text(
            "预算总额" if rest == "total" else f"{rest} 年预算",
            "the budget in all" if rest == "total" else f"the budget of {rest}",
        )
    share, what = rule.rsplit(" ", 2)[1], group_name(_limited(rule))
    bound = "上限" if kind == "max" else "下限"
    return Text(f"份额{bound} {share} % ({what.zh})", f"the {kind} share of {share} % ({what.en})")


def _largest(moves: Iterable[Move]) -> list[Move]:
    """Those that moved most, a few."""
    return sorted(moves, key=lambda m: (-abs(m.effective_kg), m.event_id, m.offer_id))[:NAMES_SHOWN]


def _rest(moves: Sequence[Move]) -> Text:
    more = len(moves) - NAMES_SHOWN
    return Text("", "") if more <= 0 else Text(f"; 另有 {more} 行", f"; {more} more")


def _priced(move: Move) -> Text:
    """A line with the tonnes by which it changed and its price."""
    t = tonnes(abs(move.effective_kg))
    sign = "-" if move.effective_kg < 0 else "+"
    old, new = (None if p is None else price_text(p) for p in (move.price_before, move.price_after))
    price = f"{old} → {new}" if old is not None and new is not None and old != new else new or old
    return Text(f"{move.offer_id} ({sign}{t} 吨, {price} 元/吨)", f"{move.offer_id} ({sign}{t} t, {price} yuan/t)")


def _listed(moves: Sequence[Move]) -> Text:
    shown = [_priced(m) for m in _largest(moves)]
    rest = _rest(moves)
    return Text("; ".join(s.zh for s in shown) + rest.zh, "; ".join(s.en for s in shown) + rest.en)


def _replaced(others: Sequence[Move]) -> Cause:
    names = _listed(others)
    text = Text(f"由其他报价代替: {names.zh}", f"replaced by {names.en}")
    return Cause("replaced", text, {"by": [m.named() for m in others]}, direction=-1)


def _takes_place(worse: Sequence[Move]) -> Cause:
    names = _listed(worse)
    text = Text(f"代替: {names.zh}", f"takes the place of {names.en}")
    return Cause("takes_place", text, {"of": [m.named() for m in worse]}, direction=1)


def _displaced(others: Sequence[Move]) -> Cause:
    names = _listed(others)
    text = Text(f"其他报价有变, 组合随之调整: {names.zh}", f"other offers changed, and the mix with them: {names.en}")
    return Cause("displaced", text, {"others": [m.named() for m in others]})


def _other_event(event_id: str, cause: Cause) -> Cause:
    text = Text(f"活动 {event_id}: {cause.message.zh}", f"event {event_id}: {cause.message.en}")
    return Cause("other_event_changed", text, {"event_id": event_id, "code": cause.code, **cause.evidence})


def _against(fact: Cause) -> Cause:
    """The only change that was found points the other way: it can only have worked through others."""
    zh, en = "唯一的变化, 经由预算、限额或整手起作用", "the only change found; it works through money, limits or lots"
    return Cause(fact.code, Text(f"{fact.message.zh} ({zh})", f"{fact.message.en} ({en})"), fact.evidence, fact.clause)


def average_price(lines: Sequence[Line], cost_fen: int) -> Fraction | None:
    """Cost / contracted of an offer's lines, exact from what is printed, yuan/t; None where nothing is bought."""
    kg = sum(kg_of(x.contracted_t) for x in lines)
    return Fraction(cost_fen * 10, kg) if kg else None
