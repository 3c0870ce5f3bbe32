"""kill -9 of any one guardian, at many points of what a cluster does: nothing acknowledged is lost
and the cluster goes on."""
import base64
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

from cluster import GUARDIAN, run, wait_until

# After a kill the others decide again within two timeouts of the log; a busy machine needs more.
GOES_ON_S = 30
# Founders give up a list that was not signed by all after this time (design.md section 5).
FOUNDING_S = 30


def retry(action, timeout, what):
    """Until the command succeeds: a client whose guardian was killed asks again."""
    return wait_until(lambda: action().returncode == 0, timeout, what)


def create(cluster, ns):
    """Creates a namespace with its measurement, whatever happens meanwhile, and returns when both
    were acknowledged."""
    for words, listed in ((("namespace", "create", ns), ("namespace", "list")),
                          (("measurement", "add", ns, "--sim-measurement", "app-v1"),
                           ("measurement", "list", ns))):
        def done(words=words, listed=listed):
            if cluster.guardian("--timeout", 5, *words, check=False).returncode == 0:
                return True
            # The answer may have been lost with the guardian, and the change be in force.
            said = cluster.guardian("--json", "--timeout", 5, *listed, check=False)
            return said.returncode == 0 and ns in said.stdout
        wait_until(done, GOES_ON_S, " ".join(words))


def enroll(cluster, ns, out):
    retry(lambda: cluster.guardian("--timeout", 5, "workload", "register", ns, "--out", out,
                                   "--sim-measurement", "app-v1", check=False),
          GOES_ON_S, f"a workload of {ns} is registered")


def key(cluster, out, i=None, name="db"):
    """The key's value, from guardian i or whoever answers."""
    where = ["--url", f"https://127.0.0.1:{cluster.port(i)}"] if i is not None else []

    def ask():
        said = cluster.guardian("--timeout", 5, *where, "key", "get", name, "--identity", out,
                                "--show", "hex", check=False)
        lines = [line for line in said.stdout.splitlines() if line.startswith("key ")]
        return lines[0].split()[-1] if said.returncode == 0 and lines else None
    return wait_until(ask, GOES_ON_S, f"key {name} from {i}")


def same_history(cluster, which):
    """The guardians agree on what they founded, and go on from one height to higher ones."""
    said = [cluster.health(i) for i in which]
    assert len({(h["cluster_id"], h["root_id"]) for h in said}) == 1


def same_receipts(cluster, which):
    """Blocks that two guardians can prove are the same blocks: none voted for two."""
    proven = {}
    for i in which:
        top = cluster.health(i)["height"]
        for height in range(max(1, top - 40), top + 1):
            answer = cluster.get(i, f"/receipts/{height}/0")
            if answer.status == 200:
                proven.setdefault(height, set()).add(body_of(answer.json()["receipt"]))
    assert len(proven) > 5
    assert all(len(blocks) == 1 for blocks in proven.values()), "two blocks of one height"


def body_of(receipt):
    """The entry of a receipt, in base64: certificates may name other signers of the same block."""
    raw = base64.b64decode(receipt)
    size = int.from_bytes(raw[1:5], "big")
    return raw[5:5 + size]


class Later(threading.Thread):
    """Kills guardian i so many seconds from now."""

    def __init__(self, cluster, i, delay):
        super().__init__()
        self.cluster, self.i, self.delay = cluster, i, delay
        self.start()

    def run(self):
        time.sleep(self.delay)
        self.cluster.kill(self.i)


def back(cluster, i):
    """Starts guardian i again and waits until it serves."""
    cluster.start(i)
    cluster.wait_ready(i, timeout=GOES_ON_S)


# --- formation ---------------------------------------------------------------------------------


def blank(cluster):
    """Stopped, with empty disks: as before the founding."""
    run(GUARDIAN, "dev", "down", "--dir", cluster.dir)
    for i in range(cluster.count):
        for path in (cluster.folder(i) / "data").glob("records.db*"):
            path.unlink()
        (cluster.folder(i) / "log").write_text("")


