"""A workload made by hand: its key, its evidence and both phases of registration, so that a test
can send what the command line never would."""
import base64
import hashlib
import json
import secrets
from pathlib import Path

from cluster import BUILD, run, wait_until

SIM_EVIDENCE = BUILD / "tests/acceptance/tools/sim_evidence"
ZERO = bytes(32)


def evidence(platform, software, machine, report_data, *options):
    """Evidence of the simulated vendor, in base64."""
    return run(SIM_EVIDENCE, platform, software, machine, report_data.hex(),
               *options).stdout.strip()


def broken(text, at):
    """The same evidence with one bit changed at this offset."""
    raw = bytearray(base64.b64decode(text))
    raw[at] ^= 1
    return base64.b64encode(raw).decode()


class Workload:
    def __init__(self, folder, software="app-v1", platform="tdx", machine=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.software, self.platform = software, platform
        self.machine = machine or secrets.token_hex(8)
        self.key = self.folder / "key.pem"
        run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)
        run("openssl", "pkey", "-in", self.key, "-pubout", "-outform", "DER",
            "-out", self.folder / "spki.der")
        self.spki = (self.folder / "spki.der").read_bytes()
        self.csr = run("openssl", "req", "-new", "-key", self.key, "-subj", "/CN=workload").stdout
        # api.md: on TDX the instance id is in REPORTDATA; SNP has the REPORT_ID.
        self.instance = hashlib.sha256(self.spki).digest() if platform == "tdx" else ZERO

    def evidence(self, challenge_part=ZERO, instance=None, options=()):
        data = challenge_part + (self.instance if instance is None else instance)
        return evidence(self.platform, self.software, self.machine, data, *options)

    def answer(self, challenge):
        """The challenge part that binds the CSR's key."""
        return hashlib.sha256(bytes.fromhex(challenge) + self.spki).digest()

    def register(self, cluster, ns, i=0, **changed):
        return cluster.post(i, f"/attestation/{ns}/register",
                            {"evidence": self.evidence(), **changed})

    def verify(self, cluster, ns, challenge, i=0, token=True, **changed):
        """`challenge` is what register answered."""
        body = {"evidence": self.evidence(self.answer(challenge["challenge"])), "csr": self.csr}
        if token:
            body["challenge_token"] = challenge["challenge_token"]
        body.update(changed)
        return cluster.post(i, f"/attestation/{ns}/verify", body)

    def enroll(self, cluster, ns, i=0):
        """Both phases; keeps the certificate and its chain. A guardian that is not ready to issue
        for a new namespace yet says so, and is asked again."""
        def both():
            first = self.register(cluster, ns, i)
            if first.status == 503:
                return None
            assert first.status == 200, first
            second = self.verify(cluster, ns, first.json(), i)
            if second.status == 503:
                return None
            assert second.status == 200, second
            return second.json()
        said = wait_until(both, 10, f"guardian {i} issues for {ns}")
        (self.folder / "cert.pem").write_text(said["certificate"])
        (self.folder / "chain.pem").write_text(said["chain"])
        (self.folder / "identity.pem").write_text(said["certificate"] + said["chain"])
        return said

    @property
    def client(self):
        """For Cluster.request(client=...)."""
        return self.folder / "identity.pem", self.key


def administrator(cluster, n):
    """The key file of administrator n and its id (PROTOCOL: 16 bytes of SHA-256 of the key)."""
    path = cluster.dir / f"admin{n}.key"
    der = cluster.dir / f"admin{n}.der"
    run("openssl", "pkey", "-in", path, "-pubout", "-outform", "DER", "-out", der)
    return path, hashlib.sha256(der.read_bytes()[-32:]).hexdigest()[:32]


def sign(cluster, n, text):
    """A signature of administrator n, as a proposal carries it."""
    path, admin = administrator(cluster, n)
    (cluster.dir / "to-sign").write_bytes(text)
    out = cluster.dir / "signature"
    run("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", path, "-in", cluster.dir / "to-sign",
        "-out", out)
    return {"admin": admin, "signature": base64.b64encode(out.read_bytes()).decode()}


def canonical(value):
    """RFC 8785 for what proposals hold: ASCII keys, whole numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def proposal(cluster, change, expires, admins=(1, 2), nonce=None, root_id=None):
    """A signed proposal, ready to POST."""
    nonce = nonce or secrets.token_hex(16)
    text = canonical({"root_id": root_id or cluster.health(0)["root_id"], "change": change,
                      "expires": expires, "nonce": nonce})
    return {"change": change, "expires": expires, "nonce": nonce,
            "signatures": [sign(cluster, n, text) for n in admins]}
