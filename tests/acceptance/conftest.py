"""Fixtures: clusters that end with their test. `cluster` is shared by the tests of one file that
don't harm it; `make_cluster` makes one to break."""
import shutil
import tempfile

import pytest

from cluster import GUARDIAN, GUARDIAND, Cluster


def pytest_collection_modifyitems(items):
    if GUARDIAN.exists() and GUARDIAND.exists():
        return
    for item in items:
        if "needs_daemon" in item.keywords or {"cluster", "make_cluster"} & set(item.fixturenames):
            item.add_marker(pytest.mark.skip(reason="guardiand is not built"))


def pytest_configure(config):
    config.addinivalue_line("markers", "needs_daemon: needs the built programs")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failing test shows the end of its guardians' logs."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            for one in getattr(value, "made", [value]):
                if isinstance(one, Cluster):
                    report.sections.append(("guardians", one.logs()))


class Maker:
    """Called, makes a cluster in a new folder."""

    def __init__(self):
        self.made = []

    def __call__(self, **settings):
        # Not pytest's tmp_path: paths of sockets are short, and failures keep their logs in the report.
        folder = tempfile.mkdtemp(prefix="guardian-test-")
        cluster = Cluster(folder, **settings)
        self.made.append(cluster)
        return cluster

    def end(self):
        left = []
        for cluster in self.made:
            left += cluster.down()
            shutil.rmtree(cluster.dir, ignore_errors=True)
        assert not left, f"dev down left processes running: {left}"


@pytest.fixture
def make_cluster():
    maker = Maker()
    yield maker
    maker.end()


@pytest.fixture(scope="module")
def cluster():
    maker = Maker()
    yield maker(guardians=3, platforms=["tdx", "snp", "tdx"])
    maker.end()
