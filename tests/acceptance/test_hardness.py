"""Clients that misbehave are refused or closed, and another client is served all the while."""
import contextlib
import resource
import socket
import ssl
import threading
import time

import pytest

# The contract's limits with some room for a busy machine.
HEAD_S, HANDSHAKE_S, ROOM_S = 5, 5, 6
HEAD_BYTES = 16384
PER_ADDRESS, HALF_OPEN = 256, 64


def plain(cluster, i=0):
    return socket.create_connection(("127.0.0.1", cluster.port(i)), timeout=HEAD_S + ROOM_S)


def secure(cluster, i=0):
    context = cluster.tls()
    return context.wrap_socket(plain(cluster, i), server_hostname="localhost")


def read_all(sock):
    """What the guardian says until it closes; a reset is a close."""
    said = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError, ssl.SSLError):
        while more := sock.recv(65536):
            said += more
    return said


def push(sock, data):
    """Sends what the guardian still takes."""
    with contextlib.suppress(OSError):
        sock.sendall(data)


@pytest.fixture
def somebody_else(cluster):
    """Another client, whose every request must be answered while the test goes on."""
    cluster.wait_ready()
    stop, times, faults = threading.Event(), [], []

    def ask():
        while not stop.wait(0.1):
            begin = time.monotonic()
            try:
                answer = cluster.get(0, "/ca/root.pem", timeout=5)
                assert answer.status == 200, answer
                times.append(time.monotonic() - begin)
            except (OSError, AssertionError) as fault:
                faults.append(fault)

    thread = threading.Thread(target=ask)
    thread.start()
    yield
    stop.set()
    thread.join()
    assert not faults, faults[:3]
    assert len(times) >= 2


def pause():
    """Long enough for the other client to be served during the test."""
    time.sleep(0.5)


def closed_in_time(sock, limit):
    begin = time.monotonic()
    said = read_all(sock)
    assert time.monotonic() - begin < limit + ROOM_S
    return said


def test_a_slow_header_is_closed(cluster, somebody_else):
    with secure(cluster) as sock:
        begin = time.monotonic()
        push(sock, b"GET /ca/root.pem HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        sock.settimeout(0.3)
        said, over = b"", False
        while not over and time.monotonic() - begin < HEAD_S + ROOM_S:
            push(sock, b"a")
            try:
                more = sock.recv(4096)
                said += more
                over = not more
            except TimeoutError:
                continue
            except OSError:
                over = True
        assert over, "bytes that drip in must not move the deadline"
        assert b" 200 " not in said


def client_hello(cluster):
    hello = ssl.MemoryBIO()
    half = cluster.tls().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        half.do_handshake()
    return hello.read()


def test_half_a_handshake_is_closed(cluster, somebody_else):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(plain(cluster)) for _ in range(20)]
        started = [stack.enter_context(plain(cluster)) for _ in range(20)]
        first = client_hello(cluster)
        for sock in started[:10]:
            push(sock, first)  # a whole ClientHello, and nothing after it
        for sock in started[10:]:
            push(sock, first[:40])
        begin = time.monotonic()
        for sock in silent + started:
            closed_in_time(sock, HANDSHAKE_S)
        assert time.monotonic() - begin < HANDSHAKE_S + ROOM_S


@pytest.mark.parametrize("words", [b"\x00" * 100, b"GET /ca/root.pem HTTP/1.1\r\n\r\n",
                                   b"\x16\x03\x01\xff\xff" + b"x" * 1000],
                         ids=["zeros", "plain HTTP", "an oversize record"])
def test_what_is_no_tls_is_closed(cluster, somebody_else, words):
    with plain(cluster) as sock:
        push(sock, words)
        assert b"HTTP/1.1 200" not in closed_in_time(sock, HANDSHAKE_S)
    pause()


