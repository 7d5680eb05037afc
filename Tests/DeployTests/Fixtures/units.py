"""deploy/systemd, by systemd's own tools; and the commands of the units, run with their files.

usage: units.py CHECK BINARY REPOSITORY
"""

import json
import os
import re
import subprocess

import supervise
from supervise import Child, Scratch, check, eventually, get

UNITS = ("headway-api.socket", "headway-api.service", "headway-aggregator@.service", "headway-aggregators.target")
SERVICES = UNITS[1:3]
# 0 is perfect, 10 is open; what is left is that it must reach Redis and be reached.
EXPOSURE = 1.5


def tool(words, environment=None):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                          env={**os.environ, **(environment or {})})
    return done.returncode, done.stdout.decode(errors="replace")


def settings(path):
    """[(section, name, value)] of a unit file, in order."""
    found, section = [], ""
    with open(path) as file:
        for line in file:
            line = line.strip()
            if line.startswith("["):
                section = line[1:-1]
            elif line and line[0] not in "#;":
                name, _, value = line.partition("=")
                found.append((section, name, value))
    return found


def verify(binary, repository):
    """systemd-analyze finds nothing wrong with the units."""
    with Scratch() as scratch:
        for unit in UNITS:
            with open(f"{repository}/deploy/systemd/{unit}") as file:
                text = file.read()
            with open(scratch.file(unit), "w") as file:
                file.write(text.replace("/usr/bin/headway", binary))
        code, said = tool(
            ["systemd-analyze", "verify", "--man=no", "--recursive-errors=yes",
             *(scratch.file(unit) for unit in UNITS)],
            {"SYSTEMD_UNIT_PATH": f"{scratch.path}:/usr/lib/systemd/system:/lib/systemd/system"})
        check(code == 0 and not said.strip(), f"systemd-analyze verify: {said}")
        # And that it looks at all.
        with open(scratch.file("headway-api.service"), "a") as file:
            file.write("\n[Service]\nNoSuchSetting=yes\n")
        code, said = tool(
            ["systemd-analyze", "verify", "--man=no", scratch.file("headway-api.service")],
            {"SYSTEMD_UNIT_PATH": f"{scratch.path}:/usr/lib/systemd/system:/lib/systemd/system"})
        check("NoSuchSetting" in said, f"a wrong setting was not noticed: {said}")


def security(binary, repository):
    """The services are as closed as they can be: systemd-analyze's exposure is below the threshold."""
    seen = {}
    for unit in SERVICES:
        path = f"{repository}/deploy/systemd/{unit}"
        code, said = tool(["systemd-analyze", "security", "--offline=true", "--no-pager",
                           f"--threshold={int(EXPOSURE * 10)}", path])
        exposure = re.search(r"exposure level for .*: ([0-9.]+)", said)
        check(code == 0 and exposure, f"{unit}: {said[-600:]}")
        seen[unit] = float(exposure.group(1))
    return seen


def kept(binary, repository):
    """Type, watchdog, restart and hardening are what operations.md says; both services have the same."""
    all = {unit: settings(f"{repository}/deploy/systemd/{unit}") for unit in SERVICES}
    for unit, found in all.items():
        values = {name: value for _, name, value in found}
        for name, value in {"Type": "notify", "WatchdogSec": "30", "Restart": "always", "NoNewPrivileges": "yes",
                            "ProtectSystem": "strict", "MemoryDenyWriteExecute": "yes", "User": "headway"}.items():
            check(values.get(name) == value, f"{unit}: {name}={values.get(name)}")
        stop = int(values["TimeoutStopSec"])
        check(stop > 10, f"{unit}: a drain may take --grace, 10 s, and is cut after {stop}")
    hardening = [
        [(name, value) for section, name, value in found if section == "Service" and (
            name.startswith(("Protect", "Private", "Restrict", "System", "Capab", "Ambient", "Lock", "Memory", "NoNew")))]
        for found in all.values()
    ]
    check(hardening[0] == hardening[1], "the two services are not hardened alike")


def allowed_calls(repository, unit):
    """The system calls that the unit's SystemCallFilter lets through."""

    def group(name):
        code, said = tool(["systemd-analyze", "syscall-filter", "--no-pager", name])
        check(code == 0, said)
        names = set()
        for line in said.splitlines()[1:]:
            word = line.strip()
            if not word or word.startswith("#"):
                continue
            names |= group(word) if word.startswith("@") else {word}
        return names

    calls = set()
    for _, name, value in settings(f"{repository}/deploy/systemd/{unit}"):
        if name != "SystemCallFilter":
            continue
        takes = value.startswith("~")
        for word in value.lstrip("~").split():
            members = group(word) if word.startswith("@") else {word}
            calls = calls - members if takes else calls | members
    return calls


