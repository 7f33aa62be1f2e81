"""The organiser's flow: from an event and a market to a plan, its sides, its sliders, and the plan kept of them."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.http.conftest import AS_OF, EVENT, OFFERS
from tests.pages.flows.conftest import PAIRS, axe_clean


@pytest.mark.parametrize(("lang", "width"), PAIRS)
def test_an_organiser_plans_compares_and_keeps(browser_page: Callable[..., Page], lang: str, width: int) -> None:
    page = browser_page(lang, width)
    zh = lang == "zh"
    headers = {"origin": page.url.rstrip("/").partition("/?")[0]}
    assert page.request.put(f"/v1/events/{EVENT['id']}", data=EVENT, headers=headers).ok
    market = page.request.post("/v1/snapshots", data={"offers": OFFERS}, headers=headers).json()["id"]

    page.goto("/plans/new")
    axe_clean(page)
    page.locator("#field-event_id").select_option(EVENT["id"])
    page.locator("#field-snapshot").select_option(market)
    page.locator("#field-as_of").fill(AS_OF)
    page.get_by_role("button", name="生成方案" if zh else "Make the plan").click()
    page.get_by_text("74,575.00").first.wait_for()
    axe_clean(page)

    page.get_by_role("link", name="为何入选或落选" if zh else "Why in or out").click()
    page.wait_for_url("**tab=why")
    page.locator("#listing-why").wait_for()
    axe_clean(page)
    page.go_back()
    page.locator("#listing-lines").wait_for()
    page.get_by_role("link", name="证明与来源" if zh else "Proof and origin").click()
    page.get_by_role("button", name="立即复核" if zh else "Check now").click()
    page.get_by_text("全部成立" if zh else "Everything holds").wait_for()

    page.get_by_role("link", name="比较其他做法" if zh else "Compare other ways").click()
    page.locator("table.sides").wait_for()
    page.locator("#budget").wait_for()
    axe_clean(page)
    page.locator("#budget").fill("40000")
    page.wait_for_url("**budget=40000**")
    assert page.locator("#limit_budget").is_checked()
    page.locator("#live").get_by_text("按整手" if zh else "whole lots", exact=True).wait_for()
    page.get_by_role("button", name="保存这个方案" if zh else "Keep this plan").click()
    page.wait_for_url("**/plans/*")
    page.locator("#short").wait_for()
    axe_clean(page)
