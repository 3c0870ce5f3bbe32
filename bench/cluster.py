#!/usr/bin/python3
"""cluster.py BUILD: figures of whole clusters of real guardians on this machine.

One line per figure: name, value, unit, ratio to what it cannot do without (measured in the same
run), the limit of design.md section 11, and whether it was met. Platforms are simulated: the
evidence is genuine in form, the machine's sealing and quoting cost nothing. Guardians and clients
share the cores. Nothing fails because the machine is slow; what could not be measured is said, and
then the exit status is 1. Everything is bounded in time and nothing is left running.
"""
import http.client
import json
import multiprocessing
import os
import queue
import re
import secrets
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build-release"))
GUARDIAN = os.path.join(BUILD, "src/prog/guardian/guardian")
BARE = os.path.join(BUILD, "bench/bench_bare")
API, PEER, OBSERVE = 3, 4, 5
RUN_SECONDS = 150  # then it is stopped, whatever it is doing
LOAD_SECONDS = 5
CLIENTS = 4
PROPOSALS = 240
SERIAL = 40  # of them one after the other, for the latency without load
KILLS = 3
BEGIN = time.monotonic()


class NotMeasured(Exception):
    """Why a figure could not be had."""


# --- lines


def line(name, value, unit, ratio=None, limit=None, met=None):
    verdict = "" if met is None else "met" if met else "NOT MET"
    print(f"{name:<52}{value:>10.2f} {unit:<9}"
          f"{'' if ratio is None else f'ratio {ratio:.2f}':<14}{limit or '':<24}{verdict}".rstrip(),
          flush=True)


def note(text):
    print(f"   {text}", flush=True)


def load_average():
    return " ".join(f"{x:.1f}" for x in os.getloadavg())


# --- processes and figures of them


