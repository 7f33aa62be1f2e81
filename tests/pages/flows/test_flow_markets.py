"""The organiser's first half: faulty offers are uploaded and corrected, an event is entered, changed, and undone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.pages.flows.conftest import PAIRS, axe_clean

FAULTY = """编号,品种,机制,地区,年份,数量(吨),价格(元/吨)
PHB-{n},碳普惠,三晋绿色生活,山西,2025,三千,46.50
CEA-{n},配额,CEA,,2025,5000,66.10
合计,,,,,8000,
"""


@pytest.mark.parametrize(("lang", "width"), PAIRS)
def test_offers_are_corrected_and_an_event_is_entered(
    browser_page: Callable[..., Page], lang: str, width: int, tmp_path: Path
) -> None:
    def say(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    page = browser_page(lang, width)
    name = f"{lang}{width}"
    page.goto("/markets/new")
    axe_clean(page)
    file = tmp_path / f"{name}.csv"
    file.write_text(FAULTY.replace("{n}", name), encoding="utf-8")
    page.set_input_files("#field-file", file)
    page.get_by_role("button", name=say("读取并保存", "Read and keep")).click()
    page.get_by_role("heading", level=1, name=f"{name}.csv").wait_for()
    axe_clean(page)
    assert page.evaluate("document.activeElement.hasAttribute('data-focus')"), "the faults are read out"
    page.get_by_label(say("第 2 行 数量", "Row 2 数量")).fill("3000")
    page.get_by_label(say("不要第 4 行", "Leave out row 4")).check()
    page.get_by_role("button", name=say("更正并重新读取", "Correct and read again")).click()
    page.wait_for_url("**/markets/*")
    axe_clean(page)
    assert f"PHB-{name}" in page.locator("main").inner_text()
    page.get_by_role("link", name=say("价格", "Price"), exact=True).click()
    page.wait_for_url("**sort=price**")
    assert f"PHB-{name}" in page.locator("#listing-rows tbody tr").first.inner_text()

    page.goto("/events/new")
    axe_clean(page)
    page.get_by_label(say("名称", "Name"), exact=True).fill(f"Games {name}")
    page.get_by_label(say("结束日期", "End date")).fill("2026-10-11")
    page.get_by_role("button", name=say("保存活动", "Keep the event")).click()
    page.wait_for_function("document.querySelector('#field-emissions\\\\.tonnes:invalid')")
    page.get_by_label(say("排放量", "Emissions"), exact=True).fill("1200.5")
    page.get_by_role("button", name=say("添加年度", "Add a year")).click()
    page.get_by_label(say("年度", "Year"), exact=True).fill("2026")
    page.get_by_label(say("金额 (元)", "Amount (yuan)")).fill("sixty")
    page.get_by_role("button", name=say("保存活动", "Keep the event")).click()
    page.locator(".note.bad").wait_for()
    axe_clean(page)
    page.get_by_label(say("金额 (元)", "Amount (yuan)")).fill("60000")
    page.get_by_role("button", name=say("保存活动", "Keep the event")).click()
    page.wait_for_url("**/events/games-*")
    axe_clean(page)
    assert "60,000.00" in page.locator("main").inner_text()

    page.get_by_role("link", name=say("修改", "Change"), exact=True).click()
    page.get_by_label(say("金额 (元)", "Amount (yuan)")).fill("70000")
    page.get_by_role("button", name=say("保存为新版本", "Keep as a new version")).click()
    page.get_by_role("button", name=say("撤销最近的修改", "Undo the last change")).click()
    page.get_by_role("status").filter(has_text=say("已撤销", "Undone")).wait_for()
    axe_clean(page)
    page.goto("/events")
    axe_clean(page)
    page.goto("/markets")
    axe_clean(page)
