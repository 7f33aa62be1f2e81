"""A real browser against a real server: every page in both languages, wide and narrow, with nothing to complain of."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from tests.http.conftest import Server, serving_jobs

WIDE, NARROW = 1280, 390
ALL_PAIRS = os.environ.get("JINHENG_FLOWS") == "all"
"""Whether each flow is run in each language at each width; else each language and each width once."""
PAIRS = [("zh", WIDE), ("en", NARROW), *([("zh", NARROW), ("en", WIDE)] if ALL_PAIRS else [])]
PAIRS_CROSSED = [("zh", NARROW), ("en", WIDE), *([("zh", WIDE), ("en", NARROW)] if ALL_PAIRS else [])]
"""Language and width of each run of a flow."""
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")

LOOKED_AT = """async ([tags, known]) => {
  const hash = text => {
    let [a, b] = [1, 2];
    for (let k = 0; k < text.length; k++) {
      a = Math.imul(a ^ text.charCodeAt(k), 2654435761);
      b = Math.imul(b ^ text.charCodeAt(k), 1597334677);
    }
    return a + "," + b;
  };
  const valued = /class|style|type|scope|aria-(current|invalid|sort)/;
  const own = e => [e.tagName, ...[...e.attributes].map(a => valued.test(a.name) ? a.name + a.value : a.name),
                    [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())].join();
  const shape = e => hash(own(e) + [...e.children].map(shape).join());
  const measured = new Set(known), repeated = [];
  const look = (e, place) => {
    const what = hash(place + shape(e));
    if (measured.has(what)) return repeated.push(e);
    measured.add(what);
    [...e.children].forEach((child, k) => look(child, hash(place + own(e) + k % 2)));
  };
  const sheets = [...document.styleSheets].map(s => s.href);
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  look(document.body, [innerWidth, dark, own(document.documentElement), ...sheets].join());
  const ask = async (where, what) => (await axe.run(where, {resultTypes: ["violations"], ...what})).violations;
  const found = await ask(document, {runOnly: tags, rules: {"color-contrast": {enabled: false}}});
  if (repeated[0] !== document.body)
    found.push(...await ask({include: [document.body], exclude: repeated}, {runOnly: ["color-contrast"]}));
  return [found, [...measured]];
}"""
"""What is wrong on a page, and what of it is measured now. Contrast, three quarters of the work, is measured once for
parts of pages that differ in nothing but their words: of one width, with the same sheets, in elements of the same kind.
"""

_measured: list[str] = []
"""The parts of pages whose contrast was measured by this process."""


def browser_path() -> str | None:
    """Where a Chromium is."""
    named = os.environ.get("JINHENG_TEST_BROWSER")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the tests of a process."""
    path = browser_path()
    if path is None:
        pytest.skip("no Chromium: tools/browser.sh installs one")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server and a worker for the flows of a process: nobody signs in, and earlier flows have left what they made."""
    with serving_jobs(tmp_path_factory.mktemp("served")) as server:
        yield server


class Seen(list[str]):
    """What a browser complained of."""


@pytest.fixture
def browser_page(browser: Browser, served: Server) -> Iterator[Callable[..., Page]]:
    """Opens the start of the service: `browser_page("zh", 1280)`. What the console says is held against the test."""
    contexts, seen = [], Seen()

    def opened(lang: str = "zh", width: int = WIDE, **more: Any) -> Page:
        locale = "zh-CN" if lang == "zh" else "en-GB"
        size: Any = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, locale=locale, base_url=served.url, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda said: seen.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("request", lambda r: seen.append(f"asked {r.url}") if _is_elsewhere(r.url, served.url) else None)
        page.goto(f"/?lang={lang}")
        return page

    yield opened
    for context in contexts:
        context.close()
    # A form that was refused answers 422, which the console calls an error.
    assert [text for text in seen if "status of 422" not in text] == []


def _is_elsewhere(url: str, home: str) -> bool:
    return not url.startswith((home, "data:", "blob:"))


def axe_clean(page: Page) -> None:
    """Holds a page to WCAG 2.2 AA as far as a machine can tell, and to its width."""
    page.evaluate(Axe().axe_script)
    found, _measured[:] = page.evaluate(LOOKED_AT, [list(RULES), _measured])
    told = [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]
    assert told == [], f"{page.url}: {told}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} scrolls sideways by {wide} px"
