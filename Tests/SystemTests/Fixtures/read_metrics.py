"""Reads a metrics page with Prometheus' own parser: read_metrics.py URL FORMAT, prints `name{labels} value` lines."""
import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

url, form = sys.argv[1:]
accept = "text/plain" if form == "plain" else "application/openmetrics-text; version=1.0.0"
with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=10) as page:
    assert page.headers["Content-Type"].split(";")[0] == accept.split(";")[0], page.headers["Content-Type"]
    text = page.read().decode()
families = list((plain if form == "plain" else openmetrics)(text))
assert families, "an empty page"
for family in families:
    assert family.documentation, f"{family.name} has no help"
    for sample in family.samples:
        labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
        print(f"{sample.name}{{{labels}}} {sample.value:g}")
