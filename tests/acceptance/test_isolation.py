"""What the processes of a guardian may do, and that secrets are in vault alone.

Vault's randomness follows from a seed here, so its keys can be computed apart from it: the stream
is ChaCha20 (base/rng.h) under SHA-512 of the length-prefixed seed and machine name, and vault draws
the seat key, an instance id and the vote key from it first. Its shares of the root follow from a
later draw and the log (tools/root_shares.c). A namespace's key is looked for by what it does. Each
is found in vault's memory, so the search works, and nowhere else.
"""
import base64
import contextlib
import hashlib
import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from cluster import BUILD, GUARDIAN, run, wait_until

SEED = "seed of the isolation test"
TOOLS = BUILD / "tests/acceptance/tools"
FIND_MASTER, ROOT_SHARES = TOOLS / "find_master", TOOLS / "root_shares"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into processes")


@pytest.fixture(scope="module")
def seeded(cluster, tmp_path_factory):
    """The cluster founded again with seeded vaults, a namespace, a workload and a released key."""
    run(GUARDIAN, "dev", "down", "--dir", cluster.dir)
    for i in range(cluster.count):
        with open(cluster.folder(i) / "guardian.yaml", "a", encoding="utf-8") as f:
            f.write(f'  seed: "{SEED}"\n')
        for path in (cluster.folder(i) / "data").glob("records.db*"):
            path.unlink()
    (cluster.dir / "root.pem").unlink()
    run(GUARDIAN, "dev", "up", "--dir", cluster.dir, timeout=60)
    cluster.wait_ready()
    cluster.guardian("namespace", "create", "ns")
    cluster.guardian("measurement", "add", "ns", "--sim-measurement", "app-v1")
    # Outside the searched folder: the workload may have its own key.
    folder = tmp_path_factory.mktemp("workload")
    wait_until(lambda: cluster.guardian("workload", "register", "ns", "--out", folder,
                                        "--sim-measurement", "app-v1", check=False).returncode == 0,
               15, "registered")
    for i in range(cluster.count):
        said = cluster.guardian("--json", "--url", f"https://127.0.0.1:{cluster.port(i)}", "key",
                                "get", "db", "--identity", folder, "--show", "hex")
        assert said.returncode == 0
    shown = cluster.guardian("key", "get", "db", "--identity", folder, "--show", "hex").stdout
    line = next(line for line in shown.splitlines() if line.startswith("key "))
    cluster.released = bytes.fromhex(line.split()[-1])
    assert len(cluster.released) == 32
    return cluster


def title(pid):
    return Path(f"/proc/{pid}/comm").read_text().strip()


def processes(cluster, i, wanted):
    return [p for p in cluster.processes(cluster.folder(i)) if title(p) == wanted]


def memory(pid, access="r"):
    """Every byte of a process that can be read; with "rw", only what it can write, too."""
    found = []
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            words = line.split()
            if not words[1].startswith(access) or words[-1] in ("[vvar]", "[vsyscall]"):
                continue
            start, end = (int(x, 16) for x in words[0].split("-"))
            mem.seek(start)
            try:
                found.append(mem.read(end - start))
            except OSError:
                continue
    return b"".join(found)


def setting(cluster, i, name):
    """A value of guardian i's configuration."""
    for line in (cluster.folder(i) / "guardian.yaml").read_text().splitlines():
        if line.strip().startswith(f"{name}:"):
            return line.split(":", 1)[1].strip().strip('"')
    raise AssertionError(f"no {name}")


def stream_key(cluster, i):
    """Of guardian i's vault."""
    h = hashlib.sha512()
    for part in ("guardian/v1/simulated/seed", SEED, setting(cluster, i, "machine")):
        h.update(len(part).to_bytes(4, "big") + part.encode())
    return h.digest()[:32]


def draw(cluster, i, number):
    """The first 32 bytes of this draw from guardian i's vault."""
    iv = bytes(8) + number.to_bytes(8, "little")
    return subprocess.run(["openssl", "enc", "-chacha20", "-K", stream_key(cluster, i).hex(), "-iv",
                           iv.hex()], input=bytes(32), stdout=subprocess.PIPE, check=True,
                          timeout=10).stdout


MANIFEST, FOUNDING = 1, 5  # kinds of records: core/member/member.h


