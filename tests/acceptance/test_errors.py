"""Every row of the contract's error tables that can be reached: its status and its code."""
import base64
import http.client
import json
import time

import pytest

from cluster import Answer, run, wait_until
from workload import ZERO, Workload, broken, canonical, evidence, proposal, sign

PROBLEM = {"type", "title", "status", "detail", "code", "error", "request_id"}
# A revocation is in force everywhere this soon: the longest lease and a little.
IN_FORCE_S = 15


def refused(answer, status, code):
    """The answer is this problem, in the shape of RFC 9457 with our additions."""
    assert (answer.status, answer.headers["Content-Type"]) == \
        (status, "application/problem+json"), answer
    problem = answer.json()
    assert problem["code"] == code, answer
    assert set(problem) == PROBLEM
    assert problem["status"] == status and problem["error"] == problem["detail"]
    assert problem["request_id"] and problem["detail"] and problem["title"]
    if status in (429, 503):
        assert int(answer.headers["Retry-After"]) >= 0
    return problem


@pytest.fixture(scope="module")
def world(cluster, tmp_path_factory):
    """ns and other have app-v1; ns also app-v2 and, on SNP, app-v1 and app-v2."""
    cluster.wait_ready()
    for ns in ("ns", "other"):
        cluster.guardian("namespace", "create", ns)
        cluster.guardian("measurement", "add", ns, "--sim-measurement", "app-v1")
    cluster.guardian("namespace", "create", "split", "--mode", "threshold")
    cluster.guardian("measurement", "add", "split", "--sim-measurement", "app-v1")
    cluster.guardian("measurement", "add", "ns", "--sim-measurement", "app-v2")
    for app in ("app-v1", "app-v2"):
        cluster.guardian("measurement", "add", "ns", "--sim-measurement", app, "--sim-platform",
                         "snp")
    cluster.folder_of = tmp_path_factory.mktemp
    return cluster


@pytest.fixture(scope="module")
def member(world):
    """A workload that is registered in ns."""
    one = Workload(world.folder_of("member"))
    one.enroll(world, "ns")
    return one


@pytest.fixture
def fresh(world):
    return Workload(world.folder_of("fresh"))


# --- phase 1 -----------------------------------------------------------------------------------


def register(world, text, ns="ns"):
    return world.post(0, f"/attestation/{ns}/register", {"evidence": text})


def test_an_unknown_measurement(world):
    text = evidence("tdx", "nobody-knows-this", "m", ZERO + b"\1" * 32)
    refused(register(world, text), 403, "MeasurementNotFound")


def test_tdx_without_an_instance_id(world):
    refused(register(world, evidence("tdx", "app-v1", "m", ZERO + ZERO)), 409, "IdentityRequired")


def test_a_guest_that_can_be_debugged(world, fresh):
    refused(register(world, fresh.evidence(options=["debug"])), 403, "DebugModeNotAllowed")


def test_a_challenge_part_that_is_not_zero(world, fresh):
    refused(register(world, fresh.evidence(b"\1" * 32)), 401, "NonceMismatch")


@pytest.mark.parametrize("at", [48, 48 + 136, 48 + 520, 636 + 2])
def test_a_quote_with_a_flipped_bit(world, fresh, at):
    answer = register(world, broken(fresh.evidence(), at))
    refused(answer, 400, answer.code if answer.code == "FormatInvalid" else "SignatureInvalid")


def test_a_report_with_a_flipped_bit(world):
    text = evidence("snp", "app-v1", "m", ZERO + ZERO)
    refused(register(world, broken(text, 0x90)), 400, "SignatureInvalid")


def forged(der):
    """The certificate with one bit of its signature changed: the end of its DER."""
    return der[:-1] + bytes([der[-1] ^ 1])


def test_a_certificate_of_the_quote_that_its_issuer_did_not_sign(world, fresh):
    raw = base64.b64decode(fresh.evidence())
    begin, end = b"-----BEGIN CERTIFICATE-----\n", b"-----END CERTIFICATE-----"
    at, to = raw.index(begin) + len(begin), raw.index(end)
    der = forged(base64.b64decode(raw[at:to]))
    lines = base64.b64encode(der)
    lines = b"".join(lines[i:i + 64] + b"\n" for i in range(0, len(lines), 64))
    assert len(lines) == to - at
    text = base64.b64encode(raw[:at] + lines + raw[to:]).decode()
    refused(register(world, text), 400, "ChainInvalid")


