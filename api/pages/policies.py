"""Rule packs: with their clauses, two compared, a case tested, one's own uploaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api import settings
from api.access.scope import Scope
from api.archive import packs
from api.pages.listing import Column, listing
from api.pages.policy_trial import OFFER_KEYS, SETTING_KEYS, Case, Verdict, case_of, steps_of, verdict
from api.pages.policy_words import ORDER, TYPICAL, deadline_words, differences, registry_words
from api.pages.rendering import query
from api.pages.viewing import View, viewing
from api.plain_data import PlainData, plain_content
from api.planning import plain_value
from api.refusals import Refused
from api.routes.policies import own_pack
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.rule_pack import PACK_BYTES_MAX, RulePack
from optimizer.wording import INSTRUMENT_NAMES, Text

router = APIRouter(include_in_schema=False)
SETTINGS: tuple[tuple[str, Text], ...] = (
    ("unranked", Text("接受允许但不在推荐顺序中的方式", "Admit means that are permitted but not in the order")),
    (
        "other_mechanisms_anywhere",
        Text("接受外省其他机制的减排量", "Admit other mechanisms' reductions from outside the province"),
    ),
    (
        "old_ccer",
        Text("接受旧机制 CCER (2017 年 3 月前登记)", "Admit CCER of the old scheme (registered before March 2017)"),
    ),
    ("allow_late", Text("保留无法在一年内注销的, 并标明", "Keep what cannot be cancelled within the year, flagged")),
)
"""Open points of the sources, as a case may read them."""
COLUMNS = (
    Column("title", Text("规则包", "Rule pack"), "text", lambda k: k.pack.title.zh),
    Column("number", Text("文号", "Document"), "text", lambda k: k.pack.document_number),
    Column("issued", Text("发布日期", "Issued on"), "day", lambda k: k.pack.issued_on),
    Column("version", Text("版本", "Version"), "text", lambda k: k.pack.version),
    Column("shipped", Text("来源", "From"), "text", lambda k: "" if k.shipped else "own"),
)


@router.get("/policies")
async def policies(view: View = viewing("policies.read")) -> Response:
    """The rule packs that events may name."""
    known = await run_in_threadpool(view.read, packs.known_packs)
    options = [(one.pack.id, one.pack.title) for one in known]
    return view.page("policies/list.html", list=listing(view.request, known, COLUMNS), options=options)


# ------------------------------------------------------------------------------------------------------------ bringing


@router.get("/policies/new")
async def new_policy(view: View = viewing("policies.write")) -> Response:
    """Where one's own rule pack is uploaded."""
    return _new(view)


@router.post("/policies/new")
async def bring_policy(view: View = viewing("policies.write")) -> Response:
    """Keeps a rule pack; its faults are shown where they stand in the file."""
    async with view.request.form() as form:
        pasted = form.get("text")
        text = pasted if isinstance(pasted, str) else ""
        file, content, name = form.get("file"), text.encode(), ""
        if isinstance(file, UploadFile) and file.filename:
            content, name = await file.read(PACK_BYTES_MAX + 1), file.filename
    try:
        data = _uploaded(content, name)
        pack = await run_in_threadpool(_read, data)
    except (BadInput, Refused) as error:
        return _new(view, error.findings, text)

    def work(scope: Scope) -> None:
        packs.keep_pack(scope, pack)

    await run_in_threadpool(view.write, work)
    return view.go(f"/policies/{pack.id}", note="saved")


def _new(view: View, faults: Sequence[Finding] = (), text: str = "") -> Response:
    return view.page("policies/new.html", 422 if faults else 200, faults=faults, text=text)


def _uploaded(content: bytes, name: str) -> PlainData:
    if not content.strip():
        zh, en = "请选择文件或粘贴内容", "choose a file, or paste its content"
        raise BadInput([fault("file_missing", zh, en, path="file")])
    if len(content) > PACK_BYTES_MAX:
        raise BadInput([fault("pack_large", "文件过大, 不是规则包", "too large for a rule pack", path="file")])
    return plain_content(content, name)


def _read(data: PlainData) -> RulePack:
    try:
        return own_pack(plain_value(data.value))
    except BadInput as error:
        raise BadInput(data.place(error.findings)) from error


