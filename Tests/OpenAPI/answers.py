"""Asks a real server everything that /openapi.json documents, and holds each answer against it.

Usage: answers.py HEADWAY

Two ways: an answer whose status, content type, header or member the document does not have is a failure; and so is a
status of an operation, or an event of a stream, that the document has and no answer showed.
"""
import copy
import itertools
import json
import re
import sys

import jsonschema
from server import Server, frames, request, wait

# What is documented and not provoked here, with the reason.
UNSEEN = {
    ("getPipelines", 500): "the hash itself would have to be unreadable, and its entries are reported one by one",
    ("putPipeline", 500): "as before",
}
JSON = "application/json"


class Contract:
    """The document, and what was seen of it."""

    def __init__(self, document):
        self.document = closed(document)
        self.operations = {
            it["operationId"]: (method.upper(), path, it)
            for path, methods in document["paths"].items() for method, it in methods.items()
        }
        self.seen, self.events, self.faults = set(), set(), []

    def resolve(self, it):
        while "$ref" in it:
            at = self.document
            for part in it["$ref"][2:].split("/"):
                at = at[part]
            it = at
        return it

    def check(self, schema, value, where):
        validator = jsonschema.Draft202012Validator(
            {**schema, "components": self.document["components"]}, format_checker=jsonschema.FormatChecker())
        for error in validator.iter_errors(value):
            best = jsonschema.exceptions.best_match([error])
            self.faults.append(f"{where}: {best.json_path}: {best.message[:400]}")

    def answer(self, name, status, headers, body):
        """Holds one answer against the document."""
        responses = self.operations[name][2]["responses"]
        where = f"{name} {status}"
        if str(status) not in responses:
            self.faults.append(f"{where} is not documented: {body[:300]!r}")
            return
        self.seen.add((name, status))
        response = self.resolve(self.closed_response(name, status))
        for header, it in response.get("headers", {}).items():
            if self.resolve(it).get("required") and header.lower() not in headers:
                self.faults.append(f"{where} lacks the header {header}")
        content = response.get("content", {})
        type = headers.get("content-type", "").split(";")[0]
        if not content:
            if body:
                self.faults.append(f"{where} has a body, and none is documented")
        elif type not in content:
            self.faults.append(f"{where} is {type or 'without a type'}; documented are {', '.join(content)}")
        elif type.endswith("json"):
            self.check(content[type]["schema"], json.loads(body), where)

    def closed_response(self, name, status):
        method, path, _ = self.operations[name]
        return self.document["paths"][path][method.lower()]["responses"][str(status)]

    def frames(self, name, found):
        media = self.resolve(self.closed_response(name, 200))["content"]["text/event-stream"]
        events = self.resolve(media["x-events"])
        for event, data in found:
            if event not in events:
                self.faults.append(f"{name}: event {event} is not documented")
                continue
            self.events.add(event)
            self.check(events[event], json.loads(data), f"{name}, event {event}")

    def missing(self):
        documented = {
            (name, int(status)) for name, (_, _, it) in self.operations.items() for status in it["responses"]}
        return sorted(documented - self.seen - set(UNSEEN)), sorted(set(UNSEEN) & self.seen)


def closed(document):
    """A copy in which an object has no members but those that are named: clients pass over others, we do not."""
    document = copy.deepcopy(document)

    def close(it):
        if isinstance(it, dict):
            if it.get("type") == "object" and "properties" in it and "additionalProperties" not in it:
                it["additionalProperties"] = False
            for value in it.values():
                close(value)
        elif isinstance(it, list):
            for value in it:
                close(value)

    close(document)
    return document


class Asker:
    def __init__(self, contract, base):
        self.contract, self.base = contract, base

    def __call__(self, name, expected=None, /, query="", body=None, type=JSON, headers=None, **path):
        method, pattern, _ = self.contract.operations[name]
        target = re.sub(r"\{(\w+)\}", lambda match: path[match[1]], pattern) + query
        headers = dict(headers or {})
        if body is not None:
            headers["Content-Type"] = type
            body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        status, got, content = request(self.base, method, target, headers, body)
        if expected is not None and status != expected:
            self.contract.faults.append(f"{name}: {status} where {expected} was provoked: {content[:300]!r}")
        self.contract.answer(name, status, got, content)
        return status, got, content

    def stream(self, name, until, /, query="", **path):
        _, pattern, _ = self.contract.operations[name]
        target = re.sub(r"\{(\w+)\}", lambda match: path[match[1]], pattern) + query
        status, type, found = frames(self.base, target, until)
        self.contract.answer(name, status, {"content-type": type or ""}, b"")
        self.contract.frames(name, found)
        return found


