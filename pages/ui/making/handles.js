// An image with its subdomains, whose grid and overlap are dragged, and the point of view of every network.
//
// `cut.data` is what the server sent; `cut.settings` is what is drawn, which runs ahead of it while a hand is at work.

const GRAB = 5; // screen pixels around an edge
const SETTLED = 400; // ms after the last key until the server is asked
const AXES = ["rows", "columns"];
const KINDS = { grid: "Number of", overlap: "Overlap δ in px, between" };
const STEPS = { ArrowRight: 1, ArrowUp: 1, PageUp: 1, ArrowLeft: -1, ArrowDown: -1, PageDown: -1, Home: -1e9, End: 1e9 };

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".cut");
  const cut = (root.cut ??= built(root));
  cut.data = data;
  cut.choose = (index) => setTriggerValue("subdomain", index);
  cut.send = ({ grid, overlap }) => setTriggerValue("cut", { rows: grid[0], columns: grid[1], overlap });
  if (cut.drag || cut.waiting) return; // the hand is ahead of the server
  cut.settings = data.settings;
  if (cut.seen === cut.kept || cut.seen >= data.boxes.length) cut.seen = data.chosen;
  cut.kept = data.chosen;
  cut.draw();
}

// ---- what is there

function built(root) {
  root.innerHTML = `
    <div class="head"><p class="title"></p>
      <details><summary aria-label="Save the picture" title="Save the picture">⋮</summary>
        <div><button type="button">SVG</button><button type="button">PNG</button></div></details></div>
    <div class="stage"><div class="view" role="slider" tabindex="0" aria-label="Point of view of a network"></div></div>
    <output class="status"></output>`;
  const cut = { root, seen: -1, kept: -1, drag: null, waiting: 0 };
  const stage = root.querySelector(".stage");
  cut.view = root.querySelector(".view");
  cut.handles = ["grid", "overlap"].flatMap((kind) => [0, 1].map((axis) => handle(cut, stage, kind, axis)));
  cut.draw = () => draw(cut);
  watch(cut);
  save(root, cut);
  new ResizeObserver(cut.draw).observe(stage);
  return cut;
}

/** A handle: of the overlap at an edge of the first box, of the grid at its first line, beside the image. */
function handle(cut, stage, kind, axis) {
  const element = document.createElement("div");
  element.className = `handle ${kind} ${AXES[axis]}`;
  element.tabIndex = 0;
  element.setAttribute("role", "slider");
  element.setAttribute("aria-label", `${KINDS[kind]} ${AXES[axis]}`);
  element.setAttribute("aria-orientation", axis ? "horizontal" : "vertical");
  const grip = { kind, axis, box: 0, side: 1 };
  element.onpointerdown = (event) => begin(cut, element, grip, event);
  element.onkeydown = (event) => {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    const found = choices(cut, grip, cut.settings);
    const now = found.findIndex((settings) => valueOf(settings, grip) === valueOf(cut.settings, grip));
    cut.settings = found[Math.min(Math.max(now + STEPS[event.key], 0), found.length - 1)];
    clearTimeout(cut.waiting);
    cut.waiting = setTimeout(() => settle(cut), SETTLED);
    cut.draw();
  };
  stage.append(element);
  return { element, ...grip };
}

// ---- what may be chosen, and where it would stand

const valueOf = ({ grid, overlap }, { kind, axis }) => (kind === "grid" ? grid[axis] : overlap);

/** The largest overlap that the server allows with a grid; undefined where the grid does not fit the image. */
const most = (cut, grid) => cut.data.fitting?.[grid.join("x")];

/** All settings that a handle can lead to, by its value. */
function choices(cut, { kind, axis }, from) {
  if (kind === "overlap")
    return Array.from({ length: most(cut, from.grid) + 1 }, (_, overlap) => ({ ...from, overlap }));
  return Object.keys(cut.data.fitting).map((key) => key.split("x").map(Number))
    .filter((grid) => grid[1 - axis] === from.grid[1 - axis])
    .sort((one, other) => one[axis] - other[axis])
    .map((grid) => ({ ...from, grid, overlap: Math.min(from.overlap, most(cut, grid)) }));
}

/** Where, along its axis, what was taken hold of stands with these settings. */
function place({ kind, axis, box, side }, settings, shape) {
  return kind === "grid" ? shape[axis] / settings.grid[axis] : boxesOf(settings, shape)[box][axis][side];
}

// ---- dragging

function position(cut, event) {
  const { left, top, width, height } = cut.view.getBoundingClientRect();
  const [rows, columns] = cut.data.shape;
  return [((event.clientY - top) / height) * rows, ((event.clientX - left) / width) * columns];
}