def run(*words, timeout=60, stdin=None):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=timeout,
                          start_new_session=True,  # ^C is ours alone, so `dev down` can follow
                          **({"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}))
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-300:]
        raise NotMeasured(f"{' '.join(map(str, words[:6]))}: {said}")
    return done.stdout


def processes_of(folder):
    """Living processes that name the folder, or something in it, on their command line."""
    wanted = os.fsencode(folder)
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
            with open(f"/proc/{name}/stat") as f:
                state = f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z" and any(w == wanted or w.startswith(wanted + b"/") for w in words):
            found.append(int(name))
    return found


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(re.search(r"^Pss:\s+(\d+) kB", f.read(), re.M).group(1))


def bare_figures(answer_bytes):
    """Microseconds of CPU of one JWE, TLS record of this size, signature and check of one."""
    text = run(BARE, answer_bytes)
    return {m[1].strip(): float(m[2]) for m in re.finditer(r"^(.+?)\s+([\d.]+) us$", text, re.M)}


def fsync_seconds(fd):
    """Writing one block's worth at the end of a file, and to the disk."""
    begin = time.perf_counter()
    os.write(fd, b"x" * 4096)
    os.fsync(fd)
    return time.perf_counter() - begin


def echo(s):
    while data := s.recv(4096):
        s.sendall(data)


def message_seconds():
    """The median of half a round trip between two processes over loopback TCP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _ = server.accept()
    for s in (near, far):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pid = os.fork()
    if pid == 0:
        near.close()
        try:
            echo(far)
        finally:
            os._exit(0)
    far.close()
    took = []
    for _ in range(500):
        begin = time.perf_counter()
        near.sendall(b"x" * 512)
        near.recv(4096)
        took.append((time.perf_counter() - begin) / 2)
    near.close()
    os.waitpid(pid, 0)
    return statistics.median(took)


# --- a cluster


def free_base_port(guardians):
    def free(port):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                return False
            return True
    for base in range(20000 + os.getpid() % 50 * 200, 32000, 100):
        if all(free(base + 10 * i + k) for i in range(guardians) for k in (API, PEER, OBSERVE)):
            return base
    raise NotMeasured("no free ports")


class Cluster:
    def __init__(self, count):
        self.count, self.base = count, free_base_port(count)
        self.top = tempfile.mkdtemp(prefix="guardian-bench-")
        self.dir = os.path.join(self.top, "cluster")
        self.identity = os.path.join(self.top, "workload")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            run(GUARDIAN, "--dir", self.dir, "dev", "down", timeout=20)
        except (NotMeasured, subprocess.TimeoutExpired) as problem:
            note(f"dev down: {problem}")
        for pid in processes_of(self.dir):
            note(f"dev down left process {pid}")
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.top, ignore_errors=True)

    def guardian(self, *words, timeout=30):
        return run(GUARDIAN, "--dir", self.dir, "--json", *words, timeout=timeout)

    def up(self):
        self.guardian("dev", "up", "--guardians", self.count, "--platforms",
                      ",".join(["tdx", "snp", "tdx", "snp"][:self.count]), "--base-port", self.base,
                      "--wait", 30, timeout=45)

    def populate(self):
        """A namespace, a measurement and a workload that has its identity."""
        for i in range(self.count):  # until its API has a certificate of the pinned root
            wait(f"guardian {i}'s certificate", lambda i=i: self.answers(i), 10, 0.01)
        self.guardian("namespace", "create", "ns")
        self.guardian("measurement", "add", "ns", "--sim-measurement", "app-v1")
        wait("a registered workload", self.register, 10, 0.02)

    def register(self):
        """False while the namespace's CA is being made: 503, and a client asks again."""
        shutil.rmtree(self.identity, ignore_errors=True)
        try:
            self.guardian("workload", "register", "ns", "--out", self.identity, "--sim-measurement",
                          "app-v1")
            return True
        except NotMeasured as refusal:
            if '"NotReady"' not in str(refusal):
                raise
            return False

    def pids(self, i):
        return processes_of(os.path.join(self.dir, f"guardian-{i}"))

    def tls(self, client=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False  # the port says who it is
        context.load_verify_locations(os.path.join(self.dir, "root.pem"))
        if client:
            context.load_cert_chain(os.path.join(self.identity, "identity.pem"),
                                    os.path.join(self.identity, "key.pem"))
        return context

    def connect(self, i, client=False):
        return http.client.HTTPSConnection("127.0.0.1", self.base + 10 * i + API, timeout=10,
                                           context=self.tls(client))

    def answers(self, i):
        c = self.connect(i)
        try:
            c.connect()
            return True
        finally:
            c.close()

    def health(self, i):
        c = http.client.HTTPConnection("127.0.0.1", self.base + 10 * i + OBSERVE, timeout=2)
        try:
            c.request("GET", "/health")
            return json.loads(c.getresponse().read())
        finally:
            c.close()

    def height(self, among=None):
        return max(self.health(i)["height"] for i in among or range(self.count))

    def serves(self, i):
        try:
            c = http.client.HTTPConnection("127.0.0.1", self.base + 10 * i + OBSERVE, timeout=2)
            c.request("GET", "/ready")
            return c.getresponse().status == 200
        except OSError:
            return False

    def leader(self):
        def find():
            return [i for i in range(self.count) if self.health(i)["status"] == "LEADER"]
        return wait("a leader", find, 10)[0]


def wait(what, holds, seconds, pause=0.05):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if found := holds():
                return found
        except (OSError, http.client.HTTPException, ValueError):
            pass
        time.sleep(pause)
    raise NotMeasured(f"{what}: not within {seconds} s")


# --- formation and memory


def formation(cluster):
    begin = time.monotonic()
    cluster.up()
    serving = time.monotonic() - begin
    cluster.populate()
    cluster.guardian("key", "get", "first", "--identity", cluster.identity)
    took = time.monotonic() - begin
    line(f"{cluster.count} guardians, start to serving and attested", serving, "s")
    line(f"{cluster.count} guardians, start to a workload's first key", took, "s", took / 2,
         "< 2 s", took < 2)


def idle_memory(cluster):
    time.sleep(1)
    sums, parts = [], {}
    for i in range(cluster.count):
        total = 0
        for pid in cluster.pids(i):
            with open(f"/proc/{pid}/comm") as f:
                comm = f.read().strip()
            kib = pss_kib(pid)
            total += kib
            parts.setdefault(comm, []).append(kib)
        sums.append(total / 1024)
    line("idle guardian, PSS over all processes (the largest)", max(sums), "MiB", max(sums) / 64,
         "< 64 MiB", max(sums) < 64)
    largest = {name: max(kib) / 1024 for name, kib in sorted(parts.items())}
    note("of it: " + ", ".join(f"{name} {mib:.1f}" for name, mib in largest.items()))


# --- key release


def read_answer(s):
    """One HTTP answer with a Content-Length: (status, bytes on the wire)."""
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        more = s.recv(16384)
        if not more:
            raise NotMeasured("the connection was closed")
        data += more
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", data[:end + 2])
    size = end + 4 + int(length.group(1))
    while len(data) < size:
        data += s.recv(16384)
    return int(data[9:12]), size


def release_client(cluster, i, until, out):
    """Fetches one key over one kept connection until the time is over."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_DFL)  # its parent takes the cluster down
    latencies, failed, size = [], 0, 0
    try:
        context = cluster.tls(client=True)
        with context.wrap_socket(socket.create_connection(
                ("127.0.0.1", cluster.base + 10 * i + API), timeout=10)) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (begin := time.monotonic()) < until:
                s.sendall(b"GET /keys/ns/first HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                status, size = read_answer(s)
                latencies.append(time.monotonic() - begin)
                failed += status != 200
        out.put((latencies, failed, size, None))
    except (OSError, NotMeasured) as problem:
        out.put((latencies, failed, size, repr(problem)))


def release(cluster):
    i = next(k for k in range(cluster.count) if k != cluster.leader())
    pids, out = cluster.pids(i), multiprocessing.Queue()
    begin, cpu = time.monotonic(), cpu_seconds(pids)
    clients = [multiprocessing.Process(target=release_client,
                                       args=(cluster, i, begin + LOAD_SECONDS, out))
               for _ in range(CLIENTS)]
    for c in clients:
        c.daemon = True
        c.start()
    results = [out.get(timeout=LOAD_SECONDS + 15) for _ in clients]
    took, cpu = time.monotonic() - begin, cpu_seconds(pids) - cpu
    for c in clients:
        c.join()
    problems = [r[3] for r in results if r[3]]
    latencies = sorted(x for r in results for x in r[0])
    failed, size = sum(r[1] for r in results), max(r[2] for r in results)
    if problems or failed or not latencies:
        raise NotMeasured(f"{len(latencies)} answers, {failed} not 200, {problems}")
    bare = bare_figures(size)
    each = cpu / len(latencies) * 1e6
    needed = bare["jwe"] + bare["tls record"]
    count = len(latencies)
    line(f"key releases over mTLS, {CLIENTS} connections, one guardian", count / took, "/s")
    line("  of a core of that guardian (all its processes)", count / cpu, "/s/core")
    line("  CPU of one release", each, "us", each / needed, "<= 3.0 x bare", each <= 3 * needed)
    note(f"bare: JWE {bare['jwe']:.0f} us + TLS record of {size} bytes {bare['tls record']:.1f} us"
         f" = {needed:.0f} us, {1e6 / needed:.0f} /s/core")
    line("  latency under that load, median", statistics.median(latencies) * 1e3, "ms")
    line("  latency under that load, 99 %", latencies[count * 99 // 100] * 1e3, "ms")


# --- blocks and entries


def signed_drafts(cluster, count):
    """Proposals, each to whitelist another measurement, signed by two administrators."""
    c = cluster.connect(0)
    c.request("GET", "/measurements/ns")
    record = json.loads(c.getresponse().read())["measurements"][0]
    c.close()
    root_id = cluster.health(0)["root_id"]
    keys = [w for n in (1, 2) for w in ("--admin-key", os.path.join(cluster.dir, f"admin{n}.key"))]
    path, drafts = os.path.join(cluster.top, "draft"), []
    for _ in range(count):
        data = dict(record["data"], rtmr0=secrets.token_hex(48))
        draft = {"change": {"type": "measurement.add", "namespace": "ns",
                            "record": {"platform": record["platform"], "data": data}},
                 "expires": int(time.time()) + 900, "nonce": secrets.token_hex(16),
                 "root_id": root_id, "signatures": []}
        with open(path, "w") as f:
            json.dump(draft, f)
        signed = json.loads(run(GUARDIAN, "--json", "admin", "sign", path, *keys))
        del signed["root_id"]
        drafts.append(json.dumps(signed))
    return drafts


def post(connection, body):
    connection.request("POST", "/proposals", body=body,
                       headers={"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def post_all(cluster, i, drafts, latencies, refused, until):
    """Takes drafts from the common list until it is empty or the time is over."""
    connection = cluster.connect(i)
    try:
        while time.monotonic() < until:
            try:
                body = drafts.pop()
            except IndexError:
                return
            begin = time.monotonic()
            status, text = post(connection, body)
            if status == 200:
                latencies.append(time.monotonic() - begin)
            else:
                refused.append((status, text[:200]))
    except (OSError, http.client.HTTPException) as problem:
        refused.append((0, repr(problem)))
    finally:
        connection.close()


def applied(cluster):
    """How many measurements the whitelist holds."""
    c, path, count = cluster.connect(0), "/measurements/ns", 0
    try:
        while True:
            c.request("GET", path)
            page = json.loads(c.getresponse().read())
            count += len(page["measurements"])
            if not page.get("next"):
                return count
            path = f"/measurements/ns?after={page['next']}"
    finally:
        c.close()


def measure_posts(cluster, drafts, connections, seconds):
    """(latencies, seconds it took, blocks decided meanwhile)"""
    latencies, refused = [], []
    height, begin = cluster.height(), time.monotonic()
    threads = [threading.Thread(target=post_all, args=(cluster, k % cluster.count, drafts,
                                                       latencies, refused, begin + seconds))
               for k in range(connections)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    took = time.monotonic() - begin
    if refused:
        note(f"{len(refused)} proposals were not taken, the first: {refused[0]}")
    if not latencies:
        raise NotMeasured("no proposal was taken")
    return latencies, took, cluster.height() - height


def one_by_one(cluster, drafts):
    """[(seconds to decide one, seconds of an fsync just before)]: a busy disk slows both."""
    connection, rounds = cluster.connect(cluster.leader()), []
    fd = os.open(os.path.join(cluster.top, "fsync"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    end = time.monotonic() + 10
    try:
        for body in drafts:
            disk = (fsync_seconds(fd) + fsync_seconds(fd)) / 2
            begin = time.monotonic()
            status, text = post(connection, body)
            rounds.append((time.monotonic() - begin, disk))
            if status != 200:
                raise NotMeasured(f"{status} {text[:200]}")
            if time.monotonic() > end:
                break
    finally:
        os.close(fd)
        connection.close()
    return rounds


def latency(cluster, drafts):
    """Limit: 2 fsyncs, 3 messages, and 3 signatures and 2q+1 checks of the two phases, x1.5."""
    n, quorum = cluster.count, (cluster.count + (cluster.count - 1) // 3 + 2) // 2
    rounds, message, bare = one_by_one(cluster, drafts), message_seconds(), bare_figures(1024)
    signatures = (3 * bare["sign"] + (2 * quorum + 1) * bare["verify"]) / 1e6
    rest = 3 * message + signatures
    ratio = statistics.median(took / (2 * disk + rest) for took, disk in rounds)
    took, disk = (statistics.median(column) for column in zip(*rounds))
    line(f"{n} guardians, one entry decided, asked one by one", took * 1e3, "ms", ratio,
         "<= 1.5 x bare", ratio <= 1.5)
    line("  the fastest of them", min(r[0] for r in rounds) * 1e3, "ms")
    note(f"bare: 2 fsyncs of {disk * 1e3:.2f} ms + 3 messages of {message * 1e6:.0f} us"
         f" + 3 signatures and {2 * quorum + 1} checks, {signatures * 1e6:.0f} us"
         f" = {(2 * disk + rest) * 1e3:.2f} ms")
    return len(rounds)


def blocks(cluster):
    n, drafts, before = cluster.count, signed_drafts(cluster, PROPOSALS), applied(cluster)
    taken = latency(cluster, drafts[:SERIAL])
    under, took, height = measure_posts(cluster, drafts[SERIAL:], 4 * n, 8)
    line(f"{n} guardians, entries decided, {4 * n} connections", len(under) / took, "/s")
    line(f"{n} guardians, blocks decided meanwhile", height / took, "/s")
    line(f"{n} guardians, latency under that load, median", statistics.median(under) * 1e3, "ms")
    time.sleep(0.5)
    stand = applied(cluster) - before
    note(f"{taken + len(under)} proposals answered, {stand} stand in the whitelist")


# --- the leader is killed


def next_block_seconds(cluster, drafts):
    """What a survivor is asked for after the kill cannot stand in a block of the killed one."""
    leader = cluster.leader()
    survivor = (leader + 1) % cluster.count
    with open(os.path.join(cluster.dir, f"guardian-{leader}", "pid")) as f:
        pid = int(f.read())
    begin = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    wait("a block after the leader's end", lambda: is_decided(cluster, survivor, drafts), 15, 0.01)
    return leader, time.monotonic() - begin


def is_decided(cluster, i, drafts):
    """Asks for one more change; whether it is answered and applied."""
    connection = cluster.connect(i)
    try:
        status, text = post(connection, drafts.pop())
        if status != 200:
            return False
        path = f"/proposals/{json.loads(text)['proposal_id']}"
        connection.request("GET", path)
        return json.loads(connection.getresponse().read()).get("status") == "applied"
    except IndexError:
        raise NotMeasured("no change was decided after the leader's end") from None
    finally:
        connection.close()


def leader_kill(cluster):
    drafts, took, problem = signed_drafts(cluster, 60), [], None
    try:
        for _ in range(KILLS):
            leader, seconds = next_block_seconds(cluster, drafts)
            took.append(seconds)
            wait("no process of the killed one", lambda: not cluster.pids(leader), 5)
            cluster.guardian("dev", "start", leader)
            wait("the killed one back", lambda: all(map(cluster.serves, range(cluster.count))), 15)
    except NotMeasured as stopped:
        problem = stopped
    if not took:
        raise problem
    worst = max(took)
    line(f"leader SIGKILL to the next decided block, worst of {len(took)}", worst, "s", worst,
         "< 1 s", worst < 1)
    note("all: " + ", ".join(f"{x:.2f} s" for x in took))
    if problem:
        raise problem


# --- all of it


def measure(phases, cluster):
    """Whether all could be measured."""
    whole = True
    for phase in phases:
        try:
            phase(cluster)
        except (NotMeasured, OSError, http.client.HTTPException, subprocess.TimeoutExpired,
                KeyError, ValueError, queue.Empty) as problem:
            print(f"{phase.__name__}: NOT MEASURED: {problem!r}", flush=True)
            whole = False
            if phase in (formation, form):
                break
    return whole


def form(cluster):
    cluster.up()
    cluster.populate()


def stop(number, _):
    """An end by which the cluster is taken down."""
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(each, signal.SIG_IGN)  # nothing may interrupt taking it down
    over = number == signal.SIGALRM
    sys.exit(f"NOT MEASURED: the run's {RUN_SECONDS} s are over" if over else "stopped")


def main():
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(each, stop)
    signal.alarm(RUN_SECONDS)
    print(f"{os.cpu_count()} cores, load average {load_average()} before; guardians and clients"
          " share the cores, platforms are simulated", flush=True)
    with Cluster(3) as three:
        whole = measure([formation, idle_memory, release, blocks, leader_kill], three)
    with Cluster(4) as four:
        whole &= measure([form, blocks], four)
    print(f"load average {load_average()} after, {time.monotonic() - BEGIN:.0f} s", flush=True)
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
