"""docker-compose.yml, deploy/Dockerfile and deploy/kubernetes: against their schemas, and as plain processes.

No container engine is needed: each service's command, environment, files and health check are taken out of the
file and run here, with loopback for the network and scratch directories for the volumes. Needs check-jsonschema and
kubernetes-validate (`make test-deps` puts them under .build/deploy-tools).

usage: containers.py CHECK BINARY REPOSITORY
"""

import glob
import json
import os
import re
import shutil
import subprocess
import sys

import yaml

import supervise
from supervise import Child, Scratch, check, eventually, get

TOOLS = os.path.dirname(sys.executable)
KUBERNETES = "1.31"


def tool(*words):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    return done.returncode, done.stdout.decode(errors="replace")


def compose(repository):
    with open(f"{repository}/docker-compose.yml") as file:
        return yaml.safe_load(file)


def schema(binary, repository):
    """docker-compose.yml is what the Compose specification's schema allows; a misspelt key is noticed."""
    path = f"{repository}/docker-compose.yml"
    code, said = tool(f"{TOOLS}/check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)
    check(code == 0, said)
    with Scratch() as scratch:
        wrong = compose(repository)
        wrong["services"]["api"]["comand"] = ["serve"]
        with open(scratch.file("wrong.yml"), "w") as file:
            yaml.safe_dump(wrong, file)
        code, _ = tool(f"{TOOLS}/check-jsonschema", "--builtin-schema", "vendor.compose-spec", scratch.file("wrong.yml"))
        check(code != 0, "a misspelt key was not noticed")


def shape(binary, repository):
    """Mounted files are there, dependencies healthy before who needs them, ports loopback's, and health is seen to."""
    file = compose(repository)
    services = file["services"]
    check({"redis", "aggregator-1", "aggregator-2", "api", "demo", "prometheus", "grafana"} <= set(services),
          sorted(services))
    for name, service in services.items():
        # Said here either way: a service that says nothing is judged by the check of its image, which may be another's.
        check(checked(service) or service.get("healthcheck", {}).get("disable") is True,
              f"{name} has neither a health check nor `disable: true`")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                check(os.path.exists(os.path.join(repository, source)), f"{name} mounts {source}, which is not there")
            else:
                check(source in file["volumes"], f"{name} mounts the volume {source}, which is not declared")
        for other, how in service.get("depends_on", {}).items():
            check(other in services, f"{name} waits for {other}")
            check(how["condition"] != "service_healthy" or checked(services[other]),
                  f"{name} waits until {other} is healthy, which nobody checks")
        for port in service.get("ports", []):
            check(port.startswith("127.0.0.1:"), f"{name} publishes {port} to the world")
        check(service.get("read_only") and service.get("cap_drop") == ["ALL"], f"{name} is not closed")
    for name in ("aggregator-1", "aggregator-2", "api"):
        check("profiles" not in services[name], f"{name} needs a profile")
    for name in ("demo", "prometheus", "grafana"):
        check(services[name].get("profiles"), f"{name} starts without being asked for")


def checked(service):
    """Whether it says itself how its health is checked."""
    health = service.get("healthcheck", {})
    return bool(health.get("test")) and not health.get("disable")


def interpolated(value, variables):
    """`${NAME:-default}`, as Compose does it."""
    if isinstance(value, list):
        return [interpolated(one, variables) for one in value]
    return re.sub(r"\$\{([A-Z_]+):-([^}]*)\}", lambda found: variables.get(found[1]) or found[2], str(value))


class Host:
    """This machine as the containers' network and file system."""

    def __init__(self, file, scratch, binary, repository):
        self.file, self.scratch, self.binary, self.repository = file, scratch, binary, repository
        self.services = file["services"]
        self.ports = {}  # (service, container port) -> port here
        self.children = {}

    def port(self, service, inside):
        key = (service, int(inside))
        if key not in self.ports:
            self.ports[key] = supervise.free_port()
        return self.ports[key]

    def path(self, name, text):
        """A path of the container as it is here."""
        for volume in self.services[name].get("volumes", []):
            source, target = volume.split(":")[:2]
            here = os.path.join(self.repository, source) if source.startswith(".") else self.scratch.file(f"volume-{source}")
            if not source.startswith("."):
                os.makedirs(here, exist_ok=True)
            text = re.sub(r"(?<![\w./-])" + re.escape(target) + r"(?=/|$|\s)", os.path.normpath(here), text)
        # What the Dockerfile copies.
        return text.replace("/usr/share/headway/pipelines", f"{self.repository}/deploy/pipelines")

    def word(self, name, text):
        text = self.path(name, interpolated(text, {}))
        for other in self.services:
            text = re.sub(rf"(?<![\w.-]){re.escape(other)}:(\d+)",
                          lambda found: f"127.0.0.1:{self.port(other, found[1])}", text)
        return re.sub(r"(?:0\.0\.0\.0|127\.0\.0\.1):(\d+)",
                      lambda found: found[0] if int(found[1]) in self.ports.values()
                      else f"127.0.0.1:{self.port(name, found[1])}", text)

    def words(self, name, entrypoint):
        service = self.services[name]
        return [self.word(name, one) for one in [*service.get("entrypoint", entrypoint), *service.get("command", [])]]

    def environment(self, name):
        return {key: self.word(name, value) for key, value in self.services[name].get("environment", {}).items()}

    def start(self, name, words, environment=None):
        for other, how in self.services[name].get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                self.wait_healthy(other)
        self.children[name] = Child(
            words, environment={"TMPDIR": self.scratch.path, **self.environment(name), **(environment or {})},
            log=self.scratch.file(f"{name}.log"))

    def healthy(self, name, words=None):
        test = self.services[name]["healthcheck"]["test"]
        check(test[0] == "CMD", f"{name}: {test}")
        code, said = supervise.run(words or [self.word(name, one) for one in test[1:]], within=20)
        return code == 0

    def wait_healthy(self, name, words=None):
        if name == "redis":
            words = ["redis-cli", "-p", str(self.port("redis", 6379)), "ping"]
        eventually(lambda: self.healthy(name, words), 90, 0.1,
                   lambda: f"{name} did not become healthy: {self.children[name].tail()}")


def processes(binary, repository):
    """Each service of docker-compose.yml runs as it is written, in the order written, until the demo has gone through."""
    with Scratch() as scratch:
        host = Host(compose(repository), scratch, binary, repository)
        entry = entrypoint(repository)
        check(entry == ["headway"], f"the image's entry point is {entry}")
        words = host.words("redis", [])
        # Only where it listens differs from a container of its own.
        place = words.index("--bind")
        words[place + 1:place + 3] = ["127.0.0.1"]
        host.start("redis", [*words, "--port", str(host.port("redis", 6379))])
        for name in ("aggregator-1", "aggregator-2", "api"):
            host.start(name, [binary, *host.words(name, entry)[1:]])
        for name in ("aggregator-1", "aggregator-2", "api"):
            host.wait_healthy(name)
        # The demo, shortened: the same command line with fewer jobs and less patience.
        words = [binary, *host.words("demo", entry)[1:]]
        for option, value in {"--jobs": "12", "--pace": "500ms"}.items():
            words[words.index(option) + 1] = value
        host.start("demo", words)
        code = host.children["demo"].process.wait(240)
        check(code == 0, f"the demo exited with {code}: {host.children['demo'].tail()}")
        bulks = json.loads(get(host.port("api", 8080), "/v1/bulks")[1])
        check(bulks["bulks"][0]["phase"] == "settled", bulks)
        # Workers are somebody else's, with the worker's rights, at the published port.
        url = f"redis://headway-worker:laptop-worker@127.0.0.1:{host.port('redis', 6379)}"
        code, said = supervise.run([binary, "run", "--redis", url, "--pipeline", "book", "--job", "b1", "--stage",
                                    "ANALYZING", "--", "true"])
        check(code == 0, said)
        seen = ["redis", "aggregator-1", "aggregator-2", "api", "demo"]
        if os.path.isdir(f"{repository}/deploy/prometheus"):
            seen += monitoring(host, scratch)
        for name in ("api", "aggregator-1", "aggregator-2"):
            took, code = host.children[name].stop()
            limit = float(host.services[name]["stop_grace_period"].rstrip("s"))
            check(code == 0 and took < limit, f"{name} ended with {code} after {took:.1f} s")
        return {"ran": seen}


def monitoring(host, scratch):
    """Debian's Prometheus with the compose file's flags: every target is up."""
    words = ["prometheus", *host.words("prometheus", [])]
    # Names of services are addresses of a network of their own; here they are ports of loopback.
    here = scratch.file("prometheus")
    shutil.copytree(os.path.join(host.repository, "deploy/prometheus"), here)
    for path in glob.glob(f"{here}/**/*.y*ml", recursive=True):
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(host.word("prometheus", text))
    words = [word.replace(os.path.join(host.repository, "deploy/prometheus"), here) for word in words]
    host.start("prometheus", words)
    port = host.port("prometheus", 9090)
    eventually(lambda: ready(port), 60, what=lambda: f"prometheus is not ready: {host.children['prometheus'].tail()}")

    def up():
        targets = json.loads(get(port, "/api/v1/targets")[1])["data"]["activeTargets"]
        mine = [t for t in targets if "prometheus" not in t["labels"].get("job", "")]
        return mine and all(t["health"] == "up" for t in mine) and [t["scrapeUrl"] for t in mine]

    eventually(up, 90, 0.5, "a target is not up")
    return ["prometheus"]


def ready(port):
    try:
        return get(port, "/-/ready")[0] == 200
    except OSError:
        return False


def dockerfile(repository):
    """[(instruction, rest)], with continued lines joined."""
    with open(f"{repository}/deploy/Dockerfile") as file:
        text = re.sub(r"^#.*\n", "", file.read(), flags=re.M).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def entrypoint(repository):
    return next(json.loads(rest) for word, rest in dockerfile(repository) if word == "ENTRYPOINT")


def image(binary, repository):
    """The Dockerfile: two stages, copies what there is, installs Debian's names, runs as nobody special, is checked."""
    lines = dockerfile(repository)
    check([word for word, _ in lines].count("FROM") == 2, "it has not two stages")
    last = max(place for place, (word, _) in enumerate(lines) if word == "FROM")
    check("slim" in lines[last][1], lines[last][1])
    final = lines[last:]
    user = next(rest for word, rest in final if word == "USER")
    check(re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), f"runs as {user}")
    check(any(word == "HEALTHCHECK" for word, _ in final), "nobody checks its health")
    for word, rest in lines:
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                check(os.path.exists(os.path.join(repository, source)), f"it copies {source}, which is not there")
    # The package names are Debian 12's, and what the build installs is what the Makefile says.
    installed = [re.search(r"install .*?--no-install-recommends(.*?)&&", rest, re.S)[1].split()
                 for word, rest in lines if word == "RUN" and "apt-get install" in rest]
    for package in sum(installed, []):
        code, said = tool("apt-cache", "policy", package)
        check("Candidate:" in said and "Candidate: (none)" not in said, f"Debian has no {package}: {said}")
    # What the binary needs is there: every library that it links, but Swift's own, which are linked in.
    code, said = tool("ldd", binary)
    missing = []
    for path in re.findall(r"=> (/\S+)", said):
        if "/swift/" in path or "/usr/lib/swift" in path:
            continue
        for candidate in (path, os.path.realpath(path), "/usr" + path):
            code, owner = tool("dpkg-query", "-S", candidate)
            if code == 0:
                break
        package = owner.split(":")[0]
        if package in installed[1] or depends_on(installed[1], package):
            continue
        missing.append(f"{path} of {package}")
    check(not missing, f"the final image lacks {missing}")


