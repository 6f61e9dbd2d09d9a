using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>
/// How far queries, keys and values of attention spread over timesteps, as they are and as they are rounded: where the
/// second curve is flat, one step size serves all timesteps. Nothing for a network without attention.
/// </summary>
internal static class DeviationsSection
{
    public static Html Render(EvaluationReport report)
    {
        var layers = report.Layers.Where(l => l.Deviations is { Count: > 0 }).ToArray();
        return layers.Length == 0
            ? default
            : Html.Of(
                $"""
                <section id="deviations" aria-labelledby="deviations-title">
                <h2 id="deviations-title">Attention over timesteps</h2>
                <p class="lead">Standard deviation of the inputs of {layers.Length} products of activations, from pure noise down to the image: of the value itself, and of what is rounded, which is normalized by timestep where the method does that.</p>
                {Html.Lines(layers.Select(Layer))}
                </section>
                """
            );
    }

    private static Html Layer(LayerQuality layer)
    {
        var inputs = layer.Deviations!;
        return Html.Of(
            $"""
            <details>
            <summary>{layer.Name}: {string.Join(", ", inputs.Select(Spread))}</summary>
            <div class="scroll">
            <table>
            <thead><tr><th scope="col">t</th>{Html.Lines(inputs.Select((_, i) => Head(i)))}</tr></thead>
            <tbody>
            {Html.Lines(inputs[0].Select((t, i) => Row(t.Timestep, [.. inputs.Select(d => d[i])])))}
            </tbody>
            </table>
            </div>
            </details>
            """
        );
    }

    private static string Spread(IReadOnlyList<TimestepDeviation> input) =>
        $"{Ratio(input, d => d.Value)}\u00d7 from least to most, {Ratio(input, d => d.Rounded)}\u00d7 as rounded";

    private static string Ratio(IReadOnlyList<TimestepDeviation> input, Func<TimestepDeviation, float> of) =>
        Figures.Fixed(input.Max(of) / Math.Max(input.Min(of), float.Epsilon), 1);

    private static Html Head(int index) =>
        Html.Of($"<th scope=\"col\">input {index + 1}</th><th scope=\"col\">as rounded</th>");

    private static Html Row(double timestep, TimestepDeviation[] inputs) =>
        Html.Of(
            $"<tr><td>{TimestepText.Of(timestep)}</td>{Html.Lines(inputs.Select(d => Html.Of($"<td>{Figures.Significant(d.Value, 4)}</td><td>{Figures.Significant(d.Rounded, 4)}</td>")))}</tr>"
        );
}