GARBAGE = [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
           b"GET / HTTP/1.1\nHost x\r\n\r\n", b"GET  /  HTTP/1.1\r\n\r\n",
           b"POST /proposals HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
           b"POST /proposals HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
           b"POST /proposals HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
           b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           b"POST /proposals HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
           b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"]


@pytest.mark.parametrize("words", GARBAGE, ids=range(len(GARBAGE)))
def test_what_is_no_http_is_refused_and_closed(cluster, somebody_else, words):
    with secure(cluster) as sock:
        push(sock, words)
        said = closed_in_time(sock, HEAD_S)
    assert not said or said.startswith(b"HTTP/1.1 4"), said[:200]
    pause()


def test_garbage_behind_a_good_request(cluster, somebody_else):
    good = b"GET /ca/root.pem HTTP/1.1\r\nHost: x\r\n\r\n"
    with secure(cluster) as sock:
        push(sock, good + good + b"\x07garbage\r\n\r\n" + good)
        said = closed_in_time(sock, HEAD_S)
    assert said.count(b"HTTP/1.1 200") == 2, said[:100]
    assert said.count(b"HTTP/1.1 4") == 1 and b"HTTP/1.1 5" not in said
    pause()


@pytest.mark.parametrize("head", [
    b"GET /ca/root.pem HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * (HEAD_BYTES + 1000) + b"\r\n\r\n",
    b"GET /ca/root.pem HTTP/1.1\r\nHost: x\r\n" + b"X-Many: 1\r\n" * 500 + b"\r\n",
    b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"], ids=["long", "many", "target"])
def test_headers_that_are_too_large(cluster, somebody_else, head):
    with secure(cluster) as sock:
        push(sock, head)
        said = closed_in_time(sock, HEAD_S)
    assert said.startswith(b"HTTP/1.1 413") and b'"TooLarge"' in said, said[:200]
    pause()


def test_a_body_that_is_announced_and_too_large_is_not_waited_for(cluster, somebody_else):
    with secure(cluster) as sock:
        push(sock, b"POST /attestation/ns/register HTTP/1.1\r\nHost: x\r\nContent-Type: "
                   b"application/json\r\nContent-Length: 999999999\r\n\r\n")
        said = closed_in_time(sock, HEAD_S)
    assert said.startswith(b"HTTP/1.1 413"), said[:200]
    pause()


def is_held(sock):
    """The guardian has not closed it. What it said to a ClientHello may have come."""
    sock.setblocking(False)
    try:
        while sock.recv(65536):
            pass
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


@pytest.mark.parametrize("said", ["nothing", "a ClientHello"])
@pytest.mark.parametrize("addresses", [1, 5], ids=["one address", "five"])
def test_half_open_connections_keep_nobody_waiting(cluster, addresses, said):
    """More than an address may have, of five more than all may; while they are held, others and
    even the same address are served, and not because a deadline freed a place."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    cluster.wait_ready()
    held, hello = [], client_hello(cluster)
    with contextlib.ExitStack() as stack:
        for i in range(addresses * (PER_ADDRESS + 20)):
            sock = stack.enter_context(socket.create_connection(
                ("127.0.0.1", cluster.port(0)), timeout=5,
                source_address=(f"127.0.0.{3 + i % addresses}", 0)))
            if said == "a ClientHello":
                push(sock, hello)
            held.append(sock)
        newest = time.monotonic()
        for source in ("127.0.0.2", "127.0.0.3", "127.0.0.2"):
            assert cluster.get(0, "/ca/root.pem", timeout=HANDSHAKE_S, source=source).status == 200
        still = sum(is_held(sock) for sock in held)
        assert time.monotonic() - newest < HANDSHAKE_S, "too slow to tell: a deadline passed"
    assert 1 <= still <= addresses * HALF_OPEN


@pytest.mark.parametrize("body,status,code", [
    (b'{"evidence":"AAAA","surprise":1}', 400, "Malformed"),
    (b'{"evidence":"AAAA","evidence":"AAAA"}', 400, "Malformed"),
    (b'{"evidence":1}', 400, "Malformed"),
    (b'[' * 100000, 400, "Malformed"),
    (b'{"evidence":"' + b"A" * (2 << 20) + b'"}', 413, "TooLarge")],
    ids=["unknown field", "duplicate key", "wrong type", "deep", "2 MiB"])
def test_bodies_that_are_refused_again_and_again(cluster, somebody_else, body, status, code):
    for _ in range(20):
        answer = cluster.post(0, "/attestation/ns/register", body,
                              headers={"Content-Type": "application/json"})
        assert (answer.status, answer.code) == (status, code), answer
    pause()


def test_clients_that_vanish(cluster, somebody_else):
    """In every phase, with and without a goodbye."""
    request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    for cut in (0, 10, len(request)):
        for _ in range(20):
            sock = secure(cluster)
            push(sock, request[:cut])
            # RST instead of FIN.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
    for _ in range(20):
        plain(cluster).close()
    pause()
    assert cluster.ready(0)


def test_who_does_not_read_is_given_up(cluster, somebody_else):
    """Answers pile up at a client that sends and never reads; the others don't notice."""
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with secure(cluster) as sock:
        sock.settimeout(1)
        push(sock, request * 2000)
        pause()
        assert cluster.get(0, "/ca/root.pem").status == 200


def test_the_peers_listener_serves_no_stranger(cluster, somebody_else):
    with socket.create_connection(("127.0.0.1", cluster.port(0, 4)), timeout=12) as sock:
        push(sock, b"GET / HTTP/1.1\r\n\r\n")
        assert b"200" not in closed_in_time(sock, HANDSHAKE_S)
    pause()
    assert cluster.ready(0)


def test_all_guardians_are_as_they_were(cluster):
    """No process was lost to any of the above."""
    for i in range(cluster.count):
        assert cluster.ready(i)
        log = (cluster.folder(i) / "log").read_text()
        assert " error " not in log, [line for line in log.splitlines() if " error " in line]
