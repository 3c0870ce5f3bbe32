"""A registry of nodes for tests: the published GET and POST /nodes on loopback, and, where a test
wants it, something else than the truth."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FIELDS = {"namespace", "ip_address", "raft_port", "api_port"}


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        registry, url = self.server.registry, urlsplit(self.path)
        who, _, rest = url.path.lstrip("/").partition("/")
        if rest != "nodes":
            self.answer(404, b"{}")
            return
        with registry.lock:
            registry.asked[who] = registry.asked.get(who, 0) + 1
            lie = registry.lies.get(who)
            nodes = registry.nodes.get(parse_qs(url.query)["namespace"][0], [])
        body = json.dumps({"nodes": nodes}).encode() if lie is None else lie
        self.answer(200, body)

    def do_POST(self):
        node = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if urlsplit(self.path).path != "/nodes" or set(node) != FIELDS:
            self.answer(400, b"{}")
            return
        with self.server.registry.lock:
            self.server.registry.nodes.setdefault(node.pop("namespace"), []).append(node)
        self.answer(200, b"{}")

    def log_message(self, *arguments):
        pass


class Registry:
    """Asked under /WHO/nodes, so that each guardian may hear something else."""

    def __init__(self, port):
        self.port, self.server = port, None
        self.lock = threading.Lock()
        self.nodes = {}  # by namespace
        self.lies = {}  # by WHO: the body it gets instead
        self.asked = {}  # by WHO: how often

    def start(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        self.server.registry = self
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
