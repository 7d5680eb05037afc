"""deploy/redis.conf and deploy/users.acl with a real redis-server: a whole job, each part as its own user.

usage: rights.py CHECK BINARY REPOSITORY
"""

import binascii
import json
import os
import subprocess
import sys

import supervise
from supervise import Child, Scratch, check, eventually, get

ROLES = ("worker", "aggregator", "api", "operator")


def server(scratch, repository, extra=(), users=None):
    """A redis-server as deploy/redis-with-users starts it. Returns (port, {role: URL})."""
    port = supervise.free_port()
    passwords = {role: f"secret-{role}" for role in ROLES}
    os.makedirs(scratch.file("data"), exist_ok=True)
    Child(
        ["sh", f"{repository}/deploy/redis-with-users", f"{repository}/deploy/redis.conf",
         users or f"{repository}/deploy/users.acl", "--dir", scratch.file("data"), "--bind", "127.0.0.1", "--port", str(port),
         *extra],
        environment={"TMPDIR": scratch.path,
                     **{f"HEADWAY_{role.upper()}_PASSWORD": password for role, password in passwords.items()}},
        log=scratch.file("redis.log"))
    eventually(lambda: cli(port, None, "PING") == "PONG",
               what="redis-server did not come up with deploy/redis.conf")
    return port, {role: f"redis://headway-{role}:{password}@127.0.0.1:{port}" for role, password in passwords.items()}


def cli(port, role, *words):
    """What redis-cli prints."""
    login = ["--user", f"headway-{role}", "--pass", f"secret-{role}", "--no-auth-warning"] if role else []
    return supervise.run(["redis-cli", "-p", str(port), *login, *words])[1].strip()


