"""Real guardians on this machine, as a person would start them: `guardian dev up`.

Everything is bounded in time, and nothing is left running: a cluster lives in one folder, and
whatever process names that folder on its command line ends with it.
"""
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GUARDIAN_BUILD", ROOT / "build"))
GUARDIAN = BUILD / "src/prog/guardian/guardian"
GUARDIAND = BUILD / "src/prog/guardiand/guardiand"
# Ports a guardian uses, above its base port P+10*I.
API, PEER, OBSERVE = 3, 4, 5


def run(*command, timeout=30, check=True, stdin=None, **more):
    """A finished command's output. Fails with what it printed."""
    done = subprocess.run([str(word) for word in command], timeout=timeout, input=stdin, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          **({} if stdin is not None else {"stdin": subprocess.DEVNULL}), **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n"
                             f"{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done


def wait_until(condition, timeout, what):
    """Polls until the condition gives something true, and returns that."""
    end = time.monotonic() + timeout
    last = None
    while time.monotonic() < end:
        try:
            last = condition()
            if last:
                return last
        except (OSError, http.client.HTTPException, KeyError, ValueError) as problem:
            last = problem
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {timeout} s; last seen: {last!r}")


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_base_port(guardians):
    """A base port below the ephemeral range, with every port of so many guardians free."""
    start = 10000 + (os.getpid() * 200) % 20000
    for base in (10000 + (start - 10000 + step) % 20000 for step in range(0, 20000, 200)):
        if all(is_free(base + 10 * i + port) for i in range(guardians) for port in (API, PEER, OBSERVE)):
            return base
    raise AssertionError("no free ports")


class Answer:
    """What an HTTP server said."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable code of a problem answer."""
        return self.json().get("code")

    def __repr__(self):
        return f"<{self.status} {self.body[:400]!r}>"


class Cluster:
    def __init__(self, folder, guardians=3, platforms=None, f=None, room=1):
        """`room` keeps ports free for so many more guardians."""
        self.dir = Path(folder).resolve()
        self.count = guardians
        self.base_port = free_base_port(guardians + room)
        command = [GUARDIAN, "dev", "up", "--guardians", guardians, "--dir", self.dir,
                   "--base-port", self.base_port]
        if platforms:
            command += ["--platforms", ",".join(platforms)]
        if f is not None:
            command += ["--f", f]
        try:
            self.said = run(*command, timeout=60).stdout
        except BaseException:
            self.down()
            raise

    # --- the command line ---------------------------------------------------

    def guardian(self, *arguments, **more):
        return run(GUARDIAN, "--dir", self.dir, *arguments, **more)

    def guardian_json(self, *arguments, **more):
        return json.loads(self.guardian("--json", *arguments, **more).stdout)

    # --- the API --------------------------------------------------------------

    def port(self, i, which=API):
        return self.base_port + 10 * i + which

    def tls(self, client=None, trust=True):
        """A TLS context that trusts the cluster's root; client is (certificate, key) or None.
        Without trust it takes any certificate, as a guardian's before it is a member.

        Names are not checked: which guardian answers is decided by the port, on one machine.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        if trust:
            context.load_verify_locations(self.dir / "root.pem")
        else:
            context.verify_mode = ssl.CERT_NONE
        if client:
            context.load_cert_chain(str(client[0]), str(client[1]))
        return context

    def request(self, i, method, path, body=None, client=None, headers=None, timeout=10,
                trust=True, source="127.0.0.1"):
        """One request to guardian i, from this address. A body that is no bytes goes as JSON."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port(i), timeout=timeout,
                                                 context=self.tls(client, trust),
                                                 source_address=(source, 0))
        try:
            headers = dict(headers or {})
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
                headers.setdefault("Content-Type", "application/json")
            connection.request(method, path, body=body, headers=headers)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def get(self, i, path, **more):
        return self.request(i, "GET", path, **more)

    def post(self, i, path, body, **more):
        return self.request(i, "POST", path, body=body, **more)

    def observe(self, i, path, timeout=5):
        """One GET from the read-only listener."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(i, OBSERVE), timeout=timeout)
        try:
            connection.request("GET", path)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def health(self, i):
        return self.observe(i, "/health").json()

    def ready(self, i):
        return self.observe(i, "/ready").status == 200

    def wait_ready(self, *which, timeout=20):
        for i in which or range(self.count):
            wait_until(lambda i=i: self.ready(i), timeout, f"guardian {i} ready")

    def leader(self, timeout=20):
        """The index of who says it leads."""
        def find():
            for i in range(self.count):
                try:
                    if self.health(i)["status"] == "LEADER":
                        return i + 1
                except OSError:
                    continue
            return 0
        return wait_until(find, timeout, "a leader") - 1

    # --- processes ---------------------------------------------------------------

    def folder(self, i):
        return self.dir / f"guardian-{i}"

    def pid(self, i):
        return int((self.folder(i) / "pid").read_text())

    def kill(self, i):
        """SIGKILL to the daemon; returns when all of its processes are gone."""
        pid = self.pid(i)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(self.folder(i)), 10, f"guardian {i} gone")

    def start(self, i):
        """Starts a guardian that `dev up` configured and a test has killed."""
        folder = self.folder(i)
        with open(folder / "log", "ab") as log:
            process = subprocess.Popen([GUARDIAND, "--config", folder / "guardian.yaml"],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        (folder / "pid").write_text(f"{process.pid}\n")

    def processes(self, folder=None):
        """Ids of the living processes that name this folder on their command line."""
        wanted = os.fsencode(str(folder or self.dir))
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                line = (entry / "cmdline").read_bytes()
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                continue
            words = line.split(b"\0")
            if state != "Z" and any(w == wanted or w.startswith(wanted + b"/") for w in words):
                found.append(int(entry.name))
        return found

    def logs(self, lines=40):
        """The end of every guardian's log, for a failing test's report."""
        text = ""
        for path in sorted(self.dir.glob("guardian-*/log*")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            text += f"--- {path.parent.name}/{path.name}\n" + "\n".join(tail) + "\n"
        return text

    def down(self):
        """Stops everything; says what `dev down` left behind, which is a fault."""
        try:
            run(GUARDIAN, "dev", "down", "--dir", self.dir, timeout=20, check=False)
            try:
                wait_until(lambda: not self.processes(), 5, "processes ended")
            except AssertionError:
                pass
        except (OSError, subprocess.TimeoutExpired):
            pass
        left = self.processes()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return left
