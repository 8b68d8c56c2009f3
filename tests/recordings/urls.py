"""The web server that analyses of the situations ask, on 127.0.0.1:18999 of the sandbox.

/gist answers {"message": "It worked!"}; /json?b=BASE64 that JSON; /seq?k=KEY&v=1,0,e500 one value after the other, the
last one for ever (`eNNN`: that HTTP status), counted for each key; /slow?s=2 after so many seconds; anything else
{"id": 1, "ok": true}.

One process serves all workers of a test session: each holds a shared lock on a file (`served`), and the server ends
as soon as it gets the lock for itself alone.
"""

import argparse
import base64
import fcntl
import json
import os
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST, PORT = "127.0.0.1", 18999
FIXED = {"/resolve": {"Status": 0}, "/gist": {"message": "It worked!"}}
ANYTHING = {"id": 1, "ok": True}
ASKED: Counter[str] = Counter()
ONE_AT_A_TIME = threading.Lock()

Answer = tuple[int, bytes]


def answer(path: str, query: dict[str, str]) -> Answer:
    """Status and body for a request."""
    match path:
        case "/json":
            return 200, base64.urlsafe_b64decode(query["b"])
        case "/seq":
            return next_of(query["k"], query["v"].split(","))
        case "/slow":
            time.sleep(float(query["s"]))
    return 200, json.dumps(FIXED.get(path, ANYTHING)).encode()


def next_of(key: str, values: list[str]) -> Answer:
    """The value that is this key's turn."""
    with ONE_AT_A_TIME:
        value = values[min(ASKED[key], len(values) - 1)]
        ASKED[key] += 1
    if value.startswith("e"):
        return int(value[1:]), b"no"
    return 200, json.dumps({"v": float(value)}).encode()


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP."""

    def do_GET(self) -> None:
        """Answer a GET; other methods are refused, as the recorded server did."""
        path, _, query = self.path.partition("?")
        status, body = answer(path, dict(urllib.parse.parse_qsl(query)))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Many runs ask at once."""

    daemon_threads = True
    request_queue_size = 512


def serve(lock: Path, port: int) -> None:
    """Listen, then serve in the background until nobody holds a share of *lock*."""
    with lock.open("w") as file, Server((HOST, port), Handler) as server:
        if os.fork():
            # without closing what the child now has
            os._exit(0)
        os.setsid()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        fcntl.flock(file, fcntl.LOCK_EX)
        server.shutdown()


@contextmanager
def served(directory: Path, port: int = PORT) -> Iterator[None]:
    """The server is there while the body runs; *directory* holds the lock files that workers share."""
    mine, starting = directory / "urls.lock", directory / "urls-starting.lock"
    with mine.open("w") as share:
        with starting.open("w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            fcntl.flock(share, fcntl.LOCK_SH)
            if not is_answering(port):
                start(mine, port)
        yield


def is_answering(port: int = PORT) -> bool:
    """Whether the server is there."""
    # A server that is ending may break off in mid-answer.
    with suppress(OSError, HTTPException), urllib.request.urlopen(f"http://{HOST}:{port}/gist", timeout=10) as said:
        return json.load(said) == FIXED["/gist"]
    return False


def start(lock: Path, port: int) -> None:
    """Start the server; it listens when this returns."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run([sys.executable, __file__, str(lock), "--port", str(port)], check=True, timeout=30, **quiet)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lock", type=Path, help="end when nobody holds a shared lock on this file")
    parser.add_argument("--port", type=int, default=PORT, help="of 127.0.0.1")
    options = parser.parse_args()
    serve(options.lock, options.port)
