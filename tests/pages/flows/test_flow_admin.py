"""The administrator, from a blank start: the first administrator, a user, a key, rule packs, a case, a job stopped."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.http.conftest import PASSWORD, QUESTION, Server, serving_jobs
from tests.pages.flows.conftest import PAIRS, axe_clean


@pytest.fixture
def served(tmp_path) -> Iterator[Server]:
    """A server of its own for each: after the first administrator there is no other first."""
    with serving_jobs(tmp_path) as server:
        yield server


@pytest.mark.parametrize(("lang", "width"), PAIRS)
def test_an_administrator_sets_up_keeps_rule_packs_and_stops_a_job(
    browser_page: Callable[..., Page], lang: str, width: int
) -> None:
    zh = lang == "zh"
    page = browser_page(lang, width)

    # the first administrator, who signs in
    page.goto("/people")
    axe_clean(page)
    page.get_by_role("link", name="建立第一位管理员" if zh else "Add the first administrator").click()
    page.fill("#field-login", "admin@example.cn")
    page.fill("#field-name", "王芳")
    page.fill("#field-password", PASSWORD)
    page.fill("#field-again", "other")
    page.locator("main form button").click()
    expect(page.locator("#fault-again-1")).to_be_visible()
    axe_clean(page)
    page.fill("#field-password", PASSWORD)
    page.fill("#field-again", PASSWORD)
    page.locator("main form button").click()
    page.wait_for_url("**/sign-in")
    page.fill("[name=login]", "admin@example.cn")
    page.fill("[name=password]", PASSWORD)
    page.locator("main form button").click()
    page.wait_for_url(lambda url: not url.endswith("/sign-in"))

    # a user, disabled and let in again
    page.goto("/people/users/new")
    axe_clean(page)
    page.fill("#field-login", "broker@example.cn")
    page.fill("#field-name", "Bo")
    page.check("#role-broker")
    page.locator("main form button").click()
    axe_clean(page)
    page.get_by_role("link", name="Bo", exact=True).click()
    axe_clean(page)
    page.get_by_role("button", name="停用" if zh else "Disable").click()
    page.get_by_role("button", name="撤销停用" if zh else "Undo: let them in again").click()
    expect(page.locator("[data-note]")).to_have_text("已撤销" if zh else "Undone")

    # a key, shown once
    page.goto("/people/keys")
    page.fill("#field-name", "会计系统")
    page.check("#role-finance")
    page.locator("main form button").last.click()
    expect(page.locator("#token")).to_contain_text("jh_")
    axe_clean(page)
    page.goto("/people/keys")
    axe_clean(page)
    page.goto("/people/organisation")
    axe_clean(page)

    # rule packs: one, two compared, a case
    page.goto("/policies")
    axe_clean(page)
    page.locator("section.card form button").click()
    expect(page.get_by_role("heading", level=2).first).to_be_visible()
    axe_clean(page)
    page.goto("/policies/shanxi-2022")
    axe_clean(page)
    page.get_by_role("link", name="测试一个案例" if zh else "Test a case").click()
    page.select_option("#field-instrument", "ccer")
    page.fill("#field-region", "太原" if zh else "Taiyuan")
    page.locator("main form button").click()
    expect(page.locator("#result")).to_contain_text("第 2 位" if zh else "Tier 2")
    axe_clean(page)
    page.goto("/policies/new")
    axe_clean(page)

    # a job that takes long: followed, cancelled, and run again
    body = {**QUESTION, "kind": "risk", "draws": 100_000, "stochastic": True}
    answer = page.request.post("/v1/jobs", data=body)
    assert answer.status == 202, answer.text()
    page.goto("/jobs")
    expect(page.locator("progress").first).to_be_visible(timeout=60_000)  # the row went on by itself
    axe_clean(page)
    page.locator("tbody tr a").first.click()
    page.wait_for_url("**/jobs/*")
    axe_clean(page)
    page.click("#cancel")
    expect(page.locator("#again")).to_be_visible(timeout=60_000)  # the page went on by itself
    axe_clean(page)
    page.click("#again")
    expect(page.locator("#cancel")).to_be_visible()
    page.click("#cancel")
    expect(page.locator("#again")).to_be_visible(timeout=60_000)
