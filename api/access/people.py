"""Organisations, users, their keys and sessions: who there is, and as whom a secret lets somebody in.

Until an organisation has its first administrator the service answers this machine alone, as the organisation `local`;
the first administrator takes over what was kept there.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, func, select, update

from api.access import trail
from api.access.roles import ROLES, Role
from api.access.scope import Actor, Scope, Way
from api.access.secrets import (
    KEY_PREFIX,
    PASSWORD_LENGTH_MAX,
    PASSWORD_LENGTH_MIN,
    new_id,
    new_token,
    password_hash,
    password_matches,
    token_hash,
)
from api.database.tables import keys, organisations, sessions, users
from api.refusals import Refused, not_found
from market_data.store_statements import Prepared
from market_data.store_tables import is_sound, time_text
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault

LOCAL = "local"
"""The organisation of a machine on which nobody has signed in yet."""
NOBODY = "local-user"
"""Who acts there."""
OPERATOR = "operator"
"""Who acts on the machine itself, as the trail names them."""
SESSION_HOURS = 12
FOUNDING = 0x6A68_0003
"""Key of PostgreSQL's advisory lock under which the first organisation is made."""
NAME_LENGTH_MAX = 200

# Built once: every request passes one of these, and building a statement takes as long as sending it.
_FIRST = select(func.min(organisations.c.number)).scalar_subquery()
_FIRST_ORGANISATION = Prepared(select(organisations.c.id, organisations.c.name).where(organisations.c.number == _FIRST))
_ROLES_IN_USE = Prepared(select(users.c.roles).where(users.c.disabled_at.is_(None)))
_WHO = (
    *(users.c.organisation_id, organisations.c.name.label("organisation"), users.c.id.label("user_id")),
    *(users.c.name, users.c.roles, users.c.disabled_at),
)
_BY_KEY = Prepared(
    select(*_WHO, keys.c.id.label("credential_id"), keys.c.roles.label("allowed"), keys.c.expires_at, keys.c.revoked_at)
    .join(users, users.c.id == keys.c.user_id)
    .join(organisations, organisations.c.id == users.c.organisation_id)
    .where(keys.c.hash == bindparam("hash"))
)
_BY_SESSION = Prepared(
    select(*_WHO, sessions.c.id.label("credential_id"), sessions.c.expires_at, sessions.c.ended_at)
    .join(users, users.c.id == sessions.c.user_id)
    .join(organisations, organisations.c.id == users.c.organisation_id)
    .where(sessions.c.hash == bindparam("hash"))
)


@dataclass(frozen=True)
class NewKey:
    """A key that was just made; the token is shown this once."""

    id: str
    token: str


# ------------------------------------------------------------------------------------------------------- organisations


def local_actor(c: Connection) -> Actor:
    """Who acts while nobody has to sign in: everything, for the organisation `local` (or what became of it)."""
    first = _FIRST_ORGANISATION.one(c)
    return Actor(first["id"], first["name"], NOBODY, NOBODY, frozenset({"administrator"}), "local")


def is_founded(c: Connection) -> bool:
    """Whether there is any organisation."""
    return c.execute(select(organisations.c.id).limit(1)).first() is not None


def found(c: Connection, now: datetime) -> None:
    """Makes the organisation `local` in a database that has none."""
    if not is_founded(c):
        add_organisation(c, LOCAL, now, LOCAL)


def add_organisation(c: Connection, name: str, now: datetime, row_id: str = "") -> str:
    """A new organisation with an empty trail; gives its id. Raises BadInput for a name that is there or no name."""
    found = _name_faults(name, "organisation")
    taken = select(organisations.c.id).where(organisations.c.name == name.strip())
    if not found and c.execute(taken).first() is not None:
        found = [fault("organisation_known", "已有同名单位", "an organisation of this name exists", value=name)]
    if found:
        raise BadInput(found)
    made = row_id or new_id()
    values = {"id": made, "name": name.strip(), "settings": "{}", "created_at": time_text(now)}
    c.execute(organisations.insert(), values)
    trail.start(c, made)
    return made


