"""A finished run as moving pictures: HTML and CSS only, so that it plays by itself, without a round trip or a script.

Plotly's animations start on a click; a first screen should move without one. Positions are shares of the frame, so
that the lines stretch with the page while the letters keep their size.
"""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape

import numpy as np
import pandas as pd

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.analyses.decisions.replay import Witness
from ddlab.decomposition import Subdomain
from ddlab.figures.images import image_source
from ddlab.registry.strategies import STRATEGIES
from ddlab.written import percent

LOOP = 12  # seconds of one replay; the last third stands still
LOCAL_COLOR = "#8A94A0"
RIGHT, WRONG = "#009E73", "#D55E00"  # Okabe and Ito's green and vermilion

STYLE = f"""<style>
.ddlab-replay {{ position: relative; height: 300px; margin: 6px var(--ddlab-labels) 34px 44px; font-size: 13px; }}
.ddlab-curtain, .ddlab-curtain img {{ position: absolute; inset: 0; width: 100%; height: 100%; }}
.ddlab-curtain {{ animation: ddlab-draw {LOOP}s linear infinite; }}
.ddlab-grid {{ position: absolute; left: 0; right: 0; border-top: 1px solid; opacity: .18; }}
.ddlab-tick {{ position: absolute; left: -44px; width: 38px; text-align: right; translate: 0 -50%; opacity: .75; }}
.ddlab-axis {{ position: absolute; top: 100%; padding-top: 6px; opacity: .75; white-space: nowrap; }}
.ddlab-level {{ position: absolute; right: 4px; font-size: 11px; opacity: .8; white-space: nowrap; }}
.ddlab-end {{ position: absolute; left: 100%; padding-left: 8px; translate: 0 -50%; white-space: nowrap;
  font-weight: 600; animation: ddlab-appear {LOOP}s infinite; }}
.ddlab-dot {{ display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: 5px; }}
.ddlab-maps {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 18px;
  font-size: 13px; }}
.ddlab-pair {{ display: flex; gap: 6px; }}
.ddlab-frame {{ position: relative; flex: 1; aspect-ratio: 1; border-radius: 6px; overflow: hidden; }}
.ddlab-frame img {{ width: 100%; height: 100%; image-rendering: pixelated; display: block; }}
.ddlab-cell {{ position: absolute; display: flex; align-items: end; justify-content: end; padding: 2px 4px; color: #fff;
  font-weight: 700; text-shadow: 0 0 3px #000, 0 0 2px #000; outline: 1px solid rgb(255 255 255 / .8);
  animation: ddlab-reveal {LOOP}s infinite; }}
.ddlab-verdicts {{ margin-top: 6px; line-height: 1.5; }}
@keyframes ddlab-draw {{
  0% {{ clip-path: inset(-9px 100% -9px 0); }} 66%, 100% {{ clip-path: inset(-9px -9px -9px 0); }} }}
@keyframes ddlab-appear {{ 0%, 60% {{ opacity: 0; }} 68%, 100% {{ opacity: 1; }} }}
@keyframes ddlab-reveal {{ 0% {{ opacity: 0; }} 5%, 100% {{ opacity: 1; }} }}
@media (prefers-reduced-motion: reduce) {{ .ddlab-curtain, .ddlab-end, .ddlab-cell {{ animation: none; }} }}
@media (max-width: 640px) {{ .ddlab-replay {{ margin-right: calc(.8 * var(--ddlab-labels)); font-size: 11px; }} }}
</style>"""


def learning(lines: pd.DataFrame, accuracies: Mapping[str, float], baseline: Baseline | None = None) -> str:
    """Learning curves that draw themselves, and the strategies' accuracies where they end.

    Parameters
    ----------
    lines
        As :func:`ddlab.analyses.decisions.replay.timeline` gives them.
    accuracies
        Final validation accuracy of every strategy.
    baseline
        Of the validation images, for the line of what needs no network; None for no line.
    """
    last, titles = float(lines["seconds"].max()), _short_titles(accuracies)
    low = 0.9 * min(1.0 if baseline is None else baseline.share, float(lines["validation_accuracy"].min()))
    curves = "".join(
        _polyline(str(stage), line["seconds"] / last, (1 - line["validation_accuracy"]) / (1 - low))
        for (stage, _), line in lines.groupby(["stage", "subdomain"], sort=False)
    )
    ticks = "".join(_tick(share, low) for share in np.arange(0.2, 1.01, 0.2) if share > low + 0.03)
    return (
        f'{STYLE}<div class="ddlab-replay" style="--ddlab-labels:{_width(titles)}px" role="img" '
        'aria-label="Validation accuracy while the run trained">'
        f"{ticks}{_level(baseline, low)}"
        f'<div class="ddlab-axis" style="left:0">0</div><div class="ddlab-axis" style="right:0">{last:.0f}</div>'
        '<div class="ddlab-axis" style="left:50%;translate:-50%">seconds of training</div>'
        f'<div class="ddlab-curtain"><img alt="" src="{_svg_url(curves)}"></div>'
        f"{_ends(accuracies, titles, low)}</div>"
    )


