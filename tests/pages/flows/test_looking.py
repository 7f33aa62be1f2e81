"""What the flows hold their pages to is noticed, in parts of pages that are like others too."""

import pytest
from playwright.sync_api import Browser

from tests.pages.flows.conftest import axe_clean

SHEET = "<html lang='en'><head><title>t</title><style>.pale { color: #ccc; }</style></head>"


def test_low_contrast_is_noticed_beside_what_was_measured_before(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(f"{SHEET}<body><main><h1>One</h1><p>Black on white.</p></main></body>")
    axe_clean(page)
    page.set_content(f"{SHEET}<body><main><h1>Two</h1><p>Black again.</p></main></body>")
    axe_clean(page)
    for part in (
        "<p class='pale'>Pale.</p>",
        "<p style='color: #ccc'>Pale.</p>",
        "<div class='pale'><p>Pale.</p></div>",
    ):
        page.set_content(f"{SHEET}<body><main><h1>Three</h1><p>Black on white.</p>{part}</main></body>")
        with pytest.raises(AssertionError, match="color-contrast"):
            axe_clean(page)
    page.close()
