"""The overview's cards and lists, beside what the API says, and its search."""

import re
import time

import pytest
from playwright.sync_api import expect

from house import METER, eventually
from shown import counts, is_live, seconds, texts

# Whoever is silent for this long is lost.
FRAIL = {**METER, "name": "frail", "heartbeat": "500ms", "lostAfter": "5s"}


def card_of(page, label):
    return page.locator("article", has=page.get_by_role("link", name=label))


def test_a_card_wears_the_health_of_its_members_as_the_api_counts_it(visit, house):
    house.put(FRAIL)
    one = visit()
    is_live(one.page)
    jobs = house.fill("unwell", 5)
    for job in jobs[:2]:
        house.say("job.started", job, worker="w-1")
        house.say("stage.started", job, stage="draw")
    house.say("bulk.opened", "silent", label="The silent bulk", total=2)
    for job in ("silent.1", "silent.2"):
        house.say("job.queued", job, pipeline="frail", bulk="silent")
    house.say("job.started", "silent.1", worker="w-2")

    card = card_of(one.page, "The bulk unwell")
    expect(card.locator(".badges")).to_contain_text("2 stalled")
    truth = house.get("v1/bulks/unwell")
    assert truth["health"]["stalled"] == 2 and counts(card) == {it: truth["counts"][it] for it in counts(card)}
    expect(card.locator(".mini-job .badge")).to_have_text(["Stalled", "Stalled"])

    # Silent, and at last given up as lost: a failure, which ends when its worker speaks again.
    silent = card_of(one.page, "The silent bulk")
    expect(silent.locator(".badges")).to_contain_text("1 suspect")
    expect(silent.locator(".badges")).not_to_contain_text("suspect")
    truth = house.get("v1/bulks/silent")
    assert (truth["counts"]["failed"], truth["health"]["suspect"]) == (1, 0)
    eventually(lambda: counts(silent) == {it: truth["counts"][it] for it in counts(silent)})
    one.keep("overview-unwell")
    lost = visit("#/jobs/silent.1").page
    error = house.get("v1/jobs/silent.1")["error"]
    assert error["code"] == "worker_lost"
    expect(lost.locator(".callout.is-failed")).to_contain_text(error["message"])
    expect(lost.locator(".callout.is-failed")).to_contain_text("worker_lost")
    expect(lost.locator(".timeline-entry.is-failed")).to_contain_text("worker_lost")
    house.say("job.completed", "silent.1", worker="w-2")
    expect(lost.locator(".badge").first).to_have_text("Completed")
    eventually(lambda: counts(silent)["completed"] == house.get("v1/bulks/silent")["counts"]["completed"] == 1)
    assert counts(silent)["failed"] == 0


def test_rate_and_estimate_are_those_that_the_api_tells(visit, house):
    house.put({**METER, "name": "brisk"})
    one = visit()
    is_live(one.page)
    jobs = house.fill("brisk", 40, pipeline="brisk")
    card = card_of(one.page, "The bulk brisk")
    expect(card.locator(".facts")).to_have_text("No estimate: nothing is running")
    for job in jobs[:12]:
        house.say("job.started", job, worker="w-1")
        house.say("stage.started", job, stage="work")
        time.sleep(0.3)  # what a rate and an estimate are made of
        house.say("job.completed", job)
    house.say("job.started", jobs[12], worker="w-1")
    house.say("stage.started", jobs[12], stage="work")

    def agrees():
        """Both go with time: the page's are those of the last change."""
        house.say("stage.progressed", jobs[12], stage="work", done=agrees.done, total=10_000)
        agrees.done += 1
        time.sleep(0.3)
        truth, facts = house.get("v1/bulks/brisk"), card.locator(".facts").inner_text()
        shown = re.match(r"([\d,.]+) per minute · About (.+) left, rarely over (.+)$|([\d,.]+) per minute · About (.+) left$", facts)
        if not (shown and truth["rate"] and truth["eta"]):
            return False
        rate, usual, high = shown[1] or shown[4], shown[2] or shown[5], shown[3] or shown[5]
        is_near = abs(float(rate.replace(",", "")) - truth["rate"]["perMinute"]) <= truth["rate"]["perMinute"] * 0.1 + 1
        return is_near and rough(usual, truth["eta"]["seconds"]) and rough(high, truth["eta"]["high"])

    agrees.done = 1
    eventually(agrees, within=60)


def rough(shown, exact):
    """An estimate is told up to the next ten seconds or the next minute, and counts down between two frames."""
    if shown == "a few seconds":
        return exact <= 15
    return -5 <= seconds(shown) - exact <= (15 if exact < 60 else 65)


def test_what_has_settled_moves_to_its_list_with_how_it_ended(visit, house):
    one = visit()
    is_live(one.page)
    endings = {"well": ("job.completed", "job.completed"), "partly": ("job.completed", "job.failed"),
               "badly": ("job.failed", "job.failed"), "stopped": ("job.cancelled", "job.cancelled")}
    for bulk, kinds in endings.items():
        jobs = house.fill(f"ended-{bulk}", 2, pipeline="meter")
        expect(card_of(one.page, f"The bulk ended-{bulk}")).to_be_visible()
        for job, kind in zip(jobs, kinds):
            house.say("job.started", job)
            house.say(kind, job, **({"message": "Broken"} if kind == "job.failed" else {}))
    listed = one.page.locator("section[aria-labelledby=recent] li")
    words = {"succeeded": "Succeeded", "partial": "Partly failed", "failed": "Failed", "cancelled": "Cancelled"}
    for bulk, outcome in zip(endings, words):
        row = listed.filter(has_text=f"The bulk ended-{bulk}")
        expect(row.locator(".badge")).to_have_text(words[outcome])
        truth = house.get(f"v1/bulks/ended-{bulk}")
        assert (truth["phase"], truth["outcome"]) == ("settled", outcome)
        expect(row.locator(".row-text")).to_have_text(truth["text"])
        told = [f"{truth['counts'][it]} {it}" for it in ("failed", "cancelled") if truth["counts"][it]]
        expect(row.locator(".row-detail")).to_have_text(", ".join(told))
        expect(card_of(one.page, f"The bulk ended-{bulk}")).to_have_count(0)
    # The last to end comes first.
    assert [name for name in texts(listed, ".row-name") if "ended-" in name] == [
        f"The bulk ended-{bulk}" for bulk in reversed(endings)]


@pytest.mark.parametrize("id, heading, hash", [
    ("sought", "The bulk sought", "#/bulks/sought"), ("sought.2", "sought.2", "#/jobs/sought.2"),
    ("  sought.2 ", "sought.2", "#/jobs/sought.2")])
def test_search_opens_the_page_of_what_has_this_id(visit, house, id, heading, hash):
    if "phase" not in house.get("v1/bulks/sought"):
        house.fill("sought", 2)
    page = visit().page
    page.get_by_role("searchbox").fill(id)
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator("h1")).to_have_text(heading)
    assert page.evaluate("location.hash") == hash
    expect(page.locator("#search-id")).to_have_value("")


@pytest.mark.parametrize("id, note", [
    ("sought.99", "No bulk and no job is called sought.99."), ("what/else", "An id is 1 to 200 letters, digits or . _ : @ -")])
def test_search_says_that_there_is_no_such_thing(visit, house, id, note):
    page = visit().page
    page.get_by_role("searchbox").fill(id)
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator("#search-note")).to_have_text(note)
    assert page.evaluate("location.hash") == ""
