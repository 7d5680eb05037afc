"""Debian's Chromium shows <headway-progress> in pages of the tests' own, the examples of docs/guides/frontend.md, and /docs."""

import http.server
import json
import re
import signal
import subprocess
import threading
import urllib.request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from house import RENDER, ROOT, House, eventually

ELEMENT = ROOT / "Sources/Dashboard/Assets/headway.js"
GUIDE = (ROOT / "docs/guides/frontend.md").read_text()
# Every event of every element, with what the page was told.
NOTE = """<script>
  window.told = [];
  for (const name of ["progress", "complete", "error"])
    addEventListener(name, event => event.target.localName === "headway-progress" &&
      told.push({ id: event.target.id, name, detail: event.detail }), true);
</script>"""


@pytest.fixture(scope="module")
def elsewhere():
    """A server of another origin: pages[path] is what it serves."""
    pages = {"/blank": "<!doctype html><title>Blank</title>"}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path.split("?")[0])
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            # No inline style may be needed; inline scripts are these tests' own.
            self.send_header("Content-Security-Policy", "style-src 'none'")
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.pages, server.url = pages, f"http://127.0.0.1:{server.server_port}/"
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def open_house(elsewhere):
    """A `headway up` that lets every page read."""
    house = House("--allow-origin", "*")
    house.put(RENDER)
    yield house
    house.close()


def page_of(body, server, head=""):
    return (f'<!doctype html><html lang="en"><title>A page of somebody else</title>{NOTE}{head}'
            f'<script src="{server}headway.js" defer></script><main><h1>Progress</h1>{body}</main></html>')


@pytest.fixture
def show(visit, open_house, elsewhere):
    """Opens a page from elsewhere with elements in it."""

    def show(body, at=None, path="/", head="", **options):
        at = at or open_house
        elsewhere.pages[path] = page_of(body, at.url, head)
        one = visit("", at=Elsewhere(elsewhere, path), **options)
        return one.page

    return show


class Elsewhere:
    def __init__(self, server, path):
        self.url = server.url.rstrip("/") + path


def told(page, name, id=None):
    found = page.evaluate("window.told")
    return [it["detail"] for it in found if it["name"] == name and (id is None or it["id"] == id)]


def bar(page, selector="headway-progress"):
    return page.locator(selector).get_by_role("progressbar")


def streams(house):
    with urllib.request.urlopen(house.url + "metrics", timeout=10) as answer:
        return int(re.search(r"^headway_sse_clients (\d+)", answer.read().decode(), re.M)[1])


def test_a_job_and_a_bulk_are_shown_live_and_told_to_the_page(show, open_house):
    house = open_house
    jobs = house.fill("spring", 4)
    page = show(f'<headway-progress id="j" job="{jobs[0]}"></headway-progress><headway-progress id="b" bulk="spring"></headway-progress>')
    expect(page.locator("#j")).to_have_attribute("state", "queued")
    expect(bar(page, "#b")).to_have_attribute("aria-label", "The bulk spring")
    house.say("job.started", jobs[0], attempt=1, worker="w-1")
    house.say("stage.progressed", jobs[0], attempt=1, stage="draw", done=1, total=2, message="Drawing page 1")
    expect(page.locator("#j")).to_have_attribute("state", "running")
    expect(bar(page, "#j")).to_have_attribute("aria-valuenow", "55")
    expect(bar(page, "#j")).to_have_attribute("aria-valuetext", re.compile("^Running, 55 %, Drawing page 1"))
    expect(page.locator("#j").get_by_text("Drawing page 1")).to_be_visible()
    expect(bar(page, "#b")).to_have_attribute("aria-valuetext", re.compile("^Running, 0 of 4 · 13 %, 1 running"))
    width = page.locator("#j").evaluate("e => e.shadowRoot.querySelector('[part=fill]').style.width")
    assert width == "55%"
    house.say("job.completed", jobs[0], attempt=1, result="pages/1")
    house.say("job.failed", jobs[1], attempt=1, message="No ink", code="no_ink")
    for job in jobs[2:]:
        house.say("job.started", job, attempt=1)
        house.say("job.completed", job, attempt=1)
    expect(page.locator("#j")).to_have_attribute("state", "completed")
    expect(page.locator("#b")).to_have_attribute("state", re.compile("partial|completed"))
    eventually(lambda: told(page, "complete", "b"))
    assert [it["result"] for it in told(page, "complete", "j")] == ["pages/1"]
    percents = [it["percent"] for it in told(page, "progress", "j")]
    assert percents == sorted(percents) and percents[-1] == 100
    assert page.evaluate("document.getElementById('j').snapshot.percent") == 100
    assert streams(house) == 1


