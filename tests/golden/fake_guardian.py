"""A guardian that knows just enough to talk to the command line: fixed answers over TLS 1.3, and
proposals whose signatures it really checks, with openssl. For tests of the client alone."""
import base64
import hashlib
import http.server
import json
import os
import ssl
import subprocess
import tempfile
import threading
import urllib.parse

ROOT_ID = "5a" * 32
CLUSTER_ID = "c1" * 32
ADMIN_QUORUM = 2


def openssl(*words, **more):
    return subprocess.run(["openssl", *words], check=True, capture_output=True, **more).stdout


def make_certificates(folder):
    """A root and a server certificate for 127.0.0.1 under it, and a root of somebody else."""
    for name in ("root", "other"):
        openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/",
            "-keyout", f"{folder}/server.key", "-out", f"{folder}/server.csr")
    with open(f"{folder}/ext", "w") as f:
        f.write("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", f"{folder}/server.csr", "-CA", f"{folder}/root.pem", "-CAkey",
            f"{folder}/root.key", "-days", "2", "-extfile", f"{folder}/ext", "-out",
            f"{folder}/server.pem", "-set_serial", "1")


def canonical(value):
    """RFC 8785 for the values used here: ASCII, small integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


class Refusal(Exception):
    def __init__(self, status, code, detail):
        super().__init__(detail)
        self.status, self.code = status, code


class State:
    """What the fake cluster knows; shared by its guardians."""

    def __init__(self):
        self.admins = {}  # id -> raw public key
        self.proposals = {}
        self.status = "LEADER"
        self.busy = False

    def add_admin(self, public_hex):
        raw = bytes.fromhex(public_hex)
        self.admins[hashlib.sha256(raw).hexdigest()[:32]] = raw

    def check(self, text, signature):
        raw = self.admins.get(signature["admin"])
        if raw is None:
            raise Refusal(403, "NotAllowed", "no such administrator")
        with tempfile.TemporaryDirectory() as d:
            der = bytes.fromhex("302a300506032b6570032100") + raw
            for name, content in (("key", der), ("text", text.encode()),
                                  ("sig", base64.b64decode(signature["signature"], validate=True))):
                with open(f"{d}/{name}", "wb") as f:
                    f.write(content)
            done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER",
                                   "-inkey", f"{d}/key", "-rawin", "-in", f"{d}/text", "-sigfile",
                                   f"{d}/sig"], capture_output=True)
        if done.returncode != 0:
            raise Refusal(400, "SignatureInvalid", "a signature does not verify")

    def propose(self, body):
        terms = {k: body[k] for k in ("change", "expires", "nonce")}
        text = canonical({**terms, "root_id": ROOT_ID})
        for s in body["signatures"]:
            self.check(text, s)
        pid = hashlib.sha256(text.encode()).hexdigest()
        self.proposals[pid] = {**terms, "proposal_id": pid, "text": text,
                               "admins": [s["admin"] for s in body["signatures"]]}
        return self.answer(pid)

    def approve(self, pid, body):
        p = self.find(pid)
        for s in body["signatures"]:
            self.check(p["text"], s)
            if s["admin"] not in p["admins"]:
                p["admins"].append(s["admin"])
        return self.answer(pid)

    def find(self, pid):
        if pid not in self.proposals:
            raise Refusal(404, "NotFound", "there is no such proposal")
        return self.proposals[pid]

    def answer(self, pid):
        return {"proposal_id": pid, "have": len(self.proposals[pid]["admins"]), "need": ADMIN_QUORUM}

    def show(self, pid):
        p = self.find(pid)
        done = len(p["admins"]) >= ADMIN_QUORUM
        return {**{k: p[k] for k in ("proposal_id", "change", "expires", "nonce", "admins")},
                **self.answer(pid), "status": "applied" if done else "open"}


def health(state):
    return {"node_id": "guardian-1", "status": state.status, "term": 1, "cluster_size": 3,
            "trusted_peers": 2, "cluster_id": CLUSTER_ID, "root_id": ROOT_ID, "epoch": 1,
            "threshold": 2, "f": 0, "height": 42, "lease_ms": 9000, "durability": "sealed",
            "simulation": True, "version": "0.1.0"}


FIXED = {
    "/namespaces": {"namespaces": [
        {"namespace": "k8s-staging", "mode": "sealed", "dns": ["staging.example.org"],
         "ip": ["10.0.0.0/8"], "version": 1},
        {"namespace": "vault", "mode": "threshold", "dns": [], "ip": [], "version": 1}]},
    "/seats": {"seats": [
        {"gid": 1, "operator": "alpha", "vendor": "intel", "platform_id": "00" * 16,
         "addresses": {"peer": "192.0.2.1:8444", "api": "192.0.2.1:8443"}, "status": "member"},
        {"gid": 2, "operator": "be\u001b[31mta", "vendor": "amd", "platform_id": "11" * 64,
         "addresses": {"peer": "192.0.2.2:8444", "api": "192.0.2.2:8443"}, "status": "open"}]},
    "/measurements/k8s-staging": {"measurements": [
        {"namespace": "k8s-staging", "platform": "tdx", "measurement_hash": "ab" * 32, "data": {},
         "revoked_at": None},
        {"namespace": "k8s-staging", "platform": "sev_snp", "measurement_hash": "cd" * 32,
         "data": {}, "revoked_at": 1790000000}]},
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def send(self, status, value, kind="application/json"):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def route(self, method, body):
        state, path = self.server.state, self.path
        if state.busy and self.server.number == 0:
            raise Refusal(503, "NoQuorum", "too few guardians answer")
        if path == "/health":
            return health(state)
        if method == "GET" and path in FIXED:
            return FIXED[path]
        if method == "GET" and path.split("?")[0] == "/measurements/paged":
            after = int(urllib.parse.parse_qs(path.partition("?")[2]).get("after", ["0"])[0])
            page = {"measurements": [{"measurement_hash": f"{after:064x}", "platform": "tdx"}]}
            return {**page, "next": str(after + 1)} if after < 4 else page
        if method == "POST" and path == "/proposals":
            return state.propose(body)
        if method == "GET" and path == "/proposals":
            return {"proposals": [state.show(p) for p in state.proposals]}
        if method == "GET" and path.startswith("/proposals/"):
            return state.show(path.split("/")[2])
        if method == "POST" and path.endswith("/approve"):
            return state.approve(path.split("/")[2], body)
        raise Refusal(404, "NotFound", "there is no such thing")

    def handle_one(self, method):
        try:
            n = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(n)) if n else None
            if body is not None and self.headers.get("Content-Type") != "application/json":
                raise Refusal(415, "UnsupportedMediaType", "the body must be application/json")
            self.send(200, self.route(method, body))
        except Refusal as r:
            self.send(r.status, {"type": "about:blank", "title": r.code, "status": r.status,
                                 "detail": str(r), "code": r.code, "error": str(r),
                                 "request_id": "1"}, "application/problem+json")

    def do_GET(self):
        self.handle_one("GET")

    def do_POST(self):
        self.handle_one("POST")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that doesn't trust us ends the handshake: part of the tests."""


class FakeGuardian:
    """One listener; several share a State."""

    def __init__(self, folder, state, number=0):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(os.path.join(folder, "server.pem"),
                                os.path.join(folder, "server.key"))
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.state, self.server.number = state, number
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
