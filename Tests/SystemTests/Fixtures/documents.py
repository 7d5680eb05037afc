"""Does what docs/tutorial.md and docs/guides/bulks.md tell a newcomer to do, in order: documents.py HEADWAY ROOT SCRATCH

A block `sh` is run, `json NAME` and `python NAME` are saved under that name. `make build` and `headway up` are not run as
they stand: the program is built, and starts on a free port.
"""
import os
import re
import subprocess
import sys
import time

from scene import Scene, check, wait_for

HEADWAY, ROOT, SCRATCH = sys.argv[1:]
scene = Scene(HEADWAY, SCRATCH)
scene.environment["PATH"] = f"{os.path.dirname(HEADWAY)}:{os.environ['PATH']}"


def blocks(page):
    with open(f"{ROOT}/{page}", encoding="utf-8") as file:
        return re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", file.read(), re.M | re.S)


def shell(text):
    text = text.replace("http://127.0.0.1:8080/", scene.url)
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


def main():
    tutorial()
    bulks()


scene.play(main)