def test_a_hundred_elements_share_one_connection_and_let_go_of_it(show, open_house):
    house = open_house
    jobs = house.fill("many", 100)
    page = show("".join(f'<headway-progress compact id="m{n}" job="{job}"></headway-progress>' for n, job in enumerate(jobs)))
    expect(page.locator("headway-progress[state=queued]")).to_have_count(100)
    assert eventually(lambda: streams(house) == 1)
    house.say("job.started", jobs[99], attempt=1)
    expect(page.locator("#m99")).to_have_attribute("state", "running")
    # Moved, one stays what it is.
    page.evaluate("document.querySelector('main').prepend(document.getElementById('m99'))")
    expect(page.locator("headway-progress").first).to_have_attribute("state", "running")
    # Another subject, in place.
    page.evaluate("(job) => document.getElementById('m0').setAttribute('job', job)", jobs[99])
    expect(page.locator("#m0")).to_have_attribute("state", "running")
    page.evaluate("document.querySelectorAll('headway-progress').forEach(e => e.remove())")
    eventually(lambda: streams(house) == 0)


@pytest.mark.parametrize("way", ["stream", "poll"])
def test_a_thousand_elements_with_long_names_are_followed(open_house, visit, elsewhere, way):
    names = [f"article-{'long-' * 30}{way}-{n}" for n in range(1000)]  # no URL holds that many
    elsewhere.pages["/thousand"] = page_of("".join(
        f'<headway-progress compact {"job" if n < 900 else "bulk"}="{name}"></headway-progress>' for n, name in enumerate(names)), open_house.url)
    one = visit("", at=Elsewhere(elsewhere, "/blank"))
    one.faults.clear()
    if way == "poll":
        one.page.route("**/v1/stream*", lambda route: route.abort())
    one.page.goto(elsewhere.url + "thousand")
    expect(one.page.locator("headway-progress[state=unknown]")).to_have_count(1000, timeout=60_000)
    assert way == "poll" or streams(open_house) == 1
    open_house.say("job.started", names[899], attempt=1, pipeline="render")
    expect(one.page.locator(f"[job='{names[899]}']")).to_have_attribute("state", "running")


def test_a_stall_and_a_failure_are_told_with_their_reasons(show, open_house):
    house = open_house
    jobs = house.fill("troubled", 2)
    page = show(f'<headway-progress id="s" job="{jobs[0]}"></headway-progress><headway-progress id="f" job="{jobs[1]}"></headway-progress>'
                '<headway-progress id="b" bulk="troubled"></headway-progress>')
    for job in jobs:
        house.say("job.started", job, attempt=1, worker="w-1")
        house.say("stage.started", job, attempt=1, stage="draw")
    house.say("job.failed", jobs[1], attempt=1, message="The printer is on fire", code="fire")
    expect(page.locator("#f")).to_have_attribute("state", "failed")
    expect(page.locator("#f").get_by_text("The printer is on fire")).to_be_visible()
    expect(page.locator("#s")).to_have_attribute("state", "stalled")
    expect(page.locator("#s").get_by_text(re.compile("^No progress for"))).to_be_visible()
    expect(page.locator("#b")).to_have_attribute("state", "stalled")
    assert told(page, "complete", "f")[0]["error"]["code"] == "fire"
    # A retry brings it back, and its end is told again.
    house.say("job.started", jobs[1], attempt=2, worker="w-2")
    expect(page.locator("#f")).to_have_attribute("state", "running")
    house.say("job.completed", jobs[1], attempt=2)
    eventually(lambda: len(told(page, "complete", "f")) == 2)


def test_what_is_not_known_is_watched_for_appearing(show, open_house):
    page = show('<headway-progress job="later"></headway-progress><headway-progress id="none"></headway-progress>'
                '<headway-progress id="bad" job="not an id"></headway-progress>'
                '<headway-progress id="src" job="later" src="http://"></headway-progress>')
    expect(page.locator("headway-progress").first).to_have_attribute("state", "unknown")
    assert told(page, "error")[0]["reason"] == "unknown"
    for id in ["none", "bad", "src"]:
        expect(page.locator(f"#{id}")).to_have_attribute("state", "invalid")
    open_house.say("job.started", "later", attempt=1, pipeline="render")
    expect(page.locator("headway-progress").first).to_have_attribute("state", "running")


