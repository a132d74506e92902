"""Hostile addresses: every page, with parameters that nobody's link would hold.

A page may answer with a sentence. It shows no traceback, ends in time, touches nothing beyond its own folders, whatever
path an address names, and makes no browser fetch anything, whatever a run, a class or an address is called.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from urllib.parse import urlencode

from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest, app_test

from ddlab.home import data_home, home
from ddlab.layouts import LAYOUTS, WINDOWS
from ddlab.recipes import RECIPES
from ddlab.runs import RunFolder
from tests.attack import cage, npz, packed, run_folders
from tests.attack.fence import Fence
from tests.attack.shown import exceptions, fetched
from tests.attack.tally import Fault, Tally
from tests.made_run import made_experiment, made_run

SECONDS = 60.0
PAGES = sorted(path.stem for path in (cage.ROOT / "pages").glob("*.py"))
NAMED = re.compile(r'"([a-z_]{2,24})"')  # any of these may be a parameter
READ = ("query_params", "pick", "asked", "bind=")  # on lines that read one
IMAGE = "![x](http://attack.invalid/x.png)"
LINKED = ("decompose", "decompose", "train", "sweep")  # pages to which a link brings a data set
DATASETS = ("folder", "nifti", "mosmed", "digits", "shapes_local", "signals", "mnist", "ct_phantom", "flowers")
ELSEWHERE = (
    *("/", "/usr", "/proc", "/proc/self", "/sys", "/etc", "/etc/passwd", "/dev", "/dev/zero", "/root", "/home"),
    *("/var/log",),
)
PATHS = (
    *ELSEWHERE,
    *("..", "../..", "../../../../../etc", "~", "~root", "~nosuchuser/x", ".", "", "//host/share", "file:///etc"),
    *("x" * 5000, "a/" * 3000, "a\0b", "\0", "C:\\", "markdown.npz", "secret", "markdown.npz/x", "*", "$HOME"),
    *("a\nb", "%2e%2e"),
)
NUMBERS = (
    *("0", "-1", "1", "2", "99999999", "1e999", "nan", "inf", "-inf", "1.5", "9" * 5000, "0x10", "٣", "²", "1_0"),
    *(" 1", "1,2,3"),
)
SHAPES = (
    *("0x0", "2x2", "2x2x2", "x", "2x", "-1x2", "9999x9999", "1x1x1x1x1", "2×3", "²x²", "nanxnan"),
    *("9" * 400 + "x2", "512x512"),
)
TEXTS = (
    *("", " ", ",", ",,,", "any", "all", "none", "None", "null", "True", "{}", "[]", "'", '"', "\0", "\r\n"),
    *("\u202e", "é", "🏔", IMAGE, f"[x]({IMAGE})", "<script>alert(1)</script>", "<img src=http://attack.invalid>"),
    *("$\\frac{1}{0}$", ":red[x]", ":material/nothing:", "`" * 50, "#" * 50, "| a |\n|---|", "x" * 5000, "&run=x"),
    *("?", "../x", ".", "..", "example", "latest"),
)


def attack(count: int, seed: int) -> Tally:
    """Open ``count`` addresses."""
    return cage.run("addresses", opener, range(seed, seed + count), SECONDS)


def opener() -> cage.Case:
    """Make runs and data, visit every page without harm, put up the fence, and give the case."""
    app_test.PagesManager = _warm  # type: ignore[misc]
    places, runs, fence = _elsewhere(), _runs(), Fence(home(), data_home())
    known: dict[str, set[str]] = {name: set() for name in _parameters()}
    with fence.learn():
        for page in PAGES:
            for name, value in _open(
                page, {"dataset": "digits" if page == "decompose" else "shapes_local"}
            ).query_params.items():
                known.setdefault(name, set()).add(str(value))
    known |= {"layout": {*LAYOUTS, *WINDOWS}, "recipe": set(RECIPES), "dataset": set(DATASETS)}
    known |= dict.fromkeys(("run", "with", "from", "trained"), set(runs))
    return partial(case, fence=fence, known={name: sorted(known[name]) for name in sorted(known)}, places=places)


def case(seed: int, fence: Fence, known: dict[str, list[str]], places: list[str]) -> list[Fault]:
    """One address; now and then there is a damaged run, too."""
    rng = Random(seed)
    page, parameters = _asked(rng, known, places)
    with _damaged_run(rng, parameters) as beside:
        words = cage.shorten(f"{page}?{urlencode(parameters, errors='replace')}{beside}", 300)
        cage.note(words)
        with fence.watch(seed, words) as strayed:
            shown = _open(page, parameters)
    faults = exceptions(shown, seed, words) + strayed
    return faults + [
        Fault("outside", seed, f"a browser would fetch what a {kind} names", words) for kind in fetched(shown)
    ]


def _open(page: str, parameters: dict[str, str]) -> AppTest:
    """Open a page of the app as a link does."""
    app = AppTest.from_file(str(cage.ROOT / "app.py"), default_timeout=100 * SECONDS)
    app.query_params.update(parameters)
    return app.switch_page(f"pages/{page}.py").run()


def _warm(*arguments: object, **settings: object) -> PagesManager:
    """AppTest begins every run as a server that nobody visited yet; see ``pages.ui.shell.title``."""
    PagesManager.uses_pages_directory = False
    return PagesManager(*arguments, **settings)  # type: ignore[arg-type]


def _asked(rng: Random, known: dict[str, list[str]], places: list[str]) -> tuple[str, dict[str, str]]:
    """A page and some parameters, most of them odd."""
    page, asked = rng.choice(PAGES), {}
    if rng.random() < 0.3:  # a data set by a link
        path = rng.choice(rng.choice((PATHS, PATHS, places, ("markdown.npz",))))
        page, asked = rng.choice(LINKED), {"dataset": rng.choice(DATASETS[:3]), "path": path}
    for name in rng.sample(list(known), rng.choice((1, 1, 2, 3, 6))):
        odd = rng.choice((PATHS, NUMBERS, SHAPES, TEXTS, TEXTS, known[rng.choice(list(known))] or TEXTS))
        asked.setdefault(name, rng.choice(known[name] if known[name] and rng.random() < 0.4 else odd))
    return page, asked


def _parameters() -> Iterator[str]:
    """Names that pages read from the address: the words on lines that read one, and some more."""
    for path in sorted((cage.ROOT / "pages").rglob("*.py")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if any(word in line for word in READ):
                yield from NAMED.findall(line)


# ---- what there is to see


def _runs() -> list[str]:
    """Runs in several states, and one whose name and classes are Markdown."""
    classes = npz.arrays(40, (16, 16)) | {"classes": [f"{IMAGE}{n}" for n in range(2)]}
    npz.write_npz(data_home() / "markdown.npz", classes)
    odd = made_experiment({"name": "folder", "path": "markdown.npz", "train_images": None, "validation_images": None})
    made = {"markdown": made_run(experiment=odd), "seeds": made_run(seeds=(0, 1))}
    made |= {state: made_run(state) for state in ("failed", "running")}
    made["markdown"].rename(IMAGE)
    made["failed"].update_status(message=f"It failed {IMAGE}")
    return [run.path.rename(home() / "runs" / f"20200101-000000-{name}").name for name, run in made.items()]


def _elsewhere() -> list[str]:
    """Good data that no address may open: beside our folders, not in them."""
    folder = home().parent / "elsewhere"
    for name, content in packed.members(6).items():
        (folder / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "images" / name).write_bytes(content)
    made = [folder, folder / "images", packed.write_zip(folder / "images.zip", packed.members(6))]
    made += [npz.write_npz(folder / "images.npz", npz.arrays(40, (16, 16)))]
    return [*map(str, made), *(os.path.relpath(path, data_home()) for path in made)]


@contextmanager
def _damaged_run(rng: Random, parameters: dict[str, str]) -> Iterator[str]:
    """Now and then, a damaged run is there; it is the one that the address asks for, or another."""
    if rng.random() > 0.15:
        yield ""
        return
    run = RunFolder(made_run(rng.choice(run_folders.STATES)).path.rename(home() / "runs" / run_folders.ODD))
    try:
        if rng.random() < 0.5:
            parameters["run"] = run.id
        yield f" beside a {run_folders.damage(rng, run)}"
    finally:
        shutil.rmtree(run.path, ignore_errors=True)
        shutil.rmtree(home() / "queue", ignore_errors=True)
