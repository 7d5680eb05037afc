"""A fleet that fails, tries again, stands still and dies, watched in the browser from the first job to the last."""

import signal

from playwright.sync_api import expect

from house import House, eventually
from shown import at_least_as_far, counts, is_live, texts

STORY = {
    "name": "story",
    "stages": [
        {"id": "outline", "label": "Outlining", "range": [0, 20]},
        {"id": "writing", "label": "Writing", "range": [20, 80]},
        {"id": "printing", "label": "Printing", "range": [80, 100]},
    ],
    # Nobody is to be lost only because the server was away.
    "heartbeat": "2s", "stallAfter": "4s", "lostAfter": "20s", "maxAttempts": 2,
}
JOBS = 30

# Notes each "X of Y" and percent that is ever painted.
RECORD = """() => {
    window.neverReloaded = true;
    window.seen = [];
    const look = () => {
        const figure = document.querySelector("main .figure");
        if (!figure?.checkVisibility()) return;
        const [done, of, percent] = figure.querySelectorAll("span");
        const now = [done, of, percent].map((one) => Number(one.textContent.replace(/\\D/g, "")));
        if (String(seen.at(-1)) !== String(now)) seen.push(now);
    };
    new MutationObserver(look).observe(document.body, {childList: true, characterData: true, subtree: true});
    look();
}"""


def test_a_simulated_fleet_is_followed_through_a_restart_to_what_the_api_says(visit, browser):
    own = House()
    try:
        own.put(STORY)
        watched = {"overview": visit(at=own), "bulk": visit("#/bulks/tale", at=own)}
        pages = [one.page for one in watched.values()]
        for page in pages:
            is_live(page)
            page.evaluate(RECORD)
        fleet = own.begin(
            "simulate", "--pipeline", "story", "--bulk", "tale", "--jobs", str(JOBS), "--workers", "6", "--pace", "5s",
            "--fail", "30%", "--stall", "10%", "--lost", "7%", "--retry", "--seed", "11")
        eventually(lambda: own.get("v1/bulks/tale").get("counts", {}).get("registered") == JOBS)
        # Queued last: nobody has it yet.
        own.say("job.cancelRequested", f"tale.{JOBS}", message="Not wanted any more")
        eventually(lambda: own.get("v1/bulks/tale")["completed"] >= 4, within=60)

        own.stop(signal.SIGTERM)
        for page in pages:
            expect(page.locator("#line")).to_have_attribute("data-state", "out")
            expect(page.locator("body")).to_have_class("is-old")
            expect(page.locator("#line-as-of")).to_contain_text("as of")
        watched["overview"].keep("simulated-overview-out")
        before = [page.evaluate("seen.at(-1)") for page in pages]
        own.start()
        for page, figure in zip(pages, before):
            is_live(page)
            expect(page.locator("body")).not_to_have_class("is-old")
            eventually(lambda: page.evaluate("seen.at(-1)")[0] > figure[0], within=60)
        for name, one in watched.items():
            one.keep(f"simulated-{name}")

        # It compares each job with what its workers did.
        assert fleet.wait(240) == 0, fleet.log.read_text()
        truth = own.get("v1/bulks/tale")
        assert truth["phase"] == "settled" and truth["done"] == JOBS
        assert truth["counts"]["cancelled"] == 1 and truth["counts"]["failed"] > 0 and truth["generation"] > 1

        overview, bulk = pages
        row = overview.locator(".row", has_text="Simulation of story")
        expect(row.locator(".row-text")).to_have_text(truth["text"])
        expect(row.locator(".row-detail")).to_have_text(f"{truth['counts']['failed']} failed, 1 cancelled")
        expect(row.locator(".badge")).to_have_text({"partial": "Partly failed"}[truth["outcome"]])
        expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", str(truth["percent"]))

        expect(bulk.locator(".badge").first).to_have_text("Partly failed")
        expect(bulk.locator(".hero .percent")).to_have_text(f"{truth['percent']} %")
        assert texts(bulk, ".hero .big")[0] + " " + texts(bulk, ".hero .of")[0] == truth["text"]
        assert counts(bulk) == {status: truth["counts"][status] for status in counts(bulk)}
        for status in ("Completed", "Failed", "Cancelled"):
            expect(bulk.locator(".choice", has_text=status).locator(".choice-count")).to_have_text(
                str(truth["counts"][status.lower()]))
        labels = {stage["id"]: stage["label"] for stage in STORY["stages"]}
        groups = own.get("v1/bulks/tale/failures")["failures"]
        assert sum(group["count"] for group in groups) == truth["counts"]["failed"]
        told = [[f"{one['count']} ×", one["code"] or "no code", f"in {labels[one['stage']]}" if one["stage"] else "",
                 one["samples"]] for one in groups]
        eventually(lambda: bulk.locator(".failure").evaluate_all("""(all) => all.map((one) => [
            one.querySelector(".failure-count").textContent, one.querySelector(".failure-code").textContent,
            one.querySelector(".soft").textContent, [...one.querySelectorAll(".samples a")].map((it) => it.textContent)])""")
            == told)
        watched["bulk"].keep("simulated-bulk-settled")

        for page in pages:
            seen = page.evaluate("seen")
            assert len(seen) > 10 and at_least_as_far([[done, total] for done, total, _ in seen]), seen
            assert {total for _, total, _ in seen} <= {0, JOBS} and all(percent <= 100 for *_, percent in seen), seen
            assert page.evaluate("window.neverReloaded") is True
    finally:
        own.close()