def records(cluster, i):
    """Manifest and first blocks on guardian i's disk, as it goes on writing."""
    path = cluster.folder(i) / "data" / "records.db"
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as disk:
        rows = disk.execute("SELECT kind, key, value FROM record WHERE kind IN (?, ?) "
                            "ORDER BY kind, key", (MANIFEST, FOUNDING)).fetchall()
    return [(kind, int.from_bytes(key, "big"), value) for kind, key, value in rows]


@pytest.fixture(scope="module")
def root(seeded):
    """What root_shares computes from the log and the seeds, by name."""
    lines = [f"seed {i + 1} {stream_key(seeded, i).hex()}" for i in range(seeded.count)]
    lines += [f"record {kind} {number} {value.hex()}" for kind, number, value in records(seeded, 0)]
    said = run(ROOT_SHARES, seeded.dir / "genesis.json", seeded.folder(0) / "data" / "platform.key",
               "tdx", setting(seeded, 0, "machine"), stdin="\n".join(lines) + "\n").stdout
    found = {name: bytes.fromhex(value) for name, value in
             (line.rsplit(" ", 1) for line in said.splitlines())}
    spki = subprocess.run(f"openssl x509 -in {seeded.dir}/root.pem -noout -pubkey | "
                          "openssl pkey -pubin -outform DER", shell=True, stdout=subprocess.PIPE,
                          check=True, timeout=10).stdout
    assert found["public e"] == spki[-32:], "these are not the shares of the root certificate's key"
    return found


@pytest.fixture(scope="module")
def master(seeded):
    """The namespace's key, found in a vault's memory by the key that follows from it."""
    vault_memory = memory(processes(seeded, 0, "gd-vault")[0], "rw")
    done = subprocess.run([FIND_MASTER, "db", seeded.released.hex()], input=vault_memory,
                          stdout=subprocess.PIPE, check=True, timeout=120)
    found = {line.strip() for line in done.stdout.decode().splitlines()}
    assert len(found) == 1, "one namespace, one key"
    return bytes.fromhex(found.pop())


def files(cluster):
    return [p for p in cluster.dir.rglob("*") if p.is_file()]


# --- what they may do --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gd-vault", "gd-verify", "gd-attest"])
def test_it_has_no_network_no_files_and_few_calls(seeded, name):
    found = processes(seeded, 0, name)
    assert found
    for pid in found:
        status = dict(line.split(":\t", 1) for line in
                      Path(f"/proc/{pid}/status").read_text().splitlines())
        assert status["Seccomp"] == "2" and status["NoNewPrivs"] == "1"
        # CAP_IPC_LOCK alone, where vault needs it to lock its memory.
        assert int(status["CapEff"], 16) in ((0, 1 << 14) if name == "gd-vault" else (0,))
        assert os.listdir(f"/proc/{pid}/root") == []
        devices = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
        assert [d.split(":")[0].strip() for d in devices] in ([], ["lo"])
        for kind in ("tcp", "tcp6", "udp", "udp6"):
            assert len(Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()) == 1


@pytest.mark.parametrize("name", ["gd-vault", "gd-verify", "gd-attest"])
def test_it_holds_only_pipes_to_its_guardian_and_the_log(seeded, name):
    log = str(seeded.folder(0) / "log")
    with open("/proc/net/unix", encoding="utf-8") as f:
        local = {line.split()[6] for line in f.readlines()[1:]}
    for pid in processes(seeded, 0, name):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            if target.startswith("socket:["):
                assert target[8:-1] in local, f"{name}: {target} is no local socket"
            else:
                assert target in ("/dev/null", log), f"{name}: {target}"


