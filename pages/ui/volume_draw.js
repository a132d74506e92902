// The pictures of the volume viewer: slices through the window, lines over them, and the subdomains in space.

/** The grey of every byte through the window: as the pixels of a canvas, red in the lowest byte. */
function grayLevels(scene, view) {
  const [low, high] = scene.values;
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    const value = low + (byte / 255) * (high - low);
    const gray = Math.round(255 * clamp((value - view.level) / view.width + 0.5, 0, 1));
    return 0xff000000 | (gray << 16) | (gray << 8) | gray;
  });
}

/** One slice, a pixel a voxel, with the map over it where there is one. */
function picture(scene, view, plane, gray) {
  const [width, height] = [scene.shape[plane.across], scene.shape[plane.down]];
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const map = view.map && scene.map;
  eachVoxel(scene, view, plane, (voxel, x, y) => {
    pixels[y * width + x] = gray[scene.volume[voxel]];
    if (!map || !map[voxel]) return;
    const color = scene.overlay.palette[map[voxel]];
    const strength = view.opacity * (color[3] ?? 1);
    for (let channel = 0; channel < 3; channel++) {
      const place = 4 * (y * width + x) + channel;
      image.data[place] += strength * (color[channel] - image.data[place]);
    }
  });
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Call `visit(voxel, x, y)` for every voxel of a slice: its index in the volume, and its place in the picture. */
function eachVoxel(scene, view, plane, visit) {
  const [width, height] = [scene.shape[plane.across], scene.shape[plane.down]];
  const [right, down] = [scene.strides[plane.across], scene.strides[plane.down]];
  const corner = view.at[plane.along] * scene.strides[plane.along];
  for (let y = 0; y < height; y++) {
    const row = corner + (plane.down === UPWARD ? height - 1 - y : y) * down;
    for (let x = 0; x < width; x++) visit(row + x * right, x, y);
  }
}

// ---- a slice

function drawPlane(canvas, slice, scene, view, plane) {
  const context = canvas.getContext("2d");
  const scale = [canvas.width / slice.width, canvas.height / slice.height];
  const line = window.devicePixelRatio || 1;
  context.imageSmoothingEnabled = false;
  context.drawImage(slice, 0, 0, canvas.width, canvas.height);
  const y = (depth) => (plane.down === UPWARD ? slice.height - depth : depth) * scale[1];
  if (view.boxes) drawBoxes(context, scene, view, plane, (position) => position * scale[0], y, line);
  if (view.evidence && scene.mask) {
    const outline = border(scene, view, plane, scale);
    stroke(context, outline, scene.evidence, 2 * line);
  }
  const cross = new Path2D();
  const middle = [(view.at[plane.across] + 0.5) * scale[0], y(view.at[plane.down] + 0.5)];
  segment(cross, middle[0], 0, middle[0], canvas.height);
  segment(cross, 0, middle[1], canvas.width, middle[1]);
  context.setLineDash([4 * line, 4 * line]);
  stroke(context, cross, CROSS, line);
  context.setLineDash([]);
}

/** The boxes that the slice cuts, a little inside their border so that neighbours are told apart, each with its number. */
function drawBoxes(context, scene, view, plane, x, y, line) {
  const position = view.at[plane.along];
  const labels = new Map(); // where boxes overlap along the view, the numbers of a corner stand side by side
  for (const box of scene.boxes) {
    const { start, stop, color } = box;
    if (position < start[plane.along] || position >= stop[plane.along]) continue;
    const [left, right] = [x(start[plane.across]) + 2 * line, x(stop[plane.across]) - 2 * line];
    const [above, below] = [y(start[plane.down]), y(stop[plane.down])].sort((a, b) => a - b);
    const [top, height] = [above + 2 * line, below - above - 4 * line];
    const path = new Path2D();
    path.rect(left, top, right - left, height);
    stroke(context, path, color, 2 * line);
    const corner = `${left} ${top}`;
    const label = labels.get(corner) ?? { left, top, room: Math.min(right - left, 2 * height), boxes: [] };
    labels.set(corner, { ...label, boxes: [...label.boxes, box] });
  }
  context.font = `600 ${12 * line}px sans-serif`;
  for (const label of labels.values()) drawNumbers(context, label, line);
}

function drawNumbers(context, { left, top, room, boxes }, line) {
  const widths = boxes.map(({ number }) => context.measureText(number).width + 7 * line);
  if (widths.reduce((a, b) => a + b) > room) return;
  boxes.forEach(({ number, color, ink }, index) => {
    context.fillStyle = color;
    context.fillRect(left, top, widths[index], 17 * line);
    context.fillStyle = ink;
    context.fillText(number, left + 3.5 * line, top + 13 * line);
    left += widths[index];
  });
}

/** The edges between voxels with and without evidence. */
function border(scene, view, plane, scale) {
  const path = new Path2D();
  const [right, down] = [scene.strides[plane.across], scene.strides[plane.down] * (plane.down === UPWARD ? -1 : 1)];
  const [width, height] = [scene.shape[plane.across], scene.shape[plane.down]];
  const edge = (x0, y0, x1, y1) => segment(path, x0 * scale[0], y0 * scale[1], x1 * scale[0], y1 * scale[1]);
  eachVoxel(scene, view, plane, (voxel, x, y) => {
    if (!scene.mask[voxel]) return;
    if (x === 0 || !scene.mask[voxel - right]) edge(x, y, x, y + 1);
    if (x === width - 1 || !scene.mask[voxel + right]) edge(x + 1, y, x + 1, y + 1);
    if (y === 0 || !scene.mask[voxel - down]) edge(x, y, x + 1, y);
    if (y === height - 1 || !scene.mask[voxel + down]) edge(x, y + 1, x + 1, y + 1);
  });
  return path;
}

function segment(path, x0, y0, x1, y1) {
  path.moveTo(x0, y0);
  path.lineTo(x1, y1);
}

function stroke(context, path, color, width) {
  context.lineWidth = 1.8 * width;
  context.strokeStyle = SHADOW;
  context.stroke(path);
  context.lineWidth = width;
  context.strokeStyle = color;
  context.stroke(path);
}

// ---- in space

/** The three slices and the edges of all boxes, seen from far away (without perspective). */
function drawSpace(canvas, pictures, scene, view) {
  const context = canvas.getContext("2d");
  const size = scene.shape.map((extent, axis) => extent * scene.spacing[axis]);
  const scale = canvas.width / Math.hypot(...size);
  const project = projection(view, scene, size, scale, canvas);
  const line = window.devicePixelRatio || 1;
  context.resetTransform();
  context.clearRect(0, 0, canvas.width, canvas.height);
  // The slices cut each other: drawn by quarters, the farthest first, none covers what is in front of it.
  const quarters = PLANES.flatMap((plane, index) => quartersOf(plane, pictures[index], scene, view));
  quarters.forEach((quarter) => (quarter.distance = project(quarter.middle)[2]));
  quarters.sort((a, b) => b.distance - a.distance).forEach((quarter) => drawQuarter(context, quarter, project));
  context.resetTransform();
  if (!view.boxes) return;
  for (const { start, stop, color } of scene.boxes) {
    const inset = (axis, at) => start[axis] + (0.02 + 0.96 * at) * (stop[axis] - start[axis]);
    const path = new Path2D();
    for (let corner = 0; corner < 8; corner++) {
      const bits = [corner & 1, (corner >> 1) & 1, corner >> 2];
      bits.forEach((bit, axis) => {
        if (bit) return;
        const other = bits.map((value, index) => (index === axis ? 1 : value));
        const [from, to] = [bits, other].map((ends) => project(ends.map((end, index) => inset(index, end))));
        segment(path, from[0], from[1], to[0], to[1]);
      });
    }
    stroke(context, path, color, 1.5 * line);
  }
}

/** A function from voxels to the screen: across, down, and how far away; the first row of the volume is the farthest. */
function projection({ azimuth, elevation }, scene, size, scale, canvas) {
  const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth), Math.cos(elevation), Math.sin(elevation)];
  return (voxel) => {
    const [back, right, up] = voxel.map((position, axis) => position * scene.spacing[axis] - size[axis] / 2);
    const [across, away] = [ca * right + sa * back, sa * right - ca * back];
    const [above, distance] = [ce * up + se * away, ce * away - se * up];
    return [canvas.width / 2 + scale * across, canvas.height / 2 - scale * above, distance];
  };
}

