// SQNR of the noise prediction over timesteps, as sampling goes through them: the largest t comes first.

if (byId("timesteps-chart")) {
    const points = [...metrics.timesteps].sort((a, b) => a.timestep - b.timestep);
    const readout = byId("timesteps-readout");
    const describe = i =>
        (readout.textContent =
            i == null
                ? "Point at the chart for values."
                : `t = ${+points[i].timestep.toFixed(3)}: ${Number(points[i].sqnr).toFixed(2)} dB, mean squared error ${Number(points[i].error).toPrecision(4)}`);

    drawChart(
        byId("timesteps-chart"),
        240,
        {
            cursor: { y: false, drag: { x: false, y: false } },
            scales: { x: { time: false, dir: -1 }, y: { range: (_, min, max) => padded(min, max) } },
            axes: [axis({ label: "timestep t", size: 28 }), axis({ label: "SQNR, dB", size: 44 })],
            series: [
                {},
                {
                    stroke: () => color("--accent"),
                    width: 2,
                    points: { show: true, size: 6, fill: () => color("--card"), stroke: () => color("--accent") },
                },
            ],
            hooks: { setCursor: [chart => describe(chart.cursor.idx)] },
        },
        [points.map(p => p.timestep), points.map(p => drawable(p.sqnr))],
    );
    describe(null);
}

// Room above and below, also where all values are equal or there is none.
function padded(min, max) {
    if (min == null) {
        return [0, 1];
    }
    const room = Math.max(0.5, (max - min) * 0.12);
    return [min - room, max + room];
}