def job(binary, repository):
    """Every part of Headway does its whole work with the rights of its role, and Redis refuses it nothing."""
    with Scratch() as scratch:
        port, urls = server(scratch, repository)

        def headway(role, *words, code=0, environment=None, within=120):
            got, said = supervise.run(
                [binary, *words], environment={"HEADWAY_REDIS": urls[role], **(environment or {})}, within=within)
            check(got == code, f"{role}: headway {' '.join(words)} exited {got}: {said}")
            return said

        aggregators = []
        pages = [supervise.free_port(), supervise.free_port()]
        for number in range(2):
            child = Child([binary, "aggregate", "--lease", "2s", "--metrics", f"127.0.0.1:{pages[number]}"], environment={"HEADWAY_REDIS": urls["aggregator"]},
                          log=scratch.file(f"aggregator-{number}.log"), notify=scratch.file(f"a{number}"))
            child.wait_ready()
            aggregators.append(child)
        sock = supervise.listener()
        web = sock.getsockname()[1]
        api = Child([binary, "serve", "--listen", "fd:3", "--webhook-polls", "1s"],
                    environment={"HEADWAY_REDIS": urls["api"]},
                    log=scratch.file("api.log"), pass_socket=sock.fileno(), notify=scratch.file("api"))
        api.wait_ready()

        headway("operator", "pipelines", "apply", *[
            f"{repository}/deploy/pipelines/{name}.json" for name in ("task", "book", "page")])
        headway("operator", "pipelines", "list")
        headway("operator", "publish", "bulk.opened", "spring", "total=3")
        # The library, by the command that uses it.
        headway("worker", "run", "--pipeline", "task", "--job", "task-1", "--bulk", "spring", "--stage", "work", "--",
                "sh", "-c", "echo 1/2; echo 2/2")
        # Plain XADD, as the README shows it.
        import redis

        client = redis.Redis.from_url(urls["worker"])
        partitions = int(client.hgetall("hw:config")[b"partitions"])

        def say(type, subject, **fields):
            partition = binascii.crc_hqx(subject.encode(), 0) % partitions
            client.xadd("hw:{%d}:events" % partition, {"type": type, "subject": subject, **fields})

        say("job.started", "task-2", attempt=1, pipeline="task", bulk="spring", worker="w-1")
        say("stage.progressed", "task-2", attempt=1, stage="work", done=5, total=10)
        say("job.failed", "task-2", attempt=1, message="broke", code="broken")
        # Over HTTP: the API appends.
        for type, data in (("job.started", {"pipeline": "task", "bulk": "spring", "attempt": 1}),
                           ("job.completed", {"attempt": 1})):
            status, body = post(web, "/v1/events", {
                "specversion": "1.0", "source": "t", "id": type, "subject": "task-3", "type": type, "data": data},
                "application/cloudevents+json")
            check(status == 202, f"POST /v1/events: {status} {body}")
        status, body = post(web, "/v1/jobs", {"id": "task-4", "pipeline": "task"})
        check(status == 202, f"POST /v1/jobs: {status} {body}")
        token = json.loads(body).get("token")
        with open(f"{repository}/deploy/pipelines/image.json") as file:
            status, body = post(web, "/v1/pipelines/image", json.load(file), method="PUT")
        check(status in (200, 201), f"PUT /v1/pipelines: {status} {body}")
        eventually(lambda: bulk(web, "spring")["counts"]["registered"] == 3, what="the bulk is not complete")
        status, body = post(web, "/v1/bulks/spring/seal", {})
        check(status == 202, f"seal: {status} {body}")
        eventually(lambda: bulk(web, "spring")["phase"] == "settled", what="the bulk did not settle")
        check(bulk(web, "spring")["text"] == "2 of 3", bulk(web, "spring")["text"])
        for target in ("/v1/jobs/task-1", "/v1/jobs/task-1/timeline", "/v1/bulks", "/v1/bulks/spring/jobs?limit=2",
                       "/v1/bulks/spring/failures", "/v1/bulks/spring/blockers", "/v1/pipelines", "/readyz",
                       "/metrics", "/v1/jobs?ids=task-1,task-2", "/v1/jobs/task-1?wait=1s&version=0-0"):
            status, body = get(web, target)
            check(status == 200, f"{target}: {status} {body[:200]}")
        for page in pages:
            for target in ("/metrics", "/healthz", "/readyz"):
                status, body = get(page, target)
                check(status == 200, f"an aggregator's {target}: {status} {body[:200]}")
        status, body = post(web, "/v1/jobs/task-4/cancel", {}, headers={"Authorization": f"Bearer {token}"})
        check(status in (202, 401, 403), f"cancel: {status} {body}")
        # How often jobs were looked at waits in the outboxes; no aggregator here posts it.
        eventually(lambda: any(int(cli(port, "operator", "XLEN", "hw:{%d}:outbox" % number))
                               for number in range(partitions)), what="no summary of polls was stored")
        headway("operator", "status", "spring", "task-1")
        headway("operator", "status", "--aggregators")
        headway("operator", "jobs", "--bulk", "spring", "--status", "failed")
        headway("operator", "watch", "task-1")
        headway("operator", "verify", "--deep")
        headway("operator", "verify", "--bulk", "spring", "--repair")
        headway("operator", "simulate", "--pipeline", "task", "--jobs", "20", "--workers", "4", "--pace", "200ms",
                "--fail", "20%", "--retry", within=300)
        # A take-over, and a stop in order, need no more.
        aggregators[0].kill()
        eventually(lambda: supervise.run([binary, "status", "--aggregators"], {"HEADWAY_REDIS": urls["operator"]})[0] == 0,
                   what="the partitions of a killed aggregator were not taken over")
        aggregators[1].stop()
        api.stop()
        log = cli(port, "operator", "ACL", "LOG")
        check(not log, f"Redis refused: {log}")
        for child in (*aggregators, api):
            check("NOPERM" not in child.output(), child.output())