def organisation_named(c: Connection, name: str) -> RowMapping | None:
    """The organisation of a name."""
    return c.execute(select(organisations).where(organisations.c.name == name.strip())).mappings().one_or_none()


def has_administrator(c: Connection) -> bool:
    """Whether somebody can sign in and administer: from then on everybody has to sign in."""
    return any("administrator" in json.loads(row["roles"]) for row in _ROLES_IN_USE.rows(c))


def own_organisation(scope: Scope) -> RowMapping:
    """The actor's organisation."""
    mine = organisations.c.id == scope.actor.organisation_id
    return scope.c.execute(select(organisations).where(mine)).mappings().one()


def lock_organisation(scope: Scope) -> None:
    """Lets one change of the organisation or its users follow the other."""
    mine = organisations.c.id == scope.actor.organisation_id
    scope.c.execute(select(organisations.c.id).where(mine).with_for_update())


def settings_of(scope: Scope) -> dict[str, Any]:
    """What the actor's organisation has set."""
    wanted = select(organisations.c.settings).where(organisations.c.id == scope.actor.organisation_id)
    known: dict[str, Any] = json.loads(scope.c.execute(wanted).scalar_one())
    return known


def change_settings(scope: Scope, changes: dict[str, Any]) -> dict[str, Any]:
    """Sets some of them; gives all."""
    mine = organisations.c.id == scope.actor.organisation_id
    lock_organisation(scope)
    known = settings_of(scope) | changes
    scope.c.execute(update(organisations).where(mine).values(settings=json.dumps(known, sort_keys=True)))
    scope.note("organisation.set", scope.actor.organisation_id, **changes)
    return known


def rename_organisation(scope: Scope, name: str) -> None:
    """Another name for the actor's organisation. Raises BadInput."""
    if found := _name_faults(name, "name"):
        raise BadInput(found)
    other = organisation_named(scope.c, name)
    if other is not None and other["id"] != scope.actor.organisation_id:
        raise Refused("conflict", [fault("organisation_known", "已有同名单位", "this name is taken", path="name")])
    mine = organisations.c.id == scope.actor.organisation_id
    scope.c.execute(update(organisations).where(mine).values(name=name.strip()))
    scope.note("organisation.rename", scope.actor.organisation_id, name=name.strip())


# --------------------------------------------------------------------------------------------------------------- users


def add_user(scope: Scope, login: str, name: str, roles: Sequence[str], password: str | None) -> str:
    """A user of the actor's organisation; gives the id.

    Raises:
        BadInput: every fault of login, name, roles and password at once.
        Refused: `conflict`, a login that is taken (logins are unique across organisations).
    """
    found = [*_login_faults(login), *_name_faults(name, "name"), *_role_faults(roles)]
    found += [] if password is None else password_faults(password)
    if found:
        raise BadInput(found)
    if scope.c.execute(select(users.c.id).where(users.c.login == login.casefold())).first() is not None:
        zh, en = "此登录名已被使用", "this login is taken"
        raise Refused("conflict", [fault("login_taken", zh, en, path="login", value=login)])
    made = scope.add(
        users,
        login=login.casefold(),
        name=name.strip(),
        password_hash=None if password is None else password_hash(password),
        roles=json.dumps(sorted(set(roles))),
        created_at=scope.now_text,
        disabled_at=None,
    )
    scope.note("user.add", made, login=login.casefold(), roles=sorted(set(roles)))
    return made


def change_user(
    scope: Scope, user_id: str, *, name: str | None, roles: Sequence[str] | None, disabled: bool | None
) -> RowMapping:
    """Changes what is given. Raises BadInput; Refused `conflict` where no administrator would be left."""
    found = [] if name is None else _name_faults(name, "name")
    found += [] if roles is None else _role_faults(roles)
    if found:
        raise BadInput(found)
    lock_organisation(scope)  # two administrators may not take the role from each other in one moment
    row = scope.one(users, user_id, lock=True)
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = name.strip()
    if roles is not None:
        values["roles"] = json.dumps(sorted(set(roles)))
    if disabled is not None:
        values["disabled_at"] = (row["disabled_at"] or scope.now_text) if disabled else None
    if values:
        scope.change(users, users.c.id == user_id, **values)
        scope.note("user.change", user_id, **{k: v for k, v in values.items() if k != "disabled_at"}, disabled=disabled)
    if "administrator" in json.loads(row["roles"]) and row["disabled_at"] is None and not _administrators(scope):
        zh, en = "单位至少要有一位管理员", "an organisation needs an administrator"
        raise Refused("conflict", [fault("last_administrator", zh, en, path="roles")])
    if values.get("disabled_at"):
        _end_all(scope, user_id)
    return scope.one(users, user_id)


