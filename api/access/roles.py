"""Roles and what each of them may do, as data. Routes name a permission; nothing else decides."""

from typing import Literal, get_args

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

_EVERYBODY: frozenset[Permission] = frozenset({"policies.read", "self"})
_PLANNING: frozenset[Permission] = frozenset(
    {
        *("snapshots.read", "snapshots.write", "events.read", "events.write"),
        *("plans.read", "plans.make", "jobs.read", "jobs.run"),
    }
)
_BUYING: frozenset[Permission] = frozenset(
    {"quotes.received", "retirements.read", "disclosures.read"},
)
_READING: frozenset[Permission] = frozenset(p for p in PERMISSIONS if p.endswith(".read")) | {"quotes.received"}

MAY: dict[Role, frozenset[Permission]] = {
    # plans budgets; neither sells nor declares what was cancelled
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
