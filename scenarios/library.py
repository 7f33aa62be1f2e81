"""Ready scenarios, by name: what is most often asked of a plan. Names are fixed; files and commands refer to them."""

from collections.abc import Mapping

from optimizer.errors import BadInput
from optimizer.findings import fault
from optimizer.plan import Json
from scenarios.scenario import Scenario


def _ready(name: str, zh: str, en: str, shows_zh: str, shows_en: str, **changes: object) -> tuple[str, Scenario]:
    content: Json = {"title": {"zh": zh, "en": en}, "shows": {"zh": shows_zh, "en": shows_en}, **changes}
    return name, Scenario.model_validate({"name": name, **content})


READY: Mapping[str, Scenario] = dict(
    [
        _ready(
            "cheapest-lawful",
            "最便宜的合规组合",
            "cheapest lawful mix",
            "推荐顺序多花多少钱: 先成本, 后顺序",
            "what the recommended order costs: cost before the order",
            objective="cost-first",
        ),
        _ready(
            "order-first",
            "顺序优先",
            "order first",
            "预算不够时, 坚持顺序会少覆盖多少",
            "what keeping the order costs in coverage where money is short",
            objective="order-first",
        ),
        _ready(
            "national-guide",
            "按国家指南",
            "national guide",
            "换用生态环境部 2019 年指南, 不用山西方案",
            "the ministry's guide of 2019 in place of the Shanxi plan",
            policy="mee-2019",
        ),
        _ready(
            "budget-minus-20",
            "预算减 20 %",
            "budget -20 %",
            "每一笔预算少两成, 还能覆盖多少",
            "what is covered with a fifth less of every budget",
            budget={"scale": "0.8"},
        ),
        _ready(
            "allowances-plus-30",
            "配额涨 30 %",
            "allowances +30 %",
            "配额价格上涨三成时的成本与替代",
            "cost and substitutes when allowances are 30 % dearer",
            prices=[{"where": {"instrument": "allowance"}, "factor": "1.3"}],
        ),
        _ready(
            "no-forest",
            "不用林业",
            "no forest",
            "不买新建林业碳汇",
            "no new forestry is bought",
            offers={"exclude": {"instrument": "forestry"}},
        ),
        _ready(
            "ex-ante-forest",
            "林业按事前计",
            "ex-ante forest",
            "新建林业按预计总量计入, 已公布的活动多这样计",
            "new forestry counted by all that it will deliver, as published events did",
            settings={"forestry_accrual": "ex_ante"},
        ),
        _ready(
            "only-shanxi",
            "只用山西",
            "only Shanxi",
            "只买标明在山西的报价; 未标明地区的不买",
            "only offers that name Shanxi as their region; a blank region is left out",
            offers={"regions": ["14"]},
        ),
        _ready(
            "one-year-later",
            "活动晚一年",
            "one year later",
            "活动结束晚一年, 各期限随之顺延, 行情不变",
            "the event ends a year later, and every deadline with it, on today's market",
            dates={"end_shift_years": 1},
        ),
        _ready(
            "strict-tier-2",
            "第二层从严",
            "strict tier 2",
            "第二层只认省内减排量, 不认省外其他机制",
            "tier 2 takes reductions from the province only",
            settings={"other_mechanisms_anywhere": False},
        ),
        _ready(
            "donated-lots",
            "接受捐赠",
            "donated lots",
            "各渠道都开放, 包括捐赠",
            "every channel is open, donations too",
            offers={"channels": ["holder", "agent", "donation"]},
        ),
        _ready(
            "donated-only",
            "只用捐赠",
            "donated lots only",
            "只靠捐赠能覆盖多少",
            "how far donations alone go",
            offers={"lift": ["channels"], "only": {"channel": "donation"}},
        ),
        _ready(
            "greedy-order",
            "简单规则: 按顺序买",
            "simple rule: by the order",
            "逐层买最便宜的, 不求最优: 优化省了多少",
            "tier by tier the cheapest, nothing optimised: what planning saves",
            method="greedy-order",
        ),
        _ready(
            "greedy-cheapest",
            "简单规则: 买最便宜的",
            "simple rule: the cheapest",
            "不论层级买最便宜的, 不求最优",
            "the cheapest eligible whatever its tier, nothing optimised",
            method="greedy-cheapest",
        ),
    ]
)
"""Name -> scenario, in the order in which they are listed."""


def ready(name: str) -> Scenario:
    """A ready scenario by its name. Raises BadInput."""
    if name not in READY:
        known = ", ".join(READY)
        zh, en = f"没有这个现成的情景; 有: {known}", f"no such ready scenario; there are {known}"
        raise BadInput([fault("scenario_unknown", zh, en, path="--scenarios", value=name)])
    return READY[name]
