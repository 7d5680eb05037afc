"""Debian's Chromium drives the dashboard of a real `headway up`. Screenshots are kept in out/browser."""

import random
import re
import signal
import statistics
import subprocess
import time
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from house import ROOT, House, eventually, patience
from shown import LIVE, is_live


def test_an_empty_system_says_what_to_do_and_its_commands_work_as_they_stand(visit, browser):
    empty = House()
    try:
        one = visit(at=empty)
        expect(one.page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
        one.keep("empty")
        define, simulate, run = one.page.locator(".command code").all_inner_texts()
        answer = subprocess.run(define, shell=True, capture_output=True, text=True, timeout=20)
        assert '"created":true' in answer.stdout, answer
        run = run.replace("./your-program", "sh -c 'echo 3/10; exit 0'")
        subprocess.run(run, shell=True, env=empty.environment, check=True, timeout=30, capture_output=True)
        expect(one.page.locator(".card", has_text="mine")).to_contain_text("1 of at least 1")
        child = subprocess.Popen(simulate.split(), env=empty.environment, stdout=subprocess.DEVNULL)
        empty.children.append(child)
        expect(one.page.locator(".card", has_text="Simulation of task")).to_contain_text("of 40")
    finally:
        empty.close()


def test_the_overview_follows_a_bulk_by_itself_and_says_what_the_api_says(visit, house):
    one = visit()
    is_live(one.page)
    jobs = house.fill("spring", 6)
    card = one.page.locator("article", has=one.page.get_by_role("link", name="The bulk spring"))
    expect(card).to_contain_text("0 of 6")
    for job in jobs[:4]:
        house.say("job.started", job, worker="w-1")
        house.say("stage.started", job, stage="fetch")
    house.say("stage.progressed", jobs[0], stage="fetch", done=1, total=2, message="Fetching the second source")
    expect(card).to_contain_text("Fetching the second source")
    for job in jobs[1:3]:
        house.say("job.completed", job)
    house.say("job.failed", jobs[3], message="No such source", code="not_found", stage="fetch")
    bar = card.get_by_role("progressbar").first
    percent = eventually(lambda: (snapshot := house.get("v1/bulks/spring"))["counts"]["failed"] == 1 and snapshot)["percent"]
    expect(bar).to_have_attribute(
        "aria-valuetext", f"2 of 6 completed, 1 failed, 1 running, 2 queued, {percent} %")
    expect(bar).to_have_attribute("aria-valuenow", str(percent))
    one.keep("overview")


def test_a_job_shows_its_stages_its_failure_and_why_it_is_not_well(visit, house):
    stalled, failed, _ = house.fill("health", 3)
    for job in (stalled, failed):
        house.say("job.started", job, worker="gpu-7")
        house.say("stage.started", job, stage="fetch")
        house.say("stage.started", job, stage="draw")
    house.say("stage.progressed", stalled, stage="draw", done=3, total=8, substep="pages", message="Drawing page 4")
    house.say("job.failed", failed, message="The filter refused the text.", code="content_filter", stage="draw")

    one = visit(f"#/jobs/{failed}")
    page = one.page
    expect(page.locator(".badge").first).to_have_text("Failed")
    expect(page.locator(".callout.is-failed")).to_contain_text("The filter refused the text.")
    expect(page.locator(".track-stage").nth(0)).to_contain_text("Fetching sources, Completed")
    expect(page.locator(".track-stage").nth(1)).to_contain_text("Drawing pages, Failed")
    expect(page.locator(".track-stage").nth(2)).to_contain_text("Uploading, not begun")
    one.keep("job-failed")

    page.goto(f"{house.url}#/jobs/{stalled}")
    expect(page.locator(".badge").first).to_have_text("Stalled")
    expect(page.locator(".callout.is-stalled")).to_contain_text("No progress for")
    expect(page.locator(".track-stage[aria-current=step]")).to_contain_text("Drawing pages")
    expect(page.get_by_role("progressbar", name="pages")).to_have_attribute("aria-valuetext", "3 of 8")
    one.keep("job-stalled")

    page.goto(f"{house.url}#/bulks/health")
    expect(page.get_by_role("region", name="Failures")).to_contain_text("content_filter in Drawing pages")
    expect(page.get_by_role("region", name="Failures")).to_contain_text("The filter refused the text.")
    expect(page.get_by_role("region", name="What it waits for")).to_contain_text(f"{stalled} is stalled: No progress for")
    expect(page.get_by_role("region", name="Running jobs by stage")).to_contain_text("Drawing pages")
    one.keep("bulk-unwell")


def test_it_comes_back_by_itself_after_the_server_was_killed_and_after_a_freeze(visit, browser):
    own = House()
    try:
        own.put({"name": "meter", "stages": [{"id": "work", "range": [0, 100]}]})
        (job,) = own.fill("life", 1, pipeline="meter")
        own.say("job.started", job)
        one = visit("#/bulks/life", at=own)
        page = one.page
        is_live(page)
        expect(page.locator("#line-as-of")).to_contain_text("as of")
        page.evaluate("window.neverReloaded = true")

        own.stop(signal.SIGKILL)
        expect(page.locator("#line")).to_have_attribute("data-state", "out")
        expect(page.locator("body")).to_have_class("is-old")
        expect(page.locator("#line-as-of")).to_contain_text("as of")
        one.keep("out-of-date")
        own.start()
        own.say("stage.progressed", job, stage="work", done=37, total=100)
        is_live(page)
        expect(page.locator(".job .percent")).to_have_text("37 %")
        expect(page.locator("body")).not_to_have_class("is-old")

        # What a laptop that slept sees: the connection is there, and nothing ever comes.
        own.process.send_signal(signal.SIGSTOP)
        expect(page.locator("body")).to_have_class("is-old", timeout=40_000)
        expect(page.locator("#line")).to_have_attribute("data-state", "out", timeout=40_000)
        own.process.send_signal(signal.SIGCONT)
        own.say("stage.progressed", job, stage="work", done=38, total=100)
        is_live(page)
        expect(page.locator(".job .percent")).to_have_text("38 %")

        # Off the network and on again.
        one.context.set_offline(True)
        expect(page.locator("#line")).to_have_attribute("data-state", "out")
        own.say("stage.progressed", job, stage="work", done=39, total=100)
        one.context.set_offline(False)
        is_live(page)
        expect(page.locator(".job .percent")).to_have_text("39 %")
        assert page.evaluate("window.neverReloaded") is True
    finally:
        own.close()


def test_without_an_aggregator_it_says_that_it_is_out_of_date(visit, browser):
    own = House()
    try:
        one = visit(at=own)
        one.page.goto(own.serve())
        is_live(one.page)
        own.process.send_signal(signal.SIGSTOP)
        expect(one.page.locator("#line-state")).to_have_text("Out of date: no aggregator is at work")
        expect(one.page.locator("body")).to_have_class("is-old")
        own.process.send_signal(signal.SIGCONT)
        is_live(one.page)
    finally:
        own.process.send_signal(signal.SIGCONT)
        own.close()


def test_a_tab_that_nobody_sees_gives_its_connection_back(visit, house):
    """Browsers allow six to a server: the seventh tab would hang."""
    def streams():
        with urllib.request.urlopen(house.url + "metrics", timeout=10) as answer:
            return int(re.search(r"^headway_sse_clients (\d+)", answer.read().decode(), re.M)[1])

    def turn(page, hidden):
        page.evaluate("""(hidden) => {
            Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""", hidden)

    (job,) = house.fill("tabs", 1, pipeline="meter")
    eventually(lambda: streams() == 0)
    one = visit(f"#/jobs/{job}")
    is_live(one.page)
    assert streams() == 1
    turn(one.page, True)
    eventually(lambda: streams() == 0)
    house.say("job.started", job)
    house.say("stage.progressed", job, stage="work", done=71, total=100)
    turn(one.page, False)
    is_live(one.page)
    expect(one.page.locator(".figure .big")).to_have_text("71 %")
    assert streams() == 1


def test_where_streams_do_not_get_through_it_asks(visit, house):
    (job,) = house.fill("asked", 1, pipeline="meter")
    house.say("job.started", job)
    one = visit("#/aggregators")
    # A proxy that holds the answer back for ever.
    held = []
    one.page.route("**/v1/stream?*", lambda route: held.append(route))
    one.page.goto(f"{house.url}#/jobs/{job}")
    expect(one.page.locator("#line")).to_have_attribute("data-state", "polling")
    house.say("stage.progressed", job, stage="work", done=61, total=100)
    expect(one.page.locator(".figure .big")).to_have_text("61 %")
    expect(one.page.locator("body")).not_to_have_class("is-old")
    one.page.unroute("**/v1/stream?*")
    expect(one.page.locator("#line-state")).to_have_text(LIVE, timeout=40_000)
    assert held


def test_from_publish_to_changed_pixels(visit, house, record_testsuite_property):
    """One job, one number that changes with every event; the time is taken when the frame with it has been painted."""
    samples = []
    for turn in range(2):
        (job,) = house.fill(f"pixels-{turn}", 1, pipeline="meter")
        house.say("job.started", job)
        one = visit(f"#/jobs/{job}")
        is_live(one.page)
        house.say("stage.started", job, stage="work")
        expect(one.page.locator(".figure .big")).to_have_text("0 %")
        one.page.evaluate("""() => {
            window.painted = {};
            const node = document.querySelector(".figure .big");
            new MutationObserver(() => {
                const text = node.textContent;
                requestAnimationFrame(() => {
                    const after = new MessageChannel();
                    after.port1.onmessage = () => { painted[text] ??= performance.timeOrigin + performance.now(); };
                    after.port2.postMessage(null);
                });
            }).observe(node, {childList: true, characterData: true, subtree: true});
        }""")
        published = {}
        for done in range(1, 100):
            published[f"{done} %"] = time.time() * 1000
            house.say("stage.progressed", job, stage="work", done=done, total=100)
            time.sleep(random.uniform(0.06, 0.12))
        painted = eventually(lambda: (p := one.page.evaluate("painted")).get("99 %") and p)
        samples += [painted[text] - at for text, at in published.items() if text in painted]
        one.context.close()
    samples.sort()
    p50, p99 = statistics.median(samples), samples[int(len(samples) * 0.99)]
    print(f"\npublish to pixels: {len(samples)} samples, p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {samples[-1]:.0f} ms")
    # The page may skip numbers that came too close together.
    assert len(samples) > 99
    # Ten times what was seen.
    assert p50 < 700 * patience() and p99 < 3000 * patience()


def test_ten_thousand_members_do_not_freeze_it(visit, house):
    jobs = house.fill("great", 10_000)
    one = visit("#/bulks/great")
    page = one.page
    expect(page.locator(".choice", has_text="All")).to_contain_text("10,000")
    expect(page.locator(".members tbody tr")).to_have_count(25)
    page.evaluate("""() => {
        window.longTasks = []; window.frames = [];
        new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((one) => one.duration)))
            .observe({entryTypes: ["longtask"]});
        let last = performance.now();
        const frame = (now) => { frames.push(now - last); last = now; requestAnimationFrame(frame); };
        requestAnimationFrame(frame);
    }""")
    batch = house.redis.pipeline(transaction=False)
    begun = time.monotonic()
    for place, job in enumerate(jobs[:3000]):
        house.say("job.started", job, batch, worker=f"w-{place % 50}")
        house.say("stage.started", job, batch, stage="fetch")
        house.say("job.completed" if place % 30 else "job.failed", job, batch, message="Done" if place % 30 else "Broken", **({} if place % 30 else {"code": f"code_{place % 7}"}))
        if place % 100 == 99:
            batch.execute()
            time.sleep(0.1)
            if place % 500 == 499:
                page.get_by_role("button", name="Next").click()
    expect(page.locator(".choice", has_text="Completed")).to_contain_text("2,900")
    seconds = time.monotonic() - begun
    page.get_by_role("button", name=re.compile("^Failed")).click()
    expect(page.locator(".members tbody tr .badge").first).to_have_text("Failed")
    expect(page.locator(".pager")).to_contain_text("Page 1 of 4")
    one.keep("ten-thousand")
    tasks, frames = page.evaluate("[longTasks, frames]")
    frames.sort()
    longest = max(tasks, default=0)
    print(f"\n10,000 members, 9,000 events in {seconds:.1f} s: {len(frames)} frames, p50 {statistics.median(frames):.0f} ms,"
          f" p99 {frames[int(len(frames) * 0.99)]:.0f} ms; {len(tasks)} long tasks, longest {longest:.0f} ms")
    assert longest < 500 * patience()
    assert statistics.median(frames) < 50 * patience()
    assert page.evaluate("document.querySelectorAll('*').length") < 3000


def test_cancel_and_seal_ask_first_and_then_do_it(visit, house):
    house.say("bulk.opened", "growing", label="Growing")
    house.say("job.queued", "growing.1", pipeline="meter", bulk="growing")
    one = visit("#/bulks/growing")
    page = one.page
    page.get_by_role("button", name="Seal …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("no more jobs can join")
    one.keep("dialog-seal")
    dialog.get_by_label("Total number of jobs").fill("1")
    dialog.get_by_role("button", name="Seal it").click()
    expect(dialog).to_be_hidden()
    eventually(lambda: house.get("v1/bulks/growing")["phase"] == "sealed")
    expect(page.get_by_role("button", name="Seal …")).to_be_hidden()

    page.get_by_role("button", name="Cancel …").click()
    dialog.get_by_role("button", name="Back").click()
    time.sleep(0.3)
    assert house.get("v1/bulks/growing")["cancelling"] is False
    page.get_by_role("button", name="Cancel …").click()
    dialog.get_by_role("button", name="Cancel the bulk").click()
    eventually(lambda: house.get("v1/bulks/growing")["outcome"] == "cancelled")
    expect(page.locator(".badge").first).to_have_text("Cancelled")

    house.say("job.queued", "alone", pipeline="meter")
    page.goto(f"{house.url}#/jobs/alone")
    page.get_by_role("button", name="Cancel …").click()
    dialog.get_by_role("button", name="Cancel the job").click()
    eventually(lambda: house.get("v1/jobs/alone")["status"] == "cancelled")
    expect(page.locator(".badge").first).to_have_text("Cancelled")


def test_whoever_goes_back_while_it_is_done_is_asked_anew(visit, house):
    for number in (1, 2):
        house.say("bulk.opened", f"slow-{number}", total=1)
        eventually(lambda: house.get(f"v1/bulks/slow-{number}").get("phase"))
    one = visit("#/bulks/slow-1")
    page, held = one.page, []
    page.route("**/v1/bulks/slow-1/cancel", lambda route: held.append(route))
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="Cancel …").click()
    dialog.get_by_role("button", name="Cancel the bulk").click()
    eventually(lambda: page.title() and held)
    dialog.get_by_role("button", name="Back").click()
    page.goto(f"{house.url}#/bulks/slow-2")
    page.get_by_role("button", name="Cancel …").click()
    with page.expect_response("**/v1/bulks/slow-1/cancel"):
        held[0].continue_()
    eventually(lambda: page.title() and house.get("v1/bulks/slow-1")["cancelling"])
    # The other question still stands, and is answered by nobody else.
    expect(dialog).to_be_visible()
    assert house.get("v1/bulks/slow-2")["cancelling"] is False
    dialog.get_by_role("button", name="Cancel the bulk").click()
    expect(dialog).to_be_hidden()
    eventually(lambda: house.get("v1/bulks/slow-2")["cancelling"])


@pytest.mark.parametrize("hash", ["#/jobs/%", "#/bulks/%zz"])
def test_an_address_that_is_no_name_is_no_page(visit, house, hash):
    page = visit(hash).page
    expect(page.locator("h1")).to_have_text("No such page")
    page.get_by_role("link", name="To the overview").click()
    expect(page.locator("h1")).not_to_have_text("No such page")


def test_where_a_token_is_demanded_the_operator_signs_in(visit, browser):
    secret = "an operator's secret, long enough"
    own = House("--operator-token", secret)
    try:
        assert own.run("pipelines", "apply", str(ROOT / "deploy/pipelines/task.json")).returncode == 0
        own.say("bulk.opened", "closed", total=1)
        own.say("job.queued", "closed.1", pipeline="task", bulk="closed", token="ab" * 32)
        one = visit("#/bulks/closed", at=own)
        page = one.page
        expect(page.locator(".members tbody")).to_contain_text("needs a token")
        page.goto(f"{own.url}#/jobs/closed.1")
        expect(page.locator(".callout").first).to_contain_text("read with a token")
        page.goto(f"{own.url}#/bulks/closed")
        page.get_by_role("button", name="Cancel …").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Cancel the bulk").click()
        expect(dialog).to_contain_text("Sign in as the operator")
        dialog.get_by_label("Operator's token").fill("a wrong one")
        dialog.get_by_role("button", name="Keep it").click()
        dialog.get_by_role("button", name="Cancel the bulk").click()
        expect(dialog).to_contain_text("what came is another one")
        dialog.get_by_label("Operator's token").fill(secret)
        dialog.get_by_role("button", name="Keep it").click()
        dialog.get_by_role("button", name="Cancel the bulk").click()
        eventually(lambda: own.get("v1/bulks/closed")["cancelling"])
        page.goto(f"{own.url}#/jobs/closed.1")
        expect(page.locator("h1")).to_have_text("closed.1")
        expect(page.locator(".figure")).to_be_visible()
        assert page.evaluate("[...Object.values(localStorage)].join()").find(secret) < 0
        assert secret not in (own.state / "up.log").read_text()
    finally:
        own.close()


def test_the_whole_way_by_keyboard(visit, house):
    house.fill("keys", 3)
    one = visit()
    page = one.page
    is_live(page)
    focused = lambda: page.evaluate("document.activeElement.id || document.activeElement.textContent")
    page.keyboard.press("Tab")
    assert focused() == "skip"
    page.keyboard.press("Enter")
    assert focused() == "main"
    page.keyboard.press("/")
    page.keyboard.type("nobody")
    page.keyboard.press("Enter")
    expect(page.locator("#search-note")).to_have_text("No bulk and no job is called nobody.")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("keys")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("The bulk keys")
    # The heading tells where one is.
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.keyboard.press("Tab")
    assert focused() == "Cancel …"
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.querySelector('dialog').contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert focused() == "Cancel …"
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused().startswith("Queued"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^Queued"))).to_have_attribute("aria-pressed", "true")
    for _ in range(30):
        page.keyboard.press("Tab")
        if focused() == "keys.1":
            break
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("keys.1")
    assert page.evaluate("document.activeElement.tagName") == "H1"
    page.go_back()
    expect(page.locator("h1")).to_have_text("The bulk keys")


def test_the_live_region_does_not_chatter(visit, house):
    jobs = house.fill("talk", 40, pipeline="meter")
    one = visit()
    is_live(one.page)
    one.page.evaluate("""() => {
        window.said = [];
        const box = document.getElementById("announcer");
        new MutationObserver(() => said.push([performance.now(), box.textContent])).observe(box, {childList: true, characterData: true, subtree: true});
    }""")
    for job in jobs:
        house.say("job.started", job)
        house.say("stage.progressed", job, stage="work", done=1, total=2)
        house.say("job.failed", job, message="Broken", code="broken")
        time.sleep(0.3)
    said = one.page.evaluate("said")
    assert 1 <= len(said) <= 2, said
    assert "failed" in said[0][1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_systems_theme_and_keeps_a_choice(visit, house, scheme):
    house.fill(f"theme-{scheme}", 2)
    one = visit(color_scheme=scheme)
    page = one.page
    is_live(page)
    ground = lambda: page.evaluate("getComputedStyle(document.body).backgroundColor")
    dark, light = "rgb(14, 17, 22)", "rgb(246, 247, 249)"
    assert ground() == (dark if scheme == "dark" else light)
    one.keep(f"overview-{scheme}")
    button = page.get_by_role("button", name="Theme")
    button.click()
    assert ground() == light
    button.click()
    assert ground() == dark
    page.reload()
    is_live(page)
    assert ground() == dark
    button.click()
    assert ground() == (dark if scheme == "dark" else light)


def test_it_fits_a_phone_and_a_wide_screen(visit, house):
    jobs = house.fill("phone", 30, prefix="a-member-with-a-long-id:2026-11-21T18-59-45.000Z@some-host-somewhere")
    for job in jobs[:5]:
        house.say("job.started", job, worker="a-worker-with-a-long-name-0001")
        house.say("stage.started", job, stage="draw", message="A long message " * 12)
    for width in (360, 768, 1920):
        one = visit(viewport={"width": width, "height": 780})
        page = one.page
        for name, route, ready in (("overview", "", ".card"), ("bulk", "#/bulks/phone", ".members tbody tr"),
                                   ("job", f"#/jobs/{jobs[0]}", ".track-stage"), ("aggregators", "#/aggregators", "tbody tr")):
            page.goto(house.url + route)
            expect(page.locator(ready).first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
            one.keep(f"{name}-{width}")
        one.context.close()


def test_nothing_moves_for_who_wants_it_still(visit, house):
    (job,) = house.fill("still", 1, pipeline="meter")
    house.say("job.started", job)
    house.say("stage.progressed", job, stage="work", done=1, total=2)
    one = visit(f"#/jobs/{job}", reduced_motion="reduce")
    expect(one.page.locator(".fill.is-running")).to_be_attached()
    assert one.page.evaluate("document.getAnimations().length") == 0
    moving = visit(f"#/jobs/{job}", reduced_motion="no-preference")
    expect(moving.page.locator(".fill.is-running")).to_be_attached()
    eventually(lambda: moving.page.evaluate("document.getAnimations().length") > 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(visit, house, scheme):
    bulk = f"axe-{scheme}"
    jobs = house.fill(bulk, 40)
    for job in jobs[:6]:
        house.say("job.started", job, worker="w-1")
        house.say("stage.started", job, stage="draw")
    house.say("job.completed", jobs[0], result="https://example.org/1")
    house.say("job.failed", jobs[1], message="Broken", code="broken", stage="draw")
    house.say("job.cancelled", jobs[2])
    house.say("stage.progressed", jobs[3], stage="draw", done=1, total=2, substep="pages")
    eventually(lambda: house.get(f"v1/bulks/{bulk}")["health"]["stalled"] >= 2)
    one = visit(color_scheme=scheme, reduced_motion="reduce")
    page = one.page
    found = []

    def look(name):
        results = Axe().run(page)
        found.extend((name, one["id"], one["impact"], [node["html"][:120] for node in one["nodes"][:3]])
                     for one in results.response["violations"])

    for name, route, ready in (("overview", "", ".card"), ("bulk", f"#/bulks/{bulk}", ".failure"),
                               ("running job", f"#/jobs/{jobs[3]}", ".track-stage"), ("done job", f"#/jobs/{jobs[0]}", ".track-stage"),
                               ("failed job", f"#/jobs/{jobs[1]}", ".track-stage"), ("unknown", "#/jobs/nobody", ".callout"),
                               ("aggregators", "#/aggregators", "tbody tr")):
        page.goto(house.url + route)
        expect(page.locator(ready).first).to_be_visible()
        look(name)
    page.goto(f"{house.url}#/bulks/{bulk}")
    page.get_by_role("button", name="Cancel …").click()
    look("dialog")
    assert found == []