def says(cluster, i, words):
    return words in (cluster.folder(i) / "log").read_text()


def wait_says(cluster, i, words):
    wait_until(lambda: says(cluster, i, words), 15, f"guardian {i} says: {words}")


def is_in_manifest(cluster):
    return [i for i in range(cluster.count) if says(cluster, i, "the manifest is complete")]


def forms(cluster, timeout):
    """It is founded by all, once, and makes keys."""
    cluster.wait_ready(timeout=timeout)
    same_history(cluster, range(3))
    (cluster.dir / "root.pem").unlink()
    cluster.guardian("attest", f"https://127.0.0.1:{cluster.port(0)}")
    create(cluster, "formed")
    enroll(cluster, "formed", cluster.dir / "workload")
    assert len({key(cluster, cluster.dir / "workload", i) for i in range(3)}) == 1


@pytest.mark.parametrize("victim", [0, 2])
def test_a_kill_before_it_met_anybody(make_cluster, victim):
    cluster = make_cluster(guardians=3)
    blank(cluster)
    cluster.start(victim)
    wait_says(cluster, victim, "node serves")
    cluster.kill(victim)
    for i in range(3):
        cluster.start(i)
    forms(cluster, GOES_ON_S)


@pytest.mark.parametrize("victim,other,absent", [(0, 1, 2), (2, 1, 0)])
def test_a_kill_between_attestation_and_manifest(make_cluster, victim, other, absent):
    """Two have attested each other and wait for the third."""
    cluster = make_cluster(guardians=3)
    blank(cluster)
    cluster.start(victim)
    cluster.start(other)
    wait_says(cluster, victim, f"guardian {other + 1} is attested")
    wait_says(cluster, other, f"guardian {victim + 1} is attested")
    cluster.kill(victim)
    cluster.start(absent)
    wait_says(cluster, other, f"guardian {absent + 1} is attested")
    time.sleep(1)
    assert is_in_manifest(cluster) == [], "founded by fewer than all"
    cluster.start(victim)
    forms(cluster, GOES_ON_S)


@pytest.mark.parametrize("victim", [0, 2])
def test_a_kill_while_the_manifest_is_signed(make_cluster, victim):
    """The first guardian, which proposes, has both links and has signed; the second waits for its
    link to the third, whose vault stands still."""
    cluster = make_cluster(guardians=3)
    blank(cluster)
    cluster.start(0)
    cluster.start(2)
    wait_says(cluster, 0, "guardian 3 is attested")
    wait_says(cluster, 2, "guardian 1 is attested")
    vault = next(p for p in cluster.processes(cluster.folder(2))
                 if Path(f"/proc/{p}/comm").read_text().strip() == "gd-vault")
    os.kill(vault, signal.SIGSTOP)
    try:
        cluster.start(1)
        wait_says(cluster, 0, "guardian 2 is attested")
        time.sleep(0.2)
        assert is_in_manifest(cluster) == []
        cluster.kill(victim)
    finally:
        if victim != 2:
            os.kill(vault, signal.SIGCONT)
    cluster.start(victim)
    forms(cluster, FOUNDING_S + GOES_ON_S)


@pytest.mark.parametrize("victim,delay", [(0, 0.0), (1, 0.15), (2, 0.3), (0, 0.5), (1, 0.7)])
def test_a_kill_after_the_manifest(make_cluster, victim, delay):
    """In the middle of DKG, root certificate and the guardians' own namespace."""
    cluster = make_cluster(guardians=3)
    blank(cluster)
    for i in range(3):
        cluster.start(i)
    wait_says(cluster, victim, "the manifest is complete")
    time.sleep(delay)
    cluster.kill(victim)
    back(cluster, victim)
    cluster.wait_ready(timeout=GOES_ON_S)
    same_history(cluster, range(3))


