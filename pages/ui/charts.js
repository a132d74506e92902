// The menu of a chart: its picture as a file, and the chart over the whole screen.
//
// Plotly stands in the page, but not its functions: the buttons of its own bar, which is hidden, are pressed instead.

function save(chart, format, name) {
  const options = { format, filename: name, scale: format === "png" ? 2 : 1 };
  chart._context.toImageButtonOptions = { ...chart._context.toImageButtonOptions, ...options };
  press(chart, /download|camera/i);
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
