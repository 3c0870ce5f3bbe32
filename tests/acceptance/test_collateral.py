"""Collateral: a peer falls out of policy by what its vendor publishes alone, and a guardian fetches
what it needs from a service that does not always behave."""
import base64
import http.server
import re
import ssl
import threading
import time
import urllib.parse

from cluster import BUILD, run, wait_until

TOOL = BUILD / "tests/acceptance/tools/sim_collateral"
EVIDENCE = BUILD / "tests/acceptance/tools/sim_evidence"
# design.md section 2, promise 4.
D = 10


def setting(cluster, i, key):
    """A value of guardian i's section "simulated"."""
    for line in (cluster.folder(i) / "guardian.yaml").read_text().splitlines():
        if line.strip().startswith(key + ":"):
            return line.split(":", 1)[1].strip().strip('"')
    raise AssertionError(f"no {key} in the configuration of guardian {i}")


def publish(cluster, folder, i, how, at):
    """What the vendor says about the machine of guardian i from now on."""
    run(TOOL, folder, setting(cluster, i, "software"), setting(cluster, i, "machine"), int(at), how)


def configure(cluster, i, section):
    """Starts guardian i again with this section in its configuration."""
    cluster.kill(i)
    with open(cluster.folder(i) / "guardian.yaml", "a", encoding="utf-8") as f:
        f.write("collateral:\n" + section)
    cluster.start(i)
    cluster.wait_ready(i, timeout=60)


def log(cluster, i):
    return "".join(p.read_text(errors="replace") for p in sorted(cluster.folder(i).glob("log*")))


def peers(cluster, i, which):
    return cluster.observe(i, f"/peers/{which}").json()["peers"]


def with_folder(make_cluster, platforms):
    """A cluster whose guardians look at one folder, which is empty."""
    cluster = make_cluster(guardians=len(platforms), platforms=platforms)
    folder = cluster.dir / "collateral"
    folder.mkdir()
    for i in range(cluster.count):
        configure(cluster, i, f'  directory: "{folder}"\n')
    cluster.wait_ready()
    return cluster, folder


def expect_revoked(cluster, i, by, code, since):
    """Within D of the update each of the others refuses guardian i, and says why."""
    for other in by:
        left = since + D - time.monotonic()
        said = wait_until(lambda o=other: peers(cluster, o, "revoked"), left,
                          f"guardian {i} revoked by guardian {other}")
        assert len(said) == 1
        assert said[0]["is_trusted"] is False
        assert said[0]["revocation_reason"].startswith(code + ": ")
        assert abs(said[0]["revoked_at"] - time.time()) < 2 * D
        assert len(peers(cluster, other, "trusted")) == cluster.count - 2
        assert f"a peer was refused: seat={i + 1} {code}: " in log(cluster, other)


def test_new_tcb_info_alone_ends_trust_and_newer_gives_it_back(make_cluster):
    cluster, folder = with_folder(make_cluster, ["snp", "snp", "snp", "tdx"])
    others, tdx, now = [0, 1, 2], 3, time.time()
    publish(cluster, folder, tdx, "current", now)
    for i in others:
        wait_until(lambda i=i: "the folder of collateral has files=5" in log(cluster, i), D, "a look")
        wait_until(lambda i=i: len(peers(cluster, i, "trusted")) == 3, 20, "all are trusted")
        assert peers(cluster, i, "revoked") == []

    begun = time.monotonic()
    publish(cluster, folder, tdx, "outdated", now + 1)
    expect_revoked(cluster, tdx, others, "TcbStatusNotAllowed", begun)
    # It knows that of itself, too; the others are enough for each other.
    unready = wait_until(lambda: cluster.observe(tdx, "/ready").status == 503 and
                         cluster.observe(tdx, "/ready"), D, "it is not ready")
    assert "TcbStatusNotAllowed" in unready.json()["detail"]
    cluster.wait_ready(*others)

    publish(cluster, folder, tdx, "current", now + 2)
    for i in others:
        wait_until(lambda i=i: not peers(cluster, i, "revoked"), 40, "trusted again")
    cluster.wait_ready(timeout=40)


def test_an_entry_of_a_revocation_list_alone_ends_trust(make_cluster):
    cluster, folder = with_folder(make_cluster, ["tdx"] * 4)
    now = time.time()
    publish(cluster, folder, 2, "current", now)
    for i in range(4):
        wait_until(lambda i=i: "the folder of collateral has files=5" in log(cluster, i), D, "a look")
    cluster.wait_ready()
    begun = time.monotonic()
    publish(cluster, folder, 2, "revoked", now + 1)
    expect_revoked(cluster, 2, [0, 1, 3], "CertificateRevoked", begun)
    cluster.wait_ready(0, 1, 3)