def test_a_certificate_of_the_report_that_its_issuer_did_not_sign(world):
    raw = base64.b64decode(evidence("snp", "app-v1", "m", ZERO + ZERO))
    vcek = next(raw[at:] for at in range(1184, len(raw)) if raw[at:at + 2] == b"\x30\x82")
    vcek = vcek[:4 + int.from_bytes(vcek[2:4], "big")]
    text = base64.b64encode(raw.replace(vcek, forged(vcek))).decode()
    refused(register(world, text), 400, "ChainInvalid")


POLICIES = [
    ("tdx", {"mrtd": "11" * 48}, "FirmwareMismatch", "mrtd"),
    ("tdx", {"mr_config_id": "11" * 48}, "HostDataMismatch", "mr_config_id"),
    ("tdx", {"minimum_tcb": {"seam_svn": 200}}, "TcbTooOld", "seam_svn"),
    ("tdx", {"allowed_tcb_status": ["OutOfDate"]}, "TcbStatusNotAllowed", "tcb_status"),
    ("tdx", {"platform_constraints": {"allowed_cpu_models": [{"family": 6, "model": 1}]}},
     "CpuModelNotAllowed", "cpu model"),
    ("tdx", {"platform_constraints": {"allowed_vendor_ids": ["11" * 16]}}, "VendorNotAllowed",
     "vendor_id"),
    ("tdx", {"platform_constraints": {"mr_seam": "11" * 48}}, "SeamNotAllowed", "mr_seam"),
    ("snp", {"minimum_tcb": {"microcode_svn": 255}}, "TcbTooOld", "microcode_svn"),
    ("snp", {"platform_constraints": {"allowed_chip_ids": ["11" * 64]}}, "ChipNotAllowed",
     "chip_id"),
    ("snp", {"platform_constraints": {"require_smt_disabled": True}}, "SmtMustBeDisabled", "smt"),
    ("snp", {"platform_constraints": {"required_vmpl": 1}}, "VmplMismatch", "vmpl"),
    ("snp", {"platform_constraints": {"id_key_digest": "11" * 48}}, "IdKeyMismatch",
     "id_key_digest"),
    ("snp", {"platform_constraints": {"author_key_digest": "11" * 48}}, "AuthorKeyMismatch",
     "author_key_digest"),
]


@pytest.mark.parametrize("platform,demand,code,names", POLICIES, ids=[p[2] + "-" + p[0] for p in POLICIES])
def test_what_a_record_demands(world, tmp_path, platform, demand, code, names):
    """Genuine evidence of listed software; its record demands something else of the machine."""
    software = f"demanding-{code}-{platform}"
    text = evidence(platform, software, "m", ZERO + (b"\1" * 32 if platform == "tdx" else ZERO))
    (tmp_path / "evidence").write_text(text)
    claims = world.guardian_json("evidence", "show", tmp_path / "evidence")["claims"]
    registers = ("mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3") if platform == "tdx" else ("measurement",)
    record = {"platform": "tdx" if platform == "tdx" else "sev_snp",
              "data": {**{name: claims[name] for name in registers}, **demand}}
    (tmp_path / "record").write_text(json.dumps(record))
    world.guardian("measurement", "add", "ns", "--record", tmp_path / "record")
    assert names in refused(register(world, text), 403, code)["detail"]


@pytest.mark.parametrize("text", ["", "%%%", "AAAA", base64.b64encode(bytes(1184)).decode(),
                                  base64.b64encode(b"\4\0\2\0\x81\0\0\0" + bytes(700)).decode()],
                         ids=["nothing", "no base64", "short", "zero report", "zero quote"])
def test_what_is_no_evidence_at_all(world, text):
    refused(register(world, text), 400, "FormatInvalid")


