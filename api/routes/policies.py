"""`/v1/policies`: the rule packs that ship, and those that the organisation has brought."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Body as BodyOf
from pydantic import ValidationError

from api.access.scope import Scope
from api.archive import packs
from api.event_files import one_of_each
from api.planning import plain_value
from api.refusals import Refused, not_found
from api.routes.answering import Answer, Caller, Done, ExactRoute, allowed
from api.routes.shapes import PackDocument, Sha256
from optimizer.errors import BadInput
from optimizer.findings import fault, faults_of
from optimizer.rule_pack import RulePack, read_rule_pack, shipped_rule_packs

router = APIRouter(prefix="/v1/policies", tags=["policies"], route_class=ExactRoute)


class PolicyLine(Answer):
    """A rule pack in the list."""

    id: str
    version: str
    title: dict[str, str]
    document_number: str
    sha256: Sha256
    shipped: bool


class PolicyList(Answer):
    """Rule packs by id."""

    items: list[PolicyLine]


class PolicyAnswer(PolicyLine):
    """A rule pack, whole."""

    pack: dict[str, Any]


@router.get("", response_model=None, responses={200: {"model": PolicyList}}, summary="Rule packs")
def list_policies(caller: Caller = allowed("policies.read")) -> Response:
    """Shipped ones first, then the organisation's own, the newest of each id."""

    def work(scope: Scope) -> list[dict[str, Any]]:
        return [_line(RulePack.model_validate(packs.pack_document(scope, r)), False) for r in packs.newest_packs(scope)]

    shipped = [_line(read_rule_pack(name), True) for name in shipped_rule_packs()]
    return caller.show({"items": [*shipped, *caller.read(work)]})


@router.get("/{policy_id}", response_model=None, responses={200: {"model": PolicyAnswer}}, summary="A rule pack")
def show_policy(policy_id: str, caller: Caller = allowed("policies.read")) -> Response:
    """Its tiers, deadlines, registries and clauses, as data."""
    if policy_id in shipped_rule_packs():
        pack = read_rule_pack(policy_id)
        return caller.show({**_line(pack, True), "pack": pack.dump()})

    def work(scope: Scope) -> dict[str, Any]:
        row = packs.newest_pack(scope, policy_id)
        if row is None:
            raise not_found()
        return packs.pack_document(scope, row)

    document = caller.read(work)
    return caller.show({**_line(RulePack.model_validate(document), False), "pack": document})


@router.post("", status_code=201, response_model=None, responses={201: {"model": PolicyAnswer}}, summary="Bring one")
def keep_policy(pack: Annotated[PackDocument, BodyOf()], caller: Caller = allowed("policies.write")) -> Response:
    """Keeps a rule pack of the organisation's own; an id that ships is taken. Events name it by its id."""
    try:
        read = RulePack.model_validate(plain_value(pack))
    except ValidationError as error:
        raise BadInput(one_of_each(faults_of(error))) from error
    if read.id in shipped_rule_packs():
        zh, en = "此编号属于自带的规则包, 请另取编号", "is the id of a pack that ships; choose another"
        raise Refused("conflict", [fault("policy_shipped", zh, en, path="id", value=read.id)])

    def work(scope: Scope) -> Done:
        document = packs.pack_document(scope, packs.keep_pack(scope, read))
        return Done(201, {**_line(read, False), "pack": document}, location=f"/v1/policies/{read.id}")

    return caller.once(work)


def _line(pack: RulePack, shipped: bool) -> dict[str, Any]:
    return {
        "id": pack.id,
        "version": pack.version,
        "title": pack.title._asdict(),
        "document_number": pack.document_number,
        "sha256": pack.sha256,
        "shipped": shipped,
    }
