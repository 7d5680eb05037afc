"""A real `headway up` with a redis-server of its own, for tests that speak HTTP."""
import binascii
import http.client
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.parse


class Server:
    """with Server(binary) as server: …; both processes and their files are gone afterwards."""

    def __init__(self, binary, *options):
        self.binary, self.options = binary, options
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="hw-openapi-"))
        self.socket = self.directory / "redis.sock"
        self.redis = self.process = None

    def __enter__(self):
        self.redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.directory), "--save", ""],
            stdout=subprocess.DEVNULL)
        wait(lambda: self.socket.exists(), "redis-server")
        self.process, self.base = self.start(*self.options)
        return self

    def start(self, *options):
        """One more instance beside the first, on a port of its own."""
        log = open(self.directory / "headway.log", "a")
        process = subprocess.Popen(
            [self.binary, "up", "--redis", f"unix://{self.socket}", "--listen", "127.0.0.1:0", "--lease", "1s", *options],
            stdout=subprocess.PIPE, stderr=log, text=True)
        line = process.stdout.readline()
        if "Headway is up:" not in line:
            process.kill()
            raise SystemExit(f"headway up did not come up: {line}{(self.directory / 'headway.log').read_text()}")
        base = line.split()[-1].rstrip("/")
        wait(lambda: request(base, "GET", "/readyz")[0] == 200, "headway up")
        return process, base

    def cli(self, *words):
        subprocess.run([self.binary, *words, "--redis", f"unix://{self.socket}"], check=True, stdout=subprocess.DEVNULL)

    def command(self, *words):
        """One command to Redis; its answer as text."""
        return subprocess.run(["redis-cli", "-s", str(self.socket), *words], check=True, capture_output=True, text=True).stdout

    @staticmethod
    def partition(id):
        return binascii.crc_hqx(id.encode(), 0) % 8

    def key(self, kind, id):
        return "hw:{%d}:%s:%s" % (self.partition(id), kind, id)

    def __exit__(self, *_):
        for process in (self.process, self.redis):
            if process and process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def wait(condition, what, limit=30):
    """Until the condition holds; fails after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        try:
            found = condition()
            if found:
                return found
        except OSError:
            pass
        if time.monotonic() > end:
            raise SystemExit(f"waited {limit} s for {what}")
        time.sleep(0.05)


def request(base, method, target, headers=None, body=None, timeout=30):
    """Status, headers in lower case, body. A server that answers before it has read everything is heard too."""
    place = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=timeout)
    try:
        try:
            connection.request(method, target, body=body, headers=headers or {})
        except (BrokenPipeError, ConnectionResetError):
            pass
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def frames(base, target, until, headers=None, limit=20):
    """The frames of a stream, as (event, data), until `until` says so of them; status and content type before them."""
    place = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=limit)
    found, event = [], None
    try:
        connection.request("GET", target, headers=headers or {})
        response = connection.getresponse()
        end = time.monotonic() + limit
        while not until(found) and time.monotonic() < end:
            line = response.readline()
            if not line:
                break
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                event = text[7:]
            elif text.startswith("data: "):
                found.append((event, text[6:]))
        return response.status, response.getheader("Content-Type"), found
    finally:
        connection.close()
