// Plots in the colours of the page. Their data stand in the page, as JSON in an attribute.
"use strict";

function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(name).trim();
}

function axis(title, colour) {
  return {
    title: { text: title, standoff: 8 }, gridcolor: colour("--grid"), linecolor: colour("--line"),
    zerolinecolor: colour("--grid"), tickfont: { color: colour("--muted") }, automargin: true,
  };
}

function draw(place) {
  const told = JSON.parse(place.dataset.plot);
  const colour = colours();
  const traces = told.series.map((one, number) => ({
    type: "scatter", mode: one.mode, name: one.name, x: one.x, y: one.y, text: one.text,
    hovertemplate: one.hover, error_y: one.above ? { type: "data", array: one.above, arrayminus: one.below, thickness: 1.2, color: colour(one.colour) } : undefined,
    line: { color: colour(one.colour), width: 2, dash: one.dash || "solid" },
    marker: { color: colour(one.colour), size: 9, symbol: one.symbol || ["circle", "diamond", "square"][number], line: { width: 1, color: colour("--card") } },
  }));
  Plotly.react(place, traces, {
    font: { family: "inherit", color: colour("--ink"), size: 13 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 56, r: 12, t: 8, b: 48 }, showlegend: false, hoverlabel: { namelength: 0 },
    xaxis: { ...axis(told.x, colour), ...(told.x_log ? { type: "log" } : {}), ...(told.ticks ? { tickvals: told.ticks, ticktext: told.ticks.map(String) } : {}) },
    yaxis: { ...axis(told.y, colour), ...(told.from_zero ? { rangemode: "tozero" } : {}) },
  }, { displayModeBar: false, responsive: true });
}

function drawAll() {
  document.querySelectorAll("[data-plot]").forEach(draw);
}

drawAll();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
