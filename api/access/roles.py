"""Roles and what each of them may do, as data. Routes name a permission; nothing else decides."""

from typing import Literal, get_args

from optimizer.wording import Text

type Role = Literal["finance", "organiser", "broker", "auditor", "administrator"]
type Permission = Literal[
    "policies.read",
    "policies.write",
    "snapshots.read",
    "snapshots.write",
    "events.read",
    "events.write",
    "plans.read",
    "plans.make",
    "jobs.read",
    "jobs.run",
    "inventory.read",
    "inventory.write",
    "quotes.read",
    "quotes.write",
    "quotes.received",
    "quotes.answer",
    "holds.read",
    "holds.write",
    "orders.read",
    "orders.write",
    "retirements.read",
    "retirements.write",
    "disclosures.read",
    "disclosures.write",
    "audit.read",
    "people.read",
    "people.write",
    "self",
]

ROLES: tuple[Role, ...] = get_args(Role.__value__)
PERMISSIONS: tuple[Permission, ...] = get_args(Permission.__value__)

ROLE_NAMES: dict[Role, Text] = {
    "finance": Text("财务", "Finance"),
    "organiser": Text("主办", "Organiser"),
    "broker": Text("经纪", "Broker"),
    "auditor": Text("审计", "Auditor"),
    "administrator": Text("管理员", "Administrator"),
}
ROLE_SENTENCES: dict[Role, Text] = {
    "finance": Text(
        "维护市场和活动, 生成方案与预算, 接受或拒绝收到的报价; 不登记注销, 也不发布公示。",
        "Keeps markets and events, makes plans and budgets, answers quotes that came; records no retirement and "
        "publishes nothing.",
    ),
    "organiser": Text(
        "与财务相同, 另可登记注销、发布公示。",
        "What finance may do; also records retirements and publishes disclosures.",
    ),
    "broker": Text(
        "规划之外, 管理库存、报价单、预留和订单, 并代客户注销。",
        "Plans; also keeps the inventory, quotes, holds and orders, and retires on behalf of clients.",
    ),
    "auditor": Text(
        "查看本单位的一切记录和审计轨迹, 不改动任何内容。",
        "Reads every record of the organisation and its trail; changes nothing.",
    ),
    "administrator": Text(
        "可做以上一切, 另可管理用户、密钥、规则包和单位设置。",
        "All of this; also keeps users, keys, rule packs and the settings of the organisation.",
    ),
}
"""What each role may do, for people; `MAY` decides."""

_EVERYBODY: frozenset[Permission] = frozenset({"policies.read", "self"})
_PLANNING: frozenset[Permission] = frozenset(
    {
        *("snapshots.read", "snapshots.write", "events.read", "events.write"),
        *("plans.read", "plans.make", "jobs.read", "jobs.run"),
    }
)
_BUYING: frozenset[Permission] = frozenset(
    {"quotes.received", "quotes.answer", "retirements.read", "disclosures.read"},
)
_READING: frozenset[Permission] = frozenset(p for p in PERMISSIONS if p.endswith(".read")) | {"quotes.received"}

MAY: dict[Role, frozenset[Permission]] = {
    # plans budgets and buys; neither sells nor declares what was cancelled
    "finance": _EVERYBODY | _PLANNING | _BUYING,
    # runs events: enters them, retires and publishes
    "organiser": _EVERYBODY | _PLANNING | _BUYING | {"retirements.write", "disclosures.write"},
    # sells: an inventory, quotes, holds, orders, and the retirements on behalf of clients
    "broker": _EVERYBODY
    | _PLANNING
    | {
        *("inventory.read", "inventory.write", "quotes.read", "quotes.write", "holds.read", "holds.write"),
        *("orders.read", "orders.write", "retirements.read", "retirements.write", "disclosures.read"),
    },
    # reads everything of the organisation, changes nothing
    "auditor": _EVERYBODY | (_READING - {"people.read"}),
    "administrator": frozenset(PERMISSIONS),
}


def may(roles: frozenset[Role], permission: Permission) -> bool:
    """Whether any of the roles has the permission."""
    return any(permission in MAY[role] for role in roles)
