"""What a workload gets is X.509 to others, too: OpenSSL's strict mode and GnuTLS."""
import pytest

from cluster import run, wait_until
from workload import Workload


@pytest.fixture(scope="module")
def issued(cluster, tmp_path_factory):
    """Two namespaces with a workload in each."""
    cluster.wait_ready()
    workloads = {}
    for ns in ("blue", "green"):
        cluster.guardian("namespace", "create", ns)
        cluster.guardian("measurement", "add", ns, "--sim-measurement", "app-v1")
        workloads[ns] = Workload(tmp_path_factory.mktemp(ns))
        workloads[ns].enroll(cluster, ns)
    return workloads


def blocks(text, label):
    """The PEM blocks of this kind."""
    begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
    return [begin + part.split(end)[0] + end + "\n" for part in text.split(begin)[1:]]


def verifies(root, leaf, *chain):
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", root]
    for file in chain:
        command += ["-untrusted", file]
    return run(*command, leaf, check=False)


def test_every_certificate_of_the_chain_is_strict_x509(cluster, issued):
    root, blue = cluster.dir / "root.pem", issued["blue"].folder
    run("openssl", "verify", "-x509_strict", "-CAfile", root, root)
    (blue / "ca.pem").write_bytes(cluster.get(0, "/ca/blue.pem").body)
    run("openssl", "verify", "-x509_strict", "-CAfile", root, blue / "ca.pem")
    done = verifies(root, blue / "cert.pem", blue / "chain.pem")
    assert done.returncode == 0, done.stderr


def test_the_leaf_is_not_accepted_without_its_namespaces_ca(cluster, issued):
    done = verifies(cluster.dir / "root.pem", issued["blue"].folder / "cert.pem")
    assert done.returncode != 0 and "unable to get local issuer" in done.stderr


def test_the_ca_of_another_namespace_does_not_vouch_for_a_leaf(cluster, issued):
    blue, green = issued["blue"].folder, issued["green"].folder
    (green / "ca.pem").write_bytes(cluster.get(0, "/ca/green.pem").body)
    issuing = blocks((blue / "chain.pem").read_text(), "CERTIFICATE")[0]
    (blue / "issuing.pem").write_text(issuing)
    right, wrong = blue / "ca-of-blue.pem", green / "ca.pem"
    right.write_bytes(cluster.get(0, "/ca/blue.pem").body)
    command = ["openssl", "verify", "-x509_strict", "-partial_chain", "-untrusted",
               blue / "issuing.pem"]
    assert run(*command, "-trusted", right, blue / "cert.pem", check=False).returncode == 0
    assert run(*command, "-trusted", wrong, blue / "cert.pem", check=False).returncode != 0


def test_gnutls_accepts_the_whole_chain(cluster, issued, tmp_path):
    folder = issued["blue"].folder
    whole = tmp_path / "whole.pem"
    whole.write_text((folder / "cert.pem").read_text() + (folder / "chain.pem").read_text())
    command = ["certtool", "--verify", "--load-ca-certificate"]
    run(*command, cluster.dir / "root.pem", "--infile", whole)
    done = run(*command, folder / "cert.pem", "--infile", whole, check=False)
    assert done.returncode != 0


def test_the_key_of_the_leaf_is_the_csrs(issued):
    blue = issued["blue"]
    said = run("openssl", "x509", "-in", blue.folder / "cert.pem", "-noout", "-pubkey").stdout
    assert said == run("openssl", "pkey", "-in", blue.key, "-pubout").stdout


def test_every_guardian_issues_under_the_same_root(cluster, issued, tmp_path):
    for i in range(cluster.count):
        one = Workload(tmp_path / str(i))
        one.enroll(cluster, "blue", i)
        done = verifies(cluster.dir / "root.pem", one.folder / "cert.pem", one.folder / "chain.pem")
        assert done.returncode == 0, done.stderr


def test_revocation_lists_are_read_and_checked_by_openssl(cluster, issued, tmp_path):
    blue = issued["blue"].folder
    lists = cluster.get(0, "/ca/blue/crl.pem")
    assert lists.status == 200
    crls = blocks(lists.body.decode(), "X509 CRL")
    assert len(crls) == 3  # of the root, of the namespace's CA, of this guardian's issuing CA
    for crl in crls:
        assert "Certificate Revocation List" in run("openssl", "crl", "-noout", "-text",
                                                    stdin=crl).stdout
    (tmp_path / "crl.pem").write_bytes(lists.body)
    run("openssl", "verify", "-x509_strict", "-crl_check_all", "-CRLfile", tmp_path / "crl.pem",
        "-CAfile", cluster.dir / "root.pem", "-untrusted", blue / "chain.pem", blue / "cert.pem")


def test_the_receipt_of_the_registration_is_verified_offline(cluster, tmp_path):
    def registered():
        """While a new configuration's certificate is being signed, the receipt comes later."""
        cluster.guardian("workload", "register", "blue", "--out", tmp_path / "w",
                         "--sim-measurement", "app-v1")
        return (tmp_path / "w/receipt.json").exists()
    wait_until(registered, 10, "a receipt")
    receipt = (tmp_path / "w/receipt.json").read_text().strip()
    cluster.guardian("receipt", "verify", tmp_path / "w/receipt.json")
    middle = len(receipt) // 2
    other = "A" if receipt[middle] != "A" else "B"
    (tmp_path / "forged").write_text(receipt[:middle] + other + receipt[middle + 1:] + "\n")
    assert cluster.guardian("receipt", "verify", tmp_path / "forged", check=False).returncode != 0