def chain_of(cluster, folder):
    """PEM of who signs the simulated Intel's documents, and of its root."""
    evidence = run(EVIDENCE, "tdx", setting(cluster, 0, "software"), setting(cluster, 0, "machine"),
                   "00" * 64).stdout
    chain = re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n?",
                       base64.b64decode(evidence), re.S)
    return ssl.DER_cert_to_PEM_cert((folder / "signing.der").read_bytes()) + \
        "".join(c.decode() + "\n" for c in chain[1:])


class Service(http.server.ThreadingHTTPServer):
    """The simulated Intel's PCS, which answers badly before it answers well."""
    PATHS = {"/tdx/certification/v4/tcb": ("tcb_info.json", "TCB-Info-Issuer-Chain"),
             "/tdx/certification/v4/qe/identity": ("qe_identity.json",
                                                   "SGX-Enclave-Identity-Issuer-Chain"),
             "/sgx/certification/v4/pckcrl": ("pck_crl.der", "SGX-PCK-CRL-Issuer-Chain"),
             "/sgx/certification/v4/rootcacrl": ("root_crl.der", None)}
    BAD = {"tcb_info.json": ["busy", "forged"], "qe_identity.json": ["html"],
           "pck_crl.der": ["cut"], "root_crl.der": []}

    def __init__(self, folder, chain):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder, self.chain = folder, chain
        self.seen = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words):
        pass

    def do_GET(self):
        path, _, query = self.path.partition("?")
        name, header = Service.PATHS.get(path, (None, None))
        if name is None:
            self.send_error(404)
            return
        asked = self.server.seen.setdefault(name, [])
        asked.append(query)
        body = (self.server.folder / name).read_bytes()
        bad = Service.BAD[name]
        how = bad[len(asked) - 1] if len(asked) <= len(bad) else "well"
        if how == "busy":
            self.send_response(429)
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if how == "html":
            body = b"<html>sign in to this network</html>"
        if how == "forged":
            body = body.replace(b'"UpToDate"', b'"OutOfDate"', 1)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if header:
            self.send_header(header, urllib.parse.quote(self.server.chain))
        self.end_headers()
        self.wfile.write(body[:-10] if how == "cut" else body)


def test_what_is_needed_is_fetched_from_a_service_that_misbehaves_and_kept(make_cluster):
    cluster = make_cluster(guardians=3)
    folder = cluster.dir / "vendor"
    folder.mkdir()
    publish(cluster, folder, 0, "current", time.time())
    service = Service(folder, chain_of(cluster, folder))
    try:
        configure(cluster, 0, f"  pcs_url: {service.url}/sgx/certification/v4/\n")
        for what in ["TCB info of [0-9a-f]{12}", "TD QE identity",
                     "revocation list of the PCK Platform CA", "revocation list of the SGX root CA"]:
            wait_until(lambda w=what: re.search(w + " came: ", log(cluster, 0)), 60, f"{what} came")
    finally:
        service.shutdown()
        service.server_close()
    said = log(cluster, 0)
    for code in ["RateLimited", "Malformed", "InputOutput", "SignatureInvalid"]:
        assert f"did not come: {code}: " in said
    # Once more than it failed; the root's list also until the root's certificate has come.
    for name, asked in service.seen.items():
        bad = len(Service.BAD[name])
        assert bad < len(asked) <= bad + 1 + (name == "root_crl.der") * 3, (name, asked)
    assert re.fullmatch("fmspc=[0-9a-f]{12}", service.seen["tcb_info.json"][0])
    assert service.seen["pck_crl.der"][0] == "ca=platform&encoding=der"
    cluster.wait_ready(timeout=40)
    wait_until(lambda: len(peers(cluster, 0, "trusted")) == 2, 20, "its peers are trusted")
    # It is kept: the service is gone, and nothing is asked for again.
    cluster.kill(0)
    cluster.start(0)
    cluster.wait_ready(0, timeout=30)
    wait_until(lambda: len(peers(cluster, 0, "trusted")) == 2, 20, "its peers are trusted")
    after = log(cluster, 0)[len(said):]
    assert "did not come" not in after and "CollateralMissing" not in after