def depends_on(packages, wanted):
    """Whether installing these brings that, or every Debian has it."""
    code, said = tool("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
                      "--no-breaks", "--no-replaces", "--no-enhances", *packages, "base-files", "libc6", "apt", "bash",
                      "libstdc++6")
    return bool(re.search(rf"^{re.escape(wanted)}$", said, re.M))


def kubernetes(binary, repository):
    """The manifests are what Kubernetes' own schemas allow, strictly; a misspelt field is noticed."""
    directory = f"{repository}/deploy/kubernetes"
    with open(f"{directory}/kustomization.yaml") as file:
        listed = yaml.safe_load(file)["resources"]
    check(sorted(listed) == sorted(
        name for name in os.listdir(directory) if name.endswith(".yaml") and name != "kustomization.yaml"), listed)
    paths = [f"{directory}/{name}" for name in listed]
    code, said = tool(f"{TOOLS}/kubernetes-validate", "--strict", "-k", KUBERNETES, *paths)
    check(code == 0, said)
    with Scratch() as scratch:
        with open(paths[-1]) as file:
            text = file.read()
        with open(scratch.file("wrong.yaml"), "w") as file:
            file.write(text.replace("replicas: 2", "replica: 2"))
        code, _ = tool(f"{TOOLS}/kubernetes-validate", "--strict", "-k", KUBERNETES, scratch.file("wrong.yaml"))
        check(code != 0, "a misspelt field was not noticed")
    return {"documents": said.count("passed")}


