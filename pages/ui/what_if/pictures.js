// Two pictures side by side, an image before and after its edits, framed in the colours of what its networks name. A
// press on a subdomain of either asks the server to edit it there.

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -1e9, End: 1e9 };
const ROOM = 74; // screen pixels that a label needs
const LETTER = 6.4; // screen pixels of a letter of it, about
const LINE = 'fill="none" vector-effect="non-scaling-stroke"';

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".pictures");
  const shown = (root.shown ??= built(root));
  shown.data = data;
  shown.send = (place) => setTriggerValue("place", { place, count: (shown.count = (shown.count ?? 0) + 1) });
  draw(shown);
}

function built(root) {
  root.innerHTML = ["before", "after"].map((when) => `<figure class="${when}"><figcaption></figcaption>
    <div class="view"><svg xmlns="http://www.w3.org/2000/svg"><image/><g></g></svg></div></figure>`).join("");
  const shown = { root, at: 0, views: [...root.querySelectorAll(".view")] };
  shown.views.forEach((view) => {
    view.onclick = (event) => act(shown, cellAt(shown, view, event));
    view.onkeydown = (event) => move(shown, view, event);
  });
  new ResizeObserver(() => draw(shown)).observe(root);
  return shown;
}

function act(shown, place) {
  if (place < 0) return;
  shown.at = place;
  shown.send(place + 1);
}

/** Arrow keys go from subdomain to subdomain; Enter and the space bar press the button that has the focus. */
function move(shown, view, event) {
  if (!(event.key in STEPS)) return;
  event.preventDefault();
  const last = shown.data.boxes.length - 1;
  shown.at = Math.min(Math.max(shown.at + STEPS[event.key], 0), last);
  draw(shown);
  view.querySelectorAll("button")[shown.at].focus();
}

/** The subdomain below the pointer: of several that hold it, that whose middle is nearest. */
function cellAt({ data }, view, event) {
  if (event.detail === 0) return [...view.querySelectorAll("button")].indexOf(event.target); // a key
  const { left, top, width, height } = view.getBoundingClientRect();
  const [rows, columns] = data.shape;
  const at = [((event.clientY - top) / height) * rows, ((event.clientX - left) / width) * columns];
  const away = data.boxes.map((box) => box.every(([start, stop], axis) => start <= at[axis] && at[axis] < stop)
    ? Math.hypot(...box.map(([start, stop], axis) => ((start + stop) / 2 - at[axis]) / (stop - start))) : Infinity);
  const least = Math.min(...away);
  return least === Infinity ? -1 : away.indexOf(least);
}

function draw(shown) {
  const { root, data, views } = shown;
  if (!data) return;
  const [rows, columns] = data.shape;
  root.style.setProperty("--ratio", columns / rows);
  shown.at = Math.min(shown.at, data.boxes.length - 1);
  data.pictures.forEach((picture, index) => {
    const view = views[index];
    root.querySelectorAll("figcaption")[index].textContent = picture.title;
    const [svg, image, over] = ["svg", "image", "g"].map((name) => view.querySelector(name));
    svg.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
    if (image.getAttribute("href") !== picture.source) image.setAttribute("href", picture.source);
    const look = { width: columns, height: rows, preserveAspectRatio: "none", style: "image-rendering: pixelated" };
    Object.entries(look).forEach(([name, value]) => image.setAttribute(name, value));
    const unit = columns / (view.clientWidth || columns);
    const outline = data.evidence
      ? `<path d="${data.evidence}" stroke="${data.pink}" stroke-width="2.5" stroke-linecap="square" ${LINE}/>` : "";
    over.innerHTML = outline + data.boxes.map((box, number) => framed(data, picture, box, number, unit)).join("");
    buttons(shown, view, picture);
  });
}

/** The frame of a subdomain, thick where its network got another subimage, and what the network names. */
function framed(data, picture, [[top, bottom], [left, right]], number, unit) {
  const changed = picture.changed.includes(number + 1);
  const width = changed ? 6 : 3;
  const inset = (width / 2 + 0.5) * unit;
  const size = `x="${left + inset}" y="${top + inset}" width="${right - left - 2 * inset}"
    height="${bottom - top - 2 * inset}"`;
  const color = picture.colors[number] ?? data.line;
  return `<rect ${size} stroke="#000" stroke-opacity="0.75" stroke-width="${width + 2}" ${LINE}/>
    <rect ${size} stroke="${color}" stroke-width="${width}" ${LINE}/>
    ${data.boxes.length > data.crowded ? "" : label(picture, number, [left + 2 * inset, top + 2 * inset], right - left, unit)}`;
}

function label(picture, number, [x, y], room, unit) {
  const most = Math.floor((room / unit - 22) / LETTER);
  const whole = picture.labels[number] ?? `${number + 1}`;
  const text = room / unit < ROOM ? `${number + 1}` : whole.length > most ? `${whole.slice(0, most - 1)}…` : whole;
  return `<rect x="${x}" y="${y}" width="${(text.length * LETTER + 10) * unit}" height="${18 * unit}" fill="#000"
      fill-opacity="0.72"/>
    <text x="${x + 5 * unit}" y="${y + 9 * unit}" dy="0.35em" fill="#fff" font-family="sans-serif"
      font-size="${12 * unit}">${escaped(text)}</text>`;
}

const escaped = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** One button a subdomain, for keys and for whoever listens; the mouse asks the picture itself. */
function buttons(shown, view, picture) {
  const { data } = shown;
  const [rows, columns] = data.shape;
  const found = [...view.querySelectorAll("button")];
  found.slice(data.boxes.length).forEach((button) => button.remove());
  data.boxes.forEach(([[top, bottom], [left, right]], number) => {
    const button = found[number] ?? view.appendChild(document.createElement("button"));
    const label = picture.labels[number] ?? `${number + 1}`;
    button.type = "button";
    button.setAttribute("aria-label", `${data.action} at subdomain ${label}, ${picture.when}`);
    button.tabIndex = number === shown.at ? 0 : -1;
    Object.assign(button.style, {
      top: `${(100 * top) / rows}%`, left: `${(100 * left) / columns}%`,
      height: `${(100 * (bottom - top)) / rows}%`, width: `${(100 * (right - left)) / columns}%`,
    });
  });
}
