"""A wheel is enough: it has the pages and what they show, and its requirements allow what is pinned and tested."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
SOURCES = ("ddlab", "pages", "assets", "examples", ".streamlit")
FILES = ("app.py", "setup.py", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")
NOT_SOURCES = shutil.ignore_patterns("__pycache__", "*.pyc", "_app")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """A wheel that was built from a copy of the checkout, unpacked as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=NOT_SOURCES)
    for name in FILES:
        shutil.copy(ROOT / name, folder / "source" / name)
    build = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), "."]
    done = subprocess.run([sys.executable, *build], cwd=folder / "source", capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def python(site, folder, code, **environment):
    """Run code with the unpacked wheel, outside the checkout and with nothing of it in the way."""
    given = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site), "DDLAB_HOME": str(folder / "home"), "HOME": str(folder)}
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(
        command, cwd=folder, env={**given, **environment}, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_everything_that_is_shipped_is_in_the_wheel(unpacked):
    for name in ("pages", "assets", "examples", ".streamlit"):
        for path in (ROOT / name).rglob("*"):
            if path.is_file() and path.suffix != ".pyc" and ".ipynb_checkpoints" not in path.parts:
                assert (unpacked / "ddlab" / "_app" / path.relative_to(ROOT)).is_file(), path
    assert (unpacked / "ddlab" / "_app" / "app.py").is_file()
    assert all((unpacked / "ddlab" / name).is_file() for name in ("py.typed", "glossary.md"))
    own = {path.relative_to(ROOT) for path in (ROOT / "ddlab").rglob("*.py")}
    assert {path for path in own if not (unpacked / path).is_file()} == set()
    assert not (unpacked / "pages").exists(), "nothing beside the package, where others' names are"


def test_the_wheel_knows_its_pages_and_its_example(unpacked, tmp_path):
    told = python(
        unpacked,
        tmp_path,
        "import ddlab; from ddlab.home import shipped; print(ddlab.__file__); print(shipped());"
        "print(ddlab.run('example').state)",
    ).split()
    inside = unpacked / "ddlab"
    assert told == [str(inside / "__init__.py"), str(inside / "_app"), "finished"]


def test_ddlab_app_of_the_wheel_starts_its_own_script(unpacked, tmp_path):
    code = """
import os, sys
def flushed(program, command):
    print(*command, flush=True)
    os._exit(0)
os.execv = flushed  # in place of becoming the server
from ddlab.cli.pages import serve
serve(8599)
"""
    assert f"streamlit run {unpacked / 'ddlab' / '_app' / 'app.py'}" in python(unpacked, tmp_path, code)


def test_the_pages_of_the_wheel_open(unpacked, tmp_path):
    script = unpacked / "ddlab" / "_app" / "app.py"
    code = f"""
import sys
sys.path.insert(0, {str(script.parent)!r})  # as "streamlit run" does
from streamlit.testing.v1 import AppTest
page = AppTest.from_file({str(script)!r}, default_timeout=120).run()
assert not page.exception, page.exception
import pages
assert {str(script.parent)!r} in str(list(pages.__path__)), pages.__path__
"""
    python(unpacked, tmp_path, code)


def test_requirements_allow_every_pin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    ranges = {requirement.name.lower(): requirement for requirement in map(Requirement, project["dependencies"])}
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.lower().split("==") for line in lines if "==" in line)
    assert ranges.keys() == pins.keys()
    for name, requirement in ranges.items():
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators == {">=", "<"}, f"{name}: a range has both ends"
        assert requirement.specifier.contains(pins[name]), f"{name}: {pins[name]} is pinned, {requirement} asked for"
