"""The page that says who is at work and how far behind it is, beside what the API says."""

import signal

from house import House, eventually
from shown import rows


def instances(page):
    """[name, owns, commits, fenced, duplicates, state], …"""
    return [[row[0], *row[2:], row[1]] for row in rows(page.locator("section[aria-labelledby=instances]"))]


def partitions(page):
    """[partition, owner, behind, lag, commit, fence, lost, state], …"""
    return [[*row[:2], *row[3:], row[2]] for row in rows(page.locator("section[aria-labelledby=partitions]"))]


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
        address = own.serve()
        report = lambda: own.get("v1/aggregators", at=address)
        page = visit("#/aggregators", at=own).page
        page.goto(f"{address}#/aggregators")
        # The second is handed its half.
        halves = lambda: sorted(one["owned"] for one in report()["instances"]) == [4, 4] and shows(page, report())
        eventually(halves, within=60)
        assert len({row[1] for row in partitions(page)}) == 2
        eventually(lambda: {(row[3], row[7]) for row in partitions(page)} == {("none", "Up to date")})
        eventually(lambda: [row[5] for row in instances(page)] == ["At work", "At work"])

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
        eventually(lambda: {row[5] for row in instances(page)} == {"No sign of life"})

        # Whoever lives takes all, and works it off.
        second.send_signal(signal.SIGCONT)
        eventually(lambda: all(row[1].endswith(f"-{second.pid}") for row in partitions(page)), within=60)
        eventually(lambda: {(row[2], row[3], row[7]) for row in partitions(page)} == {("0 events", "none", "Up to date")})
        eventually(lambda: shows(page, report()))
        # Whoever was away is handed its half again.
        own.process.send_signal(signal.SIGCONT)
        eventually(halves, within=60)
        eventually(lambda: [row[5] for row in instances(page)] == ["At work", "At work"])
    finally:
        own.process.send_signal(signal.SIGCONT)
        if second:
            second.send_signal(signal.SIGCONT)
        own.close()
