"""Steps of a trust-region method in two dimensions: the landscape with the path, and one step close up."""

from collections.abc import Mapping, Sequence

import numpy as np

from ddlab.analyses.trust_region.landscapes import Array, Landscape, deal
from ddlab.analyses.trust_region.plane_models import ORDERS
from ddlab.analyses.trust_region.plane_steps import METHODS, PlaneStep, Trial
from ddlab.figures import graph_objects as go
from ddlab.figures.colors import class_color, rgba, strategy_color
from ddlab.figures.layout import finish

STRATEGY = {"apts": "apts", "trust_region": "trust_region", "descent": "sgd"}  # whose colour a method has
BALL = "#7d8894"
FINE, LEVELS, HEIGHT = 91, 22, 470  # points an axis of a surface, contours, screen pixels
CLICKABLE = 41  # points an axis that a click finds
LOW, HIGH = rgba("#4a7fb0", 0.5), rgba("#4a7fb0", 0.0)


def method_color(method: str) -> str:
    """Return the colour of a method's path: that of its strategy."""
    return strategy_color(STRATEGY[method])


def step_color(method: str) -> str:
    """Return the colour of the step on f, which in APTS is a step of the trust-region method."""
    return method_color("trust_region" if method == "apts" else method)


# ---- the landscape


def path_figure(
    landscape: Landscape, paths: Mapping[str, Sequence[PlaneStep]], shown: int, norm: str, title: str
) -> go.Figure:
    """The whole landscape, and where the methods are after as many steps; the first is the one that is looked at.

    Parameters
    ----------
    paths
        By method.
    shown
        The step that is looked at, from 1; the path leads to its beginning.
    norm
        Of the ball.
    """
    left, right, bottom, top = landscape.window
    x, y = np.linspace(left, right, FINE), np.linspace(bottom, top, FINE)
    figure = go.Figure(_contours(x, y, landscape.surface(*np.meshgrid(x, y)), landscape.wide))
    _clickable(figure, landscape)
    for place, (method, steps) in reversed(list(enumerate(paths.items()))):
        points = np.array([step.here.point for step in steps[:shown]] + [steps[min(shown, len(steps)) - 1].there.point])
        first = place == 0
        figure.add_scatter(
            x=points[:, 0],
            y=points[:, 1],
            mode="lines+markers",
            name=METHODS[method],
            line={"color": method_color(method), "width": 3 if first else 1.5, "dash": "solid" if first else "dot"},
            marker={"size": 7 if first else 4},
            opacity=1 if first else 0.8,
            hovertemplate=f"{METHODS[method]}, after step %{{pointNumber}}: (%{{x:.3g}}, %{{y:.3g}})<extra></extra>",
        )
    step = next(iter(paths.values()))[shown - 1]
    if np.isfinite(step.radius):
        _outline(figure, step.here.point, step.radius, norm, f"ball of step {shown}")
    _mark(figure, step.here.point, "here", "x", 11)
    figure.update_xaxes(range=[left, right], title=landscape.axes[0], showgrid=False, constrain="domain")
    figure.update_yaxes(range=[bottom, top], title=landscape.axes[1], showgrid=False, scaleanchor="x")
    return finish(figure, title, height=HEIGHT)


def _contours(x: Array, y: Array, values: Array, wide: bool = False, name: str = "f") -> go.Contour:
    """Level lines, the ground darker the lower; the deeper ones are closer together, so that a floor has some, too."""
    least, most = float(np.nanmin(values)), float(np.nanmax(values))
    span = max(most - least, 1e-12)
    shown = np.log10((values - least) / span + 1e-4) if wide else np.sqrt((values - least) / span)
    ends = (-4.0, 0.0) if wide else (0.0, 1.0)
    return go.Contour(
        x=x,
        y=y,
        z=shown.astype(np.float32),  # half the bytes on their way to the browser
        customdata=values.astype(np.float32),
        contours={"start": ends[0], "end": ends[1], "size": (ends[1] - ends[0]) / LEVELS, "coloring": "heatmap"},
        colorscale=[[0, LOW], [1, HIGH]],
        line={"color": rgba(BALL, 0.5), "width": 0.8},
        showscale=False,
        hovertemplate=f"{name}(%{{x:.3g}}, %{{y:.3g}}) = %{{customdata:.4g}}<extra></extra>",
    )