PIPELINES = {
    "photo": {"stages": [{"id": "resize", "label": "Resizing", "range": [0, 50]},
                         {"id": "upload", "label": "Uploading", "range": [50, 100], "indexed": True}], "maxAttempts": 2},
    "flash": {"stages": [{"id": "go", "range": [0, 100]}], "retention": {"finished": "1s", "abandoned": "1m"}},
    "guarded": {"stages": [{"id": "go", "range": [0, 100]}], "views": [
        {"route": "/guarded/{job}", "status": {"queued": "NEW", "running": "$stage", "completed": "DONE", "failed": "BAD", "cancelled": "BAD"},
         "token": {"header": "X-Session-Token"},
         "fields": {"status": "$status", "percent": "$percent", "note": "$message|omitnull", "text": "${percent} of 100",
                    "error": {"$if": "$error", "then": {"why": "$error.message"}, "else": None}},
         "errors": {"absent": {"status": 404, "body": {"error": "not here", "id": "$id"}}}},
        {"route": "/guarded/{job}/live", "events": {"snapshot": {"event": "status", "data": {"percent": "$percent"}},
                                                    "complete": {"event": "end", "data": {"status": "$status"}}}}]},
}


numbers = itertools.count(1)


def event(type, subject, **data):
    return {"specversion": "1.0", "source": "test", "id": str(next(numbers)), "type": type, "subject": subject, "data": data}


def play(ask):
    """Jobs and bulks in every state."""
    for name, definition in PIPELINES.items():
        ask("putPipeline", 201, body={"name": name, **definition}, name=name)
        ask("putPipeline", 200, body={"name": name, **definition}, name=name)

    def say(*events):
        ask("publish", 202, body=list(events), type="application/cloudevents-batch+json")

    ask("publish", 202, body=event("bulk.opened", "album", total=4, label="Album"), type="application/cloudevents+json")
    say(event("job.started", "run", attempt=1, pipeline="photo", bulk="album", worker="w-1", attributes={"mode": "fast"}),
        event("stage.progressed", "run", attempt=1, stage="resize", done=1, total=2, message="Half"),
        event("stage.progressed", "run", attempt=1, stage="upload", index=2, of=3, percent=50),
        event("stage.progressed", "run", attempt=1, stage="upload", index=2, of=3, substep="parts", done=1, total=4),
        event("job.started", "bad", attempt=1, pipeline="photo", bulk="album"),
        event("stage.started", "bad", attempt=1, stage="resize"),
        event("job.failed", "bad", attempt=1, message="No light.", code="dark", stage="resize"),
        event("job.started", "good", attempt=1, pipeline="photo", bulk="album"),
        event("stage.completed", "good", attempt=1, stage="resize"),
        event("job.completed", "good", attempt=1, result="https://example.org/1"),
        event("job.queued", "waiting", attempt=1, pipeline="photo", bulk="album"),
        event("job.started", "ended", attempt=1, pipeline="flash", bulk="short"),
        event("job.completed", "ended", attempt=1), event("bulk.sealed", "short", total=1),
        event("job.started", "gone", attempt=1, pipeline="flash"), event("job.completed", "gone", attempt=1))
    made = json.loads(ask("registerJob", 202, body={"pipeline": "photo", "id": "secret", "bulk": "album"})[2])
    other = json.loads(ask("registerJob", 202, body={"pipeline": "guarded", "id": "guarded"})[2])
    say(event("job.started", "secret", attempt=1, worker="w-2"), event("stage.progressed", "secret", attempt=1, stage="resize", percent=10),
        event("job.started", "guarded", attempt=1), event("stage.progressed", "guarded", attempt=1, stage="go", percent=10, message="On"))
    return made["token"], other["token"]


