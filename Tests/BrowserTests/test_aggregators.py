"""The page that says who is at work and how far behind it is, beside what the API says."""

import signal

from playwright.sync_api import expect

from house import House, eventually
from shown import rows


def instances(page):
    return rows(page.locator("section[aria-labelledby=instances]"))


def partitions(page):
    return rows(page.locator("section[aria-labelledby=partitions]"))


def shows(page, report):
    """Whether names, owners and numbers are those of the report. Times go on meanwhile: they are looked at elsewhere."""
    told = [[one["name"], *(f"{one[key]:,}" for key in ("owned", "commits", "fenced", "duplicates"))]
            for one in report["instances"]]
    places = [[str(one["partition"]), one["owner"] or "nobody", f"{one['lagEvents']:,} event{'s' * (one['lagEvents'] != 1)}",
               *(f"{one[key] or 0:,}" for key in ("commit", "fence", "lost"))] for one in report["partitions"]]
    return [row[:5] for row in instances(page)] == told and [row[:3] + row[4:7] for row in partitions(page)] == places


def test_owners_and_lag_are_those_that_the_api_tells_through_a_takeover(visit, browser):
    own = House()
    second = None
    try:
        own.put({"name": "meter", "stages": [{"id": "work", "range": [0, 100]}]})
        (job,) = own.fill("watched", 1, pipeline="meter")
        second = own.begin("aggregate")
        eventually(lambda: "stand" in second.log.read_text() or len(own.get("v1/aggregators")["instances"]) == 2)
        address = own.serve()
        report = lambda: own.get("v1/aggregators", at=address)
        one = visit(at=own)
        page = one.page
        page.goto(f"{address}#/aggregators")
        eventually(lambda: shows(page, report()))
        first = report()["partitions"][0]["owner"]
        assert {row[1] for row in partitions(page)} == {first}
        eventually(lambda: {(row[3], row[7]) for row in partitions(page)} == {("none", "Up to date")})
        assert "At work" in [row[5] for row in instances(page) if row[0] == first]

        # Nobody reads any more: what comes is behind, and told as that.
        own.process.send_signal(signal.SIGSTOP)
        second.send_signal(signal.SIGSTOP)
        own.say("job.started", job)
        for done in range(1, 1201):
            own.say("stage.progressed", job, stage="work", done=done, total=1200)
        place = int(own.stream(job).split("{")[1].split("}")[0])
        eventually(lambda: partitions(page)[place][2] == "1,201 events")
        eventually(lambda: shows(page, report()))
        assert report()["partitions"][place]["lagEvents"] == 1201
        eventually(lambda: {row[7] for row in partitions(page)} == {"No living owner"})
        assert partitions(page)[place][3] != "none"
        eventually(lambda: {row[5] for row in instances(page) if row[0] == first} == {"No sign of life"})
        one.keep("aggregators-behind")

        second.send_signal(signal.SIGCONT)
        eventually(lambda: {row[7] for row in partitions(page)} == {"Up to date"}, within=60)
        assert first not in {row[1] for row in partitions(page)}
        eventually(lambda: shows(page, report()))
        assert {row[3] for row in partitions(page)} == {"none"} or report()["lagMs"]
        # Whoever was away finds out that it owns nothing any more.
        own.process.send_signal(signal.SIGCONT)
        eventually(lambda: "No sign of life" not in [row[5] for row in instances(page)], within=60)
        eventually(lambda: shows(page, report()))
        one.keep("aggregators-taken-over")
    finally:
        own.process.send_signal(signal.SIGCONT)
        if second:
            second.send_signal(signal.SIGCONT)
        own.close()