# ----------------------------------------------------------------------------------------------------------- comparing


@dataclass(frozen=True)
class Seen:
    """What two rule packs make of one typical offer."""

    offer: Text
    first: Verdict
    second: Verdict

    @property
    def differs(self) -> bool:
        """Whether they disagree on more than the clause."""
        return self.first.words != self.second.words


@router.get("/policies/compare")
async def compare_policies(view: View = viewing("policies.read")) -> Response:
    """What two rule packs say differently, and what that does to typical offers."""
    asked = view.request.query_params
    known = await run_in_threadpool(view.read, packs.known_packs)
    by_id = {one.pack.id: one.pack for one in known}
    ids = list(by_id)
    first, second = asked.get("a", ids[0]), asked.get("b", ids[-1])
    zh, en = "没有这个规则包", "there is no such rule pack"
    faults = [
        fault("policy_unknown", zh, en, path=key, value=name)
        for key, name in (("a", first), ("b", second))
        if name not in by_id
    ]
    options = [(one.pack.id, one.pack.title) for one in known]
    around: dict[str, Any] = {"options": options, "a": first, "b": second, "faults": faults}
    if faults:
        return view.page("policies/compare.html", 422, **around, packs=None)
    pair = by_id[first], by_id[second]
    seen = await run_in_threadpool(_seen, *pair)
    return view.page("policies/compare.html", **around, packs=pair, differences=differences(*pair), seen=seen)


def _seen(first: RulePack, second: RulePack) -> list[Seen]:
    today = settings.today().isoformat()
    admitted = {key: key == "unranked" for key in SETTING_KEYS}
    cases = [(name, Case(offer, today, today, admitted)) for name, offer in TYPICAL]
    return [Seen(name, verdict(first, case), verdict(second, case)) for name, case in cases]


# ------------------------------------------------------------------------------------------------------------ one pack


@router.get("/policies/{policy_id}")
async def policy(policy_id: str, view: View = viewing("policies.read")) -> Response:
    """A rule pack with its tiers, what falls in each, deadlines, registries and clauses."""
    known = await run_in_threadpool(view.read, lambda scope: packs.known_pack(scope, policy_id))
    return view.page(
        "policies/one.html",
        pack=known.pack,
        shipped=known.shipped,
        order=ORDER[known.pack.order],
        steps=steps_of(known.pack),
        deadlines=(deadline_words(known.pack.retirement), deadline_words(known.pack.forestry)),
        registries=[(registry_words(r), r) for r in known.pack.registries],
    )


@router.get("/policies/{policy_id}/case")
async def try_case(policy_id: str, view: View = viewing("policies.read")) -> Response:
    """A case: an offer and an event against this rule pack, and against the others."""
    asked = {k: v for k, v in view.request.query_params.items() if v}
    known = await run_in_threadpool(view.read, packs.known_packs)
    chosen = next((one.pack for one in known if one.pack.id == policy_id), None)
    if chosen is None:
        raise Refused("not_found")
    given = [k for k in SETTING_KEYS if asked.get(k) == "true"] if "instrument" in asked else ["unranked"]
    case = case_of(asked, settings.today(), given)
    around: dict[str, Any] = {
        **{"pack": chosen, "case": case, "settings": SETTINGS, "verdict": None, "others": ()},
        "instruments": INSTRUMENT_NAMES.items(),
        "typical": [(name, _address(policy_id, offer)) for name, offer in TYPICAL],
        "more": bool({"valid_from", "valid_until", "settlement_days", "last_traded_on"} & asked.keys()),
    }
    if "instrument" not in asked:
        return view.page("policies/case.html", **around)
    others = [one.pack for one in known if one.pack is not chosen]
    try:
        around["verdict"] = await run_in_threadpool(verdict, chosen, case)
        around["others"] = [(pack, verdict(pack, case)) for pack in others]
    except BadInput as error:
        return view.page("policies/case.html", 422, **{**around, "verdict": None}, faults=error.findings)
    return view.page("policies/case.html", **around)


def _address(policy_id: str, offer: dict[str, Any]) -> str:
    known = {k: v for k, v in offer.items() if k in OFFER_KEYS}
    return query(f"/policies/{policy_id}/case", {**known, "unranked": "true"})