def read(ask, server, token, guarded):
    bearer = {"Authorization": f"Bearer {token}"}
    wait(lambda: json.loads(request(ask.base, "GET", "/v1/bulks/album")[2]).get("counts", {}).get("registered") == 5, "the album")
    wait(lambda: request(ask.base, "GET", "/v1/jobs/gone")[0] == 410, "an expired job")
    for id in ["run", "bad", "good", "waiting"]:
        ask("getJob", 200, id=id)
        ask("getTimeline", 200, id=id)
    tag = ask("getJob", 200, id="run")[1]["etag"]
    ask("getJob", 304, headers={"If-None-Match": tag}, id="run")
    ask("getJob", 304, query=f"?version={tag[3:-1]}&wait=100ms", id="run")
    ask("getJob", 200, headers=bearer, id="secret")
    for name in ["getJob", "getTimeline", "cancelJob", "followJob"]:
        ask(name, 401, id="secret")
        ask(name, 403, headers={"Authorization": "Bearer wrong"}, id="secret")
        ask(name, 400, id="bad%20id")
        if name != "followJob":
            ask(name, 404, id="nobody")
            ask(name, 410, id="gone")
    ids = ["run", "bad", "gone", "nobody", "secret"]
    ask("getJobs", 200, query="?ids=" + ",".join(ids))
    ask("getJobs", 400)
    long = ",".join(f"a-rather-long-id-{n}" for n in range(500))
    for name in ["getJobs", "getBulks"]:
        ask(name, 414, query=f"?ids={long}")
    ask("follow", 414, query=f"?jobs={long}")
    ask("queryJobs", 200, body={"ids": ids, "tokens": [token]})
    ask("queryJobs", 413, body={"ids": [f"j-{n}" for n in range(1001)]})
    ask("getBulks", 200)
    ask("getBulks", 200, query="?limit=1")
    ask("getBulks", 200, query="?ids=album,short,nobody")
    ask("getBulks", 400, query="?limit=0")
    for name in ["getBulk", "getFailures", "getBlockers", "getMembers"]:
        ask(name, 200, id="album")
        ask(name, 404, id="nobody")
        ask(name, 400, id="bad%20id")
    ask("getBulk", 304, headers={"If-None-Match": ask("getBulk", 200, id="album")[1]["etag"]}, id="album")
    ask("getBulk", 200, headers=bearer, id="album")
    ask("getMembers", 200, query="?status=failed&limit=1", id="album")
    ask("getMembers", 200, id="short")
    ask("getMembers", 200, headers=bearer, query="?limit=2", id="album")
    ask("getPipelines", 200)
    ask("getAggregators", 200)
    ask("getLiveness", 200)
    ask("getReadiness", 200)
    ask("getMetrics", 200)
    ask("getMetrics", 200, headers={"Accept": "text/plain"})
    for name in ["getDashboard", "getDocumentation", "getElement", "getOpenAPI"]:
        ask(name, 304, headers={"If-None-Match": ask(name, 200)[1]["etag"]})
    for file in ["docs.html", "docs.css", "docs.js", "openapi.json", "favicon.svg"]:
        tag = ask("getAsset", 200, file=file)[1]["etag"]
    ask("getAsset", 304, headers={"If-None-Match": tag}, file="favicon.svg")
    ask("getAsset", 404, file="none.js")

    # Views, in their own words.
    view, live = "view_guarded__job_", "view_guarded__job__live"
    tag = ask(view, 200, headers={"X-Session-Token": guarded}, job="guarded")[1]["etag"]
    ask(view, 304, headers={"X-Session-Token": guarded, "If-None-Match": tag}, job="guarded")
    ask(view, 401, job="guarded")
    ask(view, 404, job="nobody")
    ask(view, 400, query="?wait=x", job="guarded")
    ask(live, 401, job="guarded")
    ask(live, 400, query="?wait=x", job="guarded")
    ask.stream(live, lambda found: len(found) > 0, query=f"?token={guarded}", job="guarded")