def register(house, id):
    asked = urllib.request.Request(
        house.url + "v1/jobs", json.dumps({"pipeline": "render", "id": id}).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)["token"]


def test_a_token_opens_its_job_and_is_in_no_url(show, open_house):
    one, two = register(open_house, "secret-1"), register(open_house, "secret-2")
    eventually(lambda: open_house.get("v1/jobs/secret-2").get("status") == 401)
    page = show('<headway-progress id="a" job="secret-1"></headway-progress>')
    expect(page.locator("#a")).to_have_attribute("state", "unauthorized")
    urls = []
    page.on("request", lambda request: urls.append(request.url))
    page.evaluate("(token) => document.getElementById('a').setAttribute('token', token)", one)
    expect(page.locator("#a")).to_have_attribute("state", "queued")
    assert urls and not any(one in url for url in urls)
    # With a second one both are needed at once.
    page.evaluate("""(token) => {
      const element = document.createElement("headway-progress");
      element.setAttribute("job", "secret-2");
      element.setAttribute("token", token);
      element.id = "c";
      document.querySelector("main").append(element);
    }""", two)
    for id in ["a", "c"]:
        expect(page.locator(f"#{id}")).to_have_attribute("state", "queued")
    assert not any(token in url for token in (one, two) for url in urls)


def test_a_page_from_elsewhere_sees_nothing_unless_it_is_let(show, visit, house, elsewhere):
    elsewhere.pages["/closed"] = page_of('<headway-progress job="x"></headway-progress>', house.url)
    one = visit("", at=Elsewhere(elsewhere, "/closed"))
    expect(one.page.locator("headway-progress")).to_have_attribute("state", "loading")
    expect(one.page.locator("headway-progress")).to_have_attribute("stale", "")
    expect(one.page.locator("headway-progress").get_by_text("Connection lost")).to_be_visible()
    assert told(one.page, "error")[0]["reason"] == "offline"
    assert any("CORS" in fault for fault in one.faults)
    one.faults.clear()


def test_without_streams_it_asks_again_and_again(show, open_house, visit, elsewhere):
    jobs = open_house.fill("polled", 2)
    elsewhere.pages["/polled"] = page_of(
        f'<headway-progress id="j" job="{jobs[0]}"></headway-progress><headway-progress id="b" bulk="polled"></headway-progress>', open_house.url)
    one = visit("", at=Elsewhere(elsewhere, "/blank"))
    one.faults.clear()
    one.page.route("**/v1/stream?*", lambda route: route.abort())
    one.page.goto(elsewhere.url + "polled")
    expect(one.page.locator("#j")).to_have_attribute("state", "queued")
    for job in jobs:
        open_house.say("job.started", job, attempt=1)
    expect(one.page.locator("#j")).to_have_attribute("state", "running")
    for job in jobs:
        open_house.say("job.completed", job, attempt=1)
    expect(one.page.locator("#b")).to_have_attribute("state", "completed")
    assert told(one.page, "complete", "b")[0]["text"] == "2 of 2"


def test_a_proxy_that_holds_the_stream_back_is_found_out(show, open_house, visit, elsewhere):
    jobs = open_house.fill("held", 1)
    elsewhere.pages["/held"] = page_of(f'<headway-progress job="{jobs[0]}"></headway-progress>', open_house.url)
    one = visit("", at=Elsewhere(elsewhere, "/blank"))
    one.faults.clear()
    one.page.route("**/v1/stream?*", lambda route: None)  # never an answer
    one.page.goto(elsewhere.url + "held")
    expect(one.page.locator("headway-progress")).to_have_attribute("state", "queued", timeout=60_000)
    one.page.unroute_all(behavior="ignoreErrors")