def legend(num_local: int, stages: Sequence[str]) -> str:
    """Return a legend, as HTML, of the lines that :func:`learning` draws of these stages."""
    trained = [STRATEGIES[stage] for stage in stages if stage in STRATEGIES]
    entries = [(LOCAL_COLOR, f"the {num_local} local networks, one line each")] * (len(trained) < len(stages))
    entries += [(entry.color, entry.title) for entry in trained]
    return " &nbsp; ".join(
        f'<span style="white-space:nowrap">{_dot(color)}{escape(text)}</span>' for color, text in entries
    )


def maps(witnesses: Sequence[Witness]) -> str:
    """Images beside what every local network made of its subdomain, and each strategy's decision below."""
    return STYLE + '<div class="ddlab-maps">' + "".join(map(_map, witnesses)) + "</div>"


def _polyline(stage: str, across: pd.Series, down: pd.Series) -> str:
    entry = STRATEGIES.get(stage)
    color, width = (entry.color, 3) if entry else (LOCAL_COLOR, 1.5)
    points = " ".join(f"{100 * x:.2f},{100 * y:.2f}" for x, y in zip(across, down, strict=True))
    return (
        f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="{width}" '
        'stroke-linejoin="round" vector-effect="non-scaling-stroke"/>'
    )


def _svg_url(drawing: str) -> str:
    """A drawing on the unit of 100 × 100, as a picture that stretches: pages let no inline SVG through."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" preserveAspectRatio="none">{drawing}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode("ascii")).decode("ascii")


def _tick(share: float, low: float) -> str:
    top = f"top:{100 * (1 - share) / (1 - low):.1f}%"
    return (
        f'<div class="ddlab-grid" style="{top}"></div><div class="ddlab-tick" style="{top}">{percent(share, 0)}</div>'
    )


def _level(baseline: Baseline | None, low: float) -> str:
    """A dotted line at the baseline, and what it is."""
    if baseline is None:
        return ""
    top = f"top:{100 * (1 - baseline.share) / (1 - low):.1f}%"
    line = f'<div class="ddlab-grid" style="{top};border-top-style:dotted;opacity:.6"></div>'
    return f'{line}<div class="ddlab-level" style="{top}">{escape(baseline.short)}</div>'


def _ends(accuracies: Mapping[str, float], titles: Mapping[str, str], low: float) -> str:
    """Labels at the right end, best first, kept apart so that close ones can be read."""
    ends, free = [], 0.0
    for name, accuracy in sorted(accuracies.items(), key=lambda item: -item[1]):
        top = max(free, 100 * (1 - accuracy) / (1 - low))
        free = top + 7
        entry = STRATEGIES[name]
        label = f"{_dot(entry.color)}{percent(accuracy, 0)} {escape(titles[name])}"
        ends.append(f'<div class="ddlab-end" style="top:{top:.1f}%" title="{escape(entry.title)}">{label}</div>')
    return "".join(ends)


def _short_titles(strategies: Iterable[str]) -> dict[str, str]:
    """The first words of their titles; the whole title where several begin alike."""
    titles = {name: STRATEGIES[name].title for name in strategies}
    firsts = Counter(title.split()[0].strip(",") for title in titles.values())
    return {
        name: first if firsts[first := title.split()[0].strip(",")] == 1 else title for name, title in titles.items()
    }


def _width(titles: Mapping[str, str]) -> int:
    """Pixels that the labels take to the right of the lines."""
    return 72 + 7 * max(map(len, titles.values()), default=0)


def _map(witness: Witness) -> str:
    picture = (
        f'<img alt="validation image {witness.index}, {escape(witness.label)}" src="{image_source(witness.image)}">'
    )
    cells = "".join(
        _cell(box, witness, n) for n, box in enumerate(witness.decomposition)
    )  # later cells lie over earlier ones where subdomains overlap
    verdicts = "".join(
        f'<div style="white-space:nowrap">{_dot(STRATEGIES[name].color)}{escape(STRATEGIES[name].title)}: '
        f"{escape(verdict)} {'✓' if verdict == witness.label else '✗'}</div>"
        for name, verdict in witness.verdicts.items()
    )
    return (
        f'<div><div style="margin-bottom:4px"><b>{escape(witness.label)}</b></div><div class="ddlab-pair">'
        f'<div class="ddlab-frame">{picture}</div><div class="ddlab-frame">{picture}{cells}</div></div>'
        f'<div class="ddlab-verdicts">{verdicts}</div></div>'
    )


def _cell(box: Subdomain, witness: Witness, n: int) -> str:
    height, width = witness.decomposition.shape[:2]
    (top, left), (rows, columns) = box.start[:2], box.shape[:2]
    confidence, right = float(witness.confidences[n]), witness.decisions[n] == witness.label
    veil = 0.1 + 0.45 * (confidence if right else 1 - confidence)
    return (
        f'<div class="ddlab-cell" title="subdomain {n + 1} names {escape(witness.decisions[n])}" style="'
        f"top:{100 * top / height:.2f}%;left:{100 * left / width:.2f}%;height:{100 * rows / height:.2f}%;"
        f"width:{100 * columns / width:.2f}%;animation-delay:{1 + 0.7 * n:.1f}s;"
        f'background:color-mix(in srgb, {RIGHT if right else WRONG} {100 * veil:.0f}%, transparent)">'
        f"{percent(confidence, 0)}</div>"
    )


def _dot(color: str) -> str:
    return f'<span class="ddlab-dot" style="background:{color}"></span>'