def _administrators(scope: Scope) -> int:
    rows = scope.rows(scope.select(users, users.c.disabled_at.is_(None)).with_for_update())
    return sum("administrator" in json.loads(r["roles"]) for r in rows)


def change_password(scope: Scope, user_id: str, password: str) -> None:
    """Another password; sessions that were open end. Raises BadInput."""
    if found := password_faults(password):
        raise BadInput(found)
    if not scope.change(users, users.c.id == user_id, password_hash=password_hash(password)):
        raise not_found()
    open_ones = (sessions.c.user_id == user_id, sessions.c.ended_at.is_(None))
    scope.change(sessions, *open_ones, ended_at=scope.now_text)
    scope.note("user.password", user_id)


def _end_all(scope: Scope, user_id: str) -> None:
    scope.change(sessions, sessions.c.user_id == user_id, sessions.c.ended_at.is_(None), ended_at=scope.now_text)
    scope.change(keys, keys.c.user_id == user_id, keys.c.revoked_at.is_(None), revoked_at=scope.now_text)


# ---------------------------------------------------------------------------------------------------------------- keys


def add_key(scope: Scope, name: str, roles: Sequence[str], days: int | None) -> NewKey:
    """A key of the actor's own, with some of the actor's roles; valid for days, or until revoked.

    Raises:
        BadInput: a role that the actor does not have, among every other fault.
    """
    found = [*_name_faults(name, "name"), *_role_faults(roles)]
    beyond = sorted(set(roles) - scope.actor.roles)
    if not found and beyond and "administrator" not in scope.actor.roles:
        zh, en = "不能给出自己没有的角色", "a key cannot have a role that you do not have"
        found.append(fault("role_beyond", zh, en, path="roles", value=", ".join(beyond)))
    if found:
        raise BadInput(found)
    if scope.actor.way == "local":
        zh, en = "请先建立用户, 再建密钥", "make a user first; a key belongs to one"
        raise Refused("conflict", [fault("no_user", zh, en)])
    token = new_token(KEY_PREFIX)
    expires = None if days is None else time_text(scope.now + timedelta(days=days))
    made = scope.add(
        keys,
        user_id=scope.actor.user_id,
        name=name.strip(),
        hash=token_hash(token),
        roles=json.dumps(sorted(set(roles))),
        created_at=scope.now_text,
        expires_at=expires,
        revoked_at=None,
    )
    scope.note("key.add", made, name=name.strip(), roles=sorted(set(roles)), expires_at=expires)
    return NewKey(made, token)


def revoke_key(scope: Scope, key_id: str) -> RowMapping:
    """The key opens nothing from now on. A user may revoke their own, an administrator everybody's."""
    row = scope.one(keys, key_id)
    if row["user_id"] != scope.actor.user_id and "administrator" not in scope.actor.roles:
        raise not_found()
    if scope.change(keys, keys.c.id == key_id, keys.c.revoked_at.is_(None), revoked_at=scope.now_text):
        scope.note("key.revoke", key_id)
    return scope.one(keys, key_id)


# ------------------------------------------------------------------------------------------------------------ entering


def actor_of_key(c: Connection, token: str, now: datetime) -> Actor | None:
    """As whom a key lets somebody in; None for one that is unknown, revoked, expired, or of a disabled user."""
    found = _BY_KEY.rows(c, hash=token_hash(token))
    if not found or found[0]["revoked_at"] is not None or _over(found[0]["expires_at"], now):
        return None
    return _actor(found[0], "key", json.loads(found[0]["allowed"]))


