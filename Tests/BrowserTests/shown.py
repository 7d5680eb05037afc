"""What is on a page, as plain values that can be compared with what the API says."""

import re

from playwright.sync_api import expect

LIVE = re.compile("^Live$")
STATUSES = ["completed", "failed", "cancelled", "running", "queued"]
UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}


def is_live(page):
    expect(page.locator("#line-state")).to_have_text(LIVE)


def texts(root, selector):
    """Of all that match and are visible, in one look: a page that changes meanwhile is not taken apart."""
    return root.locator(selector).evaluate_all(
        "(all) => all.filter((one) => one.checkVisibility()).map((one) => one.textContent.trim())")


def rows(root):
    """The cells of a table's body."""
    return root.locator("tbody").evaluate(
        "(body) => [...body.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()))")


def details(page):
    """The list of details beside a job."""
    return dict(page.locator("dl.details").evaluate(
        "(list) => [...list.children].map((one) => [...one.children].map((part) => part.textContent))"))


def counts(root):
    """Of a legend, as the API has them; what is not shown is 0."""
    found = root.locator(".legend").first.evaluate(
        "(list) => [...list.children].filter((one) => one.checkVisibility()).map((one) => one.textContent)")
    told = {name: int(value.replace(",", "")) for value, name in (one.strip().split(" ", 1) for one in found)}
    return {status: told.get(status, 0) for status in STATUSES}


def seconds(text):
    """Of `850 ms`, `4.2 s` or `4 min 12 s`; None of an empty one."""
    found = re.findall(r"([\d.]+) (ms|s|min|h|d)\b", text)
    return sum(float(value) * UNITS[unit] for value, unit in found) if found else None


def is_rounded(shown, exact):
    """Whether a shown duration is this one, cut as durations are: to 1 ms, from 1 s on to 0.1 s, from 10 s on to 1 s."""
    if shown is None or exact is None:
        return shown is exact
    return abs(shown - exact) <= (0.001 if exact < 1 else 0.1 if exact < 10 else 1) + 1e-6


def at_least_as_far(figures):
    """Whether `done` never goes back and is never beyond its total, in [[done, total], …]."""
    return all(a[0] <= b[0] for a, b in zip(figures, figures[1:])) and all(done <= total for done, total in figures)
