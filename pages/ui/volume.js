// Three slices of a volume and its subdomains in space, drawn in the browser: no slider waits for the server.
//
// The axes of a volume are rows, columns and depth; the last slice is drawn on top, as radiologists see the head.
// Everything a picture depends on is in `scene`, which the server sent, and in `view`, which the controls change.

const PLANES = [
  { name: "Axial", along: 2, across: 1, down: 0, axis: "depth" },
  { name: "Coronal", along: 0, across: 1, down: 2, axis: "row" },
  { name: "Sagittal", along: 1, across: 0, down: 2, axis: "column" },
];
const UPWARD = 2; // the axis that grows from bottom to top
const SHADOW = "rgba(0,0,0,0.75)"; // below every line, so that it shows on any picture
const CROSS = "rgba(255,255,255,0.7)";
const SETTLED = 250; // ms without a change after which the address is written: browsers limit how often it may be
const TURNED = { azimuth: -0.6, elevation: 0.45 }; // radians

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".volume");
  const scene = unpack(data);
  if (root.shown === scene.id) return; // the page ran again for another reason
  root.shown = scene.id;
  const view = { ...remembered(scene), opacity: scene.overlay?.opacity ?? 0.5, boxes: true, evidence: true, map: true, ...TURNED };
  show(root, scene, view);
}

/** Take the message apart: the length of the header, the header as JSON, then a byte a voxel of every part. */
function unpack(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const scene = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const [rows, columns, depth] = scene.shape;
  scene.strides = [columns * depth, depth, 1];
  scene.parts.forEach((part, index) => {
    const start = 4 + length + index * rows * columns * depth;
    scene[part] = bytes.subarray(start, start + rows * columns * depth);
  });
  return scene;
}

// ---- the address of the page names the slices and the window, so a link shows the same again

function remembered(scene) {
  const asked = new URLSearchParams(location.search);
  const at = (asked.get("at") ?? "").split("-").filter(Boolean).map(Number);
  const [level, width] = (asked.get("window") ?? "").split("_").map(Number);
  const [low, high] = scene.values;
  const fits = width > 0 && width <= widest(scene) && level >= low && level <= high;
  return {
    at: scene.shape.map((extent, axis) => clamp(Math.round(at[axis] ?? scene.at[axis]) || 0, 0, extent - 1)),
    level: fits ? level : (low + high) / 2,
    width: fits ? width : high - low,
  };
}

function remember(view) {
  const address = new URL(location.href);
  address.searchParams.set("at", view.at.join("-"));
  address.searchParams.set("window", [view.level, view.width].map((number) => +number.toPrecision(4)).join("_"));
  history.replaceState(history.state, "", address);
}

// ---- the page's elements and what they do

function show(root, scene, view) {
  root.innerHTML = `
    <div class="pictures">${PLANES.map(({ name, along }) => `
      <figure><figcaption>${name} <output></output></figcaption>
        <div class="picture"><canvas tabindex="0" role="img"></canvas></div>
        <input type="range" name="${name}" aria-label="${name} slice" min="0" max="${scene.shape[along] - 1}">
      </figure>`).join("")}
    <figure><figcaption>In space</figcaption>
      <div class="picture"><canvas role="img" aria-label="The subdomains and the three slices in space"></canvas></div>
    </figure></div>
    <div class="controls"></div><output class="status"></output>`;
  const canvases = [...root.querySelectorAll("canvas")];
  const sliders = [...root.querySelectorAll("figure input")];
  const captions = [...root.querySelectorAll("figcaption output")];
  const controls = windowControls(root, scene, view, changed);
  let frame = 0;
  let writing = 0;

  function changed() {
    frame ||= requestAnimationFrame(draw);
    clearTimeout(writing);
    writing = setTimeout(remember, SETTLED, view);
  }
  function draw() {
    frame = 0;
    const gray = grayLevels(scene, view);
    const pictures = PLANES.map((plane) => picture(scene, view, plane, gray));
    PLANES.forEach((plane, index) => {
      drawPlane(canvases[index], pictures[index], scene, view, plane);
      const place = `${plane.axis} ${view.at[plane.along]}`;
      sliders[index].value = view.at[plane.along];
      captions[index].textContent = place;
      canvases[index].setAttribute("aria-label", `${plane.name} slice, ${place}`);
    });
    drawSpace(canvases[3], pictures, scene, view);
    controls.refresh();
    root.querySelector(".status").textContent = status(scene, view);
  }
  PLANES.forEach((plane, index) => {
    sliders[index].oninput = () => {
      view.at[plane.along] = +sliders[index].value;
      changed();
    };
    listen(canvases[index], scene, view, plane, changed);
  });
  turn(canvases[3], view, changed);
  new ResizeObserver(() => {
    fit(canvases, scene);
    draw();
  }).observe(root);
}

/** One scale in all pictures: what is longer in the body is longer on the screen. */
function fit(canvases, scene) {
  const size = scene.shape.map((extent, axis) => extent * scene.spacing[axis]);
  const sharp = window.devicePixelRatio || 1;
  canvases.forEach((canvas, index) => {
    const side = canvas.parentElement.clientWidth;
    const plane = PLANES[index];
    const scale = side / Math.max(...size);
    const [width, height] = plane ? [size[plane.across] * scale, size[plane.down] * scale] : [side, side];
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.width = Math.round(width * sharp);
    canvas.height = Math.round(height * sharp);
  });
}

