"""`/v1/policies`: the rule packs that ship, and those that the organisation has brought."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from fastapi import Body as BodyOf
from pydantic import ValidationError

from api.access.scope import Scope
from api.archive import packs
from api.planning import plain_value
from api.refusals import Refused
from api.routes.answering import Answer, Caller, Done, ExactRoute, allowed
from api.routes.shapes import PackDocument, Sha256
from optimizer.errors import BadInput
from optimizer.findings import fault, faults_of
from optimizer.rule_pack import RulePack, shipped_rule_packs

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
    known = caller.read(packs.known_packs)
    return caller.show({"items": [_line(one.pack, one.shipped) for one in known]})


@router.get("/{policy_id}", response_model=None, responses={200: {"model": PolicyAnswer}}, summary="A rule pack")
def show_policy(policy_id: str, caller: Caller = allowed("policies.read")) -> Response:
    """Its tiers, deadlines, registries and clauses, as data."""
    known = caller.read(lambda scope: packs.known_pack(scope, policy_id))
    return caller.show({**_line(known.pack, known.shipped), "pack": known.document})


@router.post("", status_code=201, response_model=None, responses={201: {"model": PolicyAnswer}}, summary="Bring one")
def keep_policy(pack: Annotated[PackDocument, BodyOf()], caller: Caller = allowed("policies.write")) -> Response:
    """Keeps a rule pack of the organisation's own; an id that ships is taken. Events name it by its id."""
    read = own_pack(plain_value(pack))

    def work(scope: Scope) -> Done:
        document = packs.pack_document(scope, packs.keep_pack(scope, read))
        return Done(201, {**_line(read, False), "pack": document}, location=f"/v1/policies/{read.id}")

    return caller.once(work)


def own_pack(value: Any) -> RulePack:
    """The rule pack that plain values say, under an id that is the organisation's to give.

    Raises:
        BadInput: every fault of it at once.
        Refused: `conflict`, an id that ships.
    """
    try:
        read = RulePack.model_validate(value)
    except ValidationError as error:
        raise BadInput(faults_of(error, RulePack)) from error
    if read.id in shipped_rule_packs():
        zh, en = "此编号属于自带的规则包, 请另取编号", "is the id of a pack that ships; choose another"
        raise Refused("conflict", [fault("policy_shipped", zh, en, path="id", value=read.id)])
    return read


def _line(pack: RulePack, shipped: bool) -> dict[str, Any]:
    return {
        "id": pack.id,
        "version": pack.version,
        "title": pack.title._asdict(),
        "document_number": pack.document_number,
        "sha256": pack.sha256,
        "shipped": shipped,
    }
