#!/usr/bin/python3
"""test_dev.py GUARDIAN: `guardian dev` with a guardiand that only pretends. What real ones do is
for the acceptance tests."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

GUARDIAN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "guardian"
DIES = "#!/bin/sh\necho 'cannot go on: no room'\nexit 3\n"
LIVES = "#!/bin/sh\nwhile :; do sleep 0.1; done\n"


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def free_base():
    """Below the ports the system gives out by itself, and apart from other runs of tests."""
    for base in range(10000 + os.getpid() * 100 % 20000, 32000, 100):
        if all(is_free(base + 10 * i + k) for i in range(4) for k in (3, 4, 5)):
            return base
    raise AssertionError("no free ports")


class World:
    """A copy of guardian with a guardiand beside it, and a folder for a cluster."""

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="guardian-test-")
        shutil.copy(GUARDIAN, self.top)
        self.dir = os.path.join(self.top, "cluster")
        self.base = free_base()

    def program(self, text):
        path = os.path.join(self.top, "guardiand")
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)

    def run(self, code, *words):
        done = subprocess.run([os.path.join(self.top, "guardian"), "--json", "--dir", self.dir,
                               "dev", *words], capture_output=True, text=True, timeout=30,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == code, (words, done)
        return json.loads(done.stdout)

    def up(self, code, *words):
        return self.run(code, "up", "--base-port", str(self.base), "--wait", "1", *words)

    def processes(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if self.dir.encode() in open(f"/proc/{pid}/cmdline", "rb").read():
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def end(self):
        if os.path.exists(os.path.join(self.dir, "dev.json")):
            self.run(0, "down")
        time.sleep(0.05)
        left = self.processes()
        shutil.rmtree(self.top)
        assert not left, f"left running: {left}"


def test_what_cannot_be_is_a_usage_error(w):
    w.program(LIVES)
    for words in (["--guardians", "2", "--f", "1"], ["--platforms", "tdx,sgx"],
                  ["--guardians", "1", "--platforms", "tdx,snp"]):
        assert w.up(2, *words)["code"] == "InvalidValue", words
    assert not os.path.exists(os.path.join(w.dir, "genesis.json"))


def test_without_guardiand_nothing_is_written(w):
    environment, os.environ["PATH"] = os.environ["PATH"], "/usr/bin:/bin"
    try:
        assert w.up(1)["code"] == "NotFound"
    finally:
        os.environ["PATH"] = environment
    assert not os.path.exists(os.path.join(w.dir, "genesis.json"))


def test_a_guardian_that_ends_is_named_with_its_last_words(w):
    w.program(DIES)
    answer = w.up(1)
    assert "ended: cannot go on: no room" in answer["detail"], answer
    assert not w.processes()


def test_a_guardian_that_never_serves_is_given_up_and_stopped(w):
    w.program(LIVES)
    answer = w.up(1, "--guardians", "2")
    assert answer["code"] == "NotReady" and "guardian-0/log" in answer["detail"], answer
    time.sleep(0.05)
    assert not w.processes()


def test_a_port_in_use_is_said_before_anything_starts(w):
    w.program(LIVES)
    with socket.socket() as s:
        s.bind(("127.0.0.1", w.base + 13))
        s.listen()
        answer = w.up(1, "--guardians", "2")
    assert f"port {w.base + 13}" in answer["detail"], answer


def test_the_folder_holds_what_was_promised(w):
    w.program(DIES)
    w.up(1, "--platforms", "tdx,snp")
    genesis = json.load(open(os.path.join(w.dir, "genesis.json")))
    assert genesis["simulation"] is True and genesis["admin_quorum"] == 2
    assert [s["vendor"] for s in genesis["seats"]] == ["intel", "amd", "amd"]
    assert [s["addresses"]["api"] for s in genesis["seats"]] == [
        f"127.0.0.1:{w.base + 10 * i + 3}" for i in range(3)]
    for i in (1, 2, 3):
        assert os.stat(os.path.join(w.dir, f"admin{i}.key")).st_mode & 0o777 == 0o600


def test_an_existing_cluster_is_started_again_and_not_changed(w):
    w.program(DIES)
    w.up(1)
    before = open(os.path.join(w.dir, "genesis.json")).read()
    assert w.up(1, "--guardians", "5")["code"] == "NotAllowed"
    w.program(LIVES)
    assert w.run(1, "up", "--wait", "1")["code"] == "NotReady"
    assert open(os.path.join(w.dir, "genesis.json")).read() == before


def test_single_guardians_are_started_shown_and_killed(w):
    w.program(DIES)
    w.up(1)
    w.program(LIVES)
    assert w.run(1, "kill", "0")["code"] == "NotFound"
    assert w.run(2, "start", "3")["code"] == "InvalidValue"
    w.run(0, "start", "1")
    shown = w.run(0, "status")["guardians"]
    assert [g["pid"] is not None for g in shown] == [False, True, False]
    assert int(open(os.path.join(w.dir, "guardian-1", "pid")).read()) == shown[1]["pid"]
    assert w.run(1, "start", "1")["code"] == "NotAllowed"
    w.run(0, "kill", "1")
    assert [g["pid"] for g in w.run(0, "status")["guardians"]] == [None] * 3


def test_a_further_guardian_says_what_its_seat_needs(w):
    w.program(DIES)
    w.up(1)
    w.program(LIVES)
    added = w.run(0, "add", "--platform", "snp")
    assert (added["index"], added["vendor"], added["member"]) == (3, "amd", False)
    assert len(added["platform_id"]) == 128
    assert added["api"] == f"127.0.0.1:{w.base + 33}"
    genesis = json.load(open(os.path.join(w.dir, "genesis.json")))
    assert len(genesis["seats"]) == 3


def main():
    failed = 0
    for name, test in [(n, f) for n, f in globals().items() if n.startswith("test_")]:
        try:
            w = World()
            try:
                test(w)
            finally:
                w.end()
            print(f"[       OK ] {name}", flush=True)
        except Exception as e:  # a test that breaks has failed, the others still count
            failed += 1
            print(f"[  FAILED  ] {name}\n{type(e).__name__}: {e}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
