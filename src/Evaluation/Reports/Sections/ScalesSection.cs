using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>Step sizes that depend on the timestep, for each layer that has some; nothing where none has.</summary>
internal static class ScalesSection
{
    public static Html Render(EvaluationReport report)
    {
        var layers = report.Layers.Where(l => l.Scales is not null).OrderByDescending(Spread).ToArray();
        return layers.Length == 0
            ? default
            : Html.Of(
                $"""
                <section id="scales" aria-labelledby="scales-title">
                <h2 id="scales-title">Scales over timesteps</h2>
                <p class="lead">Step sizes of the inputs of {layers.Length} layers that depend on the timestep, from pure noise down to the image; those that vary most come first.</p>
                {Html.Lines(layers.Select(Layer))}
                </section>
                """
            );
    }

    private static double Spread(LayerQuality layer) =>
        layer.Scales!.Max(s => s.Scale) / layer.Scales!.Min(s => s.Scale);

    private static Html Layer(LayerQuality layer, int index)
    {
        (string, double, string)[] bars =
        [
            .. layer.Scales!.Select(s =>
                ($"t = {TimestepText.Of(s.Timestep)}", (double)s.Scale, Figures.Significant(s.Scale, 4))
            ),
        ];
        var open = index == 0 ? " open" : "";
        return Html.Of(
            $"""
            <details{Html.Trusted(open)}>
            <summary>{layer.Name}: largest {Figures.Fixed(Spread(layer), 1)} times the smallest</summary>
            {Bars.Render(bars, layer.Scales!.Max(s => s.Scale))}
            </details>
            """
        );
    }
}