def manifests(repository):
    found = []
    for path in sorted(glob.glob(f"{repository}/deploy/kubernetes/*.yaml")):
        with open(path) as file:
            found += [one for one in yaml.safe_load_all(file) if one and one["kind"] != "Kustomization"]
    return found


def pods(binary, repository):
    """Each container of the manifests runs as written: its arguments are accepted, and its probes answer."""
    documents = manifests(repository)
    secret = next(one for one in documents if one["kind"] == "Secret")
    with Scratch() as scratch:
        _, url = supervise.redis(scratch)
        config = next(one for one in documents if one["kind"] == "ConfigMap")
        for name, text in config["data"].items():
            with open(scratch.file(name), "w") as file:
                file.write(text)
            with open(f"{repository}/deploy/pipelines/{name}") as file:
                check(json.load(file) == json.loads(text), f"{name} of the ConfigMap is not deploy/pipelines/{name}")
        check(len(secret["stringData"]["operator-token"]) >= 16, "the example token would be refused")
        seen = []
        for one in documents:
            if one["kind"] not in ("Deployment", "Job"):
                continue
            pod = one["spec"]["template"]["spec"]
            check(pod["securityContext"]["runAsNonRoot"] and not pod["automountServiceAccountToken"], one["metadata"])
            for container in pod["containers"]:
                environment = {}
                for variable in container["env"]:
                    reference = variable["valueFrom"]["secretKeyRef"]
                    check(reference["name"] == secret["metadata"]["name"] and reference["key"] in secret["stringData"],
                          f"{variable['name']} refers to {reference}, which the Secret lacks")
                    environment[variable["name"]] = (
                        url if reference["key"].endswith("redis-url") else secret["stringData"][reference["key"]])
                ports = {port["name"]: (port["containerPort"], supervise.free_port())
                         for port in container.get("ports", [])}
                words = [word.replace("/etc/headway/pipelines", scratch.path) for word in container["args"]]
                for inside, here in ports.values():
                    words = [word.replace(f"0.0.0.0:{inside}", f"127.0.0.1:{here}") for word in words]
                if one["kind"] == "Job":
                    code, said = supervise.run([binary, *words], environment)
                    check(code == 0, said)
                    seen.append(container["name"])
                    continue
                child = Child([binary, *words], environment=environment, log=scratch.file(f"{container['name']}.log"))
                for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                    target = container[probe]["httpGet"]
                    eventually(lambda: answers(ports[target["port"]][1], target["path"]), 60,
                               what=lambda: f"{container['name']}: {probe} is not answered: {child.tail()}")
                grace = pod["terminationGracePeriodSeconds"]
                check(grace > 10 + 5, f"a drain may take --grace, and is cut after {grace} s")
                took, code = child.stop()
                check(code == 0, f"{container['name']} ended with {code}")
                seen.append(container["name"])
        for one in documents:
            if one["kind"] in ("PodDisruptionBudget", "Service"):
                wanted = one["spec"]["selector"]
                wanted = wanted.get("matchLabels", wanted)
                check(any(d["kind"] == "Deployment" and wanted.items() <= d["spec"]["template"]["metadata"]["labels"].items()
                          for d in documents), f"{one['kind']} {one['metadata']['name']} selects nothing")
        return {"ran": seen}


def answers(port, path):
    try:
        return get(port, path)[0] == 200
    except OSError:
        return False


if __name__ == "__main__":
    supervise.main({"schema": schema, "shape": shape, "processes": processes, "image": image,
                    "kubernetes": kubernetes, "pods": pods})
