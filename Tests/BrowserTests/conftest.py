import pytest
from playwright.sync_api import expect, sync_playwright

from house import METER, OUT, RENDER, House

# A busy machine of two cores is allowed for.
expect.set_options(timeout=20_000)
CHROMIUM = "/usr/bin/chromium"


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def house():
    house = House()
    house.put(RENDER)
    house.put(METER)
    yield house
    house.close()


class Page:
    """A page that notes what went wrong in it."""

    def __init__(self, browser, house, **options):
        self.house = house
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.faults = []
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        # What the network did is the tests' own doing; a broken policy or module is not.
        self.page.on("console", lambda message: message.type in ("error", "warning")
                     and "Failed to load resource" not in message.text and self.faults.append(message.text))

    def open(self, route=""):
        self.page.goto(self.house.url + route)
        return self.page

    def keep(self, name):
        OUT.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=OUT / f"{name}.png")


@pytest.fixture
def visit(browser, house):
    """Opens pages; fails when one of them had an error of its own."""
    made = []

    def visit(route="", at=None, **options):
        made.append(Page(browser, at or house, **options))
        made[-1].open(route)
        return made[-1]

    yield visit
    for one in made:
        one.context.close()
    assert [one.faults for one in made if one.faults] == []