def test_a_quote_cut_short(world, fresh):
    raw = base64.b64decode(fresh.evidence())
    for n in (47, 631, 636, len(raw) - 1):
        refused(register(world, base64.b64encode(raw[:n]).decode()), 400, "FormatInvalid")


@pytest.mark.parametrize("ns", ["nowhere", "guardian", "NS", "a" * 63, "a_b", "-a"])
@pytest.mark.parametrize("phase", ["register", "verify"])
def test_a_namespace_that_does_not_exist(world, fresh, ns, phase):
    answer = world.post(0, f"/attestation/{ns}/{phase}", {"evidence": fresh.evidence()})
    refused(answer, 404, "NotFound")


def test_an_id_of_another_measurement(world, member):
    text = evidence("tdx", "app-v2", "another", ZERO + member.instance)
    refused(register(world, text), 409, "IdentityConflict")
    assert world.get(0, "/keys/ns/db", client=member.client).status == 200


def test_a_report_id_of_another_measurement(world):
    first = Workload(world.folder_of("snp"), platform="snp", machine="one machine")
    first.enroll(world, "ns")
    second = Workload(world.folder_of("snp"), software="app-v2", platform="snp",
                      machine="one machine")
    refused(second.register(world, "ns"), 409, "IdentityConflict")
    assert world.get(1, "/keys/ns/db", client=first.client).status == 200


# --- phase 2 -----------------------------------------------------------------------------------


def challenge(world, one, i=0):
    answer = one.register(world, "ns", i)
    assert answer.status == 200, answer
    return answer.json()


def test_a_challenge_is_answered_for_its_key_alone(world, fresh):
    said = challenge(world, fresh)
    refused(fresh.verify(world, "ns", dict(said, challenge="11" * 32)), 401, "NonceMismatch")
    other = Workload(world.folder_of("other"))
    refused(fresh.verify(world, "ns", said, csr=other.csr), 401, "NonceMismatch")
    refused(fresh.verify(world, "ns", said, evidence=fresh.evidence(
        bytes.fromhex(said["challenge"]))), 401, "NonceMismatch")
    assert fresh.verify(world, "ns", said).status == 200


def test_a_challenge_is_used_once(world, fresh):
    said = challenge(world, fresh)
    assert fresh.verify(world, "ns", said).status == 200
    refused(fresh.verify(world, "ns", said), 401, "NonceMismatch")
    refused(fresh.verify(world, "ns", said, i=1), 401, "NonceMismatch")


def test_a_token_of_another_instance(world, fresh):
    said = challenge(world, fresh)
    other = Workload(world.folder_of("other"))
    refused(other.verify(world, "ns", said), 401, "NonceMismatch")


def test_a_token_of_another_namespace(world, fresh):
    said = fresh.register(world, "other").json()
    refused(fresh.verify(world, "ns", said), 401, "NonceMismatch")


def test_nobody_has_registered(world, fresh):
    nothing = {"challenge": "22" * 32}
    refused(fresh.verify(world, "ns", nothing, token=False), 404, "NoPendingChallenge")
    challenge(world, fresh, i=0)
    refused(fresh.verify(world, "ns", nothing, i=1, token=False), 404, "NoPendingChallenge")


def test_other_software_in_the_second_phase(world, fresh):
    said = challenge(world, fresh)
    fresh.software = "app-v2"
    refused(fresh.verify(world, "ns", said), 403, "MeasurementMismatch")
    fresh.software = "nobody-knows-this"
    refused(fresh.verify(world, "ns", said), 403, "MeasurementNotFound")


def test_a_flipped_bit_in_the_second_phase(world, fresh):
    said = challenge(world, fresh)
    text = fresh.evidence(fresh.answer(said["challenge"]))
    refused(fresh.verify(world, "ns", said, evidence=broken(text, 48 + 136)), 400,
            "SignatureInvalid")


def test_an_instance_id_that_is_not_the_keys(world, fresh):
    fresh.instance = b"\7" * 32
    said = challenge(world, fresh)
    refused(fresh.verify(world, "ns", said), 422, "InvalidValue")


