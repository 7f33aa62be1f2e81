"""The broker's day in a browser: inventory, a quote and a batch, a hold that ticks, an order, what lost and why."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.pages.flows.conftest import NARROW, PAIRS, PAIRS_CROSSED, axe_clean

QUOTE = re.compile(r"/quotes/[0-9a-f]{24}$")
"""Where a quote is: `**/quotes/*` is also where one is asked for, while it is being made."""


@pytest.mark.parametrize(("lang", "width"), PAIRS)
def test_from_an_inventory_to_an_order(browser_page: Callable[..., Page], lang: str, width: int) -> None:
    page = browser_page(lang, width)

    def say(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    page.goto("/inventory")
    example = page.get_by_role("button", name=say("先用示例库存", "Look around with an example"))
    if example.count():  # the first of these tests begins with nothing
        axe_clean(page)
        example.click()
    expect(page.locator("tbody tr").first).to_be_visible()
    axe_clean(page)

    page.goto("/quotes/new")
    page.fill("[name=client]", "示例组委会")
    page.get_by_role("button", name=say("报价", "Make the quote"), exact=True).click()
    expect(page.get_by_role("alert").get_by_role("link")).to_be_visible()
    expect(page.locator("[name=client]")).to_have_value("示例组委会")
    axe_clean(page)
    page.locator("[name=event_id][value=taiyuan-marathon-2026]").check()
    page.get_by_role("button", name=say("报价", "Make the quote"), exact=True).click(timeout=60_000)
    page.wait_for_url(QUOTE, timeout=60_000)
    quote = page.url
    axe_clean(page)

    # Every lot is planned for once more: seconds, more where the machine is busy.
    page.get_by_role("link", name=say("落选批次", "Lots that lost")).click(timeout=60_000)
    expect(page.get_by_text(say("价格落选", "lost on price")).first).to_be_visible()
    axe_clean(page)
    page.goto(quote)

    page.get_by_role("button", name=say("为客户预留", "Hold it for the client")).click()
    page.wait_for_url("**/holds/*")
    expect(page.locator("[data-expires]").first).to_contain_text("59:")
    axe_clean(page)
    page.get_by_role("button", name=say("释放", "Release"), exact=True).click()
    page.get_by_role("button", name=say("撤销释放", "Undo the release")).click()
    page.get_by_role("link", name=say("客户已接受", "The client accepts")).click()
    axe_clean(page)
    page.get_by_role("button", name=say("下单", "Make the order"), exact=True).click()
    page.wait_for_url("**/orders/*")
    page.locator("input[name^=tonnes-]").first.fill("10")
    page.get_by_role("button", name=say("记录交付", "Note the delivery")).click()
    expect(page.get_by_role("status").filter(has_text=say("已记录交付", "The delivery is noted"))).to_be_visible()
    axe_clean(page)
    # Back leads to where one was.
    page.goto("/orders")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_contain_text("示例组委会")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_calendar_is_quoted_as_a_batch(browser_page: Callable[..., Page], lang: str) -> None:
    page = browser_page(lang, NARROW)
    if page.goto("/inventory") and page.locator("form[action='/inventory/example']").count():
        page.locator("form[action='/inventory/example'] button").click()
    page.goto("/quotes/new")
    page.locator("[name=event_id][value=shanxi-calendar-2026]").check()
    page.get_by_role("button", name="报价" if lang == "zh" else "Make the quote", exact=True).click(timeout=60_000)
    page.wait_for_url("**/quotes?batch=*")
    expect(page.locator("tbody tr")).to_have_count(12)
    axe_clean(page)


@pytest.mark.parametrize(("lang", "width"), PAIRS_CROSSED)
def test_a_client_declines_takes_it_back_and_accepts(browser_page: Callable[..., Page], lang: str, width: int) -> None:
    """The client is the broker's own organisation: nobody signs in here, and one is both."""
    page = browser_page(lang, width)

    def say(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    if page.goto("/inventory") and page.locator("form[action='/inventory/example']").count():
        page.locator("form[action='/inventory/example'] button").click()
    page.goto("/quotes/new")
    page.fill("[name=client]", "示例组委会")
    page.fill("[name=client_organisation]", page.request.get("/v1/me").json()["organisation"])
    page.locator("[name=event_id][value=taiyuan-marathon-2026]").check()
    page.get_by_role("button", name=say("报价", "Make the quote"), exact=True).click(timeout=60_000)
    page.wait_for_url(QUOTE, timeout=60_000)
    quote = page.url

    page.goto("/received-quotes")
    axe_clean(page)
    page.locator("tbody a").first.click()
    page.wait_for_url("**/received-quotes/*")
    assert page.url.rpartition("/")[2] == quote.rpartition("/")[2], "the newest comes first"
    axe_clean(page)
    page.fill("[name=reason]", say("预算已用完", "over the budget"))
    page.get_by_role("button", name=say("拒绝", "Decline"), exact=True).click()
    expect(page.get_by_text(say("预算已用完", "over the budget"))).to_be_visible()
    axe_clean(page)
    page.get_by_role("button", name=say("撤销拒绝", "Undo it"), exact=True).click()
    page.get_by_role("link", name=say("接受报价", "Accept it")).click()
    expect(page.locator("[data-expires]").first).to_contain_text(":")
    axe_clean(page)
    page.get_by_role("button", name=say("接受报价", "Accept the quote"), exact=True).click()
    expect(page.locator("main").get_by_text(say("数量为贵方保留", "kept for you"))).to_be_visible()
    axe_clean(page)

    # The broker sees who accepted, and has the order.
    page.goto(quote)
    expect(page.locator("main").get_by_text(say("客户已接受", "The client accepted it"))).to_be_visible()
    axe_clean(page)
    page.get_by_role("link", name=say("查看订单", "See the order")).click()
    expect(page.get_by_text(say("客户接受", "Accepted by the client"), exact=True)).to_be_visible()
    axe_clean(page)
