"""After the event: from a plan to a checklist, serials, evidence, a published disclosure, and the trail of it all."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.http.conftest import OFFERS, Server, caller
from tests.http.test_disclosures import FULL
from tests.http.test_retirements import PDF
from tests.pages.flows.conftest import PAIRS, axe_clean

CERTIFICATE = "PHB-1"


@pytest.mark.parametrize(("lang", "width"), PAIRS)
def test_what_was_bought_is_cancelled_disclosed_and_on_the_record(
    browser_page: Callable[..., Page], served: Server, lang: str, width: int
) -> None:
    event_id = f"event-{lang}-{width}"
    run = a_plan(served, event_id)
    page = browser_page(lang, width)

    def say(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    page.goto("/retirements/new")
    page.locator(f'a[href="/retirements/new?run_id={run}"]').click()
    axe_clean(page)
    page.get_by_role("button", name=say("生成注销清单", "Make the checklist")).click()
    page.wait_for_url("**/retirements*")
    axe_clean(page)
    page.goto(f"/retirements?by=every&event_id={event_id}&state=due")
    links = [a.get_attribute("href") for a in page.locator("tbody a").all()]
    assert len(links) == 2
    for link in links:
        page.goto(str(link))
        prove(page, say, event_id)
    page.goto(f"/retirements?by=every&event_id={event_id}&state=retired")
    assert page.locator("tbody tr").count() == 2
    disclosed(page, say, event_id, run)
    recorded(page, say)


def a_plan(served: Server, event_id: str) -> str:
    """A plan of an event that is verified: a certificate of 200 t, and 300 serials."""
    event = FULL | {"id": event_id, "emissions": FULL["emissions"] | {"tonnes": "500"}}
    with caller(served.url) as client:
        client.put(f"/v1/events/{event_id}", json=event).raise_for_status()
        answer = client.post("/v1/plans", json={"event": event, "offers": OFFERS, "as_of": "2026-11-22"})
        answer.raise_for_status()
        return str(answer.headers["location"]).rpartition("/")[2]


def prove(page: Page, say: Any, mark: str) -> None:
    """Serials with one wrong first, a file, and marking it as cancelled."""
    if page.locator("#field-serials").count():
        save = page.get_by_role("button", name=say("保存编号", "Save the serials"))
        page.locator("#field-serials").fill(f"{mark}-1 ~ {mark}-200\n{mark}-200 ~ {mark}-300")
        save.click()
        page.get_by_role("alert").filter(has_text=say("第 2 行", "line 2")).wait_for()
        axe_clean(page)
        page.locator("#field-serials").fill(f"{mark}-1 ~ {mark}-200\n{mark}-201 ~ {mark}-300")
        save.click()
        page.get_by_role("button", name=f"{say('移除', 'Remove')} {mark}-201").click()
        page.get_by_role("button", name=say("撤销移除", "Undo")).click()
    else:
        page.locator("#field-first").fill(f"晋碳普惠证〔2026〕{mark}号")
        page.get_by_role("button", name=say("保存编号", "Save the serials")).click()
    page.get_by_text(say("凭证齐全", "The proof is complete")).wait_for()
    page.locator("#field-file").set_input_files({"name": "证明.pdf", "mimeType": "application/pdf", "buffer": PDF})
    page.get_by_role("button", name=say("上传", "Upload")).click()
    page.get_by_role("link", name="证明.pdf").wait_for()
    axe_clean(page)
    page.get_by_role("link", name=say("标为已注销…", "Mark as cancelled…")).click()
    page.locator("#field-reference").fill("ZX-2026-0031")
    page.get_by_role("button", name=say("标为已注销", "Mark as cancelled")).click()
    page.get_by_text("ZX-2026-0031").wait_for()


def disclosed(page: Page, say: Any, event_id: str, run: str) -> None:
    """What is missing is told; then the final version is made and its publication noted."""
    page.goto(f"/disclosures/new?event_id={event_id}")
    page.locator(f'a[href="/disclosures/new?event_id={event_id}&run_id={run}"]').click()
    page.get_by_role("button", name=say("生成正式版本", "Make the final version")).click()
    page.get_by_role("alert").filter(has_text=say("减排措施", "measures")).wait_for()
    axe_clean(page)
    page.locator("#field-measures").fill("使用绿色电力\n无纸化会议")
    page.get_by_role("button", name=say("生成正式版本", "Make the final version")).click()
    page.locator("article.statement").filter(has_text="使用绿色电力").wait_for()
    page.get_by_role("link", name=say("两种语言", "Both languages")).click()
    page.locator("article.statement").nth(1).wait_for()
    axe_clean(page)
    page.get_by_role("link", name=say("登记已公示…", "Note that it was published…")).click()
    page.locator("#field-place").fill("https://example.cn/gongshi/1")
    page.get_by_role("button", name=say("登记已公示", "Note that it was published")).click()
    page.get_by_text("https://example.cn/gongshi/1").wait_for()


def recorded(page: Page, say: Any) -> None:
    """The trail has the last step on top, holds, and can be taken away."""
    page.goto("/audit")
    page.locator("#action").select_option("disclosure.publish")
    page.get_by_role("button", name=say("显示", "Show")).click()
    page.wait_for_url("**action=disclosure.publish**")
    page.locator("tbody a").first.click()
    page.get_by_text("https://example.cn/gongshi/1").wait_for()
    page.goto("/audit/verify")
    page.get_by_text(say("记录完好", "It holds")).wait_for()
    axe_clean(page)
    with page.expect_download() as taken:
        page.get_by_role("link", name=say("导出全部", "Export all of it")).click()
    assert taken.value.suggested_filename == "trail.ndjson"
