"""The documentation: its links and the files that it names exist, and its Python code parses."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "notebooks/*.md", "saved_models/**/*.md")
    for path in ROOT.glob(pattern)
)
each_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


@each_page
def test_links_lead_to_files(path):
    prose = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", prose)
    assert [target for target in targets if not (path.parent / target).exists()] == []


@each_page
def test_files_that_are_named_exist(path):
    named = re.findall(
        r"`((?:benchmarks|docs|tests|zoo)/[\w/]+\.\w+)", path.read_text(encoding="utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@each_page
def test_python_code_parses(path):
    for code in re.findall(r"^```python\n(.*?)^```$", path.read_text("utf-8"), re.M | re.S):
        ast.parse(code)


def test_the_first_page_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_every_page_of_docs_is_linked_from_the_first():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [
        path.name for path in PAGES if path.parent == ROOT / "docs" and path.name not in readme
    ] == []