def test_it_survives_the_server(visit, elsewhere):
    house = House("--allow-origin", "*")
    try:
        house.put(RENDER)
        job = house.fill("restart", 1)[0]
        elsewhere.pages["/restart"] = page_of(f'<headway-progress job="{job}"></headway-progress>', house.url)
        one = visit("", at=Elsewhere(elsewhere, "/restart"))
        element = one.page.locator("headway-progress")
        house.say("job.started", job, attempt=1)
        house.say("stage.progressed", job, attempt=1, stage="fetch", percent=50)
        expect(bar(one.page)).to_have_attribute("aria-valuenow", "10")
        house.stop(signal.SIGKILL)
        expect(element).to_have_attribute("stale", "", timeout=40_000)
        expect(bar(one.page)).to_have_attribute("aria-valuenow", "10")
        assert told(one.page, "error")[0]["reason"] == "offline"
        house.start()
        house.say("stage.progressed", job, attempt=1, stage="fetch", percent=100)
        expect(element).not_to_have_attribute("stale", "", timeout=60_000)
        expect(bar(one.page)).to_have_attribute("aria-valuenow", "20", timeout=60_000)
        one.faults.clear()
    finally:
        house.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_state_is_readable_in_both_themes(show, open_house, scheme):
    house = open_house
    bulk = f"states-{scheme}"
    jobs = house.fill(bulk, 6)
    for job in jobs[:5]:
        house.say("job.started", job, attempt=1, worker="w-7")
        house.say("stage.progressed", job, attempt=1, stage="fetch", percent=80, message="Fetching the fourth source")
    house.say("job.completed", jobs[1], attempt=1)
    house.say("job.failed", jobs[2], attempt=1, message="No such source", code="not_found")
    house.say("job.cancelled", jobs[3], attempt=1)
    house.say("stage.started", jobs[4], attempt=1, stage="draw")
    eventually(lambda: house.get(f"v1/jobs/{jobs[4]}").get("health") == "stalled")
    body = "".join(f'<p><headway-progress job="{job}" label="Page {n}"></headway-progress></p>' for n, job in enumerate(jobs))
    body += f'<p><headway-progress bulk="{bulk}"></headway-progress></p><p><headway-progress job="nobody"></headway-progress></p>'
    body += f'<p><headway-progress compact bulk="{bulk}"></headway-progress></p>'
    head = '<meta name="color-scheme" content="light dark">'
    page = show(body, path=f"/{scheme}", head=head, color_scheme=scheme, viewport={"width": 480, "height": 900}, reduced_motion="reduce")
    expect(page.locator("headway-progress[state=failed]")).to_have_count(1)
    expect(page.locator("headway-progress[state=stalled]")).to_have_count(3)
    found = Axe().run(page).response["violations"]
    assert [it["id"] for it in found if it["impact"] in ("serious", "critical", "moderate")] == []
    motion = page.locator("headway-progress").first.evaluate("e => getComputedStyle(e.shadowRoot.querySelector('i')).transitionProperty")
    assert motion == "none"
    page.screenshot(path=ROOT / f"out/browser/element-{scheme}.png")


def test_it_is_one_small_file():
    assert len(ELEMENT.read_bytes()) < 14_000
    assert "http://" not in ELEMENT.read_text()


# MARK: The guide


def code(language, mark):
    blocks = re.findall(rf"```{language}\n(.*?)```\n", GUIDE, re.S)
    return next(block for block in blocks if mark in block)


def test_the_events_of_the_guide_come_as_it_says(show, open_house, visit, elsewhere):
    jobs = open_house.fill("told", 1)
    lines = []
    elsewhere.pages["/told"] = page_of(
        f'<headway-progress job="{jobs[0]}"></headway-progress><script type="module">{code("js", "addEventListener")}{code("js", "words")}</script>',
        open_house.url)
    one = visit("", at=Elsewhere(elsewhere, "/blank"))
    one.faults.clear()
    one.page.on("console", lambda message: lines.append(message.text))
    one.page.goto(elsewhere.url + "told")
    open_house.say("job.started", jobs[0], attempt=1)
    expect(one.page.locator("headway-progress").get_by_text("Läuft")).to_be_visible()
    open_house.say("job.completed", jobs[0], attempt=1)
    # Lines come while the browser is spoken to.
    eventually(lambda: one.page.title() and "completed" in lines)