@pytest.mark.parametrize("name", ["gd-vault", "gd-node", "gd-verify", "gd-attest"])
def test_it_leaves_no_core_and_nobody_of_its_user_looks_in(seeded, name):
    pid = processes(seeded, 0, name)[0]
    limits = Path(f"/proc/{pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    # proc(5): what belongs to a process that is not dumpable belongs to root, and a process that
    # has its ids but no CAP_SYS_PTRACE is refused.
    script = "import sys; open(f'/proc/{sys.argv[1]}/mem', 'rb')"
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    done = run(*drop, "/usr/bin/python3", "-c", script, pid, check=False)
    assert done.returncode != 0 and "PermissionError" in done.stderr, done.stderr


def test_vault_is_locked_into_memory(seeded):
    status = Path(f"/proc/{processes(seeded, 0, 'gd-vault')[0]}/status").read_text()
    if "memory locked yes" in (seeded.folder(0) / "log").read_text():
        locked = next(line for line in status.splitlines() if line.startswith("VmLck"))
        assert int(locked.split()[1]) > 0


# --- where the secrets are ---------------------------------------------------------------------


OWN = ("the seat key", "the vote key", "the root share", "the root CA share")


def secrets_of(seeded, i, master, root):
    """Secrets of guardian i by name, each shown to be in its vault's memory."""
    vault = memory(processes(seeded, i, "gd-vault")[0])
    values = draw(seeded, i, 0), draw(seeded, i, 2), root[f"share r {i + 1}"], root[f"share e {i + 1}"]
    found = {**dict(zip(OWN, values)), "the namespace's key": master}
    for name, value in found.items():
        assert value in vault, f"{name} of guardian {i} is not in vault: the search does not work"
    return found


@pytest.fixture(scope="module")
def known(seeded, master, root):
    found = {"the released key": seeded.released}
    for i in range(seeded.count):
        for name, value in secrets_of(seeded, i, master, root).items():
            found[f"{name} of {i}"] = value
    assert len(set(found.values())) == 1 + len(OWN) * seeded.count + 1
    return found


@pytest.fixture(scope="module")
def nobodys(root):
    """What must be nowhere at all any more: the root keys themselves, at no time in one place, and
    the keys under which the dealings came, erased with the end of the DKG."""
    return {name: value for name, value in root.items() if name.startswith(("root", "receive"))}


def test_no_other_process_has_a_secret_in_its_memory(seeded, known):
    looked = 0
    for pid in seeded.processes():
        name = title(pid)
        if name == "gd-vault":
            continue
        content = memory(pid)
        assert len(content) > 1 << 20
        for what, value in known.items():
            assert value not in content, f"{what} is in the memory of {name}"
        looked += 1
    assert looked >= 4 * seeded.count


def test_no_vault_has_the_keys_of_another(seeded, known):
    for i in range(seeded.count):
        content = memory(processes(seeded, i, "gd-vault")[0])
        for j in set(range(seeded.count)) - {i}:
            for name in OWN:
                assert known[f"{name} of {j}"] not in content


def test_nobody_holds_the_root(seeded, nobodys):
    assert len(nobodys) == 2 + seeded.count
    for pid in seeded.processes():
        content = memory(pid)
        for what, value in nobodys.items():
            assert value not in content, f"{what} is in the memory of {title(pid)}"


def assert_in_no_file(cluster, secrets):
    assert any(p.name.startswith("records.db") for p in files(cluster))
    for path in files(cluster):
        content = path.read_bytes()
        lower = content.lower()
        for what, value in secrets.items():
            assert value not in content, f"{what} is in {path}"
            assert value.hex().encode() not in lower, f"{what} is in {path}, in hex"
            assert base64.b64encode(value)[:42] not in content, f"{what} is in {path}, in base64"


def test_no_file_and_no_log_has_a_secret(seeded, known, nobodys):
    assert_in_no_file(seeded, {**known, **nobodys})


def test_the_search_finds_what_is_there(seeded):
    """In node's memory and on disk there is something to find: the cluster's public id."""
    public = bytes.fromhex(seeded.health(0)["cluster_id"])
    vault = memory(processes(seeded, 0, "gd-vault")[0])
    node = memory(processes(seeded, 0, "gd-node")[0])
    assert public in vault and public.hex().encode() in node + b"".join(
        p.read_bytes() for p in files(seeded))


def test_a_vault_that_crashes_leaves_no_core(seeded, known):
    """Last: it costs a guardian."""
    i = seeded.count - 1
    vault = processes(seeded, i, "gd-vault")[0]
    folders = {Path.cwd(), seeded.folder(i), Path(os.readlink(f"/proc/{seeded.pid(i)}/cwd")),
               Path(Path("/proc/sys/kernel/core_pattern").read_text().strip()).parent}
    before = {path for folder in folders for path in folder.glob("*core*")}
    os.kill(vault, signal.SIGSEGV)
    wait_until(lambda: not seeded.processes(seeded.folder(i)), 10, "the guardian ended with its vault")
    assert "signal 11" in (seeded.folder(i) / "log").read_text()
    assert {path for folder in folders for path in folder.glob("*core*")} <= before
    assert_in_no_file(seeded, known)
