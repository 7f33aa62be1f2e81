"""Papers over HTTP: the same as from the command line, to whoever may read the thing, and of a quote no secret."""

import io
from typing import Any

import docx
import pypdf
import pytest

from api.reports.papers import MEDIA_TYPES, plan_paper
from api.settings import today
from optimizer.plan import Plan
from tests.http.test_broker_flow import done, on_one_database, problem
from tests.http.test_received_quotes import LOTS, SECRETS, sent
from tests.http.things import Things


def words_of(answer: Any, kind: str) -> str:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPES[kind]
    if kind == "pdf":
        return "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.content)).pages)
    if kind == "docx":
        body = docx.Document(io.BytesIO(answer.content)).element.body
        return "".join(node.text or "" for node in body.iter() if node.tag.endswith("}t"))
    text: str = answer.text
    return text


@on_one_database
@pytest.mark.parametrize("kind", ["xlsx", "csv", "docx", "pdf", "html"])
def test_a_plan_is_the_same_paper_as_from_the_command_line(mine, kind):
    run = Things(mine).value("/v1/plans/{run_id}")
    content = mine.organiser.get(f"/v1/plans/{run}").content
    where = f"/v1/plans/{run}/paper"
    answer = mine.organiser.get(where, params={"kind": kind, "lang": "zh"})
    plan = Plan.model_validate_json(content)
    assert answer.content == plan_paper(plan, kind, "zh", today())
    disposition = answer.headers["content-disposition"]
    assert f'filename="plan-{plan.plan_id[:12]}.{kind}"' in disposition
    # 小型会议, as its name, for people
    assert f"filename*=UTF-8''%E5%B0%8F%E5%9E%8B%E4%BC%9A%E8%AE%AE-{plan.plan_id[:12]}.{kind}" in disposition
    known = {"if-none-match": answer.headers["etag"]}
    again = mine.organiser.get(where, params={"kind": kind, "lang": "zh"}, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert mine.organiser.get(where, params={"kind": kind, "lang": "en"}, headers=known).status_code == 200


@on_one_database
def test_another_kind_is_a_fault(mine):
    run = Things(mine).value("/v1/plans/{run_id}")
    for query in ({}, {"kind": "exe"}, {"kind": "../x"}):
        answer = mine.organiser.get(f"/v1/plans/{run}/paper", params=query)
        assert answer.status_code == 422 and answer.json()["faults"][0]["path"] == "kind"


@pytest.mark.parametrize("kind", ["docx", "pdf", "html"])
def test_a_clients_quote_shows_the_offer_and_no_margin(mine, other, kind):
    done(mine.broker.post("/v1/inventory", json={"offers": LOTS}))
    quote = sent(mine, other)
    query = {"kind": kind, "lang": "zh"}
    got = words_of(other.organiser.get(f"/v1/quotes/received/{quote['id']}/paper", params=query), kind)
    own = words_of(mine.broker.get(f"/v1/quotes/{quote['id']}/paper", params=query), kind)
    for text in (got, own):
        assert "61,833.76" in text and "确定报价" in text and quote["id"] in text and "61.76" in text
        hidden = (*SECRETS, quote["cost"], quote["margin"], f"{float(quote['cost']):,.2f}", quote["plan_id"])
        assert [secret for secret in hidden if secret in text] == []
    assert "other：" in got
    for org, address in ((mine, "received/"), (other, "")):
        answer = org.administrator.get(f"/v1/quotes/{address}{quote['id']}/paper", params=query)
        assert problem(answer) == (404, "not_found")


@on_one_database
@pytest.mark.parametrize("kind", ["docx", "pdf", "html"])
def test_a_draft_of_a_disclosure_says_that_it_is_one(mine, kind):
    things = Things(mine)
    version = things.value("/v1/disclosures/{disclosure_id}")
    where = f"/v1/disclosures/{version}/paper"
    text = words_of(mine.organiser.get(where, params={"kind": kind, "lang": "zh"}), kind)
    record = mine.organiser.get(f"/v1/disclosures/{version}").json()
    plan = mine.organiser.get(f"/v1/plans/{things.value('/v1/plans/{run_id}')}").json()
    assert "草稿" in text and "不能公示" in text
    flat = "".join(text.split())
    ids = (record["sha256"], plan["plan_id"], *(plan["provenance"][k] for k in ("events_sha256", "offers_sha256")))
    assert not [one for one in ids if one not in flat]
    english = words_of(mine.organiser.get(where, params={"kind": kind}), kind)
    assert "not to be published" in " ".join(english.split())
