"""The helpers the other tests stand on."""
import socket
import subprocess
import sys

import pytest

from cluster import API, Cluster, free_base_port, run, wait_until


def test_a_taken_port_is_passed_by():
    base = free_base_port(2)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", base + 10 + API))
        taken.listen()
        assert free_base_port(2) != base


def test_a_failing_command_says_what_it_printed():
    with pytest.raises(AssertionError, match="exit 3\nwhy"):
        run(sys.executable, "-c", "print('why'); raise SystemExit(3)")


def test_a_wait_ends_and_says_what_it_saw():
    with pytest.raises(AssertionError, match="never: not within 0.2 s; last seen: 0"):
        wait_until(lambda: 0, 0.2, "never")


def test_processes_of_a_folder_are_found_and_ended(tmp_path):
    here = Cluster.__new__(Cluster)
    here.dir = tmp_path
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)",
                                str(tmp_path / "x")])
    try:
        assert wait_until(here.processes, 5, "seen") == [process.pid]
        elsewhere = Cluster.__new__(Cluster)
        elsewhere.dir = tmp_path.with_name(tmp_path.name[:-1])
        assert elsewhere.processes() == []
    finally:
        process.kill()
        process.wait()
    assert here.processes() == []
