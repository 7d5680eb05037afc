"""A job's page, beside what the API says of the job."""

import re
import time

from playwright.sync_api import expect

from house import RENDER, eventually
from shown import details, is_rounded, seconds, texts

LABELS = {stage["id"]: stage["label"] for stage in RENDER["stages"]}
# Of the timeline's kinds, as people read them.
WORDS = {
    "created": "Registered", "started": "Started", "stage_started": "Began", "stage_completed": "Finished",
    "failed": "Failed", "completed": "Completed", "requeued": "Queued again",
}


def is_told(page, house, job):
    """Compares all that the page shows of the job with what the API says, once they agree on how far it is."""
    path = f"v1/jobs/{job}"
    truth = eventually(lambda: (it := house.get(path))
                       and details(page).get("Version") == f"{it['epoch']}-{it['version']}" and it)
    expect(page.locator(".figure .big")).to_have_text(f"{truth['percent']} %")
    expect(page.locator(".badge").first).to_have_text(
        (truth["health"] if truth["status"] == "running" and truth["health"] != "ok" else truth["status"]).capitalize())
    told = details(page)
    assert told["Pipeline"] == truth["pipeline"] and told["Worker"] == truth["worker"], told
    assert told["Attempt"] == str(truth["attempt"]) and ("Ended" in told) == (truth["finishedAt"] is not None), told
    assert {name: told[name] for name in truth["attributes"]} == truth["attributes"]
    assert [timeless(one) for one in texts(page, ".callout.is-stalled")] == [timeless(it) for it in [truth["reason"]] if it]
    error = truth["error"]
    assert texts(page, ".callout.is-failed p") == ([error["message"], f"{error['code']} in {LABELS[error['stage']]}"] if error else [])
    # What there is within the stage
    assert [one.split("\n") for one in texts(page, "section[aria-labelledby=substeps] li .num")] == [
        [f"{one['done']} of {one['total']}" if "total" in one else f"{one['percent']} %"] for one in truth["substeps"]]
    assert texts(page, "section[aria-labelledby=substeps] li .job-line span:first-child") == [
        one["id"] for one in truth["substeps"]]
    timeline = house.get(f"{path}/timeline")
    eventually(lambda: entries_agree(page, timeline["entries"]))
    stages_agree(page, truth, timeline["stages"])
    return truth


def timeless(reason):
    """It goes on while one looks."""
    return re.sub(r"\d+s", "…", reason)


def entries_agree(page, entries):
    shown = page.locator(".timeline-entry").evaluate_all("""(all) => all.map((one) => [one.querySelector("time").dateTime,
        one.querySelector(".timeline-text").textContent, one.querySelector(".timeline-took").textContent])""")
    if len(shown) != len(entries):
        return False
    for (at, text, took), entry in zip(shown, entries):
        words = [WORDS[entry["kind"]] if entry["kind"] in WORDS else "", LABELS.get(entry["stage"], ""), entry["detail"] or ""]
        again = f"{entry['attempt']}nd attempt" if entry["attempt"] == 2 else ""
        exact = None if entry["durationMs"] is None else entry["durationMs"] / 1000
        if at != entry["at"] or not is_rounded(seconds(took), exact):
            return False
        if entry["kind"] != "health" and not all(word in text for word in [*words, again]):
            return False
    return True


def stages_agree(page, job, spans):
    """Each stage of the contract, what has become of it, and how long it took in this attempt."""
    shown = page.locator(".track-stage").evaluate_all("""(all) => all.map((one) => [one.querySelector(".track-label").textContent,
        one.querySelector(".hidden")?.textContent ?? "", one.querySelector(".track-took").textContent])""")
    assert [label for label, *_ in shown] == list(LABELS.values())
    for id, (_, word, took) in zip(LABELS, shown):
        mine = [span for span in spans if span["stage"] == id and span["attempt"] == job["attempt"]]
        if id in job["completedStages"]:
            assert word == ", Completed"
        elif job["stage"] and job["stage"]["id"] == id:
            assert word in (", now", ", Stalled", ", Failed"), word
        else:
            assert word == ", not begun"
        if not mine:
            assert took == ""
        elif all(span["endedAt"] for span in mine):
            assert is_rounded(seconds(took), sum(span["durationMs"] for span in mine) / 1000), (took, mine)
        else:
            assert seconds(took) is not None


def test_a_running_job_shows_its_stages_with_durations_and_what_there_is_within_one(visit, house):
    job = "told.running"
    house.say("job.queued", job, pipeline="render", **{"attr.edition": "second"})
    one = visit(f"#/jobs/{job}")
    expect(one.page.locator(".figure .of")).to_have_text("Waiting to be started")
    house.say("job.started", job, worker="w-7")
    house.say("stage.started", job, stage="fetch")
    time.sleep(1.2)  # a duration to be shown
    house.say("stage.completed", job, stage="fetch")
    house.say("stage.started", job, stage="draw", message="Drawing page 4")
    house.say("stage.progressed", job, stage="draw", substep="pages", done=3, total=8)
    house.say("stage.progressed", job, stage="draw", substep="cover", percent=40)
    expect(one.page.locator("section[aria-labelledby=substeps] li")).to_have_count(2)
    assert is_told(one.page, house, job)["completedStages"] == ["fetch"]
    # Alive, and it does not move.
    expect(one.page.locator(".badge").first).to_have_text("Stalled")
    expect(one.page.locator(".timeline-entry").last).to_contain_text("Stalled")
    assert is_told(one.page, house, job)["reason"]
    one.keep("job-running")


