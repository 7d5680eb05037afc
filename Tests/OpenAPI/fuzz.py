"""Lets schemathesis ask a real server what /openapi.json allows and forbids: no answer may break the document.

Usage: fuzz.py HEADWAY SCHEMATHESIS [SEED [EXAMPLES]]

Streams stay open and are left out here; answers.py reads them.
"""
import json
import pathlib
import subprocess
import sys

from answers import Asker, Contract, play
from server import Server, request

CHECKS = [
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method", "allow_header_conformance", "missing_required_header"]


SETTINGS = """
[phases.coverage]
# Others, such as TRACE, are not known to the server: 501, by RFC 9110.
unexpected-methods = ["POST", "PUT", "PATCH", "DELETE"]

[[operations]]
# "query" is also the id of a job, which may be asked for by GET.
include-path = "/v1/jobs/query"
checks.allow_header_conformance.enabled = false
checks.unsupported_method.enabled = false
"""


def main(binary, schemathesis, seed="1", examples="40"):
    with Server(binary) as server:
        play(Asker(Contract(json.loads(request(server.base, "GET", "/openapi.json")[2])), server.base))
        document = json.loads(request(server.base, "GET", "/openapi.json")[2])
        streams = [
            it["operationId"] for methods in document["paths"].values() for it in methods.values()
            if "text/event-stream" in json.dumps(it["responses"].get("200", {}))]
        settings = server.directory / "schemathesis.toml"
        settings.write_text(SETTINGS)
        print(f"schemathesis: seed {seed}, {examples} examples of each operation")
        run = subprocess.run(
            [schemathesis, "--config-file", str(settings), "run", f"{server.base}/openapi.json", "--phases", "examples,coverage,fuzzing", "--seed", seed,
             "--max-examples", examples, "--checks", ",".join(CHECKS), "--request-timeout", "70", "--continue-on-failure",
             "--warnings", "off", "--generation-database", "none",
             *(word for name in streams for word in ("--exclude-operation-id", name))],
            cwd=server.directory, timeout=900)
        if server.process.poll() is not None:
            raise SystemExit("headway is gone")
        sys.exit(run.returncode)


if __name__ == "__main__":
    main(str(pathlib.Path(sys.argv[1]).resolve()), str(pathlib.Path(sys.argv[2]).absolute()), *sys.argv[3:])
