"""Looks at `headway watch`, `status`, `jobs` and `run` on a real terminal, as pyte draws it: terminal.py HEADWAY SCRATCH"""
import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pyte

from scene import Scene, check, wait_for

HEADWAY, SCRATCH = sys.argv[1:]
scene = Scene(HEADWAY, SCRATCH)


class Screen:
    """A program on a terminal of its own."""

    def __init__(self, *words, columns=100, lines=24, **environment):
        self.screen = pyte.Screen(columns, lines)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.status = None
        surroundings = {**scene.environment, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environment}
        for name in ("LC_ALL", "LC_CTYPE", "NO_COLOR"):
            if name not in environment:
                surroundings.pop(name, None)
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            # The size is set before it looks.
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execve(words[0], list(words), surroundings)

    def look(self):
        """Draws what has come; returns the lines, without spaces at their ends."""
        while self.status is None and select.select([self.master], [], [], 0.02)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                data = b""
            if not data:
                self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
                break
            self.raw += data
            self.stream.feed(data)
        return [line.rstrip() for line in self.screen.display]

    def row(self, start):
        """The one line that begins so."""
        rows = [line for line in self.look() if line.startswith(start)]
        return rows[0] if len(rows) == 1 else None

    def resize(self, columns, lines=24):
        self.screen.resize(lines, columns)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text)

    def end(self, limit=30):
        wait_for(lambda: (self.look(), self.status is not None)[1], "the program ends", limit)
        return self.status


def say(*words):
    scene.headway("publish", *words)


def bar(line):
    return len(re.findall("[━╸─]", line))


