using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>Noise-prediction quality over timesteps: a chart, and the same as a table.</summary>
internal static class TimestepsSection
{
    public static Html Render(EvaluationReport report)
    {
        if (report.Timesteps.Count == 0)
        {
            return default;
        }

        var lowest = report.Timesteps.MinBy(t => t.Sqnr)!;
        return Html.Of(
            $"""
            <section aria-labelledby="timesteps-title">
            <h2 id="timesteps-title">Noise prediction over timesteps</h2>
            <p class="lead">SQNR of the network's output on the float model's x<sub>t</sub>, from pure noise on the left to the image on the right. Lowest: {Figures.Fixed(
                lowest.Sqnr,
                2
            )}&nbsp;dB at t&nbsp;=&nbsp;{TimestepText.Of(lowest.Timestep)}.</p>
            <figure class="chart scripted" role="img" aria-label="SQNR over timesteps; the table below holds the values">
            <div id="timesteps-chart"></div>
            <figcaption id="timesteps-readout"></figcaption>
            </figure>
            <details>
            <summary>{report.Timesteps.Count} timesteps as a table</summary>
            <div class="scroll">
            <table id="timesteps">
            <thead><tr><th scope="col">t</th><th scope="col">SQNR, dB</th><th scope="col">Mean squared error</th></tr></thead>
            <tbody>
            {Html.Lines(report.Timesteps.Select(Row))}
            </tbody>
            </table>
            </div>
            </details>
            </section>
            """
        );
    }

    private static Html Row(TimestepQuality t) =>
        Html.Of(
            $"<tr><td>{TimestepText.Of(t.Timestep)}</td><td data-value=\"{Figures.Exact(t.Sqnr)}\">{Figures.Fixed(t.Sqnr, 2)}</td><td data-value=\"{Figures.Exact(t.Error)}\">{Figures.Significant(t.Error, 4)}</td></tr>"
        );
}