def calls(binary, repository):
    """A whole life of each service makes no system call that its unit's filter would refuse."""
    with Scratch() as scratch:
        _, url = supervise.redis(scratch)
        seen = {}
        traced = {}
        for unit, words in {"headway-aggregator@.service": ["aggregate", "--metrics", "127.0.0.1:0"],
                            "headway-api.service": ["serve", "--listen", "127.0.0.1:0"]}.items():
            trace = scratch.file(f"{words[0]}.trace")
            child = Child(["strace", "-f", "-qq", "-o", trace, "--", binary, *words, "--redis", url],
                          log=scratch.file(f"{words[0]}.log"))
            eventually(lambda: "Stop it with" in child.output(), 120, what=lambda: f"{words[0]} did not come up: {child.tail()}")
            traced[unit] = (child, trace)
        with open(f"{repository}/deploy/pipelines/task.json") as file:
            json.load(file)
        for words in (["pipelines", "apply", f"{repository}/deploy/pipelines/task.json"],
                      ["publish", "job.started", "t1", "pipeline=task", "bulk=b"], ["publish", "job.completed", "t1"]):
            code, said = supervise.run([binary, *words, "--redis", url])
            check(code == 0, said)
        api = traced["headway-api.service"][0]
        port = int(re.search(r"http://127.0.0.1:(\d+)/", api.output()).group(1))
        eventually(lambda: get(port, "/v1/jobs/t1")[0] == 200 and b"completed" in get(port, "/v1/jobs/t1")[1],
                   what="the job did not end")
        get(port, "/metrics")
        for unit, (child, trace) in traced.items():
            tracee = [int(pid) for pid in children(child.pid)]
            check(tracee, "there is nothing that is traced")
            os.kill(tracee[0], 15)
            check(child.process.wait(60) == 0, child.tail())
            child.forget()
            with open(trace, errors="replace") as file:
                used = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z0-9_]+)(?:\(| resumed)", file.read(), re.M))
            check("epoll_wait" in used and "execve" in used, f"the trace is not one: {sorted(used)}")
            beyond = used - allowed_calls(repository, unit)
            check(not beyond, f"{unit} would refuse {sorted(beyond)}")
            with open(trace, errors="replace") as file:
                writable = [line for line in file if re.search(r"mmap\(.*PROT_WRITE\|PROT_EXEC", line)]
            check(not writable, f"MemoryDenyWriteExecute= would refuse {writable[:1]}")
            seen[unit] = f"{len(used)} different calls, none refused"
        return seen


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return file.read().split()


def commands(binary, repository):
    """The units' own command lines, with their environment files, as systemd would start them."""
    with Scratch() as scratch:
        _, url = supervise.redis(scratch)
        environment = {}
        for path in (f"{repository}/deploy/systemd/headway.env",):
            with open(path) as file:
                for line in file:
                    if line.strip() and not line.startswith("#"):
                        name, _, value = line.strip().partition("=")
                        environment[name] = value
        check("HEADWAY_REDIS" in environment, "headway.env does not say where Redis is")
        environment["HEADWAY_REDIS"] = url
        sock = supervise.listener()
        for unit in reversed(SERVICES):
            values = {}
            for section, name, value in settings(f"{repository}/deploy/systemd/{unit}"):
                if (section, name) == ("Service", "Environment"):
                    key, _, word = value.partition("=")
                    environment[key] = word
                values[name] = value
            words = values["ExecStart"].replace("/usr/bin/headway", binary).split()
            inherits = unit == "headway-api.service"
            if inherits:
                # As systemd: the socket is descriptor 3, and the process id is known only after the fork.
                words = ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", *words]
            child = Child(
                words, environment=environment, log=scratch.file(f"{unit}.log"),
                pass_socket=sock.fileno() if inherits else None, notify=scratch.file(f"{unit[:12]}.notify"),
                watchdog=float(values["WatchdogSec"]))
            child.wait_ready(float(values["TimeoutStartSec"]))
        check(get(sock.getsockname()[1], "/readyz")[0] in (200, 503), "the socket of the socket unit is not served")
        eventually(lambda: get(sock.getsockname()[1], "/readyz")[0] == 200, what="the API did not become ready")


if __name__ == "__main__":
    supervise.main({"verify": verify, "security": security, "kept": kept, "calls": calls, "commands": commands})
