"""A real browser for the tests of the page."""

import shutil

import pytest
from browsers import PROGRAMS, no_browser


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        no_browser(f"none of {', '.join(PROGRAMS)} is installed")
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as problem:
        no_browser(str(problem))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, tmp_path):
    """Open a page's HTML: ``opened(html, width, scheme)`` returns it once it is drawn.

    The test fails where a page logs something, or asks for anything but itself.
    """
    contexts, logged, asked, own = [], [], [], []

    def open_page(html, width=1280, scheme="light"):
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        own.append(path.as_uri())
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: logged.append(message.text))
        page.on("pageerror", lambda error: logged.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(own[-1])
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert logged == []
    assert [url for url in asked if not url.startswith("data:")] == own