def change(ask, server):
    for name in ["registerJob", "queryJobs", "makeStreamList", "publish", "putPipeline", "cancelJob", "sealBulk"]:
        path = {"id": "run", "name": "photo"}
        ask(name, 400, body="{", **path)
        ask(name, 415, body="{}", type="text/plain", **path)
        ask(name, 413, body=b" " * (1 << 20) + b"{}", **path)
    ask("putPipeline", 422, body={"name": "photo", "stages": []}, name="photo")
    ask("registerJob", 400, body={"pipeline": "nobody"})
    ask("publish", 400, body={"specversion": "1.0"})
    ask("makeStreamList", 400, body={})
    ask("cancelJob", 202, body={"message": "Enough"}, id="waiting")
    wait(lambda: b'"cancelled"' in request(ask.base, "GET", "/v1/jobs/waiting")[2], "the cancelled job")
    ask("cancelJob", 409, id="waiting")
    ask("getJob", 200, id="waiting")
    ask("getTimeline", 200, id="waiting")
    ask("cancelBulk", 400, id="bad%20id")
    ask("cancelBulk", 404, id="nobody")
    ask("sealBulk", 404, id="nobody")
    ask("sealBulk", 202, body={"total": 5}, id="album")
    ask("cancelBulk", 202, id="album")
    # A settled bulk; and one that is no longer kept, whose tally is let go as its time-out would.
    ask("sealBulk", 202, body={"total": 0}, id="empty")
    wait(lambda: b'"settled"' in request(ask.base, "GET", "/v1/bulks/empty")[2], "the empty bulk")
    ask("cancelBulk", 409, id="empty")
    ask("getBlockers", 200, id="empty")
    # Pages of other origins change nothing.
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
    for name in ["cancelBulk", "sealBulk", "registerJob", "publish", "putPipeline"]:
        ask(name, 403, headers=foreign, body=None if name == "cancelBulk" else {}, id="album", name="photo")


def streams(ask, token, guarded):
    made = json.loads(ask("makeStreamList", 201, body={"jobs": ["run", "good"], "bulks": ["album"]})[2])
    has = lambda *names: lambda found: set(names) <= {name for name, _ in found}
    ask.stream("follow", has("job", "bulk"), query=f"?list={made['id']}")
    ask.stream("follow", has("job", "bulk", "unknown", "expired", "unauthorized", "recent", "pulse"),
               query="?jobs=run,nobody,gone,secret&bulks=album,nobody&recent=5&pulse=true")
    ask.stream("followJob", has("job", "complete"), id="good")
    ask.stream("followBulk", has("bulk", "complete"), id="empty")
    ask("follow", 400)
    ask("follow", 404, query="?list=none")
    ask("follow", 401, query="?jobs=secret")
    ask("follow", 403, query="?jobs=secret&token=wrong")
    ask("followBulk", 400, id="bad%20id")
    # Who has seen the end is told so.
    for name, id in [("followJob", "good"), ("followBulk", "empty")]:
        version = request(ask.base, "GET", f"/v1/{'jobs' if name == 'followJob' else 'bulks'}/{id}")[1]["etag"][3:-1]
        ask(name, 204, query=f"?lastEventId={version}", id=id)
    ask("follow", 204, query="?jobs=good&lastEventId=" + request(ask.base, "GET", "/v1/jobs/good")[1]["etag"][3:-1])


def operate(server, contract):
    process, base = server.start("--operator-token", "an-operators-secret")
    try:
        ask = Asker(contract, base)
        for name in ["registerJob", "publish", "putPipeline", "cancelBulk", "sealBulk"]:
            body = None if name == "cancelBulk" else {"name": "photo"}
            ask(name, 401, body=body, id="album", name="photo")
            ask(name, 403, headers={"Authorization": "Bearer wrong"}, body=body, id="album", name="photo")
    finally:
        process.terminate()
        process.wait(15)


def without(ask, name, status):
    """One plain question of each kind."""
    body = {"registerJob": {"pipeline": "photo"}, "queryJobs": {"ids": ["run"]}, "putPipeline": {"name": "photo", **PIPELINES["photo"]},
            "publish": event("job.heartbeat", "run", attempt=1)}.get(name)
    query = {"getJobs": "?ids=run"}.get(name, "")
    ask(name, status, query=query, body=body, type="application/cloudevents+json" if name == "publish" else JSON,
        id="run" if "Job" in name or name == "getTimeline" else "album", name="photo", job="guarded")