def watching():
    say("bulk.opened", "spring", "total=4")
    say("job.started", "a", "pipeline=quick", "bulk=spring", "worker=w")
    say("stage.progressed", "a", "stage=one", "done=5", "total=10", "message=Digging")
    watch = Screen(HEADWAY, "watch", "spring")
    wait_for(lambda: "one 5/10" in (watch.row("  a ") or ""), "the job has a bar")
    lines = watch.look()
    bulk, job = lines.index(watch.row("spring ")), lines.index(watch.row("  a "))
    check(bulk + 1 == job, "the bulk's bar stands above its job's")
    check("0 of 4" in lines[bulk] and " 7 %" in lines[bulk], f"the bulk says how far it is: {lines[bulk]}")
    check(" 30 %" in lines[job] and "Digging" in lines[job], f"the job says where it is: {lines[job]}")
    check(bar(lines[bulk]) == 33 and bar(lines[job]) == 33, "bars are a third of the window")
    check(watch.screen.cursor.hidden, "the cursor is hidden while bars move")
    at = lines[job].index("━")
    check(watch.screen.buffer[job][at].fg == "cyan", "a running job's bar is cyan")
    check(watch.screen.buffer[bulk][0].bold, "the bulk's name is bold")

    # The window is resized; nothing else happens meanwhile.
    for columns in (60, 20, 140, 33, 100):
        watch.resize(columns)
        third = max(6, min(64, (columns - 1) // 3))
        if columns == 20:
            wait_for(lambda: watch.row("7% spring") and watch.row("30%   a"), "in 20 columns the number is what counts")
        else:
            wait_for(lambda: bar(watch.row("spring ") or "") == third and bar(watch.row("  a ") or "") == third,
                     f"in {columns} columns a bar has {third}: {watch.look()}")
        rest = [line for line in watch.look() if line and not re.match(r"spring|  a |7% spring|30%   a", line)]
        check(not rest, f"in {columns} columns nothing is left over {rest or ''}")

    say("job.started", "b", "pipeline=quick", "bulk=spring")
    say("job.failed", "b", "message=The ink ran out", "code=no_ink", "stage=one")
    news = wait_for(lambda: watch.row("b failed"), "a failure is named as it comes")
    check(news == "b failed in one: The ink ran out (no_ink)", f"with its stage, its words and its code: {news}")
    wait_for(lambda: "1 failed" in (watch.row("spring ") or ""), "the bulk counts it")
    lines = watch.look()
    check(lines.index(news) + 1 == lines.index(watch.row("spring ")), "it stands above the bars")
    for job in ("a", "c", "d"):
        say("job.started", job, "pipeline=quick", "bulk=spring")
        say("job.completed", job)
    say("bulk.sealed", "spring")
    check(watch.end() == 1, "it ends with 1, because one failed")
    last = watch.row("spring ")
    check("100 %" in last and "3 of 4 · 1 failed" in last, f"the last line says how it ended: {last}")
    check(not watch.screen.cursor.hidden, "the cursor is back")

    told = Screen(HEADWAY, "watch", "spring", NO_COLOR="1")
    check(told.end() == 1 and b"\x1b[2K" in told.raw, "bars move without colours too")
    check(not re.search(rb"\x1b\[[0-9;]*m", told.raw), "NO_COLOR: no colours")
    dumb = Screen(HEADWAY, "watch", "spring", TERM="dumb")
    check(dumb.end() == 1 and b"\x1b" not in dumb.raw, f"TERM=dumb: no escapes at all {dumb.raw}")
    ascii_only = Screen(HEADWAY, "watch", "spring", LANG="C")
    check(ascii_only.end() == 1 and max(ascii_only.raw) < 128, "a locale without UTF-8: ASCII only")
    check("[####" in ascii_only.row("spring "), "with bars all the same")
    piped = subprocess.run(
        [HEADWAY, "watch", "spring"], env=scene.environment, capture_output=True, timeout=60)
    check(piped.returncode == 1 and b"\x1b" not in piped.stdout, "not a terminal: no escapes")
    check(piped.stdout.decode().splitlines()[-1] == "spring: 3 of 4, 100 %, 1 failed, settled", f"but lines {piped.stdout}")


def crowded():
    for number in range(12):
        say("job.started", f"many-{number}", "pipeline=quick", "bulk=many")
    low = Screen(HEADWAY, "watch", "many", columns=80, lines=8)
    wait_for(lambda: low.row("  and 7 more running"), f"what does not fit is counted: {low.look()}")
    check(len([line for line in low.look() if line]) == 7, "and the window does not scroll")
    low.resize(80, 30)
    wait_for(lambda: low.row("  many-11 ") and not low.row("  and "), "in a taller window all of them are there")
    low.type(b"\x03")
    check(low.end() == 130, "^C ends it with 130")
    check(not low.screen.cursor.hidden, "and the cursor is back")


def looking():
    for width in (50, 120):
        table = Screen(HEADWAY, "status", "spring", "many", columns=width, lines=40)
        check(table.end() == 0, f"status in {width} columns")
        lines = [line for line in table.look() if line]
        check(all(len(line) <= width for line in lines), "no line is wider than the window")
    heads = [line for line in lines if line.startswith("BULK")][0]
    own = [line for line in lines if line.startswith("spring")][0]
    for column in ("QUEUED", "RUNNING", "FAILED"):
        end = heads.index(column) + len(column)
        check(own[:end].rstrip()[-1].isdigit() and own[end - 1] != " ", f"numbers end below {column}")
    jobs = Screen(HEADWAY, "jobs", "--bulk", "spring", "--status", "failed", columns=120)
    check(jobs.end() == 0 and "no_ink: The ink ran out" in jobs.row("b "), "jobs says why one failed")
    for words in (("status", "--json", "spring", "a"), ("jobs", "--json", "--bulk", "many")):
        objects = [json.loads(line) for line in scene.headway(*words).splitlines()]
        check(len(objects) == (2 if words[0] == "status" else 12), f"{' '.join(words)}: an object a line")
    check(scene.headway("status", "spring").count("\x1b") == 0, "no escapes where there is no terminal")


def wrapping():
    script = 'read line; echo "got $line"; echo 1/2; printf "\\033[31mred\\033[0m\\n"; sleep 0.2; echo 2/2; exit 3'
    run = Screen(HEADWAY, "run", "-p", "quick", "-j", "wrapped", "-s", "one", "--", "sh", "-c", script)
    time.sleep(0.1)
    run.type(b"hello\n")
    check(run.end() == 3, "a wrapped program's exit code is ours")
    check(run.row("got hello"), f"it reads what is typed: {run.look()}")
    check(run.row("red") and b"\x1b[31mred" in run.raw, "its bytes pass as they are")
    check(not run.row("1/2") and not run.row("2/2"), "its progress is taken out")
    check("exit_3" in scene.headway("status", "wrapped"), "and its end is known")

    size = 'import os, sys; print(sys.stdout.isatty(), sys.stderr.isatty(), os.get_terminal_size(1).columns)'
    seen = Screen(HEADWAY, "run", "-p", "quick", "-j", "seen", "-s", "one", "--", sys.executable, "-c", size, columns=77)
    check(seen.end() == 0 and seen.row("True True 77"), f"its output is a terminal of the window's width: {seen.look()}")
    # Python writes by the block where it does not see a terminal: the progress would come with the end.
    slow = 'print("1/4"); print("said"); import sys; sys.stdin.readline()'
    told = Screen(HEADWAY, "run", "-p", "quick", "-j", "told", "-s", "one", "--", sys.executable, "-c", slow)
    wait_for(lambda: " 15 " in scene.headway("status", "told", code=None), "its progress is known while it runs")
    check(told.row("said"), "and its words are seen")
    told.type(b"\n")
    check(told.end() == 0 and b"said\r\n" in told.raw and b"\r\r" not in told.raw, "line ends are those of the terminal")


def main():
    scene.up()
    watching()
    crowded()
    looking()
    wrapping()


scene.play(main)
