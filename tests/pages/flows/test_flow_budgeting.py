"""The finance officer: from a blank start to the year's budget, its sources, the curve and the cost of the order."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.http.conftest import AS_OF, EVENT, OFFERS, Server, caller
from tests.pages.flows.conftest import PAIRS, axe_clean

SOON = 60_000
"""Milliseconds that work in the background may take on a busy machine."""


@pytest.mark.parametrize(("lang", "width"), PAIRS)
def test_a_year_is_budgeted_from_a_blank_start(
    browser_page: Callable[..., Page], served: Server, lang: str, width: int
) -> None:
    def say(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    market = kept(served, f"year-{lang}-{width}")
    page = browser_page(lang, width)
    page.goto("/budget")
    axe_clean(page)
    page.get_by_label(say("活动或活动日历", "Event or calendar")).select_option(f"year-{lang}-{width}")
    page.locator("#field-snapshot").select_option(market)
    page.get_by_label(say("规划日期", "Day of the question")).fill(AS_OF)
    page.get_by_label(say("抽样次数", "Draws")).fill("20")
    page.get_by_role("button", name=say("计算预算", "Work out the budget")).click()
    page.wait_for_url("**/budget/*")
    axe_clean(page)
    done(page)
    expect(page.locator("main")).to_contain_text("P95")
    axe_clean(page)
    with page.expect_download() as download:
        page.get_by_role("link", name=say("下载工作簿", "Download the workbook")).click()
    assert download.value.suggested_filename.endswith(".xlsx")
    for kind in ("risk", "frontier", "budget"):
        page.locator(f"#tab-{kind}").click()
        done(page)
        axe_clean(page)
    on_the_curve(page)


def kept(served: Server, event_id: str) -> str:
    """An event and a market are there; gives the market's id."""
    with caller(served.url) as client:
        client.put(f"/v1/events/{event_id}", json={**EVENT, "id": event_id}).raise_for_status()
        return str(client.post("/v1/snapshots", json={"offers": OFFERS}).raise_for_status().json()["id"])


def done(page: Page) -> None:
    """The page comes to its result by itself, with its picture where it has one."""
    page.locator('#result[data-state="done"]').wait_for(timeout=SOON)
    figure = page.locator("[data-chart]")
    if figure.count():
        figure.scroll_into_view_if_needed()
        page.locator("[data-chart][data-drawn]").wait_for(timeout=SOON)


def on_the_curve(page: Page) -> None:
    """The field of money, the table by the keyboard, and the breakpoint under the pointer."""
    page.locator("#field-money").fill("42000")
    expect(page.locator("#at")).to_contain_text("400.5")
    page.get_by_role("link", name="12,000.00").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#at")).to_contain_text("800.5")
    page.locator("[data-chart]").scroll_into_view_if_needed()
    box = page.locator(".chart svg").bounding_box()
    assert box is not None
    for shift in (0, 4):
        page.mouse.move(box["x"] + box["width"] / 2 + shift, box["y"] + 60)
    expect(page.locator("#vg-tooltip-element.visible")).to_be_visible()
    expect(page.locator("tr.near")).to_have_count(1)
