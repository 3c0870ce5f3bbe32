"""Guardians that find each other by the registry alone: the genesis names addresses where nobody
is, and the registry is away at first, then wrong in every way, then right."""
import http.client
import json
import time

import pytest

from cluster import GUARDIAN, PEER, free_base_port, is_free, run, wait_until
from registry import Registry

# A guardian asks every 10 s; with room for a busy machine.
POLL_S, ROOM_S = 10, 10
NODES_MAX = 64
NOBODY = 6  # above a guardian's base port: a port that nothing uses


def node(port, api_port=1):
    return {"ip_address": "127.0.0.1", "raft_port": port, "api_port": api_port}


def nodes(*ports):
    return json.dumps({"nodes": [node(port) for port in ports]}).encode()


@pytest.fixture
def registry():
    port = free_base_port(1) + 7
    assert is_free(port)
    made = Registry(port)
    yield made
    made.stop()


def registered(registry, cluster):
    """Every guardian's operator has posted its addresses."""
    for i in range(cluster.count):
        connection = http.client.HTTPConnection("127.0.0.1", registry.port, timeout=5)
        body = {"namespace": "guardian", **node(cluster.port(i, PEER), cluster.port(i))}
        connection.request("POST", "/nodes", json.dumps(body))
        assert connection.getresponse().status == 200
        connection.close()


def know_only_the_registry(cluster, registry):
    """Stopped, blank, and with a genesis whose seats have moved since."""
    run(GUARDIAN, "dev", "down", "--dir", cluster.dir)
    path = cluster.dir / "genesis.json"
    genesis = json.loads(path.read_text())
    for i, seat in enumerate(genesis["seats"]):
        seat["addresses"]["peer"] = f"127.0.0.1:{cluster.port(i, NOBODY)}"
    path.write_text(json.dumps(genesis))
    for i in range(cluster.count):
        for record in (cluster.folder(i) / "data").glob("records.db*"):
            record.unlink()
        (cluster.folder(i) / "log").write_text("")
        with open(cluster.folder(i) / "guardian.yaml", "a", encoding="utf-8") as f:
            f.write(f"registry:\n  url: http://127.0.0.1:{registry.port}/{i}\n")
    (cluster.dir / "root.pem").unlink()


def asked_again(registry, cluster):
    """Each guardian has asked once more and had its answer."""
    before = dict(registry.asked)
    for i in range(cluster.count):
        wait_until(lambda i=i: registry.asked.get(str(i), 0) > before.get(str(i), 0),
                   POLL_S + ROOM_S, f"guardian {i} asks the registry")


def log(cluster, i):
    return (cluster.folder(i) / "log").read_text()


def test_a_cluster_forms_by_the_registry_alone(make_cluster, registry):
    cluster = make_cluster(guardians=3)
    know_only_the_registry(cluster, registry)
    for i in range(3):
        cluster.start(i)
    for i in range(3):
        wait_until(lambda i=i: f"registry http://127.0.0.1:{registry.port}/{i}: " in log(cluster, i),
                   ROOM_S, f"guardian {i} says that the registry cannot be reached")
    right = nodes(*(cluster.port(i, PEER) for i in range(3)))
    registry.lies = {
        "0": b"<html>" + right,
        "1": nodes(*[cluster.port(i, PEER) for i in range(3)] * (NODES_MAX // 3 + 1)),
        # Stale: one address is nobody's, the other that of somebody else.
        "2": nodes(cluster.port(0, NOBODY), registry.port),
    }
    registry.start()
    asked_again(registry, cluster)
    registered(registry, cluster)
    time.sleep(2)
    for i in range(3):
        assert cluster.observe(i, "/ready").status == 503
        assert "attested" not in log(cluster, i), "an answer that must be refused was used"
    registry.lies = {}
    asked_again(registry, cluster)
    cluster.wait_ready(timeout=30)
    assert len({cluster.health(i)["root_id"] for i in range(3)}) == 1
    cluster.guardian("attest", f"https://127.0.0.1:{cluster.port(0)}")
    cluster.guardian("namespace", "create", "ns")
    for i in range(3):
        assert "our own seat" not in log(cluster, i), "it attests itself, as the registry names it"

    # Who is known stays known: one that comes back is found by the others without a registry.
    registry.stop()
    cluster.kill(2)
    cluster.start(2)
    cluster.wait_ready(2, timeout=30)
    cluster.guardian("namespace", "create", "later")