def test_requests_for_certificates_that_are_none(world, fresh):
    said = challenge(world, fresh)
    refused(fresh.verify(world, "ns", said, csr="nothing"), 422, "InvalidValue")
    lines = fresh.csr.splitlines()
    raw = bytearray(base64.b64decode("".join(lines[1:-1])))
    raw[-1] ^= 1
    text = base64.b64encode(raw).decode()
    forged = "\n".join([lines[0], *(text[i:i + 64] for i in range(0, len(text), 64)), lines[-1], ""])
    refused(fresh.verify(world, "ns", said, csr=forged), 400, "SignatureInvalid")
    rsa = run("openssl", "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "/dev/null",
              "-subj", "/CN=x").stdout
    refused(fresh.verify(world, "ns", said, csr=rsa), 422, "InvalidValue")


def test_wrap_keys_that_are_none(world, fresh):
    said = challenge(world, fresh)
    point = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    for wrap in (point, dict(point, crv="P-384"), {"kty": "oct", "k": "AAAA"}, {}):
        refused(fresh.verify(world, "ns", said, wrap_key=wrap), 422, "InvalidValue")
    body = {"evidence": fresh.evidence(), "wrap_key": point}
    refused(world.post(0, "/attestation/ns/verify", body), 422, "InvalidValue")


def test_a_token_that_is_none(world, fresh):
    said = challenge(world, fresh)
    for token in ("", "AAAA", "not base64 %", said["challenge_token"] + "AAAA"):
        refused(fresh.verify(world, "ns", said, challenge_token=token), 422, "InvalidValue")


# --- form of requests --------------------------------------------------------------------------

FORMS = [
    ("unknown field", b'{"evidence":"AAAA","surprise":1}', 400, "Malformed"),
    ("missing field", b'{}', 400, "Malformed"),
    ("duplicate key", b'{"evidence":"AAAA","evidence":"AAAA"}', 400, "Malformed"),
    ("wrong type", b'{"evidence":1}', 400, "Malformed"),
    ("null", b'{"evidence":null}', 400, "Malformed"),
    ("no object", b'["evidence"]', 400, "Malformed"),
    ("trailing bytes", b'{"evidence":"AAAA"} x', 400, "Malformed"),
    ("trailing object", b'{"evidence":"AAAA"}{}', 400, "Malformed"),
    ("cut short", b'{"evidence":"AAAA"', 400, "Malformed"),
    ("empty", b'', 400, "Malformed"),
    ("not UTF-8", b'{"evidence":"\xff\xfe"}', 400, "Malformed"),
    ("too deep", b'[' * 5000 + b']' * 5000, 400, "Malformed"),
    ("2 MiB", b'{"evidence":"' + b"A" * (2 << 20) + b'"}', 413, "TooLarge"),
]


@pytest.mark.parametrize("what,body,status,code", FORMS, ids=[f[0] for f in FORMS])
@pytest.mark.parametrize("path", ["/attestation/ns/register", "/attestation/ns/verify",
                                  "/proposals"])
def test_the_form_of_a_body(world, path, what, body, status, code):
    headers = {"Content-Type": "application/json"}
    refused(world.post(0, path, body, headers=headers), status, code)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "application/jsonx", "application/jose+json", None])
def test_another_media_type(world, kind):
    headers = {"Content-Type": kind} if kind else {}
    refused(world.post(0, "/attestation/ns/register", b'{"evidence":"AAAA"}', headers=headers),
            415, "UnsupportedMediaType")


@pytest.mark.parametrize("method,path,allow", [
    ("PUT", "/ca/root.pem", {"GET", "HEAD"}), ("DELETE", "/keys/ns/db", {"GET", "HEAD"}),
    ("GET", "/attestation/ns/register", {"POST"}), ("PATCH", "/proposals", {"GET", "HEAD", "POST"})])
def test_another_method(world, method, path, allow):
    answer = world.request(0, method, path)
    refused(answer, 405, "MethodNotAllowed")
    said = {word.strip() for word in answer.headers["Allow"].split(",")}
    assert said <= allow and said >= allow - {"HEAD"}, said


