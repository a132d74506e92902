// The menu of a chart: its picture as a file, and the chart over the whole screen.
//
// Plotly stands in the page, but not its functions: the buttons of its own bar, which is hidden, are pressed instead.

const LETTER = 7.6; // px of a title's letter, on average
const LINE = 20; // px of a title's line, as in ddlab/figures/layout.py

function save(chart, format, name) {
  const options = { format, filename: name, scale: format === "png" ? 2 : 1 };
  chart._context.toImageButtonOptions = { ...chart._context.toImageButtonOptions, ...options };
  withTitle(chart, () => press(chart, /download|camera/i));
}

// The title stands above the chart; a picture, which plotly makes of a copy of the layout, has it within, and the
// letters of whoever opens it: measured with the page's own font, which it does not carry, they would be cut off.
function withTitle(chart, act) {
  const { title, margin, font } = chart.layout;
  const lines = broken((title?.text || "").replaceAll("<br>", " "), chart.clientWidth / LETTER);
  const room = 8 + LINE * lines.length;
  const pad = { ...title?.pad, t: 8 + (LINE / 2) * (lines.length - 1) };
  chart.layout.title = { ...title, text: lines.join("<br>"), pad };
  chart.layout.margin = { ...margin, t: (margin?.t ?? 100) + room };
  chart.layout.font = { ...font, family: "Arial, Helvetica, sans-serif" };
  const { width, height: drawn } = chart.getBoundingClientRect();
  Object.assign(chart._context.toImageButtonOptions, { width, height: drawn + room });
  try {
    act();
  } finally {
    Object.assign(chart.layout, { title, margin, font });
  }
}

function broken(text, most) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (lines.at(-1) && longer.length > most) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

function press(chart, title) {
  const buttons = [...chart.querySelectorAll(".modebar-btn")];
  buttons.find((button) => title.test(button.getAttribute("data-title") || ""))?.click();
}

export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".ddlab-files");
  const holder = document.querySelector(`.${CSS.escape(data.chart)}`);
  const actions = {
    SVG: (chart) => save(chart, "svg", data.name),
    PNG: (chart) => save(chart, "png", data.name),
    "Full screen": (chart) => {
      for (const kind of ["pointerdown", "mousedown", "pointerup", "mouseup", "click"])
        document.body.dispatchEvent(new MouseEvent(kind, { bubbles: true })); // the menu would stand before the chart
      press(chart, /^fullscreen$/i);
    },
  };
  place.replaceChildren(
    ...Object.entries(actions).map(([label, act]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = label === "Full screen" ? label : `Picture as ${label}`;
      button.onclick = () => act(holder.querySelector(".js-plotly-plot"));
      return button;
    }),
  );
}
