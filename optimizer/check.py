"""check(plan): everything that a plan file says is derived again from the problem in it, in exact numbers.

Here live the report and the order of the steps; what a step derives is the business of the rooms above, `check_lines`
to `check_provenance`. Neither the formulation nor the solver is imported. What only a solver can say (repairs, prices
of rules, break-evens, the price of the order, the solver's own bounds, levels proven by the solver only) is sealed by
`plan_id` and listed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from optimizer.check_levels import check_levels
from optimizer.check_lines import check_hard_rows, check_lines, check_registries
from optimizer.check_offers import check_offers
from optimizer.check_provenance import check_provenance
from optimizer.check_totals import check_sums, check_tiers, check_years
from optimizer.errors import BadInput
from optimizer.offers import Offers
from optimizer.opened_plan import Differs, OpenedPlan, open_plan
from optimizer.plan import Json, Plan, seal_is_whole
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


SEAL = Text("封印: plan_id 是其余内容的哈希", "seal: plan_id is the hash of all else")
READABLE = Text("方案与问题可读", "plan and problem can be read")

STEPS: tuple[tuple[Text, Callable[[OpenedPlan], None]], ...] = (
    (
        Text(
            "每一行: 资格、日期、整手、价格、付款、注销",
            "every line: eligibility, dates, lots, price, payments, retirement",
        ),
        check_lines,
    ),
    (Text("可用量、预算、份额上限", "availability, budgets, max shares"), check_hard_rows),
    (Text("覆盖量、成本与合计", "coverage, costs and totals"), check_sums),
    (Text("各层级的量与金额", "tiers"), check_tiers),
    (Text("财政年度", "fiscal years"), check_years),
    (Text("登记机构与有效期", "registries and validity"), check_registries),
    (Text("各目标层级的值与精确下界", "values and exact bounds of the levels"), check_levels),
    (Text("每个报价的去向与理由", "what became of every offer, and why"), check_offers),
    (Text("来源哈希、设置与规则", "hashes, settings and rules"), check_provenance),
)

SEALED: tuple[Text, ...] = (
    Text("落选报价的保本价", "break-even prices"),
    Text("规则的价格", "prices of rules"),
    Text("推荐顺序的代价、整手的代价", "price of the order and cost of whole lots"),
    Text("不足时的原因与补救", "diagnosis and repairs"),
    Text("求解器自报的界, 以及仅由求解器证明的层级", "the solver's own bounds, and levels that only the solver proves"),
    Text("文件警告与版本, 是否可重现", "warnings of the files, versions, whether it is reproducible"),
    Text("落选报价的理由文字", "the reasons given for beaten offers"),
)

UNREADABLE = (ValueError, KeyError, IndexError, TypeError, ArithmeticError)
"""What a document that is no plan may raise: pydantic's errors are ValueErrors, those of decimals ArithmeticErrors."""

DETAIL_LENGTH = 200
"""Characters of an error that are shown: it may repeat what the document holds."""


def check(plan: Plan | Mapping[str, Any], offers: Offers | None = None) -> CheckReport:
    """Derive a plan again. `offers` is needed when the plan holds only the hash of its offers.

    A plan that is no plan at all, or that cannot be derived for want of offers, fails with the reason as detail.
    """
    document = plan.document() if isinstance(plan, Plan) else dict(plan)
    opened: list[OpenedPlan] = []
    seal = _checked(SEAL, lambda: _check_seal(document))
    readable = _checked(READABLE, lambda: opened.append(open_plan(document, offers)))
    steps = [_checked(what, partial(step, one)) for one in opened for what, step in STEPS]
    return CheckReport((seal, readable, *steps), SEALED)


def _checked(what: Text, derive: Callable[[], None]) -> Checked:
    """One step taken; whatever stops it is its detail."""
    try:
        derive()
    except Differs as difference:
        return Checked(what, False, str(difference))
    except BadInput as error:
        return Checked(what, False, str(error)[:DETAIL_LENGTH])
    except UNREADABLE as error:
        return Checked(what, False, f"{type(error).__name__}: {str(error)[:DETAIL_LENGTH]}")
    return Checked(what, True)


def _check_seal(document: Json) -> None:
    if not seal_is_whole(document):
        raise Differs("plan_id")
