"""Trails outside the database: chains written line by line, and hashes that were noted before, read back.

An export or a list of heads that is kept elsewhere shows what the database alone cannot: that a chain was cut at its
end, or computed anew. NDJSON: a line that names the organisation with its head, then its entries in order.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from api.access import trail
from api.access.scope import Records
from optimizer.errors import BadInput
from optimizer.findings import Finding, fault
from optimizer.plan import canonical

FORMAT = "jinheng-trail-1"
FAULTS_SHOWN_MAX = 20
type Noted = dict[str, dict[int, str]]
"""Organisation -> seq -> hash."""


def heads_document(heads: Mapping[str, tuple[int, str]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Where chains end: what to note elsewhere."""
    return [
        {"organisation_id": k, "organisation": names.get(k, ""), "seq": heads[k][0], "hash": heads[k][1]}
        for k in sorted(heads)
    ]


def export_lines(records: Records, organisation_id: str) -> Iterator[bytes]:
    """The chain of an organisation as lines: its head first, then every entry up to it.

    Read in short transactions, so that a slow reader holds nothing; what is there does not change meanwhile.
    """
    with records.database.reading() as c:
        name = trail.names_of(c).get(organisation_id, "")
        seq, digest = trail.head_of(c, organisation_id)
    head = {"organisation_id": organisation_id, "organisation": name, "seq": seq, "hash": digest}
    yield _line({"format": FORMAT, **head})
    after: int | None = None
    while after is None or after < seq:
        with records.database.reading() as c:
            rows = trail.some_entries(c, organisation_id, after, seq)
        for row in rows:
            yield _line(trail.entry_document(row))
        if not rows:
            return
        after = rows[-1]["seq"]


def _line(document: Mapping[str, Any]) -> bytes:
    return canonical(document).encode() + b"\n"


def noted_in(path: Path) -> Noted:
    """The hashes that a file notes: an export, or what `audit verify --json` or `/v1/audit/head` answered.

    Raises:
        BadInput: a file that cannot be read or is neither; an export that does not hold in itself.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        zh, en = "无法读取", "cannot be read"
        raise BadInput([fault("export_unreadable", zh, en, path="--against", value=path)]) from error
    try:
        return _noted_heads(text) if '"heads"' in text[:200] else _noted_chains(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        zh = "应为 jinheng audit export 写出的文件, 或 jinheng audit verify --json 的回答"
        en = "should be a file that jinheng audit export wrote, or an answer of jinheng audit verify --json"
        raise BadInput([fault("export_format", zh, en, path="--against", value=path)]) from error


def _noted_heads(text: str) -> Noted:
    heads = json.loads(text)["heads"]
    return {str(h["organisation_id"]): {int(h["seq"]): str(h["hash"])} for h in heads}


def _noted_chains(text: str) -> Noted:
    noted: Noted = {}
    found: list[Finding] = []
    owner, last, seq = "", trail.NO_ENTRY, 0
    expected = (0, trail.NO_ENTRY)
    for number, line in enumerate(text.splitlines(), 1):
        document = json.loads(line)
        if "format" in document:
            if document["format"] != FORMAT:
                raise ValueError(document["format"])
            if (seq, last) != expected:
                found.append(_incomplete(number))
            owner, last, seq = str(document["organisation_id"]), trail.NO_ENTRY, 0
            expected = (int(document["seq"]), str(document["hash"]))
            noted[owner] = {expected[0]: expected[1]}
            continue
        row = trail.stored_row(owner, document)
        if row["seq"] != seq + 1 or not trail.follows(row, last):
            zh, en = "导出文件本身已被改动", "the export itself was changed"
            found.append(fault("export_changed", zh, en, path="--against", row=number))
        seq, last = int(document["seq"]), str(document["hash"])
        noted[owner][seq] = last
    if (seq, last) != expected:
        found.append(_incomplete(text.count("\n")))
    if found:
        raise BadInput(found[:FAULTS_SHOWN_MAX])
    if not noted:
        raise ValueError("no chain")
    return noted


def _incomplete(number: int) -> Finding:
    zh, en = "导出文件不完整: 末端与其开头所记不符", "the export is not whole: it does not end as its beginning says"
    return fault("export_incomplete", zh, en, path="--against", row=number)
