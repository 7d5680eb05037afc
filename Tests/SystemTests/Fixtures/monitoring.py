"""Checks deploy/prometheus and deploy/grafana against a real headway and a real Prometheus: monitoring.py HEADWAY ROOT SCRATCH

Says `ok: …` for each thing that holds; the first that does not ends it with exit status 1.
"""
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from scene import Scene, check, wait_for

HEADWAY, ROOT, SCRATCH = sys.argv[1:]
PROMETHEUS = f"{ROOT}/deploy/prometheus"
scene = Scene(HEADWAY, SCRATCH)


def get(url, accept="*/*"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


def promtool(*words, text=None):
    done = subprocess.run(["promtool", *words], input=text, capture_output=True, text=True, timeout=120, cwd=PROMETHEUS)
    said = (done.stdout + done.stderr).strip()
    check(done.returncode == 0, f"promtool {' '.join(words)}" + ("" if done.returncode == 0 else f": {said}"))
    return said


def metric_names(expression):
    bare = re.sub(r'"[^"]*"', "", expression)
    return set(re.findall(r"(?<![\w:])((?:headway|process)_[a-z0-9_]+)(?![\w:])", bare))


def main():
    # What needs no process.
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "headway.rules.yml")
    promtool("test", "rules", "headway.test.yml")
    with open(f"{PROMETHEUS}/headway.rules.yml", encoding="utf-8") as file:
        rules = [rule for group in yaml.safe_load(file)["groups"] for rule in group["rules"]]
    alerts = [rule for rule in rules if "alert" in rule]
    with open(f"{PROMETHEUS}/headway.test.yml", encoding="utf-8") as file:
        tests = yaml.safe_load(file)["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    with open(f"{ROOT}/docs/operations.md", encoding="utf-8") as file:
        operations = file.read()
    for alert in alerts:
        name = alert["alert"]
        own = [case for case in cases if case["alertname"] == name]
        section = re.search(rf"^### {name}\n(.*?)(?=^##|\Z)", operations, re.M | re.S)
        check(any(case["exp_alerts"] for case in own), f"{name} is tested to fire")
        check(any(not case["exp_alerts"] for case in own), f"{name} is tested to be silent")
        check(alert["labels"]["severity"] in ("warning", "critical"), f"{name} has a severity")
        check({"summary", "description"} <= set(alert["annotations"]), f"{name} says what is wrong")
        check(
            alert["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}" and section,
            f"{name} has its paragraph in docs/operations.md")
        for part in ("**Symptom.**", "**Cause.**", "**Command.**"):
            check(part in section.group(1), f"{name}: {part}")
        check("```" in section.group(1) or "`" in section.group(1).split("**Command.**")[1], f"{name}: a command to type")
    named = {match for match in re.findall(r"^### (Headway\w+)$", operations, re.M)}
    check(named == {alert["alert"] for alert in alerts}, "no paragraph is of an alert that there is not")
    with open(f"{ROOT}/deploy/grafana/dashboards/headway.json", encoding="utf-8") as file:
        dashboard = json.load(file)
    for name in ("datasources/headway.yml", "dashboards/headway.yml"):
        with open(f"{ROOT}/deploy/grafana/provisioning/{name}", encoding="utf-8") as file:
            check(yaml.safe_load(file)["apiVersion"] == 1, f"provisioning/{name} is readable")
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    check(len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]), "panels' ids differ")
    places = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        check(not own & places and at["x"] + at["w"] <= 24, f"{panel['title']} has its own place")
        places |= own
    for panel in panels:
        check(panel["title"] and panel["description"] and panel["targets"], f"{panel['title']} says what it shows")

    # A namespace in which every kind of thing has happened.
    scene.up()
    url = scene.url
    scene.start(
        [HEADWAY, "aggregate", "--redis", scene.redis, "--metrics", "127.0.0.1:0", "--lease", "1s"], "aggregate.log")
    second = scene.find("aggregate.log", r"Metrics are at (\S+)")

    def happen(number):
        common = ["--pipeline", "quick", "--stage", "two", "--bulk", "planted-bulk"]
        scene.headway("run", *common, "--job", f"planted-good-{number}", "--", "true")
        scene.headway("run", *common, "--job", f"planted-bad-{number}", "--", "false", code=1)
        scene.headway("publish", "job.started", f"planted-open-{number}", "pipeline=quick")
        scene.headway("publish", "stage.started", f"planted-open-{number}", "stage=three")
        get(f"{url}v1/jobs/planted-good-{number}")

    happen(0)
    stream = urllib.request.urlopen(f"{url}v1/stream?jobs=planted-open-0&bulks=planted-bulk", timeout=20)
    check(stream.readline(), "a stream is open")

    # The pages themselves.
    def names(address):
        families = text_string_to_metric_families(get(address, "application/openmetrics-text"))
        return {sample.name for family in families for sample in family.samples}

    pages = {"up": url + "metrics", "aggregate": second}
    for page, address in pages.items():
        plain = get(address, "text/plain")
        check("planted" not in plain, f"no id is a label of {page}")
        said = promtool("check", "metrics", text=plain)
        check(said == "", f"promtool has nothing to say of {page}: {said}")
    alone = {
        "headway_lag_seconds", "headway_jobs", "headway_events_lost_total", "headway_commit_seconds_bucket",
        "headway_commits_fenced_total", "headway_redis_up", "process_open_fds"}
    check(alone <= names(second), "an aggregator on its own shows what it counts and how the namespace stands")
    wanted = {rule.get("alert", rule.get("record")): metric_names(rule["expr"]) for rule in rules}
    for panel in panels:
        wanted[f"panel {panel['title']}"] = set().union(*(metric_names(one["expr"]) for one in panel["targets"]))
    # The partitions are shared out, so what was counted stands on either page.
    everything = set().union(*wanted.values())
    limit = time.monotonic() + 30
    while (there := names(url + "metrics") | names(second)) and everything - there and time.monotonic() < limit:
        time.sleep(0.2)
    for what, metrics in wanted.items():
        check(metrics <= there, f"the metrics of {what} exist {metrics - there or ''}")

    # A real Prometheus, with the rules as they are and everything quicker.
    hosts = [urllib.parse.urlsplit(address).netloc for address in (url, second)]
    with open(f"{SCRATCH}/prometheus.yml", "w", encoding="utf-8") as file:
        yaml.safe_dump({
            "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
            "rule_files": [f"{PROMETHEUS}/headway.rules.yml"],
            "scrape_configs": [{"job_name": "headway", "static_configs": [{"targets": hosts}]}]}, file)
    scene.start([
        "prometheus", f"--config.file={SCRATCH}/prometheus.yml", f"--storage.tsdb.path={SCRATCH}/tsdb",
        "--web.listen-address=127.0.0.1:0"], "prometheus.log")
    prometheus = "http://" + scene.find("prometheus.log", r'msg="Listening on" address=(127\.0\.0\.1:\d+)')

    def is_ready():
        try:
            return get(f"{prometheus}/-/ready")
        except urllib.error.HTTPError:
            return None

    wait_for(is_ready, "Prometheus is ready")

    def ask(expression):
        answer = json.loads(get(f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        if answer["status"] != "success":
            raise SystemExit(f"Prometheus refuses {expression}: {answer}")
        return answer["data"]["result"]

    wait_for(lambda: len(ask('up{job="headway"} == 1')) == 2, "both pages are scraped")
    wait_for(lambda: any(int(one["value"][1]) >= 3 for one in ask("count_over_time(headway_jobs[1m])")), "three scrapes")
    happen(1)

    def resolved(expression):
        for name, value in {
            "$job": "headway", "$pipeline": ".*", "$__rate_interval": "1m", "$__range": "5m",
        }.items():
            expression = expression.replace(name, value)
        return expression

    for panel in panels:
        for target in panel["targets"]:
            wait_for(lambda: ask(resolved(target["expr"])), f"{panel['title']} ({target['expr']}) shows something")
        check(True, f"the panel {panel['title']} shows something")
    for rule in rules:
        if "record" in rule:
            wait_for(lambda: ask(rule["record"]), f"{rule['record']} is recorded")
    check(True, "every recording rule has a value")
    firing = [one["metric"]["alertname"] for one in ask('ALERTS{alertstate="firing",severity="critical"}')]
    check(not firing, f"nothing critical fires where all is well {firing or ''}")
    loaded = json.loads(get(f"{prometheus}/api/v1/rules"))["data"]["groups"]
    states = [rule for group in loaded for rule in group["rules"]]
    check(len(states) == len(rules), "Prometheus has loaded every rule")
    check(not [rule for rule in states if rule.get("health") == "err"], "no rule fails to be evaluated")


scene.play(main)