# --- in service --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def three(cluster, tmp_path_factory):
    """A cluster with a namespace, a workload and a key that everybody has seen."""
    cluster.wait_ready()
    create(cluster, "first")
    cluster.out = tmp_path_factory.mktemp("w") / "first"
    enroll(cluster, "first", cluster.out)
    cluster.value = key(cluster, cluster.out)
    return cluster


@pytest.mark.parametrize("victim,delay", [(0, 0.0), (1, 0.03), (2, 0.06), (0, 0.1), (1, 0.2)])
def test_a_kill_while_a_namespace_is_created(three, victim, delay, tmp_path):
    ns = f"created-{victim}-{int(delay * 1000)}"
    later = Later(three, victim, delay)
    create(three, ns)
    later.join()
    enroll(three, ns, tmp_path / "w")
    value = key(three, tmp_path / "w")
    back(three, victim)
    for i in range(3):
        assert key(three, tmp_path / "w", i) == value
        assert key(three, three.out, i) == three.value


@pytest.mark.parametrize("victim,delay", [(0, 0.0), (1, 0.05), (2, 0.1), (0, 0.15), (2, 0.0)])
def test_a_kill_while_a_workload_registers(three, victim, delay, tmp_path):
    later = Later(three, victim, delay)
    enroll(three, "first", tmp_path / "w")
    later.join()
    assert key(three, tmp_path / "w") == three.value
    back(three, victim)
    # What was acknowledged is known to who was away, too.
    assert key(three, tmp_path / "w", victim) == three.value
    same_history(three, range(3))


@pytest.mark.parametrize("victim", [0, 2])
def test_a_kill_while_keys_are_released(three, victim):
    later = Later(three, victim, 0.1)
    for n in range(10):
        assert key(three, three.out, name="db") == three.value
        key(three, three.out, name=f"k{n}")
    later.join()
    back(three, victim)
    assert {key(three, three.out, i) for i in range(3)} == {three.value}


def test_the_leader_killed_again_and_again(three):
    for _ in range(2):
        leader = three.leader()
        three.kill(leader)
        assert key(three, three.out) == three.value
        back(three, leader)


def test_a_kill_while_a_fourth_joins(three):
    """Last here: there are four afterwards."""
    said = three.guardian("dev", "add").stdout.replace("\\\n", " ")
    words = said.split(" seat add ")[1].split()
    three.guardian("seat", "add", *words)
    time.sleep(0.3)
    three.kill(1)
    back(three, 1)
    three.wait_ready(3, timeout=60)
    health = wait_until(lambda: [h for h in [three.health(3)] if h["cluster_size"] == 4], 30,
                        "four members")[0]
    assert health["root_id"] == three.health(0)["root_id"]
    assert {key(three, three.out, i) for i in range(4)} == {three.value}


# --- restarts with f = 1 -----------------------------------------------------------------------


def asked_again(cluster, i):
    return (cluster.folder(i) / "log").read_text().count("asked for a new vote key")


def test_restarts_with_an_own_and_with_an_older_disk(make_cluster, tmp_path):
    four = make_cluster(guardians=4, f=1)
    four.wait_ready()
    create(four, "first")
    enroll(four, "first", tmp_path / "w")
    value = key(four, tmp_path / "w")
    before = four.health(2)["height"]
    four.kill(2)
    shutil.copytree(four.folder(2) / "data", tmp_path / "older")
    back(four, 2)
    assert asked_again(four, 2) >= 1
    create(four, "second")
    four.kill(2)
    create(four, "third")
    shutil.rmtree(four.folder(2) / "data")
    shutil.copytree(tmp_path / "older", four.folder(2) / "data")
    asked = asked_again(four, 2)
    back(four, 2)
    assert asked_again(four, 2) > asked
    assert four.health(2)["height"] > before
    assert key(four, tmp_path / "w", 2) == value
    for ns in ("second", "third"):
        assert f'"{ns}"'.encode() in four.get(2, "/namespaces").body
    same_history(four, range(4))
    same_receipts(four, range(4))
    # With it back, another may go: the cluster still decides.
    four.kill(0)
    create(four, "fourth")
