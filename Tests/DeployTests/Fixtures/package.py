"""The Debian package: made, linted, installed, upgraded, removed and purged.

`installed` does it in a copy of this machine's root (an overlay in a mount namespace of its own), which is gone
afterwards; `fresh` in a new, minimal Debian made by debootstrap, with what the package depends on from Debian.
Both need root: run as root, or with sudo that asks nothing. Where nobody may mount `installed` is left out, aloud.

usage: package.py CHECK BINARY REPOSITORY
"""

import os
import re
import subprocess

import supervise
from supervise import Failed, Scratch, check

INSTALL = r"""
set -eu
deb=$1
root() { chroot "$ROOT" "$@"; }
quiet() { "$@" >"$LOG" 2>&1 || { echo "FAILED: $*"; cat "$LOG"; exit 1; }; }
fail() { echo "FAILED: $*"; exit 1; }

cp "$deb" "$ROOT/tmp/headway.deb"
quiet root $INSTALLER /tmp/headway.deb
root getent passwd headway | grep -q ':/nonexistent:/usr/sbin/nologin$' || fail "there is no user headway that nobody can log in as"
[ "$(root stat -c '%U:%G %a' /etc/headway/headway.env)" = "root:headway 640" ] || fail "headway.env: $(root stat -c '%U:%G %a' /etc/headway/headway.env)"
[ "$(root stat -c '%U:%G %a' /etc/headway)" = "root:headway 750" ] || fail "/etc/headway is open"
root headway --version | grep -q '^headway [0-9]' || fail "it does not run: $(root headway --version 2>&1)"
root headway pipelines check /usr/share/headway/pipelines/book.json >"$LOG" 2>&1 || fail "pipelines check: $(cat "$LOG")"
root dpkg --verify headway | grep -v ' /usr/share/\(doc\|man\)/' | grep . && fail "files differ from the package"
if [ -x "$ROOT/usr/bin/systemd-analyze" ]; then
    for unit in headway-api.socket headway-api.service headway-aggregator@1.service headway-aggregators.target; do
        said=$(SYSTEMD_UNIT_PATH=/lib/systemd/system root systemd-analyze verify --man=no "$unit" 2>&1 | grep -i headway || true)
        [ -z "$said" ] || fail "$unit: $said"
    done
fi

# What people changed stays through an upgrade and a removal.
echo 'HEADWAY_REDIS=redis://elsewhere:6379' >"$ROOT/etc/headway/headway.env"
quiet root dpkg -i --force-confold /tmp/headway.deb
grep -q elsewhere "$ROOT/etc/headway/headway.env" || fail "an upgrade overwrote headway.env"
[ "$(root stat -c '%U:%G %a' /etc/headway/headway.env)" = "root:headway 640" ] || fail "an upgrade opened headway.env"
root dpkg -L headway | sort >"$LIST"
quiet root dpkg -r headway
grep -q elsewhere "$ROOT/etc/headway/headway.env" || fail "a removal took headway.env along"
[ ! -e "$ROOT/usr/bin/headway" ] || fail "a removal left the command"
quiet root dpkg -P headway
[ ! -e "$ROOT/etc/headway" ] || fail "a purge left $(ls -A "$ROOT/etc/headway")"
root dpkg -s headway >/dev/null 2>&1 && fail "dpkg still knows it"
while read -r path; do
    # Directories that others have as well may stay; /lib is a link to one.
    [ -d "$ROOT$path" ] || [ ! -e "$ROOT$path" ] || fail "a purge left $path"
done <"$LIST"
for path in usr/share/headway usr/share/doc/headway etc/systemd/system/headway-api.service \
    var/lib/systemd/deb-systemd-helper-masked/headway-api.service; do
    [ ! -e "$ROOT/$path" ] || fail "a purge left /$path"
done
echo holds
"""

OVERLAY = r"""
set -eu
mount --make-rprivate /
mount -t tmpfs -o size=600m none "$WORK/layers"
mkdir "$WORK/layers/upper" "$WORK/layers/work" "$WORK/root"
mount -t overlay -o "lowerdir=/,upperdir=$WORK/layers/upper,workdir=$WORK/layers/work" none "$WORK/root"
mount -t tmpfs none "$WORK/root/tmp"
mount -t tmpfs none "$WORK/root/run"
mount --bind /dev "$WORK/root/dev"
mount -t proc none "$WORK/root/proc"
# Whatever this machine has of it already, as far as the copy is concerned.
chroot "$WORK/root" dpkg -P headway >/dev/null 2>&1 || true
export ROOT=$WORK/root LOG=$WORK/log LIST=$WORK/list INSTALLER="dpkg -i"
exec bash "$WORK/install.sh" "$1"
"""

