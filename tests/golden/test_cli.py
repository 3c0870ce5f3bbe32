#!/usr/bin/python3
"""test_cli.py GUARDIAN: what the command line prints, against files in cli/, and how it behaves
towards a fake guardian. UPDATE_GOLDEN=1 writes the files anew; look at the difference then."""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
from fake_guardian import ROOT_ID, FakeGuardian, State, canonical, make_certificates

HERE = os.path.dirname(os.path.abspath(__file__))
GUARDIAN = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "guardian"


class World:
    """A folder with settings and keys, and two fake guardians of one cluster."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="guardian-test-")
        make_certificates(self.dir)
        self.state = State()
        self.guardians = [FakeGuardian(self.dir, self.state, i) for i in range(2)]
        self.settings([g.url for g in self.guardians])
        for i in (1, 2, 3):
            out = json.loads(self.ok("--json", "admin", "keygen", self.path(f"admin{i}.key")))
            self.state.add_admin(out["public_key"])

    def settings(self, urls):
        with open(self.path("client.json"), "w") as f:
            json.dump({"simulation": True, "guardians": [{"api": u} for u in urls]}, f)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, value):
        with open(self.path(name), "w") as f:
            f.write(value if isinstance(value, str) else json.dumps(value))
        return self.path(name)

    def run(self, *words, stdin=""):
        done = subprocess.run([GUARDIAN, *words], capture_output=True, text=True, input=stdin,
                              timeout=30, env={"PATH": os.environ["PATH"]})
        return done.returncode, done.stdout, done.stderr

    def expect(self, code, *words, stdin=""):
        got, out, err = self.run(*words, stdin=stdin)
        assert got == code, f"{words}: exit {got}, not {code}\n{out}{err}"
        return out if code == 0 or "--json" in words else err

    def ok(self, *words, stdin=""):
        return self.expect(0, *words, stdin=stdin)

    def cluster(self, *words, code=0, stdin=""):
        out = self.expect(code, "--dir", self.dir, "--json", *words, stdin=stdin)
        return json.loads(out)

    def end(self):
        for g in self.guardians:
            g.stop()
        shutil.rmtree(self.dir)


def golden(name, text):
    """Compares with cli/name; hosts' ports and folders are made equal first."""
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"/tmp/guardian-test-\w+", "DIR", text)
    path = os.path.join(HERE, "cli", name)
    if os.environ.get("UPDATE_GOLDEN"):
        with open(path, "w") as f:
            f.write(text)
    with open(path) as f:
        expected = f.read()
    assert text == expected, f"{name} differs:\n--- expected\n{expected}--- got\n{text}"


# ---- help ----

def test_help_is_as_reviewed(w):
    golden("help.txt", w.ok("help"))
    golden("help-proposal.txt", w.ok("help", "proposal"))
    golden("help-namespace-create.txt", w.ok("namespace", "create", "--help"))
    golden("wrong-word.txt", w.expect(2, "namespace", "destroy"))


def test_every_command_has_help_and_a_place_in_the_manual(w):
    man = w.ok("help", "--man")
    commands = re.findall(r"^  (\w+(?: \w+)?)\s", w.ok("help").split("Options")[0], re.M)
    assert len(commands) > 10
    for command in commands:
        assert f".SS guardian {command}" in man, command
        assert f"usage: guardian {command}" in w.ok("help", *command.split()), command