def test_for_how_long_a_job_has_stood_still_goes_on_though_nothing_happens(visit, house):
    (job,) = house.fill("standing", 1)
    house.say("job.started", job, worker="w-7")
    house.say("stage.started", job, stage="draw")
    one, bulk = visit(f"#/jobs/{job}").page, visit("#/bulks/standing").page
    expect(one.locator(".callout.is-stalled")).to_have_text(re.compile(r"^No progress for \ds "))
    later = re.compile(r"^No progress for (\d\d|\dm\d+)s in Drawing pages ")
    expect(one.locator(".callout.is-stalled")).to_have_text(later, timeout=40_000)
    expect(bulk.locator(".job .reason")).to_have_text(later, timeout=40_000)
    expect(bulk.locator(".members tbody tr td").filter(has_text="No progress")).to_have_text(later, timeout=40_000)


def test_what_is_refused_or_comes_late_is_shown_as_well_as_what_comes_at_once(visit, house):
    job = "told.late"
    house.say("job.started", job, pipeline="render", worker="w-1")
    house.say("stage.started", job, stage="fetch")
    house.say("job.completed", job)
    page = visit("#/aggregators").page
    refused, held = [], []
    page.route("**/timeline", lambda route: route.continue_() if refused else (refused.append(1), route.fulfill(status=503)))
    page.route("**/v1/pipelines", lambda route: held.append(route))
    page.goto(f"{house.url}#/jobs/{job}")
    expect(page.locator(".figure .big")).to_have_text("100 %")
    # Each question to the page lets its routes run.
    eventually(lambda: page.title() and refused and held)
    time.sleep(1.5)  # a paint comes each second, with or without the names of the stages
    page.unroute("**/v1/pipelines")
    for route in held:
        route.continue_()
    expect(page.locator(".timeline-entry").nth(2)).to_contain_text("Began Fetching sources")
    expect(page.locator(".track-stage")).to_have_count(3)


def test_a_job_that_failed_and_was_tried_again_shows_which_attempt_and_whose(visit, house):
    job = "told.again"
    house.say("job.started", job, pipeline="render", attempt=1, worker="w-1")
    one = visit(f"#/jobs/{job}")
    house.say("stage.started", job, attempt=1, stage="fetch")
    time.sleep(0.3)  # a duration to be shown
    house.say("job.failed", job, attempt=1, message="No such source", code="not_found", stage="fetch")
    expect(one.page.locator(".badge").first).to_have_text("Failed")
    assert is_told(one.page, house, job)["error"]["code"] == "not_found"
    house.say("job.started", job, attempt=2, worker="w-2")
    house.say("stage.started", job, attempt=2, stage="fetch")
    expect(one.page.locator(".hero .facts")).to_contain_text("2nd attempt")
    expect(one.page.locator(".badge").first).to_have_text("Running")
    truth = is_told(one.page, house, job)
    assert (truth["attempt"], truth["worker"], truth["error"]) == (2, "w-2", None)
    one.keep("job-again")


def test_a_completed_job_links_to_its_result_and_to_its_bulk(visit, house):
    (job,) = house.fill("told", 1)
    one = visit(f"#/jobs/{job}")
    house.say("job.started", job, worker="w-3")
    for stage in LABELS:
        house.say("stage.started", job, stage=stage)
        time.sleep(0.2)  # a duration to be shown
        house.say("stage.completed", job, stage=stage)
    house.say("job.completed", job, result="https://example.org/tales/7.pdf")
    expect(one.page.locator(".badge").first).to_have_text("Completed")
    truth = is_told(one.page, house, job)
    link = one.page.locator(".callout.is-completed a")
    expect(link).to_have_text(truth["result"])
    # No stage that it would still be in.
    expect(one.page.locator(".figure .of")).to_have_text("")
    expect(link).to_have_attribute("href", "https://example.org/tales/7.pdf")
    expect(link).to_have_attribute("rel", "noreferrer noopener")
    took = seconds(one.page.locator(".hero .facts").inner_text())
    assert abs(took - truth["elapsedSeconds"]) <= 0.1, (took, truth["elapsedSeconds"])
    one.keep("job-completed")
    one.page.get_by_role("link", name="told", exact=True).click()
    expect(one.page.locator("h1")).to_have_text("The bulk told")


def test_a_result_that_is_no_address_is_no_link(visit, house):
    for job, result in (("told.id", "clx123"), ("told.script", "javascript:alert(1)")):
        house.say("job.started", job, pipeline="render")
        house.say("job.completed", job, result=result)
        one = visit(f"#/jobs/{job}")
        expect(one.page.locator(".callout.is-completed")).to_have_text(f"Result: {result}")
        expect(one.page.locator(".callout.is-completed a")).to_have_count(0)
