// What all parts share: the measured values, colours of the style sheet, and charts that follow size and colour scheme.

const metrics = JSON.parse(document.getElementById("metrics").textContent);
document.documentElement.classList.add("live");

const byId = id => document.getElementById(id);

// JSON has no numbers for infinity; charts leave a gap for what they cannot draw.
const drawable = value => {
    const number = value == null ? NaN : Number(value);
    return Number.isFinite(number) ? number : null;
};

const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const chartFont = "12px system-ui, sans-serif";
const charts = [];

// Draws a chart as wide as its place and again whenever that changes. Colours are functions, read at each drawing.
function drawChart(place, height, options, data) {
    const chart = new uPlot({ width: place.clientWidth, height, legend: { show: false }, ...options }, data, place);
    charts.push({ chart, place, height });
    new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height })).observe(place);
    return chart;
}

function axis(options) {
    return {
        stroke: () => color("--soft"),
        font: chartFont,
        labelFont: chartFont,
        labelSize: 18,
        grid: { stroke: () => color("--grid"), width: 1 },
        ticks: { stroke: () => color("--line"), width: 1, size: 4 },
        ...options,
    };
}

const redrawCharts = () => charts.forEach(({ chart }) => chart.redraw(false));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawCharts);

// Paper is white and of its own width, and cannot be unfolded.
const paperWidth = 660;
addEventListener("beforeprint", () => {
    document.documentElement.classList.add("printing");
    document.querySelectorAll("details").forEach(d => (d.dataset.wasOpen = d.open, d.open = true));
    charts.forEach(({ chart, place, height }) => chart.setSize({ width: Math.min(paperWidth, place.clientWidth), height }));
    redrawCharts();
});
addEventListener("afterprint", () => {
    document.documentElement.classList.remove("printing");
    document.querySelectorAll("details").forEach(d => (d.open = d.dataset.wasOpen === "true"));
    charts.forEach(({ chart, place, height }) => chart.setSize({ width: place.clientWidth, height }));
    redrawCharts();
});

const download = byId("download");
download.href = URL.createObjectURL(new Blob([JSON.stringify(metrics, null, 2) + "\n"], { type: "application/json" }));

byId("copy")?.addEventListener("click", async event => {
    const button = event.currentTarget;
    await navigator.clipboard?.writeText(byId("command").textContent);
    button.textContent = navigator.clipboard ? "Copied" : "Select it by hand";
});
