"""`guardian evidence` on real evidence, as its MANIFEST judges it."""
import base64
import json
import os
from pathlib import Path

import pytest

from cluster import GUARDIAN, ROOT, run

VECTORS = Path(os.environ.get("GUARDIAN_VECTORS", ROOT / "../shared/vectors"))
AUTHENTICITY = ["--no-collateral", "--no-policy", "--no-crl"]
# Certificates live for years (VLEKs for one): at one of these times each chain is valid.
TIMES = ["2026-10-01T00:00:00Z", "2025-07-01T00:00:00Z", "2024-07-01T00:00:00Z",
         "2024-01-01T00:00:00Z"]
AT = ["--at", TIMES[0]]

pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="no vectors")


def rows(kind):
    with open(VECTORS / "MANIFEST.tsv", encoding="utf-8") as f:
        names = f.readline().rstrip("\n").split("\t")
        for line in f:
            row = dict(zip(names, line.rstrip("\n").split("\t")))
            if row["kind"] == kind:
                yield row


def facts(row):
    return dict(fact.split("=", 1) for fact in row["facts"].split(";") if "=" in fact)


def verify(path, *options, at=TIMES[0], stdin=None):
    done = run(GUARDIAN, "evidence", "verify", *AUTHENTICITY, "--at", at, *options, "--json", path,
               check=False, stdin=stdin)
    return done.returncode, json.loads(done.stdout) if done.stdout else None


def verify_in_its_time(path, *options):
    """The first acceptance, or the last refusal."""
    for at in TIMES:
        code, answer = verify(path, *options, at=at)
        if code == 0:
            break
    return code, answer


def agrees(said, stated):
    """Values of the MANIFEST may be cut short by two dots."""
    return said.startswith(stated[:-2]) if stated.endswith("..") else said == stated


def test_genuine_quotes_are_accepted_with_the_manifests_values():
    seen = 0
    names = {"mrtd": "mrtd", "rtmr0": "rtmr0", "rtmr1": "rtmr1", "rtmr2": "rtmr2", "rtmr3": "rtmr3",
             "mrconfigid": "mr_config_id", "mrowner": "mr_owner", "mrseam": "mr_seam",
             "report_data": "report_data", "tee_tcb_svn": "tee_tcb_svn", "xfam": "xfam",
             "td_attributes": "td_attributes", "pck_fmspc": "fmspc", "pck_ppid": "ppid"}
    for row in rows("tdx-quote"):
        if not row["sig_ok"].startswith("yes"):
            continue
        code, answer = verify_in_its_time(VECTORS / row["path"])
        assert (code, answer["valid"], answer["platform"]) == (0, True, "tdx"), (row["path"], answer)
        stated = facts(row)
        for fact, claim in names.items():
            if fact in stated:
                assert agrees(answer["claims"][claim], stated[fact]), (row["path"], claim)
        assert answer["claims"]["debug"] == (stated["debug"] == "1")
        seen += 1
    assert seen >= 20


def test_genuine_reports_are_accepted_with_the_manifests_values():
    seen = 0
    for row in rows("snp-report"):
        if not row["sig_ok"].startswith("yes"):
            continue
        code, answer = verify_in_its_time(
            VECTORS / row["path"], "--collateral", VECTORS / "snp/certs",
            "--collateral", VECTORS / "anchors")
        assert (code, answer["platform"]) == (0, "sev_snp"), (row["path"], answer)
        stated = facts(row)
        for name in ("measurement", "host_data", "report_data", "chip_id", "report_id"):
            assert agrees(answer["claims"][name], stated[name]), (row["path"], name)
        assert answer["claims"]["signing_key"] == stated["signing_key"].lower()
        seen += 1
    assert seen >= 10


@pytest.mark.parametrize("kind", ["tdx-quote-derived-negative", "snp-report-derived-negative"])
def test_changed_evidence_is_refused_and_says_why(kind):
    seen = 0
    for row in rows(kind):
        # Both solutions of an ECDSA signature verify: such a file is no forgery.
        if "sig_malleated_s" in row["path"]:
            continue
        code, answer = verify_in_its_time(
            VECTORS / row["path"], "--collateral", VECTORS / "snp/certs",
            "--collateral", VECTORS / "anchors")
        assert (code, answer["valid"]) == (1, False), row["path"]
        assert answer["code"] in ("SignatureInvalid", "ChainInvalid", "FormatInvalid",
                                  "CollateralMissing"), (row["path"], answer)
        seen += 1
    assert seen >= 40


def test_base64_and_standard_input_say_the_same():
    row = next(r for r in rows("tdx-quote") if r["sig_ok"].startswith("yes"))
    raw = verify(VECTORS / row["path"])
    text = base64.b64encode((VECTORS / row["path"]).read_bytes()).decode()
    assert verify("-", stdin=text) == raw


def test_report_data_is_compared():
    row = next(r for r in rows("tdx-quote") if r["sig_ok"].startswith("yes"))
    wanted = facts(row)["report_data"]
    assert verify(VECTORS / row["path"], "--report-data", wanted)[0] == 0
    code, answer = verify(VECTORS / row["path"], "--report-data", "00" + wanted[2:])
    assert (code, answer["code"]) == (1, "NonceMismatch")


def test_without_no_collateral_the_verdict_is_that_it_is_missing():
    row = next(r for r in rows("tdx-quote") if r["sig_ok"].startswith("yes"))
    done = run(GUARDIAN, "evidence", "verify", *AT, "--json", VECTORS / row["path"], check=False)
    assert (done.returncode, json.loads(done.stdout)["code"]) == (1, "CollateralMissing")


@pytest.mark.parametrize("arguments", [["/no/such/file"], [], ["--no-such-option", "x"],
                                       ["--report-data", "xyz", "/dev/null"]])
def test_usage_and_unreadable_files_exit_with_2(arguments):
    assert run(GUARDIAN, "evidence", "verify", *arguments, check=False).returncode == 2