function quartersOf(plane, slice, scene, view) {
  const cuts = [plane.across, plane.down].map((axis) => [0, view.at[axis] + 0.5, scene.shape[axis]]);
  return [0, 1, 2, 3].map((which) => {
    const [x, y] = [which & 1, which >> 1];
    const [left, right, near, far] = [cuts[0][x], cuts[0][x + 1], cuts[1][y], cuts[1][y + 1]];
    const at = (across, down) => {
      const voxel = [...view.at.map((position) => position + 0.5)];
      [voxel[plane.across], voxel[plane.down]] = [across, down];
      return voxel;
    };
    const upward = plane.down === UPWARD; // the first row of the picture is the last of the volume
    return {
      slice,
      source: [left, upward ? slice.height - far : near, right - left, far - near],
      corners: upward ? [at(left, far), at(right, far), at(left, near)] : [at(left, near), at(right, near), at(left, far)],
      middle: at((left + right) / 2, (near + far) / 2),
    };
  });
}

function drawQuarter(context, { slice, source, corners }, project) {
  const [origin, right, down] = corners.map(project);
  const [, , width, height] = source;
  context.setTransform(
    (right[0] - origin[0]) / width, (right[1] - origin[1]) / width,
    (down[0] - origin[0]) / height, (down[1] - origin[1]) / height,
    origin[0], origin[1],
  );
  context.imageSmoothingEnabled = false;
  context.drawImage(slice, ...source, 0, 0, width, height);
}