def main(binary):
    with Server(binary) as server:
        # The views are in the document once the pipelines are.
        contract = Contract(json.loads(request(server.base, "GET", "/openapi.json")[2]))
        ask = Asker(contract, server.base)
        token, guarded = play(ask)
        wait(lambda: b"/guarded/{job}" in request(server.base, "GET", "/openapi.json")[2], "the views")
        seen, faults = contract.seen, contract.faults
        contract = Contract(json.loads(request(server.base, "GET", "/openapi.json")[2]))
        contract.seen, contract.faults = seen, faults
        ask = Asker(contract, server.base)

        read(ask, server, token, guarded)
        change(ask, server)
        streams(ask, token, guarded)
        operate(server, contract)
        expire(ask, server)
        broken(ask, server)

        # Redis is gone.
        server.redis.kill()
        server.redis.wait()
        for name, (_, _, it) in contract.operations.items():
            if "503" in it["responses"] and name not in ("getReadiness",):
                without(ask, name, 503)
        wait(lambda: request(server.base, "GET", "/readyz")[0] == 503, "an unready server")
        ask("getReadiness", 503)
        for name in ["getLiveness", "getMetrics", "getDashboard"]:
            ask(name, 200)

        missing, needless = contract.missing()
        faults = contract.faults
        faults += [f"{name} {status} is documented, and no answer showed it" for name, status in missing]
        faults += [f"{name} {status} is excused in UNSEEN, and was seen" for name, status in needless]
        events = set(contract.document["components"]["x-events"]["StreamEvents"])
        faults += [f"event {name} is documented, and no stream showed it" for name in sorted(events - contract.events - {"bye"})]
        for fault in faults:
            print(fault)
        print(f"answers: {len(contract.seen)} pairs of operation and status held against the document")
        sys.exit(1 if faults else 0)


def expire(ask, server):
    """What goes with its time-out, let go at once: a bulk's home, and a view's job but for its tombstone."""
    member = next(f"old-{n}" for n in range(100) if server.partition(f"old-{n}") != server.partition("old"))
    ask("publish", 202, body=[
        event("job.started", member, attempt=1, pipeline="photo", bulk="old"), event("job.completed", member, attempt=1),
        event("bulk.sealed", "old", total=1), event("job.queued", "viewed", attempt=1, pipeline="guarded"),
        event("job.started", "viewed", attempt=1), event("job.completed", "viewed", attempt=1)])
    share = server.key("bulk", "old").replace(str(server.partition("old")), str(server.partition(member)))
    wait(lambda: b'"settled"' in request(ask.base, "GET", "/v1/bulks/old")[2], "the old bulk")
    wait(lambda: "settled" in server.command("HKEYS", share), "the word that it has settled")
    wait(lambda: b'"DONE"' in request(ask.base, "GET", "/guarded/viewed")[2], "the viewed job")
    version = request(ask.base, "GET", "/guarded/viewed")[1]["etag"][3:-1].split(".")[0]
    ask("view_guarded__job__live", 204, query=f"?lastEventId={version}-end", job="viewed")
    server.command("DEL", server.key("bulk", "old"), server.key("job", "viewed"))
    for name in ["getBulk", "getFailures", "getBlockers", "cancelBulk", "sealBulk"]:
        ask(name, 410, id="old")
    ask("getBulks", 200, query="?ids=old,album")
    ask.stream("follow", lambda found: len(found) > 0, query="?bulks=old")
    ask("view_guarded__job_", 410, job="viewed")


def broken(ask, server):
    """What this version cannot read."""
    for kind, id in [("job", "junk"), ("job", "good")]:
        server.command("HSET", server.key(kind, id), "status", "nonsense")
    server.command("HSET", server.key("bulk", "junk"), "version", "nonsense")
    for name in ["getJob", "getTimeline", "cancelJob", "getBulk", "getFailures", "getBlockers", "cancelBulk", "sealBulk"]:
        ask(name, 500, id="junk")
    ask("getJobs", 500, query="?ids=junk")
    ask("queryJobs", 500, body={"ids": ["junk"]})
    ask("getBulks", 500, query="?ids=junk")
    ask("registerJob", 500, body={"pipeline": "photo", "id": "junk"})
    ask("getMembers", 500, id="album")
    for view in ["view_guarded__job_", "view_guarded__job__live"]:
        ask(view, 500, job="junk")
    server.command("HSET", "hw:{0}:control", "fence", "nonsense")
    ask("getAggregators", 500)


if __name__ == "__main__":
    main(sys.argv[1])