def test_the_twenty_lines_of_eventsource_work(visit, house):
    example = code("html", "new EventSource").replace("bulks=spring", "bulks=example")
    assert len(example.splitlines()) <= 20
    one = visit("healthz")
    one.page.route(house.url + "example.html", lambda route: route.fulfill(body=example, content_type="text/html; charset=utf-8"))
    one.page.goto(house.url + "example.html")
    text = one.page.locator("#text")
    expect(text).to_have_text("not known yet")
    jobs = house.fill("example", 2)
    expect(text).to_have_text("0 of 2, 0 failed")
    for job in jobs:
        house.say("job.started", job, attempt=1)
        house.say("job.completed", job, attempt=1)
    expect(text).to_have_text("2 of 2, 0 failed, done")
    assert one.page.locator("#bar").evaluate("e => e.value") == 100


REACT = [f"/usr/share/nodejs/{it}" for it in ("react/umd/react.development.js", "react-dom/umd/react-dom.development.js")]


def test_the_react_hook_follows_a_job(visit, house, tmp_path):
    (tmp_path / "hook.tsx").write_text(code("tsx", "useJob"))
    # The types of React are not here: what is said of them is looked at elsewhere.
    subprocess.run(["tsc", "--target", "es2020", "--module", "commonjs", "--outDir", tmp_path, tmp_path / "hook.tsx"],
                   stdout=subprocess.DEVNULL, timeout=120)
    hook = (tmp_path / "hook.js").read_text()
    job = house.fill("hooked", 1)[0]
    one = visit("healthz")
    one.page.route(house.url + "react.html", lambda route: route.fulfill(body="<div id=root></div>", content_type="text/html"))
    one.page.goto(house.url + "react.html")
    for path in REACT:
        one.page.add_script_tag(path=path)
    one.page.add_script_tag(content="window.exports = {}; window.require = () => React;" + hook)
    one.page.evaluate("""(id) => {
      const View = () => { const { job, isLive } = exports.useJob(id);
        return React.createElement("p", null, job ? `${job.status} ${job.percent} ${isLive}` : "nothing yet"); };
      window.root = ReactDOM.createRoot(document.getElementById("root"));
      window.root.render(React.createElement(View));
    }""", job)
    expect(one.page.locator("p")).to_have_text("queued 0 true")
    house.say("job.started", job, attempt=1)
    house.say("stage.completed", job, attempt=1, stage="fetch")
    expect(one.page.locator("p")).to_have_text("running 20 true")
    before = streams(house)
    one.page.evaluate("window.root.unmount()")
    eventually(lambda: streams(house) < before)


# MARK: The documentation page


def test_an_address_that_is_no_name_does_not_break_the_documentation(visit):
    expect(visit("docs#%").page.locator("#getJob")).to_be_visible()


def test_the_documentation_shows_every_operation(visit, house):
    outside = []
    one = visit("docs#cancelJob")
    page = one.page
    page.on("request", lambda request: request.url.startswith(house.url) or outside.append(request.url))
    expect(page.get_by_role("heading", name="Headway", exact=False).first).to_be_visible()
    document = house.get("openapi.json")
    operations = [it["operationId"] for methods in document["paths"].values() for it in methods.values()]
    assert page.locator("article .method").count() == len(operations)
    for id in operations:
        assert page.locator(f"article[id='{id}']").count() == 1
    for name in document["components"]["schemas"]:
        assert page.locator(f"article[id='schema-{name}']").count() == 1
    # A deep link is where it says, though the page was drawn only then.
    eventually(lambda: page.locator("#cancelJob").evaluate("e => Math.abs(e.getBoundingClientRect().top) < innerHeight"))
    page.get_by_role("link", name="Follow jobs and bulks").click()
    expect(page).to_have_url(house.url + "docs#follow")
    page.get_by_label("Filter").fill("cancel bulk")
    expect(page.locator("#getJob")).to_be_hidden()
    expect(page.locator("#cancelBulk")).to_be_visible()
    page.get_by_label("Filter").fill("")
    assert outside == []
    assert "-X POST" in page.locator("#cancelJob pre").first.inner_text()
    # Its lines work.
    line = page.locator("#getAggregators pre").first.inner_text()
    answer = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=20)
    assert json.loads(answer.stdout)["instances"]
    for scheme, width in [("light", 1280), ("dark", 1280), ("light", 360)]:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        parts = ["header", "nav", "h1", "#tokens", "#getJob", "#registerJob", "#follow", "#schema-Job"]
        found = Axe().run(page, {"include": [[part] for part in parts]}).response["violations"]
        assert [(it["id"], it["nodes"][0]["html"]) for it in found if it["impact"] in ("serious", "critical")] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=ROOT / f"out/browser/docs-{scheme}-{width}.png")
