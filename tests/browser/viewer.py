"""The volume viewer in a browser: its slider is moved, and the time to the new picture is taken."""

CANVAS, SLIDER = ".volume canvas", '.volume input[name="Axial"]'

# From the event to the frame after the one that it was drawn in: then the new picture is on the screen.
WATCH = """
(element, kind) => {
  window.waited = [];
  element.addEventListener(kind, (event) => requestAnimationFrame(() => requestAnimationFrame(
    () => window.waited.push(performance.now() - event.timeStamp))));
}
"""


def picture(page, index: int = 0) -> str:
    """What is on one of the viewer's canvases."""
    return page.locator(CANVAS).nth(index).evaluate("canvas => canvas.toDataURL()")


def watch(locator, kind: str) -> None:
    """Begin to take the times that events of an element wait for their picture."""
    locator.evaluate(WATCH, kind)


def waited(page, num_events: int) -> list[float]:
    """Milliseconds that the events since :func:`watch` waited, as soon as there are so many."""
    page.wait_for_function(f"window.waited.length >= {num_events}")
    return page.evaluate("window.waited")