FRESH = r"""
set -eu
mount --make-rprivate /
export ROOT=$WORK/root LOG=$WORK/log LIST=$WORK/list INSTALLER="apt-get install -y -qq --no-install-recommends"
debootstrap --variant=minbase --include=ca-certificates bookworm "$ROOT" ${MIRROR:-} >"$LOG" 2>&1 || { tail -5 "$LOG"; exit 1; }
cp /etc/apt/sources.list "$ROOT/etc/apt/" 2>/dev/null || true
cp /etc/apt/sources.list.d/debian.sources "$ROOT/etc/apt/sources.list.d/" 2>/dev/null || true
cp -r /etc/apt/apt.conf.d "$ROOT/etc/apt/" 2>/dev/null || true
cp /etc/resolv.conf "$ROOT/etc/" 2>/dev/null || true
printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"; chmod +x "$ROOT/usr/sbin/policy-rc.d"
mount -t proc none "$ROOT/proc"; mount --bind /dev "$ROOT/dev"
export DEBIAN_FRONTEND=noninteractive
chroot "$ROOT" apt-get update -qq >"$LOG" 2>&1 || { cat "$LOG"; exit 1; }
bash "$WORK/install.sh" "$1"
# Once more, with what it recommends, to see it work there: the private Redis and all.
chroot "$ROOT" apt-get install -y -qq --no-install-recommends redis-server /tmp/headway.deb >"$LOG" 2>&1 || { cat "$LOG"; exit 1; }
chroot "$ROOT" sh -c 'headway up --state /tmp/state --listen 127.0.0.1:0 >/tmp/up 2>&1 & pid=$!
    for n in $(seq 200); do grep -q "Stop it with" /tmp/up && break; sleep 0.1; done
    export HEADWAY_STATE=/tmp/state
    headway simulate --pipeline /usr/share/headway/pipelines/book.json --jobs 8 --pace 500ms; code=$?
    kill $pid; wait $pid && exit $code' >"$LOG" 2>&1 || { cat "$LOG"; cat "$ROOT/tmp/up"; exit 1; }
tail -1 "$LOG"
chroot "$ROOT" dpkg -P headway >"$LOG" 2>&1
"""


# What OVERLAY needs, done and gone again.
PROBE = r"""
set -e
mount --make-rprivate /
mount -t tmpfs none "$WORK"
mkdir "$WORK/upper" "$WORK/work" "$WORK/root"
mount -t overlay -o "lowerdir=/,upperdir=$WORK/upper,workdir=$WORK/work" none "$WORK/root"
mkdir -p "$WORK/root/proc"
mount -t proc none "$WORK/root/proc"
"""


def may_mount():
    """Whether this user may mount in a namespace of its own; in most containers nobody may."""
    with Scratch() as scratch:
        os.mkdir(scratch.file("probe"))
        done = subprocess.run(
            [*sudo(), "unshare", "--mount", "--pid", "--fork", "--kill-child", "env",
             f"WORK={scratch.file('probe')}", "sh", "-c", PROBE],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, stdin=subprocess.DEVNULL)
        return done.returncode == 0, done.stdout.decode(errors="replace").strip()


def sudo():
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def make(binary, repository, directory):
    done = subprocess.run([f"{repository}/deploy/debian/build", binary, directory], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=400)
    said = done.stdout.decode(errors="replace")
    check(done.returncode == 0, f"deploy/debian/build: {said}")
    return said.splitlines()[-1]


def lint(binary, repository):
    """The package has what a package has; lintian finds no error and no warning."""
    with Scratch() as scratch:
        package = make(binary, repository, scratch.path)
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", package],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=400)
        found = [line for line in done.stdout.decode(errors="replace").splitlines() if re.match("[EW]: ", line)]
        # A binary of the tests looks for Swift's libraries in the toolchain; a package's has them linked in.
        shared = "libswiftCore.so" in subprocess.run(["ldd", binary], stdout=subprocess.PIPE).stdout.decode()
        if shared:
            found = [line for line in found if "custom-library-search-path RUNPATH" not in line]
        check(not found, found)
        listed = subprocess.run(["dpkg-deb", "-c", package], stdout=subprocess.PIPE).stdout.decode()
        for path in ("./usr/bin/headway", "./lib/systemd/system/headway-api.socket", "./etc/headway/headway.env",
                     "./usr/share/man/man1/headway-serve.1.gz", "./usr/share/headway/pipelines/book.json",
                     "./usr/share/headway/users.acl", "./usr/share/headway/redis.conf"):
            check(re.search(re.escape(path) + "$", listed, re.M), f"the package lacks {path}")
        again = make(binary, repository, scratch.file("again"))
        with open(package, "rb") as one, open(again, "rb") as other:
            check(one.read() == other.read(), "the same input made another package")
        return {"bytes": os.path.getsize(package)}


def as_root(script, binary, repository, within):
    with Scratch() as scratch:
        package = make(binary, repository, scratch.file("out"))
        for name in ("layers",):
            os.mkdir(scratch.file(name))
        for name, text in {"install.sh": INSTALL, "main.sh": script}.items():
            with open(scratch.file(name), "w") as file:
                file.write(text)
        done = subprocess.run(
            [*sudo(), "unshare", "--mount", "--pid", "--fork", "--kill-child", "env", f"WORK={scratch.path}", "bash",
             scratch.file("main.sh"), package], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=within,
            stdin=subprocess.DEVNULL)
        said = done.stdout.decode(errors="replace").strip()
        if sudo() and done.returncode and "sudo" in said:
            raise Failed(f"this needs root, and sudo says: {said}")
        check(done.returncode == 0, said[-3000:])
        if sudo():
            subprocess.run([*sudo(), "rm", "-rf", scratch.path])
        return said


def installed(binary, repository):
    """Installed, upgraded, removed and purged, it makes its user, keeps what people changed, and leaves nothing."""
    may, why = may_mount()
    if not may:
        return ("left out: installing in a copy wants the right to mount (root, and more than most containers give): "
                + " ".join(why.split()))
    return as_root(OVERLAY, binary, repository, 300)


def fresh(binary, repository):
    """The same in a minimal Debian, where only what the package depends on is there; and a simulation runs in it."""
    said = as_root(FRESH, binary, repository, 1200).splitlines()
    check(said[0] == "holds", said)
    return "In a new Debian: installed with what it depends on, upgraded, removed and purged; run there:\n" + "\n".join(said[1:])


if __name__ == "__main__":
    supervise.main({"lint": lint, "installed": installed, "fresh": fresh})