function begin(cut, element, grip, event) {
  if (event.button) return;
  event.preventDefault();
  element.focus({ preventScroll: true });
  clearTimeout(cut.waiting);
  cut.waiting = 0;
  const { axis } = grip;
  const offset = position(cut, event)[axis] - place(grip, cut.settings, cut.data.shape);
  const options = choices(cut, grip, cut.settings).map((settings) => [place(grip, settings, cut.data.shape), settings]);
  cut.drag = { axis, from: cut.settings };
  cut.seen = cut.kept = -1;
  const move = (moved) => {
    const at = position(cut, moved)[axis] - offset;
    const distance = ([there]) => Math.abs(there - at);
    cut.settings = options.reduce((best, option) => (distance(option) < distance(best) ? option : best))[1];
    cut.draw();
  };
  const end = (ended) => {
    stop.abort();
    if (ended.type !== "pointerup") cut.settings = cut.drag.from;
    cut.drag = null;
    settle(cut);
  };
  const stop = new AbortController();
  element.setPointerCapture(event.pointerId);
  element.addEventListener("pointermove", move, stop);
  for (const kind of ["pointerup", "pointercancel"]) element.addEventListener(kind, end, stop);
  window.addEventListener("keydown", (pressed) => pressed.key === "Escape" && end(pressed), stop);
}

/** Tell the server what is drawn, if that is news. */
function settle(cut) {
  cut.waiting = 0;
  const { settings, data } = cut;
  if (`${settings.grid} ${settings.overlap}` === `${data.settings.grid} ${data.settings.overlap}`) cut.settings = data.settings;
  else cut.send(settings);
  cut.draw();
}

// ---- the point of view

function watch(cut) {
  const { view } = cut;
  const show = (seen) => {
    if (cut.seen === seen) return;
    cut.seen = seen;
    cut.draw();
  };
  const keep = (cell) => {
    cut.kept = cell;
    show(cell);
    cut.choose(cell);
  };
  view.onpointermove = (event) => {
    if (cut.drag || event.pointerType !== "mouse") return;
    const edge = edgeAt(cut, position(cut, event));
    view.style.cursor = edge ? ["row-resize", "col-resize"][edge.axis] : "";
    show(edge ? -1 : cellAt(cut, position(cut, event)));
  };
  view.onpointerleave = () => cut.drag || show(cut.kept);
  view.onpointerdown = (event) => {
    const edge = event.pointerType === "mouse" && edgeAt(cut, position(cut, event));
    if (edge) begin(cut, view, edge, event);
  };
  view.onclick = (event) => {
    if (edgeAt(cut, position(cut, event)) && event.pointerType === "mouse") return;
    const cell = cellAt(cut, position(cut, event));
    keep(cut.kept === cell ? -1 : cell);
  };
  view.onkeydown = (event) => {
    const last = boxes(cut).length - 1;
    if (event.key !== "Escape" && !(event.key in STEPS)) return;
    event.preventDefault();
    keep(event.key === "Escape" ? -1 : Math.min(Math.max(cut.kept + STEPS[event.key], -1), last));
  };
}

/** The inner edge of a box below the mouse, which can be dragged. */
function edgeAt(cut, at) {
  if (!cut.settings) return null;
  const { shape } = cut.data;
  const found = [0, 1].flatMap((axis) =>
    cut.settings.grid[axis] === 1 ? [] : boxes(cut).flatMap((box, index) => box[axis].map((edge, side) => {
      const [start, stop] = box[1 - axis];
      const along = start <= at[1 - axis] && at[1 - axis] <= stop && edge > 0 && edge < shape[axis];
      const away = Math.abs(edge - at[axis]) / unit(cut);
      return { kind: "overlap", axis, box: index, side, away: along ? away : Infinity };
    })));
  const nearest = found.reduce((best, edge) => (edge.away < best.away ? edge : best), { away: Infinity });
  return nearest.away <= GRAB ? nearest : null;
}

/** The subdomain that holds a point in its cell: of several that hold it, that whose middle is nearest. */
function cellAt({ settings, data }, at) {
  const cells = settings ? boxesOf({ ...settings, overlap: 0 }, data.shape) : data.boxes;
  const away = cells.map((cell) => cell.every(([start, stop], axis) => start <= at[axis] && at[axis] < stop)
    ? Math.hypot(...cell.map(([start, stop], axis) => (start + stop) / 2 - at[axis])) : Infinity);
  const least = Math.min(...away);
  return least === Infinity ? -1 : away.indexOf(least);
}