def actor_of_session(c: Connection, token: str, now: datetime) -> Actor | None:
    """As whom a session lets somebody in."""
    found = _BY_SESSION.rows(c, hash=token_hash(token))
    if not found or found[0]["ended_at"] is not None or _over(found[0]["expires_at"], now):
        return None
    return _actor(found[0], "session", None)


def _over(expires: str | None, now: datetime) -> bool:
    return expires is not None and expires <= time_text(now)


def _actor(row: Mapping[str, Any], way: Way, allowed: list[Role] | None) -> Actor | None:
    if row["disabled_at"] is not None:
        return None
    own = frozenset(json.loads(row["roles"]))
    # An administrator's key may have any role; others lose with their own roles what their keys had.
    roles = own if allowed is None else frozenset(allowed) if "administrator" in own else own & frozenset(allowed)
    who = (row["organisation_id"], row["organisation"], row["user_id"], row["name"])
    return Actor(*who, roles, way, credential_id=row["credential_id"])


def user_who_signs_in(c: Connection, login: str, password: str) -> Actor | None:
    """The user of a login and a password, with their roles; None for any mismatch."""
    row = c.execute(select(users).where(users.c.login == login.casefold())).mappings().one_or_none()
    kept = None if row is None or row["disabled_at"] is not None else row["password_hash"]
    if not password_matches(password, kept) or row is None:
        return None
    name = c.execute(select(organisations.c.name).where(organisations.c.id == row["organisation_id"])).scalar_one()
    roles = frozenset(json.loads(row["roles"]))
    return Actor(row["organisation_id"], name, row["id"], row["name"], roles, "session")


def open_session(scope: Scope) -> NewKey:
    """A session of the actor's; the token is for a cookie."""
    token = new_token()
    made = scope.add(
        sessions,
        user_id=scope.actor.user_id,
        hash=token_hash(token),
        created_at=scope.now_text,
        expires_at=time_text(scope.now + timedelta(hours=SESSION_HOURS)),
        ended_at=None,
    )
    scope.note("session.open", made)
    return NewKey(made, token)


def end_session(scope: Scope, session_id: str) -> None:
    """Signs out."""
    if scope.change(sessions, sessions.c.id == session_id, sessions.c.ended_at.is_(None), ended_at=scope.now_text):
        scope.note("session.end", session_id)


# -------------------------------------------------------------------------------------------------------------- faults


def password_faults(password: str, path: str = "password") -> list[Finding]:
    """What is wrong with a new password; it is not repeated."""
    least, most = PASSWORD_LENGTH_MIN, PASSWORD_LENGTH_MAX
    if least <= len(password) <= most:
        return []
    zh, en = f"应为 {least} 至 {most} 个字符", f"should have {least} to {most} characters"
    return [fault("password", zh, en, path=path)]


def _name_faults(name: str, path: str) -> list[Finding]:
    if name.strip() and len(name.strip()) <= NAME_LENGTH_MAX and is_sound(name) and name.isprintable():
        return []
    zh = f"应为 1 至 {NAME_LENGTH_MAX} 个可见字符"
    en = f"should have 1 to {NAME_LENGTH_MAX} printable characters"
    return [fault("name", zh, en, path=path, value=name)]


def _login_faults(login: str) -> list[Finding]:
    if 3 <= len(login) <= 100 and login.isascii() and all(ch.isalnum() or ch in "._@+-" for ch in login):
        return []
    zh = "应为 3 至 100 个字母, 数字或 . _ @ + -, 例如邮箱地址"
    en = "should be 3 to 100 letters, digits or . _ @ + -, such as a mail address"
    return [fault("login", zh, en, path="login", value=login)]


def _role_faults(roles: Iterable[str]) -> list[Finding]:
    known = ", ".join(ROLES)
    zh, en = f"应为以下角色之一: {known}", f"should be one of these roles: {known}"
    found = [fault("role", zh, en, path=f"roles[{k}]", value=r) for k, r in enumerate(roles) if r not in ROLES]
    return found or ([] if list(roles) else [fault("role", zh, en, path="roles")])
