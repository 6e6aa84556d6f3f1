"""A real HTTP server on this machine that can fail the way servers do."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        served = self.server.served
        content = served.files.get(self.path.rsplit("/", 1)[-1])
        start = 0
        asked = self.headers.get("Range")
        served.requests.append((self.path, asked))
        if served.refusals:
            status, headers = served.refusals.pop(0)
            self.send_response(status)
            for name, value in ({"Content-Length": "0"} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            return
        if content is None:
            self.send_error(404)
            return
        if asked and served.ranges:
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        if served.announce:
            self.send_header("Content-Length", str(len(content) - start))
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        while served.endless:  # until the other side has had enough
            try:
                self.wfile.write(bytes(1 << 16))
                served.sent += 1 << 16
            except OSError:
                self.close_connection = True
                return
        stop = len(content) if served.break_after is None else min(len(content), start + served.break_after)
        for position in range(start, stop, 16384):
            self.wfile.write(content[position : min(position + 16384, stop)])
            self.wfile.flush()
            if served.stop_after and position >= served.stop_after:
                self.server.socket.close()  # nobody can connect again
                self.connection.close()
                return
            time.sleep(served.delay)
        if stop < len(content):
            self.close_connection = True  # a truncated reply: fewer bytes than announced
        self.close_connection |= not served.announce

    def log_message(self, *_):
        pass


class Served:
    """What the server serves and how it behaves; change the attributes at any time."""

    def __init__(self):
        self.files = {}  # last part of the address → bytes
        self.requests = []  # (address, Range header)
        self.break_after = None  # bytes per reply
        self.delay = 0  # seconds per 16 KiB
        self.ranges = True  # whether it can go on half-way
        self.stop_after = None  # bytes after which the whole server is gone
        self.announce = True  # whether it tells how long the reply is
        self.endless = False  # whether it sends zeros without end
        self.sent = 0  # bytes of them
        self.refusals = []  # (status, headers) of the next replies

    @contextmanager
    def running(self):
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.served, server.daemon_threads = self, True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
