// The boxes of a layout, by the rules of ddlab/decomposition.py and ddlab/layouts.py: what is dragged is drawn at once.
//
// A box is [[start, stop], [start, stop]]: rows, then columns, in pixels. Whether settings fit is the server's to say.

/** All boxes of `{layout, grid, overlap, border}` on an image of `shape`, in the order of the subdomains. */
function boxesOf({ layout, grid, overlap, border }, shape) {
  return cellsOf(layout, grid, shape).map((cell) =>
    cell.map(([start, stop], axis) =>
      grid[axis] > 1 ? within(start - overlap, stop + overlap, shape[axis], border) : [0, shape[axis]]),
  );
}

/** The boxes before they grow by the overlap; some may leave the image. */
function cellsOf(layout, grid, shape) {
  const [rows, columns] = shape.map((extent, axis) => intervals(extent, grid[axis], layout === "shifted"));
  const cells = rows.flatMap((row) => columns.map((column) => [row, column]));
  if (layout === "centre") cells.push(shape.map((extent, axis) => middle(extent, extent / grid[axis])));
  return cells;
}

function intervals(extent, number, isShifted) {
  const cell = extent / number;
  const by = isShifted && number > 1 ? Math.floor(cell / 2) : 0;
  return Array.from({ length: number + (by > 0) }, (_, index) => [index * cell - by, (index + 1) * cell - by]);
}

function middle(extent, cell) {
  const start = Math.floor((extent - cell) / 2);
  return [start, start + cell];
}

function within(start, stop, extent, border) {
  if (border === "clip") return [Math.max(start, 0), Math.min(stop, extent)];
  const shift = Math.max(0, -start) - Math.max(0, stop - extent);
  return [start + shift, stop + shift];
}

/** Where the boxes cut the image into rectangles, how many boxes hold each: [top, left, bottom, right, number]. */
function heldBy(boxes) {
  const [rows, columns] = [0, 1].map((axis) => [...new Set(boxes.flatMap((box) => box[axis]))].sort((a, b) => a - b));
  return rows.slice(1).flatMap((bottom, row) =>
    columns.slice(1).map((right, column) => {
      const [top, left] = [rows[row], columns[column]];
      const holds = ([[a, b], [c, d]]) => a <= top && bottom <= b && c <= left && right <= d;
      return [top, left, bottom, right, boxes.filter(holds).length];
    }),
  );
}