@pytest.mark.parametrize("path", ["/", "/no/such", "/attestation", "/keys/ns", "/ca/nowhere.pem",
                                  "/ca/nowhere/crl.pem", "/measurements/nowhere",
                                  "/measurements/ns/" + "00" * 32, "/proposals/" + "00" * 32,
                                  "/receipts/999999999/0", "/receipts/1/x", "/namespaces/nowhere"])
def test_what_is_not_there(world, path):
    refused(world.get(0, path), 404, "NotFound")


def test_an_unlisted_measurement_has_the_published_words(world):
    assert world.get(0, "/measurements/ns/" + "00" * 32).json()["error"] == "Measurement not found"


@pytest.mark.parametrize("nonce", ["zz" * 32, "00" * 8])
def test_a_nonce_that_is_none(world, nonce):
    refused(world.get(0, f"/guardian_node/attestation/{nonce}"), 422, "InvalidValue")


# --- keys --------------------------------------------------------------------------------------


def test_keys_need_a_client_certificate(world):
    refused(world.get(0, "/keys/ns/db"), 401, "Unauthenticated")


def test_keys_need_a_certificate_of_their_namespace(world, member):
    refused(world.get(0, "/keys/other/db", client=member.client), 403, "NotAllowed")


def test_a_certificate_of_somebody_else_is_no_credential(world, tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", key, "-out", cert, "-subj", "/CN=x", "-days", "2")
    try:
        answer = world.get(0, "/keys/ns/db", client=(cert, key))
    except OSError:
        return  # refused in the handshake, as any server may
    refused(answer, 401, "Unauthenticated")


@pytest.mark.parametrize("name", ["a%20b", "a%00b", "a%ff", "/".join("abcdefghi"), "a//b", "..%2fa"])
def test_names_that_are_none(world, member, name):
    answer = world.get(0, f"/keys/ns/{name}", client=member.client)
    assert (answer.status, answer.code) in ((422, "InvalidValue"), (404, "NotFound"),
                                            (400, "Malformed")), answer
    refused(answer, answer.status, answer.code)


def test_the_longest_name_is_served(world, member):
    assert world.get(0, "/keys/ns/" + "a" * 255, client=member.client).status == 200
    answer = world.get(0, "/keys/ns/" + "a" * 256, client=member.client)
    assert answer.status in (404, 422), answer
    assert world.get(0, "/keys/ns/" + "/".join("abcdefgh"), client=member.client).status == 200


@pytest.mark.parametrize("query,status,code", [
    ("purpose=a%20b", 422, "InvalidValue"), ("purpose=%21", 422, "InvalidValue"),
    ("purpose=a/b", 422, "InvalidValue"), ("version=2", 404, "NotFound"),
    ("version=x", 404, "NotFound")])
def test_queries_that_are_none(world, member, query, status, code):
    refused(world.get(0, f"/keys/ns/db?{query}", client=member.client), status, code)


def test_a_query_nobody_knows(world, member):
    answer = world.get(0, "/keys/ns/db?surprise=1", client=member.client)
    assert 400 <= answer.status < 500, answer
    refused(answer, answer.status, answer.code)


def test_a_namespace_without_an_issuing_key_is_not_ready(world):
    """Threshold namespaces derive nothing yet, so no guardian issues for them."""
    one = Workload(world.folder_of("split"))
    said = one.register(world, "split").json()
    refused(one.verify(world, "split", said), 503, "NotReady")


# --- administration ----------------------------------------------------------------------------

CREATE = {"type": "namespace.create", "namespace": "fine", "mode": "sealed", "dns": [], "ip": []}
SEAT = {"operator": "x", "vendor": "intel", "platform_id": "00" * 16,
        "addresses": {"peer": "127.0.0.1:1", "api": "127.0.0.1:2"}}


def propose(world, change, **more):
    more.setdefault("expires", int(time.time()) + 60)
    return world.post(0, "/proposals", proposal(world, change, **more))


CHANGES = [
    (dict(CREATE, namespace="guardian"), 422, "InvalidValue"),
    (dict(CREATE, namespace="a_b"), 422, "InvalidValue"),
    (dict(CREATE, namespace=""), 422, "InvalidValue"),
    (dict(CREATE, namespace="ns"), 422, "InvalidValue"),
    (dict(CREATE, mode="open"), 422, "InvalidValue"),
    (dict(CREATE, dns=["a b"]), 422, "InvalidValue"),
    (dict(CREATE, dns=[1]), 400, "Malformed"),
    (dict(CREATE, ip=["10.0.0.0/33"]), 422, "InvalidValue"),
    (dict(CREATE, surprise=1), 400, "Malformed"),
    (dict(CREATE, mode=1), 400, "Malformed"),
    ({"type": "no.such"}, 422, "InvalidValue"),
    ({}, 400, "Malformed"),
    ({"type": "measurement.revoke", "namespace": "ns", "measurement_hash": "00" * 32}, 404,
     "NotFound"),
    ({"type": "measurement.revoke", "namespace": "nowhere", "measurement_hash": "00" * 32}, 404,
     "NotFound"),
    ({"type": "measurement.add", "namespace": "ns", "record": {"platform": "tdx", "data": {}}},
     400, "Malformed"),
    ({"type": "measurement.add", "namespace": "ns", "record": {"platform": "z80", "data": {}}},
     422, "InvalidValue"),
    ({"type": "seat.add", "seat": dict(SEAT, gid=1)}, 422, "InvalidValue"),
    ({"type": "seat.add", "seat": dict(SEAT, platform_id="00")}, 422, "InvalidValue"),
    ({"type": "seat.add", "seat": dict(SEAT, addresses={"peer": "x", "api": "y"})}, 422,
     "InvalidValue"),
]


@pytest.mark.parametrize("change,status,code", CHANGES, ids=range(len(CHANGES)))
def test_changes_that_cannot_be(world, change, status, code):
    refused(propose(world, change), status, code)


def test_deadlines_of_proposals(world):
    refused(propose(world, CREATE, expires=int(time.time()) - 60), 422, "InvalidValue")
    refused(propose(world, CREATE, expires=int(time.time()) + 400 * 86400), 422, "InvalidValue")
    refused(propose(world, CREATE, expires=0), 422, "InvalidValue")


def test_signatures_of_proposals(world):
    good = proposal(world, CREATE, int(time.time()) + 60)
    text = canonical({"root_id": world.health(0)["root_id"], "change": CREATE,
                      "expires": good["expires"], "nonce": good["nonce"]})
    stranger = dict(sign(world, 1, text), admin="00" * 16)
    refused(world.post(0, "/proposals", dict(good, signatures=[stranger])), 403, "NotAllowed")
    swapped = dict(sign(world, 1, text), admin=sign(world, 2, text)["admin"])
    refused(world.post(0, "/proposals", dict(good, signatures=[swapped])), 400, "SignatureInvalid")
    changed = dict(good, change=dict(CREATE, namespace="finer"))
    refused(world.post(0, "/proposals", changed), 400, "SignatureInvalid")
    short = dict(sign(world, 1, text), signature="AAAA")
    refused(world.post(0, "/proposals", dict(good, signatures=[short])), 422, "InvalidValue")
    refused(world.post(0, "/proposals", dict(good, signatures=[])), 422, "InvalidValue")
    of_another = proposal(world, CREATE, int(time.time()) + 60, root_id="00" * 32)
    refused(world.post(0, "/proposals", of_another), 400, "SignatureInvalid")


def test_one_administrator_is_not_enough_and_twice_is_still_one(world):
    change = dict(CREATE, namespace="later")
    first = proposal(world, change, int(time.time()) + 60, admins=(1,))
    said = world.post(0, "/proposals", first)
    assert said.status == 200 and (said.json()["have"], said.json()["need"]) == (1, 2), said
    refused(world.post(0, "/proposals", first), 422, "InvalidValue")
    assert b'"later"' not in world.get(0, "/namespaces").body
    where = f"/proposals/{said.json()['proposal_id']}/approve"
    refused(world.post(0, where, {"signatures": first["signatures"]}), 422, "InvalidValue")
    text = canonical({"root_id": world.health(0)["root_id"], "change": change,
                      "expires": first["expires"], "nonce": first["nonce"]})
    assert world.post(1, where, {"signatures": [sign(world, 3, text)]}).status == 200
    assert b'"later"' in world.get(1, "/namespaces").body
    refused(world.post(1, where, {"signatures": [sign(world, 2, text)]}), 422, "InvalidValue")


def test_a_nonce_is_used_once(world):
    nonce = "5a" * 16
    assert propose(world, dict(CREATE, namespace="first"), nonce=nonce).status == 200
    refused(propose(world, dict(CREATE, namespace="second"), nonce=nonce), 422, "InvalidValue")


def test_a_proposal_nobody_made(world):
    refused(world.post(0, f"/proposals/{'00' * 32}/approve", {"signatures": []}), 404, "NotFound")


# --- moments -----------------------------------------------------------------------------------


def test_a_revoked_measurement_stops_keys_and_registrations_everywhere(world):
    record = {"--sim-measurement": "doomed"}
    world.guardian("measurement", "add", "ns", *sum(record.items(), ()))
    one = Workload(world.folder_of("doomed"), software="doomed")
    said = one.enroll(world, "ns")
    assert all(world.get(i, "/keys/ns/db", client=one.client).status == 200 for i in range(3))
    world.guardian("measurement", "revoke", "ns", said["measurement_hash"])
    for i in range(3):
        wait_until(lambda i=i: world.get(i, "/keys/ns/db", client=one.client).status != 200,
                   IN_FORCE_S, "keys stop")
        refused(world.get(i, "/keys/ns/db", client=one.client), 403, "MeasurementRevoked")
        refused(one.register(world, "ns", i), 403, "MeasurementRevoked")
        listed = world.get(i, f"/measurements/ns/{said['measurement_hash']}").json()
        assert listed["revoked_at"] > 0
    change = {"type": "measurement.revoke", "namespace": "ns",
              "measurement_hash": said["measurement_hash"]}
    refused(propose(world, change), 422, "InvalidValue")


def test_a_guardian_that_is_no_member_yet(world, fresh):
    world.guardian("dev", "add")
    wait_until(lambda: world.observe(3, "/health").status == 200, 10, "the newcomer runs")
    body = {"evidence": fresh.evidence()}
    for path in ("/attestation/ns/register", "/attestation/ns/verify"):
        refused(world.post(3, path, body, trust=False), 503, "NotMember")
    refused(world.get(3, "/ca/root.pem", trust=False), 503, "NotMember")
    assert not world.ready(3)


def test_without_a_quorum_nothing_is_released_or_decided(make_cluster, tmp_path):
    three = make_cluster(guardians=3)
    three.wait_ready()
    three.guardian("namespace", "create", "ns")
    three.guardian("measurement", "add", "ns", "--sim-measurement", "app-v1")
    one = Workload(tmp_path / "w")
    one.enroll(three, "ns")
    three.kill(1)
    three.kill(2)
    wait_until(lambda: three.get(0, "/keys/ns/db", client=one.client).status != 200, IN_FORCE_S,
               "the lease ends")
    for answer in (three.get(0, "/keys/ns/db", client=one.client), one.register(three, "ns")):
        refused(answer, 503, "StaleView")
    answer = three.post(0, "/proposals", proposal(three, CREATE, int(time.time()) + 60), timeout=20)
    refused(answer, 503, "NoQuorum")
    assert three.health(0)["status"] != "LEADER" and not three.ready(0)


def test_a_flood_is_slowed_down_with_the_time_to_wait(world):
    connection = http.client.HTTPSConnection("127.0.0.1", world.port(2), timeout=10,
                                             context=world.tls())
    statuses = []
    try:
        for _ in range(3000):
            connection.request("POST", "/attestation/ns/register", b"{",
                               {"Content-Type": "application/json"})
            answer = Answer(connection.getresponse())
            statuses.append(answer.status)
            if answer.status == 429:
                refused(answer, 429, "RateLimited")
                break
    finally:
        connection.close()
    assert statuses[-1] == 429 and len(statuses) > 100, statuses[-1]