def _clickable(figure: go.Figure, landscape: Landscape) -> None:
    """Add invisible points: they show f under the pointer, and a click on one selects it."""
    left, right, bottom, top = landscape.window
    x, y = np.meshgrid(np.linspace(left, right, CLICKABLE), np.linspace(bottom, top, CLICKABLE))
    figure.add_scatter(
        x=x.ravel().round(4),
        y=y.ravel().round(4),
        customdata=landscape.surface(x, y).ravel(),
        mode="markers",
        marker={"size": 12, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        showlegend=False,
        hovertemplate="f(%{x:.3g}, %{y:.3g}) = %{customdata:.4g}<extra></extra>",
    )


def ball(centre: Array, radius: float, norm: str) -> Array:
    """The boundary of a ball ``(K, 2)``, closed: a circle, a diamond or a square."""
    angles = np.linspace(0, 2 * np.pi, 121)
    points = np.stack([np.cos(angles), np.sin(angles)], -1)
    boundary: Array = centre + radius * points / np.linalg.norm(points, ORDERS[norm], axis=1, keepdims=True)
    return boundary


def _outline(figure: go.Figure, centre: Array, radius: float, norm: str, name: str, dash: str = "solid") -> None:
    points = ball(centre, radius, norm)
    line = {"color": BALL, "width": 2, "dash": dash}
    figure.add_scatter(x=points[:, 0], y=points[:, 1], mode="lines", line=line, name=name, hoverinfo="skip")


def _mark(figure: go.Figure, point: Array, name: str, symbol: str, size: int, color: str = BALL) -> None:
    figure.add_scatter(
        x=[point[0]],
        y=[point[1]],
        mode="markers",
        name=name,
        marker={"symbol": symbol, "size": size, "color": color, "line": {"color": color, "width": 2}},
        hovertemplate=f"{name}: (%{{x:.4g}}, %{{y:.4g}})<extra></extra>",
        showlegend=False,
    )


# ---- one step, close up


def step_figure(landscape: Landscape, step: PlaneStep, method: str, norm: str, surface: str, title: str) -> go.Figure:
    """One step: the ball, the local steps and their sum, trial points (open where rejected), the step on f.

    Parameters
    ----------
    surface
        Whose contours: "f", "model", or a subdomain's number from 1, for its own loss with the consistency term.
    """
    (left, right), (bottom, top) = _view(step, norm)
    x, y = np.linspace(left, right, FINE), np.linspace(bottom, top, FINE)
    figure = go.Figure(_contours(x, y, *_surface(landscape, step, surface, norm, np.meshgrid(x, y))))
    if np.isfinite(step.radius):
        _outline(figure, step.here.point, step.radius, norm, "Δ")
    for index, found in enumerate(step.walks):
        name = f"subdomain {index + 1}"
        way = [step.here.point, *(trial.there.point for trial in found.trials if trial.accepted)]
        _arrow(figure, np.array(way), class_color(index), name, 3)
        for trial in found.trials:
            if not trial.accepted:
                _mark(figure, trial.there.point, f"{name}, rejected", "circle-open", 6, class_color(index))
    if step.additive is not None:
        _trial(figure, step.additive, "their sum", method_color(method))
    for place, trial in enumerate(step.trials):
        last = place == len(step.trials) - 1
        if last and trial.radius != step.radius:
            _outline(figure, trial.here.point, trial.radius, norm, "Δ of the last trial", "dot")
        _trial(figure, trial, "step on f" if method == "apts" else "step", step_color(method), legend=last)
    if step.main is None:
        _arrow(figure, np.array([step.here.point, step.there.point]), method_color(method), "step", 3)
    _mark(figure, step.here.point, "here", "x", 11)
    figure.update_xaxes(range=[left, right], title=landscape.axes[0], showgrid=False, constrain="domain")
    figure.update_yaxes(range=[bottom, top], title=landscape.axes[1], showgrid=False, scaleanchor="x")
    return finish(figure, title, height=HEIGHT)


def _view(step: PlaneStep, norm: str) -> Array:
    """A square that holds all of a step, ``((left, right), (bottom, top))``."""
    points = [step.here.point[None], step.there.point[None]]
    points += [ball(step.here.point, step.radius, norm)] if np.isfinite(step.radius) else []
    points += [trial.there.point[None] for trial in step.trials]
    points += [ball(trial.here.point, trial.radius, norm) for trial in step.trials[-1:]]
    corners = np.array([np.vstack(points).min(0), np.vstack(points).max(0)])
    half = max(0.55 * float((corners[1] - corners[0]).max()), 1e-6)
    middle = corners.mean(0)
    return np.stack([middle - half, middle + half], -1)


def _surface(
    landscape: Landscape, step: PlaneStep, surface: str, norm: str, grid: tuple[Array, Array]
) -> tuple[Array, bool, str]:
    """Values on a grid, whether they span decades, and the name."""
    if surface == "model" and step.trials:
        trial = step.trials[-1]
        offset = np.stack(grid, -1) - trial.here.point
        inside = np.linalg.norm(offset, ORDERS[norm], axis=-1) <= trial.radius * 1.0001
        return np.where(inside, trial.model(*grid), np.nan), False, "m"
    if surface.isdigit():
        part = deal(len(step.walks))[int(surface) - 1]
        correction = step.here.gradient - landscape.evaluate(step.here.point, part)[1]
        linear = (np.stack(grid, -1) - step.here.point) @ correction
        return landscape.surface(*grid, part) + linear, False, f"f<sub>{surface}</sub>"
    return landscape.surface(*grid), False, "f"


def _trial(figure: go.Figure, trial: Trial, name: str, color: str, legend: bool = True) -> None:
    """An arrow to a trial point: filled where it is taken, open and dashed where it is rejected."""
    points = np.array([trial.here.point, trial.there.point])
    taken = "taken" if trial.accepted else "rejected"
    _arrow(figure, points, color, f"{name} ({taken})", 2.5, "solid" if trial.accepted else "dot", legend)
    text = f"{name}, {taken}: ρ = {trial.ratio:.2f}"
    _mark(figure, trial.there.point, text, "circle" if trial.accepted else "circle-open", 10, color)


def _arrow(
    figure: go.Figure, points: Array, color: str, name: str, width: float, dash: str = "solid", legend: bool = True
) -> None:
    """A line through points with a head at its end."""
    figure.add_scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="lines+markers",
        name=name,
        line={"color": color, "width": width, "dash": dash},
        marker={
            "symbol": ["circle"] * (len(points) - 1) + ["arrow"],
            "size": [5] * (len(points) - 1) + [13],
            "angleref": "previous",
            "color": color,
        },
        showlegend=legend,
        hovertemplate=f"{name}: (%{{x:.4g}}, %{{y:.4g}})<extra></extra>",
    )
