"""What the documents name is there, and what is there is named."""
import re

import pytest

from cluster import ROOT, run

PAGES = sorted((ROOT / "man").glob("*.[1-8]"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_a_manual_page_has_no_mistakes(page):
    if run("sh", "-c", "command -v man", check=False).returncode:
        pytest.skip("man is not installed")
    done = run("man", "--warnings", "-l", page, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    assert done.stderr == ""


def test_every_key_of_the_configuration_is_in_its_manual():
    source = (ROOT / "src/prog/guardiand/config_yaml.c").read_text()
    keys = re.findall(r'\b(?:TEXT|CYAML_FIELD_\w+)\("(\w+)"', source)
    assert len(keys) > 10
    manual = (ROOT / "man/guardian.yaml.5").read_text()
    for key in keys:
        assert re.search(rf"^\.(B|BR) {key}\b", manual, re.M), key


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "STYLE.md",
                                  "SECURITY.md", "PROTOCOL/README.md"])
def test_files_a_document_names_exist(name):
    text = (ROOT / name).read_text()
    for path in re.findall(r"`((?:src|tests|tools|PROTOCOL|man|bench)/[\w./*-]*|[A-Z]+\.md)`", text):
        if not any(c in path for c in "*N"):
            assert (ROOT / path).exists(), path


def test_every_target_of_the_makefile_is_in_its_help():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.M).group(1).split()
    said = run("make", "-C", ROOT, "help").stdout
    for target in targets:
        assert f"make {target} " in said, target


def test_every_format_is_listed():
    listed = (ROOT / "PROTOCOL/README.md").read_text()
    for page in (ROOT / "PROTOCOL").glob("*.md"):
        assert page.name == "README.md" or f"`{page.name}`" in listed
