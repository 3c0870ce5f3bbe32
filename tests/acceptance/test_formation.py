"""A cluster is founded, says so, survives the loss of its leader, and ends without a trace."""
from cluster import run


def test_all_guardians_agree_on_what_they_founded(cluster):
    cluster.wait_ready()
    said = [cluster.health(i) for i in range(3)]
    assert len({h["cluster_id"] for h in said}) == 1
    assert len({h["root_id"] for h in said}) == 1
    for h in said:
        assert (h["cluster_size"], h["threshold"], h["f"]) == (3, 2, 0)
        assert h["simulation"] is True
    assert [h["status"] for h in said].count("LEADER") == 1


def test_the_root_certificate_is_strict_x509(cluster):
    root = cluster.dir / "root.pem"
    run("openssl", "verify", "-x509_strict", "-CAfile", root, root)
    run("certtool", "--verify-chain", "--infile", root)


def test_health_is_served_on_the_api_too(cluster):
    cluster.wait_ready()
    there, here = cluster.get(0, "/health").json(), cluster.health(0)
    assert there["root_id"] == here["root_id"]


def test_every_guardian_serves_the_same_root(cluster):
    pem = (cluster.dir / "root.pem").read_text().strip()
    for i in range(3):
        answer = cluster.get(i, "/ca/root.pem")
        assert answer.status == 200
        assert answer.body.decode().strip() == pem


def test_an_unknown_path_is_a_problem_of_the_client(cluster):
    answer = cluster.get(0, "/no/such/thing")
    assert (answer.status, answer.code) == (404, "NotFound")
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    problem = answer.json()
    assert problem["error"] == problem["detail"] and problem["status"] == 404


def test_a_wrong_method_is_refused(cluster):
    answer = cluster.request(0, "PUT", "/ca/root.pem", body=b"x")
    assert (answer.status, answer.code) == (405, "MethodNotAllowed")


def test_a_killed_leader_is_replaced_and_let_back_in(make_cluster):
    cluster = make_cluster(guardians=3)
    cluster.wait_ready()
    root = cluster.health(0)["root_id"]
    leader = cluster.leader()
    cluster.kill(leader)
    others = [i for i in range(3) if i != leader]
    cluster.guardian("namespace", "create", "after-the-kill", timeout=20)
    cluster.wait_ready(*others)
    cluster.start(leader)
    cluster.wait_ready(leader)
    assert cluster.health(leader)["root_id"] == root


def test_dev_down_leaves_nothing(make_cluster):
    cluster = make_cluster(guardians=2)
    cluster.wait_ready()
    assert cluster.processes()
    assert cluster.down() == []