/** Press and drag: the crosshair; with Shift or the right button: the window. Wheel and arrows: the slice. */
function listen(canvas, scene, view, plane, changed) {
  const step = (by) => {
    view.at[plane.along] = clamp(view.at[plane.along] + by, 0, scene.shape[plane.along] - 1);
    changed();
  };
  const point = (event) => {
    const share = [event.offsetX / canvas.clientWidth, event.offsetY / canvas.clientHeight];
    [plane.across, plane.down].forEach((axis, index) => {
      const along = axis === UPWARD ? 1 - share[index] : share[index];
      view.at[axis] = clamp(Math.floor(along * scene.shape[axis]), 0, scene.shape[axis] - 1);
    });
    changed();
  };
  const drag = (event) => {
    if (!event.buttons) return;
    if (!event.shiftKey && !(event.buttons & 2)) return point(event);
    const [low, high] = scene.values;
    const unit = (high - low) / canvas.clientWidth;
    view.width = clamp(view.width + event.movementX * unit, (high - low) / 255, widest(scene));
    view.level = clamp(view.level + event.movementY * unit, low, high);
    changed();
  };
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    drag(event);
  };
  canvas.onpointermove = drag;
  canvas.oncontextmenu = (event) => event.preventDefault();
  canvas.onwheel = (event) => {
    if (canvas.getRootNode().activeElement !== canvas) return; // a page must scroll over a picture that nobody uses
    event.preventDefault();
    step(event.deltaY > 0 ? -1 : 1);
  };
  canvas.onkeydown = (event) => {
    const by = { ArrowUp: 1, ArrowRight: 1, PageUp: 5, ArrowDown: -1, ArrowLeft: -1, PageDown: -5 }[event.key];
    if (!by) return;
    event.preventDefault();
    step(by);
  };
}

function turn(canvas, view, changed) {
  canvas.onpointerdown = (event) => canvas.setPointerCapture(event.pointerId);
  canvas.onpointermove = (event) => {
    if (!event.buttons) return;
    view.azimuth += event.movementX / 120;
    view.elevation = clamp(view.elevation + event.movementY / 120, -Math.PI / 2, Math.PI / 2);
    changed();
  };
  canvas.ondblclick = () => {
    Object.assign(view, TURNED);
    changed();
  };
}

function windowControls(root, scene, view, changed) {
  const [low, high] = scene.values;
  const step = high - low > 100 ? 1 : (high - low) / 255;
  const range = (name, from) => `<label><span>${name} <output></output></span>
    <input type="range" name="${name}" min="${from}" max="${name === "Width" ? widest(scene) : high}" step="${step}"></label>`;
  const tick = (name, title) => `<label><input type="checkbox" name="${name}" checked> ${title}</label>`;
  const place = root.querySelector(".controls");
  place.innerHTML = `<span class="presets"></span>${range("Level", low)}${range("Width", step)}
    ${tick("boxes", "Subdomains")}${scene.mask ? tick("evidence", "Evidence") : ""}
    ${scene.map ? `${tick("map", '<span class="name"></span>')}<span class="scale"><output></output><i></i><output></output>
      </span><label>Opacity <input type="range" name="opacity" min="0" max="1" step="0.05"></label>` : ""}`;
  for (const [name, [level, width]] of Object.entries(scene.windows)) {
    const button = place.querySelector(".presets").appendChild(document.createElement("button"));
    button.textContent = name;
    button.onclick = () => {
      Object.assign(view, { level, width });
      changed();
    };
  }
  if (scene.map) legend(place, scene);
  for (const input of place.querySelectorAll("input")) {
    const field = input.name.toLowerCase();
    input.oninput = () => {
      view[field] = input.type === "checkbox" ? input.checked : +input.value;
      changed();
    };
  }
  return {
    refresh() {
      for (const input of place.querySelectorAll("input[type=range]")) {
        const number = view[input.name.toLowerCase()];
        input.value = number;
        const written = input.parentElement.querySelector("output");
        if (written) written.textContent = `${short(number)} ${scene.unit}`;
      }
    },
  };
}

function legend(place, { overlay }) {
  const [least, most] = place.querySelectorAll(".scale output");
  place.querySelector(".name").textContent = overlay.name;
  [least.textContent, most.textContent] = [short(overlay.low), short(overlay.high)];
  const colors = [1, 64, 128, 192, 255].map((byte) => `rgb(${overlay.palette[byte]})`);
  place.querySelector(".scale i").style.background = `linear-gradient(to right, ${colors})`;
}

/** What is under the crosshair: the value, whose subdomain it is, and the map. */
function status(scene, view) {
  const [low, high] = scene.values;
  const voxel = view.at.reduce((index, position, axis) => index + position * scene.strides[axis], 0);
  const value = low + (scene.volume[voxel] / 255) * (high - low);
  const holding = scene.boxes.filter(({ start, stop }) => view.at.every((v, axis) => start[axis] <= v && v < stop[axis]));
  const { overlay } = scene;
  const share = scene.map ? (scene.map[voxel] - 1) / 254 : -1;
  return [
    `row ${view.at[0]}, column ${view.at[1]}, depth ${view.at[2]}: ${short(value)} ${scene.unit}`.trim(),
    holding.length ? `subdomain ${holding.map(({ label }) => label).join(" and ")}` : "in no subdomain",
    ...(scene.mask ? [scene.mask[voxel] ? "evidence" : "no evidence"] : []),
    ...(share >= 0 ? [`${overlay.name} ${short(overlay.low + share * (overlay.high - overlay.low))}`] : []),
  ].join(" · ");
}

/** The widest window that can be chosen: all values, or a preset that goes beyond them. */
const widest = (scene) => Math.max(...Object.values(scene.windows).map(([, width]) => width));
const clamp = (number, least, most) => Math.min(Math.max(number, least), most);
const short = (number) => `${Math.abs(number) >= 10 ? Math.round(number) : +number.toFixed(2)}`.replace("-", "−");