def polls(binary, repository):
    """An API that may not store summaries of polls says so once, with the reason, and does the rest of its work."""
    with Scratch() as scratch:
        with open(f"{repository}/deploy/users.acl") as file:
            shipped = file.read()
        check(shipped.count(" ~hw:{*}:outbox") == 1, "who may write to outboxes has changed")
        with open(scratch.file("users.acl"), "w") as file:
            file.write(shipped.replace(" ~hw:{*}:outbox", ""))
        port, urls = server(scratch, repository, users=scratch.file("users.acl"))
        aggregator = Child([binary, "aggregate"], environment={"HEADWAY_REDIS": urls["aggregator"]},
                           log=scratch.file("aggregator.log"), notify=scratch.file("a"))
        aggregator.wait_ready()
        sock = supervise.listener()
        web = sock.getsockname()[1]
        api = Child([binary, "serve", "--listen", "fd:3", "--webhook-polls", "1s"],
                    environment={"HEADWAY_REDIS": urls["api"]}, log=scratch.file("api.log"),
                    pass_socket=sock.fileno(), notify=scratch.file("api"))
        api.wait_ready()
        code, said = supervise.run(
            [binary, "pipelines", "apply", f"{repository}/deploy/pipelines/task.json"],
            environment={"HEADWAY_REDIS": urls["operator"]})
        check(code == 0, said)
        status, body = post(web, "/v1/events", {
            "specversion": "1.0", "source": "t", "id": "1", "subject": "task-1", "type": "job.started",
            "data": {"pipeline": "task", "attempt": 1}}, "application/cloudevents+json")
        check(status == 202, f"POST /v1/events: {status} {body}")
        eventually(lambda: get(web, "/v1/jobs/task-1")[0] == 200, what="the job is not known")
        said = "webhooks are not told of polls"
        eventually(lambda: said in api.output(), what=lambda: f"nothing was said: {api.output()}")
        # Refused again and again, each of which ACL LOG counts, and said once.
        eventually(lambda: refusals(port) >= 3, what="it does not try again")
        told = [line for line in api.output().splitlines() if said in line]
        check(len(told) == 1 and "NOPERM" in told[0], told)
        check(get(web, "/v1/jobs/task-1")[0] == 200, "it does not answer any more")
        api.stop()
        aggregator.stop()


def refusals(port):
    """How often Redis refused a command, by its own count of the latest kind."""
    log = cli(port, "operator", "ACL", "LOG").splitlines()
    return int(log[log.index("count") + 1]) if "count" in log else 0


def bulk(port, name):
    return json.loads(get(port, f"/v1/bulks/{name}")[1])


def post(port, target, value, type="application/json", method="POST", headers=None):
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, target, json.dumps(value), {"Content-Type": type, **(headers or {})})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


# Who must not do what: (role, command).
REFUSED = [
    (None, "GET x"), (None, "HGETALL hw:config"), (None, "XADD hw:{0}:events * type x"), (None, "INFO"),
    (None, "ACL WHOAMI"), (None, "CONFIG GET dir"),
    ("worker", "DEL hw:{0}:control"), ("worker", "HSET hw:{0}:job:j status completed"),
    ("worker", "HSET hw:{0}:control owner me"), ("worker", "XTRIM hw:{0}:events MAXLEN 0"),
    ("worker", "XRANGE hw:{0}:events - +"), ("worker", "HSET hw:pipelines task@1 x"),
    ("worker", "HSETNX hw:pipelines task@9 x"), ("worker", "XADD hw:{0}:rejected * type x"),
    ("worker", "XADD other:{0}:events * type x"), ("worker", "HGETALL hw:{0}:control"),
    ("worker", "SUBSCRIBE hw:{0}:changes"), ("worker", "PUBLISH hw:{0}:changes x"), ("worker", "KEYS *"),
    ("worker", "FLUSHALL"), ("worker", "CONFIG SET appendonly no"), ("worker", "EVAL 'return 1' 0"),
    ("worker", "SHUTDOWN NOSAVE"), ("worker", "ACL LIST"), ("worker", "MONITOR"),
    ("aggregator", "FLUSHALL"), ("aggregator", "FLUSHDB"), ("aggregator", "CONFIG SET maxmemory 1"),
    ("aggregator", "KEYS *"), ("aggregator", "SCAN 0"), ("aggregator", "SET other x"), ("aggregator", "EVAL \"return redis.call('KEYS','*')\" 0"),
    ("aggregator", "SUBSCRIBE hw:{0}:changes"), ("aggregator", "PUBLISH other x"), ("aggregator", "SHUTDOWN"),
    ("aggregator", "RENAME hw:config hw:x"), ("aggregator", "EXPIRE hw:config 1"), ("aggregator", "ACL LIST"),
    ("aggregator", "SAVE"), ("aggregator", "REPLICAOF NO ONE"), ("aggregator", "MONITOR"),
    ("api", "DEL hw:{0}:control"), ("api", "HSET hw:{0}:job:j status completed"), ("api", "XTRIM hw:{0}:events MAXLEN 0"),
    ("api", "HSET hw:{0}:control owner me"), ("api", "HSET hw:pipelines task@1 x"), ("api", "HDEL hw:pipelines task@1"),
    ("api", "PUBLISH hw:{0}:changes x"), ("api", "XADD hw:{0}:rejected * type x"), ("api", "KEYS *"),
    ("api", "HGETALL other:config"), ("api", "FLUSHALL"), ("api", "EVAL 'return 1' 0"), ("api", "CONFIG GET dir"),
    ("operator", "FLUSHALL"), ("operator", "DEL hw:{0}:job:j"), ("operator", "CONFIG SET appendonly no"),
    ("operator", "XTRIM hw:{0}:events MAXLEN 0"), ("operator", "HSET hw:{0}:job:j status completed"),
    ("operator", "HSET hw:pipelines task@1 x"), ("operator", "ACL SETUSER x on"), ("operator", "SHUTDOWN"),
    ("operator", "HGETALL other"), ("operator", "KEYS *"), ("operator", "EVAL 'return 1' 0"), ("operator", "MONITOR"),
]


