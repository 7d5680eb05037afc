"""A receiver of webhooks for tests: verifies each call as docs/webhooks.md says and notes it.

Usage: webhook_receiver.py DIRECTORY SECRET PORT ANSWERS
DIRECTORY holds verify.py, the document's own code; calls go to calls.jsonl there, the port to port.
ANSWERS are the statuses for the first, second … try of each event, the last one for all later ones; `hang` answers
nothing; `429:2` adds a Retry-After.
"""
import collections, http.server, json, os, sys, threading, time

directory, secret, port, answers = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4].split(",")
sys.path.insert(0, directory)
from verify import verify

tries = collections.Counter()
lock = threading.Lock()
calls = open(f"{directory}/calls.jsonl", "a", buffering=1)


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            event, fault = verify(secret, headers, body), None
        except Exception as error:
            event, fault = None, repr(error)
        with lock:
            tries[headers.get("webhook-id")] += 1
            number = tries[headers.get("webhook-id")]
            answer = answers[min(number, len(answers)) - 1]
            calls.write(json.dumps({
                "id": headers.get("webhook-id"), "event": event, "fault": fault, "answer": answer,
                "body": body.decode(), "at": time.time(), "type": headers.get("content-type")}) + "\n")
        if answer == "hang":
            time.sleep(30)
            return
        status, _, after = answer.partition(":")
        self.send_response(int(status))
        if after:
            self.send_header("retry-after", after)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer.request_queue_size = 64
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Receiver)
server.daemon_threads = True
with open(f"{directory}/port.new", "w") as file:
    file.write(str(server.server_address[1]))
os.rename(f"{directory}/port.new", f"{directory}/port")
server.serve_forever()
