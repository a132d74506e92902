// Drawing the image, its subdomains and the handles; lines are as wide, and numbers as large, on every image.

const INSET = 0.006; // of the longer side: lines of neighbours lie beside each other
const BESIDE = 0.2; // of the first box: the handles of the overlap cover no number
const LINE = 'fill="none" vector-effect="non-scaling-stroke"';

/** Pixels of the image in a pixel of the screen. */
const unit = ({ view, data }) => data.shape[1] / (view.clientWidth || data.shape[1]);

/** What is drawn: the server's boxes, as long as nobody drags. */
const boxes = ({ data, settings }) => (settings === data.settings ? data.boxes : boxesOf(settings, data.shape));

function draw(cut) {
  const { root, view, data } = cut;
  if (!data) return;
  const [rows, columns] = data.shape;
  root.style.setProperty("--ratio", columns / rows);
  root.querySelector(".title").textContent = data.title;
  if (!view.firstChild) view.innerHTML = '<svg xmlns="http://www.w3.org/2000/svg"><image/><g></g></svg>';
  const [svg, image, over] = ["svg", "image", "g"].map((name) => view.querySelector(name));
  svg.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
  if (image.getAttribute("href") !== data.image) image.setAttribute("href", data.image);
  const look = { width: columns, height: rows, preserveAspectRatio: "none", style: "image-rendering: pixelated" };
  Object.entries(look).forEach(([name, value]) => image.setAttribute(name, value));
  root.classList.toggle("seeing", cut.seen >= 0);
  over.innerHTML = cut.seen < 0 ? all(cut) : one(cut);
  const text = cut.seen < 0 ? told(cut) : sight(cut);
  root.querySelector(".status").textContent = text;
  say(view, cut.seen + 1, 0, boxes(cut).length, text);
  cut.handles.forEach((handle) => stand(cut, handle));
}

function all(cut) {
  const { data } = cut;
  const found = boxes(cut);
  const held = heldBy(found);
  const least = Math.max(2, ...held.map(([, , , , number]) => number)) - 1;
  const veil = held.filter(([, , , , number]) => number > 1).map(([top, left, bottom, right, number]) =>
    `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" fill="#fff"
      fill-opacity="${(0.5 * (number - 1)) / least}" shape-rendering="crispEdges"/>`);
  const numbers = found.length <= data.crowded ? found.map((box, index) => number(cut, index, box.map(middleOf))) : [];
  return veil.join("") + evidence(data) + found.map((box) => frame(cut, box)).join("") + numbers.join("");
}

/** What one network sees: its subimage with its overlap, and nothing else. */
function one(cut) {
  const [rows, columns] = cut.data.shape;
  const box = boxes(cut)[cut.seen];
  const [[top, bottom], [left, right]] = box;
  const dark = `<path fill="#0b1016" fill-opacity="0.85" fill-rule="evenodd"
    d="M0 0H${columns}V${rows}H0ZM${left} ${top}H${right}V${bottom}H${left}Z"/>`;
  const corner = box.map(([start]) => start + 18 * unit(cut));
  return evidence(cut.data) + dark + frame(cut, box, cut.seen === cut.kept) + number(cut, cut.seen, corner);
}

const middleOf = ([start, stop]) => (start + stop) / 2;
const evidence = ({ evidence, pink }) =>
  evidence ? `<path d="${evidence}" stroke="${pink}" stroke-width="3" stroke-linecap="square" ${LINE}/>` : "";

function frame({ data }, [[top, bottom], [left, right]], isChosen = false) {
  const inset = INSET * Math.max(...data.shape);
  const size = `x="${left + inset}" y="${top + inset}" width="${right - left - 2 * inset}" height="${bottom - top - 2 * inset}"`;
  return `<rect ${size} stroke="#000" stroke-opacity="0.75" stroke-width="4" ${LINE}/>
    <rect ${size} stroke="${isChosen ? data.mark : data.line}" stroke-width="${isChosen ? 3 : 1.8}" ${LINE}/>`;
}

function number(cut, index, [y, x]) {
  const size = unit(cut);
  return `<circle cx="${x}" cy="${y}" r="${12 * size}" fill="#000" fill-opacity="0.6"/>
    <text x="${x}" y="${y}" dy="0.35em" text-anchor="middle" fill="#fff" font-family="sans-serif"
      font-size="${13 * size}">${index + 1}</text>`;
}

// ---- handles and words

function stand(cut, { element, ...grip }) {
  const { kind, axis } = grip;
  const { settings, data } = cut;
  element.hidden = !settings || (kind === "overlap" && (settings.grid[axis] === 1 || !most(cut, settings.grid)));
  if (element.hidden) return;
  const at = [0, 0];
  at[axis] = place(grip, settings, data.shape) / data.shape[axis];
  if (kind === "overlap") at[1 - axis] = (BESIDE * boxes(cut)[0][1 - axis][1]) / data.shape[1 - axis];
  [element.style.top, element.style.left] = at.map((share) => `${100 * share}%`);
  const values = choices(cut, grip, settings).map((option) => valueOf(option, grip));
  const value = valueOf(settings, grip);
  say(element, value, values[0], values.at(-1), kind === "grid" ? value : `${value} px`);
}

function say(element, now, min, max, text) {
  const said = { valuenow: now, valuemin: min, valuemax: max, valuetext: text };
  Object.entries(said).forEach(([name, value]) => element.setAttribute(`aria-${name}`, value));
}

const size = (box) => box.map(([start, stop]) => stop - start);

function told(cut) {
  const sizes = boxes(cut).map(size).sort(([a, b], [c, d]) => a * b - c * d).map((pixels) => pixels.join("×"));
  const what = sizes[0] === sizes.at(-1) ? sizes[0] : `${sizes[0]} to ${sizes.at(-1)}`;
  const { settings } = cut;
  const made = settings ? `Grid ${settings.grid.join("×")}, overlap δ = ${settings.overlap} px: ` : "";
  return `${made}${sizes.length} subimage${sizes.length > 1 ? "s" : ""} of ${what} px`;
}

function sight(cut) {
  const box = boxes(cut)[cut.seen];
  const [rows, columns] = box.map(([start, stop]) => `${start}..${stop - 1}`);
  const share = cut.settings === cut.data.settings ? cut.data.shares?.[cut.seen] : undefined;
  const evidence = share === undefined ? "" : `, ${Math.round(100 * share)}% of the evidence`;
  return `Network ${cut.seen + 1} sees rows ${rows} × columns ${columns}: ${size(box).join("×")} px${evidence}`;
}

// ---- files

function save(root, cut) {
  const [svg, png] = root.querySelectorAll("details button");
  const drawn = () => {
    const copy = cut.view.querySelector("svg").cloneNode(true);
    copy.setAttribute("width", cut.view.clientWidth);
    copy.setAttribute("height", cut.view.clientHeight);
    return new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" });
  };
  const download = (blob, ending) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${cut.data.name}.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  svg.onclick = () => download(drawn(), "svg");
  png.onclick = async () => {
    const image = new Image();
    image.src = URL.createObjectURL(drawn());
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * cut.view.clientWidth, 2 * cut.view.clientHeight];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(image.src);
    canvas.toBlob((blob) => download(blob, "png"));
  };
}
