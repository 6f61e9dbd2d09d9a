// The table of layers is sorted and filtered in place; the charts show its visible rows in their order.

if (byId("layers")) {
    const body = byId("layers").tBodies[0];
    const heads = [...byId("layers").tHead.rows[0].cells];
    const allRows = [...body.rows];
    const filter = byId("layer-filter");
    const bits = byId("layer-bits");
    const order = byId("layer-order");
    let sorted = { column: 0, direction: 1 };
    let shown = [];

    const cellValue = (row, column) => {
        const cell = row.cells[column];
        if (heads[column].dataset.kind === "text") {
            return cell.textContent;
        }
        const text = cell.dataset.value;
        return text === undefined ? null : Number(text.replace("∞", "Infinity"));
    };

    // Rows without a value stay at the end in both directions; equal ones keep the graph's order.
    const compare = (a, b) => {
        const [x, y] = [cellValue(a, sorted.column), cellValue(b, sorted.column)];
        const missing = value => value === null || Number.isNaN(value);
        const result = missing(x) || missing(y)
            ? missing(x) - missing(y)
            : sorted.direction * (typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : Math.sign(x - y) || 0);
        return result || a.dataset.index - b.dataset.index;
    };

    const weightsOf = layer => String(layer.weightBits ?? (layer.parameters > 0 ? "float" : "none"));

    const matches = row => {
        const layer = metrics.layers[row.dataset.index];
        const text = `${layer.name} ${layer.operator}`.toLowerCase();
        const words = filter.value.toLowerCase().split(/\s+/);
        return words.every(word => text.includes(word)) && (bits.value === "" || bits.value === weightsOf(layer));
    };

    const show = () => {
        const rows = [...allRows].sort(compare);
        rows.forEach(row => (row.hidden = !matches(row)));
        body.append(...rows);
        shown = rows.filter(row => !row.hidden).map(row => metrics.layers[row.dataset.index]);
        heads.forEach((head, column) =>
            column === sorted.column
                ? head.setAttribute("aria-sort", sorted.direction > 0 ? "ascending" : "descending")
                : head.removeAttribute("aria-sort"));
        const wanted = `${sorted.column} ${sorted.direction}`;
        order.selectedIndex = [...order.options].findIndex(option => option.value === wanted);
        byId("layer-count").textContent = shown.length === allRows.length
            ? `${allRows.length} layers`
            : `${shown.length} of ${allRows.length} layers`;
        redraw();
    };

    heads.forEach((head, column) => {
        const button = document.createElement("button");
        button.type = "button";
        button.append(...head.childNodes);
        button.addEventListener("click", () => {
            sorted = { column, direction: sorted.column === column ? -sorted.direction : 1 };
            show();
        });
        head.append(button);
    });
    filter.addEventListener("input", show);
    bits.addEventListener("change", show);
    order.addEventListener("change", () => {
        const [column, direction] = order.value.split(" ").map(Number);
        sorted = { column, direction };
        show();
    });

    // Fewer bits are drawn stronger, in the same colour in every report.
    const classes = [
        { title: "1 to 3 bits", swatch: "--bits-low", has: width => width < 4 },
        { title: "4 bits", swatch: "--bits-4", has: width => width == 4 },
        { title: "5 to 7 bits", swatch: "--bits-mid", has: width => width > 4 && width < 8 },
        { title: "8 bits and more", swatch: "--bits-8", has: width => width >= 8 },
        { title: "float", swatch: "--bits-float", has: width => width === "float" },
        { title: "no weights", swatch: "--bits-none", has: width => width === "none" },
    ];
    const activationsOf = layer => String(layer.activationBits ?? "float");
    const classOf = width => classes.find(c => c.has(width));
    const used = classes.filter(c => metrics.layers.some(layer => c.has(weightsOf(layer))));
    const readout = byId("layers-readout");

    const key = () => {
        const items = classes.filter(c => metrics.layers.some(layer => c.has(weightsOf(layer)) || c.has(activationsOf(layer)))).flatMap(c => {
            const swatch = document.createElement("span");
            swatch.className = "key";
            swatch.style.setProperty("--swatch", `var(${c.swatch})`);
            return [swatch, c.title];
        });
        readout.replaceChildren(...items);
    };
    const inWords = width => (width === "float" ? "in float" : width === "none" ? "none" : `${width} bits`);
    const describe = i => {
        const layer = i == null ? null : shown[i];
        if (!layer) {
            key();
            return;
        }
        const sqnr = layer.sqnr == null ? "SQNR not measured" : `${Number(layer.sqnr).toFixed(2)} dB`;
        readout.textContent = `${layer.name}: ${sqnr}, weights ${inWords(weightsOf(layer))}, activations ${inWords(activationsOf(layer))}`;
    };
    const choose = i => {
        const layer = i == null ? null : shown[i];
        allRows.forEach(row => row.classList.toggle("chosen", layer != null && metrics.layers[row.dataset.index] === layer));
        if (layer) {
            const row = allRows.find(r => metrics.layers[r.dataset.index] === layer);
            const frame = row.closest(".scroll");
            frame.scrollTop = row.offsetTop - frame.clientHeight / 2;
        }
    };

    const together = {
        y: false,
        drag: { x: false, y: false },
        sync: { key: "layers" },
        points: { show: false },
    };
    const hooks = { setCursor: [chart => describe(chart.cursor.idx)] };
    const positions = () => shown.map((_, i) => i + 1);
    const x = { time: false, range: () => [0.25, Math.max(1, shown.length) + 0.75] };
    const noTicks = axis({ grid: { show: false }, ticks: { show: false }, values: () => [], size: 6 });

    const sqnrData = () => [
        positions(),
        ...used.map(c => shown.map(layer => (c.has(weightsOf(layer)) ? drawable(layer.sqnr) : null))),
    ];
    const sqnrChart = drawChart(
        byId("layers-chart"),
        220,
        {
            cursor: together,
            scales: { x, y: { range: (_, min, max) => [Math.min(0, min ?? 0), Math.max(1, max ?? 1) * 1.05] } },
            axes: [noTicks, axis({ label: "SQNR, dB", size: 44 })],
            series: [
                {},
                ...used.map(c => ({
                    fill: () => color(c.swatch),
                    stroke: () => color(c.swatch),
                    width: 0,
                    points: { show: false },
                    paths: uPlot.paths.bars({ size: [0.8, 40] }),
                })),
            ],
            hooks,
        },
        sqnrData(),
    );

    // Two rows of cells under the bars: the widths of weights and of activations.
    const lanes = [
        { at: 2, widthOf: weightsOf },
        { at: 1, widthOf: activationsOf },
    ];
    const drawLanes = chart => {
        const { ctx: context } = chart;
        const pixel = (value, scale) => chart.valToPos(value, scale, true);
        const width = Math.max(1, (pixel(2, "x") - pixel(1, "x")) * 0.8);
        context.save();
        for (const { at, widthOf } of lanes) {
            const [top, bottom] = [pixel(at + 0.36, "y"), pixel(at - 0.36, "y")];
            shown.forEach((layer, i) => {
                context.fillStyle = color(classOf(widthOf(layer)).swatch);
                context.fillRect(pixel(i + 1, "x") - width / 2, top, width, bottom - top);
            });
        }
        context.restore();
    };
    const bitsData = () => [positions(), shown.map(() => null)];
    const bitsChart = drawChart(
        byId("bits-chart"),
        92,
        {
            cursor: together,
            scales: { x, y: { range: () => [0.5, 2.5] } },
            axes: [
                axis({
                    label: "layers, in the table's order",
                    size: 28,
                    grid: { show: false },
                    incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
                }),
                axis({
                    label: "bits",
                    size: 44,
                    grid: { show: false },
                    ticks: { show: false },
                    splits: () => lanes.map(lane => lane.at),
                    values: () => ["W", "A"],
                }),
            ],
            series: [{}, { points: { show: false } }],
            hooks: { ...hooks, draw: [drawLanes] },
        },
        bitsData(),
    );

    for (const chart of [sqnrChart, bitsChart]) {
        chart.over.addEventListener("click", () => choose(chart.cursor.idx));
    }

    function redraw() {
        sqnrChart.setData(sqnrData());
        bitsChart.setData(bitsData());
        choose(null);
        describe(null);
    }
    show();
}