def test_the_manual_is_accepted_by_man(w):
    if not shutil.which("groff"):
        return
    done = subprocess.run(["groff", "-man", "-Tascii", "-ww", "-z"], input=w.ok("help", "--man"),
                          text=True, capture_output=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_bash_completes_words_options_and_values(w):
    script = w.write("completion", w.ok("help", "--completion", "bash"))
    for line, expected in ((["na"], "namespace"), (["admin", ""], "keygen sign"),
                           (["--dir", "/x", "admin", "k"], "keygen"),
                           (["namespace", "create", "--mo"], "--mode"),
                           (["namespace", "create", "x", "--mode", ""], "sealed threshold")):
        words = " ".join(f"'{x}'" for x in ["guardian", *line])
        ask = f"source {script}; COMP_WORDS=({words}); COMP_CWORD={len(line)}; _guardian; " \
              "echo \"${COMPREPLY[*]}\""
        got = subprocess.run(["bash", "-c", ask], text=True, capture_output=True)
        assert got.stdout.strip() == expected and not got.stderr, (line, got)


# ---- settings and trust ----

def test_without_a_pinned_root_nothing_is_asked(w):
    os.rename(w.path("root.pem"), w.path("root.away"))
    try:
        assert w.cluster("namespace", "list", code=1)["code"] == "Unauthenticated"
    finally:
        os.rename(w.path("root.away"), w.path("root.pem"))


def test_another_root_is_not_believed(w):
    answer = w.cluster("--root", w.path("other.pem"), "namespace", "list", code=1)
    assert answer["code"] == "ChainInvalid", answer


def test_settings_are_read_strictly(w):
    good = open(w.path("client.json")).read()
    try:
        for wrong in ("", "{", '{"simulation": true}', good[:-1] + ', "more": 1}'):
            w.write("client.json", wrong)
            assert w.cluster("namespace", "list", code=1)["code"] == "Malformed"
    finally:
        w.write("client.json", good)


def test_the_next_guardian_is_asked_when_one_is_down_or_busy(w):
    urls = [g.url for g in w.guardians]
    try:
        w.settings(["https://127.0.0.1:1", urls[1]])
        assert w.cluster("namespace", "list")["namespaces"]
        w.settings(urls)
        w.state.busy = True
        assert w.cluster("namespace", "list")["namespaces"]
        assert w.cluster("--url", urls[0], "namespace", "list", code=1)["code"] == "NoQuorum"
    finally:
        w.state.busy = False
        w.settings(urls)


def test_a_refusal_is_final_and_shown_with_its_code(w):
    answer = w.cluster("measurement", "list", "nowhere", code=1)
    assert answer == {"code": "NotFound", "status": 404,
                      "detail": "404: there is no such thing"}, answer


# ---- lists ----

def test_lists_are_as_reviewed(w):
    golden("namespace-list.txt", w.ok("--dir", w.dir, "namespace", "list"))
    golden("measurement-list.txt", w.ok("--dir", w.dir, "measurement", "list", "k8s-staging"))
    golden("seat-list.txt", w.ok("--dir", w.dir, "seat", "list"))
    golden("status.txt", w.ok("--dir", w.dir, "status"))
    golden("namespace-list.json", w.ok("--dir", w.dir, "--json", "namespace", "list"))
    golden("status.json", w.ok("--dir", w.dir, "--json", "status"))


def test_all_pages_of_a_list_are_read(w):
    found = w.cluster("measurement", "list", "paged")["measurements"]
    assert [int(m["measurement_hash"], 16) for m in found] == [0, 1, 2, 3, 4]


# ---- records ----

def test_a_record_is_shown_to_be_compared(w):
    data = {"measurement": "aa" * 48, "minimum_tcb": {"snp_svn": 22}}
    chips = {"platform_constraints": {"allowed_chip_ids": ["cc" * 64, "bb" * 64]}}
    shown = [w.ok("measurement", "show", w.write("record.json", {"platform": "sev_snp", "data": d}))
             for d in (data, data | chips, data | {"debug_allowed": True})]
    golden("measurement-show.txt", shown[1])
    lines = [text.split("\n") for text in shown]
    differ = [(a, b) for a, b in zip(lines[0], lines[2]) if a != b]
    assert differ == [('    "debug_allowed": false,', '    "debug_allowed": true,')], differ
    again = w.ok("measurement", "show", "-", stdin=shown[1])
    assert again == shown[1]
    refused = w.expect(2, "measurement", "show", "-", stdin=json.dumps(
        {"platform": "sev_snp", "data": {"measurement": "00" * 48}}))
    assert "nothing was measured" in refused, refused


# ---- proposals ----

def keys(w, *numbers):
    return [x for i in numbers for x in ("--admin-key", w.path(f"admin{i}.key"))]


def test_all_keys_of_the_folder_sign_unless_some_are_named(w):
    assert w.cluster("namespace", "create", "one")["have"] == 3
    answer = w.cluster("namespace", "create", "two", *keys(w, 2))
    assert (answer["have"], answer["need"], answer["decided"]) == (1, 2, False)


def test_changes_arrive_as_written(w):
    made = []
    for words in (["namespace", "create", "a", "--mode", "threshold", "--dns", "a.example",
                   "--dns", "b.example", "--ip", "10.0.0.0/8"],
                  ["measurement", "revoke", "a", "AB" * 32],
                  ["measurement", "add", "a", "--sim-platform", "snp", "--sim-measurement", "x"],
                  ["seat", "add", "--operator", "o", "--vendor", "amd", "--platform-id", "CD" * 64,
                   "--peer", "h:1", "--api", "h:2", "--gid", "7"]):
        pid = w.cluster(*words, *keys(w, 1, 2))["proposal_id"]
        made.append(canonical(w.state.proposals[pid]["change"]))
    golden("changes.txt", "\n".join(made) + "\n")


def test_what_no_guardian_would_take_is_not_signed(w):
    assert w.cluster("namespace", "create", "a", "--ip", "10.0.0.0", code=1)["code"] == "InvalidValue"
    w.expect(2, "--dir", w.dir, "namespace", "create", "A")
    w.expect(2, "--dir", w.dir, "measurement", "add", "a")


def test_a_proposal_collects_signatures(w):
    pid = w.cluster("namespace", "create", "shared", *keys(w, 1))["proposal_id"]
    assert w.cluster("proposal", "show", pid)["status"] == "open"
    assert w.cluster("proposal", "approve", pid, *keys(w, 3))["decided"]
    assert w.cluster("proposal", "show", pid)["status"] == "applied"
    assert pid in [p["proposal_id"] for p in w.cluster("proposal", "list")["proposals"]]


def test_approving_signs_only_what_the_id_stands_for(w):
    pid = w.cluster("namespace", "create", "honest", *keys(w, 1))["proposal_id"]
    w.state.proposals[pid]["change"]["namespace"] = "forged"
    assert w.cluster("proposal", "approve", pid, *keys(w, 2), code=1)["code"] == "SignatureInvalid"
    assert len(w.state.proposals[pid]["admins"]) == 1
    del w.state.proposals[pid]


def test_a_draft_is_signed_offline_by_one_after_the_other(w):
    change = w.write("change.json", {"type": "measurement.revoke", "namespace": "a",
                                     "measurement_hash": "ab" * 32})
    draft = w.ok("--dir", w.dir, "proposal", "draft", change)
    assert json.loads(draft)["root_id"] == ROOT_ID
    for i in (1, 2):
        draft = w.ok("admin", "sign", "-", *keys(w, i), stdin=draft)
    assert len(json.loads(draft)["signatures"]) == 2
    answer = w.cluster("proposal", "create", w.write("draft.json", draft))
    assert answer["decided"] and answer["have"] == 2


def test_a_key_that_others_can_read_does_not_sign(w):
    os.chmod(w.path("admin1.key"), 0o644)
    try:
        answer = w.cluster("namespace", "create", "x", *keys(w, 1), code=1)
        assert answer["code"] == "NotAllowed" and "chmod 600" in answer["detail"]
    finally:
        os.chmod(w.path("admin1.key"), 0o600)


# ---- secrets ----

def test_a_new_key_is_private_never_shown_and_never_overwritten(w):
    path = w.path("fresh.key")
    out = w.ok("admin", "keygen", path)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    secret = open(path).read().split("\n")[1]
    assert "(hidden" in out and secret not in out
    before = open(path).read()
    w.expect(1, "admin", "keygen", path)
    assert open(path).read() == before


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_")]
    failed = 0
    w = World()
    try:
        for name, test in tests:
            try:
                test(w)
                print(f"[       OK ] {name}", flush=True)
            except Exception as e:  # a test that breaks has failed, the others still count
                failed += 1
                print(f"[  FAILED  ] {name}\n{type(e).__name__}: {e}", flush=True)
    finally:
        w.end()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
