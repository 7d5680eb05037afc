"""Does what a document tells a newcomer to do, in order: documents.py HEADWAY ROOT guides|readme SCRATCH

`guides`: docs/tutorial.md and docs/guides/bulks.md. A block `sh` is run, `json NAME` and `python NAME` are saved under that
name. `make build` and `headway up` are not run as they stand: the program is built, and starts on a free port.

`readme`: README.md's section about workers. Blocks `sh` and `python` are run; of a block of commands (`$ …`) with what they
print, every command is run and must print that, where `…` stands for anything. What Swift does is said by `headway
publish`; that the Swift compiles is another test's.
"""
import os
import re
import subprocess
import sys
import time

from scene import Scene, check, wait_for

HEADWAY, ROOT, WHICH, SCRATCH = sys.argv[1:]
scene = Scene(HEADWAY, SCRATCH)
scene.environment["PATH"] = f"{os.path.dirname(HEADWAY)}:{os.environ['PATH']}"


def blocks(page, section=""):
    """[(language, name, text)] of a page, or of one of its sections."""
    with open(f"{ROOT}/{page}", encoding="utf-8") as file:
        text = file.read()
    if section:
        text = text[text.index(f"\n## {section}\n"):]
        text = text[:text.index("\n## ", 1)]
    return re.findall(r"^```(\w*)(?: (\S+))?\n(.*?)^```$", text, re.M | re.S)


def shell(text):
    text = text.replace("http://127.0.0.1:8080/", scene.url).replace("localhost:8080/", scene.url[len("http://"):])
    # Debian's python3, which has python3-redis, whatever else is installed.
    text = text.replace("python3 worker.py", "/usr/bin/python3 worker.py")
    began = time.monotonic()
    done = subprocess.run(
        ["bash", "-e", "-c", text], env=scene.environment, cwd=SCRATCH, capture_output=True, text=True, timeout=90)
    check(done.returncode == 0, f"{text.strip().splitlines()[0]} … ({time.monotonic() - began:.1f} s)"
          + ("" if done.returncode == 0 else f": {done.stdout}{done.stderr}"))
    return done.stdout


def tutorial():
    said = {}
    for language, name, text in blocks("docs/tutorial.md"):
        if name:
            with open(f"{SCRATCH}/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        elif language == "sh" and text.startswith("make build"):
            continue
        elif language == "sh" and text == "headway up\n":
            scene.up()
        elif language == "sh":
            said[text.split("\n")[0].split(" ")[1]] = shell(text)
    check("evening: 3 of 3, 100 %, settled" in said["publish"], f"watch ends with all three: {said['publish'][-300:]}")
    check("Drawing" in said["publish"] and "Picture" in said["publish"], "and has shown them at work")
    check('"text":"3 of 3"' in said["-s"] and '"percent":100' in said["-s"], "the API says the same")
    check("tales/owl.pdf" in said["-s"], "with the result")
    check("as it should" in said["run"] and "exit_7" in said["run"], f"what failed is told: {said['run']}")


def bulks():
    shell(f"headway pipelines apply {ROOT}/deploy/pipelines/task.json")
    text = "".join(shell(text) for language, _, text in blocks("docs/guides/bulks.md") if language == "sh")
    check("winter: 2 of 2, 100 %, settled" in text, "the bulk of the guide settles")
    check("succeeded" in text, "and has succeeded")


# What the README's Swift says.
SWIFT = """
headway publish job.started book-3 pipeline=book bulk=spring attempt=1
for stage in ANALYZING GENERATING_SCENES CREATING_ARTWORK; do headway publish stage.started book-3 stage=$stage attempt=1; done
headway publish job.completed book-3 attempt=1 result=books/3.html
"""


def readme():
    os.symlink(f"{ROOT}/deploy", f"{SCRATCH}/deploy")
    seen = set()
    for language, _, text in blocks("README.md", "Integrate a worker in five minutes"):
        seen.add(language)
        # The private Redis is where this run has it.
        text = text.replace("/home/you/.local/state/headway", f"{SCRATCH}/state")
        if text == "headway watch spring\n":
            watching = scene.start(text.split(), "watch.log")
        elif language == "sh":
            shell(text)
        elif language == "python":
            with open(f"{SCRATCH}/worker.py", "w", encoding="utf-8") as file:
                file.write(text)
            shell("python3 worker.py")
        elif language == "swift":
            shell(SWIFT)
        elif text.startswith("$ headway up\n"):
            scene.up()
            prints("headway up", text.split("\n", 1)[1].replace("http://127.0.0.1:8080/", scene.url), lambda: log("up.log"))
        else:
            for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", text, re.M):
                # A stream is left after a while.
                once = re.sub(r"^curl -N .*", r"\g<0> --max-time 2 || [ $? = 28 ]", command)
                prints(command, shown, lambda: shell(once))
        if "bulk.sealed" in text:
            check(watching.wait(20) == 0, "watch ends when the bulk is sealed and all is done")
            said = log("watch.log")
            check(" of book-1.txt" in said, f"it has shown the jobs at work: {said}")
            check(said.endswith("spring: 4 of 4, 100 %, settled\n"), "and ends with the bulk")
    check(seen == {"sh", "python", "swift", ""}, f"the section has {sorted(seen)}")


def log(name):
    with open(f"{SCRATCH}/{name}", encoding="utf-8") as file:
        return file.read()


def prints(command, shown, ask):
    """A command prints, within seconds, the lines that a document shows; ids of frames and `retry` are never twice the same."""
    lines = [re.sub(r"^(id|retry): .*", r"\1: …", line) for line in shown.strip().split("\n")]
    pattern = "\n".join(".*".join(map(re.escape, line.split("…"))) for line in lines)
    answers = []
    try:
        wait_for(lambda: answers.append(ask()) or re.search(f"^{pattern}$", answers[-1], re.M), command, 20)
    except SystemExit:
        raise SystemExit(f"not so: {command} prints\n{shown}but\n{answers[-1]}") from None
    print(f"ok: {command} prints what is shown", flush=True)


def guides():
    tutorial()
    bulks()


scene.play({"guides": guides, "readme": readme}[WHICH])
