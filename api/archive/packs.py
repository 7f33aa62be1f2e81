"""Rule packs that organisations bring: each content once, the newest of an id counts; and those that ship."""

import json
from typing import Any, NamedTuple

from sqlalchemy import RowMapping

from api.access.scope import Scope
from api.archive import documents
from api.database.tables import packs
from api.refusals import not_found
from optimizer.plan import canonical
from optimizer.rule_pack import RulePack, read_rule_pack, shipped_rule_packs


class KnownPack(NamedTuple):
    """A rule pack that events of the organisation may name."""

    pack: RulePack
    shipped: bool
    document: dict[str, Any]
    """As it is kept."""


def keep_pack(scope: Scope, pack: RulePack) -> RowMapping:
    """Keeps a rule pack; the same content again is what is there."""
    known = scope.find(packs, packs.c.pack_id == pack.id, packs.c.pack_sha256 == pack.sha256)
    if known is not None:
        return known
    row_id = scope.add(
        packs,
        pack_id=pack.id,
        pack_sha256=pack.sha256,
        document=documents.keep(scope.c, canonical(pack.dump()).encode()),
        made_by=scope.actor.user_id,
        made_at=scope.now_text,
    )
    scope.note("policy.keep", pack.id, sha256=pack.sha256)
    return scope.one(packs, row_id)


def newest_pack(scope: Scope, pack_id: str) -> RowMapping | None:
    """The organisation's newest rule pack of an id."""
    wanted = scope.select(packs, packs.c.pack_id == pack_id).order_by(packs.c.number.desc()).limit(1)
    return scope.c.execute(wanted).mappings().first()


def newest_packs(scope: Scope) -> list[RowMapping]:
    """The newest of every id, in order of id."""
    found: dict[str, RowMapping] = {}
    for row in scope.rows(scope.select(packs).order_by(packs.c.number)):
        found[row["pack_id"]] = row
    return [found[k] for k in sorted(found)]


def pack_document(scope: Scope, row: RowMapping) -> dict[str, Any]:
    """A rule pack as JSON data."""
    document: dict[str, Any] = json.loads(documents.content_of(scope.c, row["document"]))
    return document


def known_packs(scope: Scope) -> list[KnownPack]:
    """Shipped ones first, then the organisation's own, the newest of each id."""
    return [*(_shipped(name) for name in shipped_rule_packs()), *(_own(scope, row) for row in newest_packs(scope))]


def known_pack(scope: Scope, pack_id: str) -> KnownPack:
    """The pack of an id. Raises Refused `not_found`."""
    if pack_id in shipped_rule_packs():
        return _shipped(pack_id)
    row = newest_pack(scope, pack_id)
    if row is None:
        raise not_found()
    return _own(scope, row)


def _shipped(name: str) -> KnownPack:
    pack = read_rule_pack(name)
    return KnownPack(pack, True, pack.dump())


def _own(scope: Scope, row: RowMapping) -> KnownPack:
    document = pack_document(scope, row)
    return KnownPack(RulePack.model_validate(document), False, document)
