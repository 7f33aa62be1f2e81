"""The first minute: from the start page to a plan of the example with one click."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.pages.flows.conftest import NARROW, WIDE, axe_clean


@pytest.mark.parametrize(("lang", "width"), [("zh", WIDE), ("zh", NARROW), ("en", WIDE), ("en", NARROW)])
def test_an_example_is_planned_with_one_click(browser_page: Callable[..., Page], lang: str, width: int) -> None:
    page = browser_page(lang, width)
    axe_clean(page)
    page.get_by_role("button", name="太原马拉松" if lang == "zh" else "Taiyuan marathon").click()
    page.wait_for_url("**/plans/*")
    page.get_by_role("heading", level=1).wait_for()
    assert "454,674.64" in page.locator("main").inner_text()
    axe_clean(page)
