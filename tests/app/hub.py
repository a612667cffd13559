"""A model hub on 127.0.0.1 with a host of files beside it, as far as downloads need them, and with the faults that tests ask for."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, dict(self.headers)))
        try:
            server.answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def say(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say_json(self, value):
        self.say(200, json.dumps(value).encode(), Content_Type="application/json")

    def say_file(self, data, hold=None):
        """All of it or the range that is asked for; what `hold` says is held back until it is released."""
        first, last, status = 0, len(data) - 1, 200
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked:
            first, last, status = int(asked[1]), min(int(asked[2] or last), last), 206
            if first > last:
                return self.say(416, Content_Range=f"bytes */{len(data)}")
        self.send_response(status)
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("ETag", f'"{hashlib.md5(data).hexdigest()}"')
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        end = last + 1 if hold is None or hold.released.is_set() else max(first, min(last + 1, hold.after))
        self.wfile.write(data[first:end])
        if end <= last:
            hold.reached.set()
            hold.released.wait(60)
            if hold.cut:
                self.close_connection = True
                return None
            self.wfile.write(data[end:last + 1])
        return None


class Hold:
    """The host of files stops after so many bytes of a file until it is released; then it goes on, or cuts the connection."""

    def __init__(self, after, cut=False):
        self.after, self.cut = after, cut
        self.reached, self.released = threading.Event(), threading.Event()


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, test, answer, context=None):
        super().__init__(("127.0.0.1", 0), Handler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.answer, self.requests = answer, []
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.server_port}"
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        test.addCleanup(thread.join)
        test.addCleanup(self.server_close)
        test.addCleanup(self.shutdown)

    def handle_error(self, request, client_address):
        """Whoever hangs up or trusts no certificate is no trouble of the test's."""


class Hub:
    """`repos`: {"org/repo": {"path": bytes}}. What was asked: `hub.requests`, of the other host `files.requests`."""

    def __init__(self, test, repos, context=None):
        self.repos, self.gated, self.token = repos, set(), None
        self.sent = {}      # other bytes than the hub lists, by path
        self.hold = None
        self.troubles = []  # (status, headers) that the host of files says first
        self.n_signed = 0
        self.hub = Server(test, self.answer, context)
        self.files = Server(test, self.answer_file, context)

    @property
    def url(self):
        return self.hub.url

    def answer(self, request):
        path = urlsplit(request.path)
        parts = [unquote(part) for part in path.path.strip("/").split("/")]
        if parts[:2] == ["api", "models"] and len(parts) == 2:
            return self.search(request, parse_qs(path.query))
        api = parts[:2] == ["api", "models"]
        repo = "/".join(parts[2:4] if api else parts[:2])
        if repo not in self.repos:
            return request.say(401, X_Error_Code="RepoNotFound")
        revision = parts[5] if api else parts[3]
        if revision not in ("main", COMMIT):
            return request.say(404, X_Error_Code="RevisionNotFound")
        if api:
            return request.say_json({"id": repo, "sha": COMMIT, "siblings": [self.entry(path, data) for path, data in self.repos[repo].items()]})
        if repo in self.gated and request.headers.get("Authorization") != f"Bearer {self.token}":
            return request.say(401, X_Error_Code="GatedRepo")
        self.n_signed += 1
        where = "/".join([repo, *parts[4:]]).replace(" ", "%20")
        return request.say(302, b"moved", Location=f"{self.files.url}/{where}?signature={self.n_signed}", X_Repo_Commit=COMMIT)

    @staticmethod
    def entry(path, data):
        if not path.endswith(".gguf"):
            return {"rfilename": path, "size": len(data), "blobId": hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()}
        return {"rfilename": path, "size": len(data), "blobId": "0" * 40, "lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 135}}

    def search(self, request, query):
        words = query["search"][0].lower().split()
        found = [repo for repo in self.repos if all(word in repo.lower() for word in words)]
        return request.say_json([{"id": repo, "downloads": 1000 - i, "likes": 7, "gated": "manual" if repo in self.gated else False, "tags": query["filter"]}
                                 for i, repo in enumerate(found)][:int(query["limit"][0])])

    def answer_file(self, request):
        if self.troubles:
            status, headers = self.troubles.pop(0)
            return request.say(status, **headers)
        parts = unquote(urlsplit(request.path).path).strip("/").split("/")
        data = self.repos["/".join(parts[:2])]["/".join(parts[2:])]
        return request.say_file(self.sent.get("/".join(parts[2:]), data), self.hold)
