"""A market is brought in: a file or pasted text; faults are shown by row and column and corrected in place."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from api import settings
from api.access.scope import Scope
from api.archive import markets
from api.event_files import read_day
from api.pages.market_drafts import DRAFT_LENGTH_MAX, ROWS_SHOWN_MAX, Draft, corrections_of, draft_of, form_of
from api.pages.viewing import View, viewing
from market_data.columns import COLUMNS
from market_data.corrections import Corrections
from market_data.snapshot import Snapshot
from optimizer.errors import BadInput
from optimizer.findings import fault

router = APIRouter(include_in_schema=False)
FIELDS_MAX = 5_000
PASTED_BYTES_MAX = 5_000_000
NAME_LENGTH_MAX = 200
PASTED = {"zh": "粘贴的报价", "en": "pasted offers"}


@dataclass(frozen=True)
class Sent:
    """What the form for a new market holds."""

    name: str
    as_of: str
    text: str
    file_name: str
    content: bytes

    def draft(self, view: View) -> Draft:
        """The file as it came. Raises BadInput: no file and no text, both, or no day."""
        found = []
        if bool(self.content) == bool(self.text.strip()):
            zh, en = "请选择一个文件, 或粘贴内容 (二者之一)", "choose a file or paste the offers: one of the two"
            found.append(fault("nothing_sent", zh, en, path="file"))
        try:
            day = read_day(self.as_of, "as_of") if self.as_of else settings.today()
        except BadInput as error:
            raise BadInput([*found, *error.findings]) from error
        if found:
            raise BadInput(found)
        name = self.name.strip() or self.file_name or PASTED[view.lang]
        return Draft(name[:NAME_LENGTH_MAX], day, self.content or self.text.encode(), Corrections())


@router.get("/markets/new")
async def new_market(view: View = viewing("snapshots.write")) -> Response:
    """The form."""
    return view.page("markets/new.html", sent={"as_of": settings.today().isoformat(), "name": "", "text": ""})


@router.post("/markets/new")
async def bring_market(view: View = viewing("snapshots.write")) -> Response:
    """Keeps what was sent, or shows every fault of it where it can be corrected."""
    sent = await _sent(view)

    def work() -> Response:
        try:
            draft = sent.draft(view)
        except BadInput as error:
            return view.page("markets/new.html", 422, sent=sent, faults=error.findings)
        return _kept_or_shown(view, draft, sent.text)

    return await run_in_threadpool(work)


@router.post("/markets/correct")
async def correct_market(view: View = viewing("snapshots.write")) -> Response:
    """Reads the whole file again with the corrections made, and keeps it where nothing is wrong any more."""
    form = await _texts(view)

    def work() -> Response:
        try:
            draft = draft_of(form.get("draft", ""))
        except BadInput as error:
            empty = {"as_of": settings.today().isoformat(), "name": "", "text": ""}
            return view.page("markets/new.html", 422, sent=empty, faults=error.findings)
        corrected = draft.corrections.then(corrections_of(form, draft.table()))
        return _kept_or_shown(view, replace(draft, corrections=corrected), "")

    return await run_in_threadpool(work)


def _kept_or_shown(view: View, draft: Draft, text: str) -> Response:
    try:
        file = draft.read()
        ready = markets.encoded(Snapshot.of_file(file, draft.as_of))
    except BadInput as error:
        return _faulty(view, draft, error, text)

    def keep(scope: Scope) -> str:
        snapshot_id = str(markets.hold(scope, ready)["snapshot_id"])
        if len(draft.corrections):
            made = draft.corrections
            scope.note(
                "snapshot.correct",
                snapshot_id,
                cells=len(made.cells),
                headers=len(made.headers),
                rows_left_out=sorted(made.without),
            )
        return snapshot_id

    return view.go(f"/markets/{view.write(keep)}", note="saved")


def _faulty(view: View, draft: Draft, error: BadInput, text: str) -> Response:
    """The form for the faults; the plain form where the file cannot even be told apart into cells."""
    try:
        form = form_of(draft.table(), error.findings)
    except BadInput:
        form = None
    packed = None if form is None or not form.correctable else draft.packed()
    if form is None or (not form.correctable and not form.whole):
        sent: Mapping[str, Any] = {"as_of": draft.as_of.isoformat(), "name": draft.name, "text": text}
        return view.page("markets/new.html", 422, sent=sent, faults=_at_file(error))
    return view.page(
        "markets/correct.html",
        422,
        draft=draft,
        packed=packed,
        form=form,
        shown_max=ROWS_SHOWN_MAX,
        length_max=DRAFT_LENGTH_MAX,
        known_columns=[(c.name, c.label) for c in COLUMNS.values()],
        found=sum(1 for f in error.findings if f.code != "more"),
    )


def _at_file(error: BadInput) -> list[Any]:
    return [replace(f, path="file", file="") for f in error.findings]


async def _sent(view: View) -> Sent:
    form = await view.request.form(max_files=1, max_fields=20, max_part_size=PASTED_BYTES_MAX)
    file = form.get("file")
    content, file_name = b"", ""
    if isinstance(file, UploadFile):
        content, file_name = await file.read(), file.filename or ""
    await form.close()
    texts = {k: v for k, v in form.items() if isinstance(v, str)}
    return Sent(
        texts.get("name", ""), texts.get("as_of", ""), texts.get("text", ""), file_name[:NAME_LENGTH_MAX], content
    )


async def _texts(view: View) -> dict[str, str]:
    form = await view.request.form(max_fields=FIELDS_MAX, max_part_size=2 * DRAFT_LENGTH_MAX)
    return {k: v for k, v in form.items() if isinstance(v, str)}