def refused(binary, repository):
    """What a role is not granted is refused; without a password nobody gets in."""
    with Scratch() as scratch:
        port, urls = server(scratch, repository)
        import shlex

        for role, command in REFUSED:
            said = cli(port, role, *shlex.split(command))
            check("NOPERM" in said or "can't run this command" in said, f"{role or 'default'} may {command}: {said[:200]}")
        for role in ROLES:
            check(cli(port, role, "PING") == "PONG", f"{role} cannot log in")
            said = supervise.run(["redis-cli", "-p", str(port), "--user", f"headway-{role}", "--pass", "wrong",
                                  "--no-auth-warning", "HGETALL", "hw:config"])[1]
            check("WRONGPASS" in said, f"{role} with a wrong password: {said}")
        # The command says so, and what to do.
        code, said = supervise.run([binary, "aggregate", "--redis", urls["api"].replace("secret-api", "wrong")])
        check(code == 1 and "refuses the login" in said and "wrong" not in said, said)
        # The settings that operations.md asks for are in force.
        for name, value in {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction",
                            "hash-max-listpack-value": "1024", "save": "", "protected-mode": "no"}.items():
            said = cli(port, "operator", "CONFIG", "GET", name).splitlines()
            check((said + [""])[1] == value, f"{name} is {said}")
        # As it is shipped the file lets nobody in but for a PING.
        bare = supervise.free_port()
        with open(scratch.file("bare.conf"), "w") as file:
            file.write(f"port {bare}\nbind 127.0.0.1\nsave ''\naclfile {repository}/deploy/users.acl\n")
        Child(["redis-server", scratch.file("bare.conf"), "--dir", scratch.path], log=scratch.file("bare.log"))
        eventually(lambda: cli(bare, None, "PING") == "PONG", what="deploy/users.acl is not taken as it is")
        for role in ROLES:
            said = cli(bare, role, "PING")
            check("WRONGPASS" in said, f"{role} gets in without ever having been given a password: {said}")
        return f"{len(REFUSED)} commands refused"


def durable(binary, repository):
    """What Redis has acknowledged under deploy/redis.conf outlives its kill -9."""
    with Scratch() as scratch:
        port, _ = server(scratch, repository)
        for number in range(50):
            said = cli(port, "worker", "XADD", "hw:{0}:events", "*", "type", "job.heartbeat", "subject", f"j{number}")
            check("-" in said, said)
        for child in list(Child.living):
            child.kill()
        port, _ = server(scratch, repository)
        said = cli(port, "operator", "XLEN", "hw:{0}:events")
        check(said == "50", f"of 50 acknowledged events {said} are left")


if __name__ == "__main__":
    supervise.main({"job": job, "polls": polls, "refused": refused, "durable": durable})
