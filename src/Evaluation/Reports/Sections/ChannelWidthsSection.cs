using System.Globalization;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>Widths of output channels, for each layer whose channels have different ones; nothing where none has.</summary>
internal static class ChannelWidthsSection
{
    public static Html Render(EvaluationReport report)
    {
        var layers = report.Layers.Where(l => l.ChannelWidths is not null).OrderByDescending(Most).ToArray();
        return layers.Length == 0
            ? default
            : Html.Of(
                $"""
                <section id="channel-widths" aria-labelledby="channel-widths-title">
                <h2 id="channel-widths-title">Bits per channel</h2>
                <p class="lead">Output channels of {layers.Length} layers have weights of different widths, by the kurtosis of the weights: 3 is that of a normal law, more that of weights with outliers. Layers of the largest kurtosis come first.</p>
                {Html.Lines(layers.Select(Layer))}
                </section>
                """
            );
    }

    private static double Most(LayerQuality layer) => layer.ChannelWidths!.Max(w => w.MostKurtosis);

    private static Html Layer(LayerQuality layer, int index)
    {
        (string, double, string)[] bars =
        [
            .. layer.ChannelWidths!.Select(w =>
                (Bits(w), (double)w.Channels, $"{Figures.Count(w.Channels)}, {Kurtosis(w)}")
            ),
        ];
        var open = index == 0 ? " open" : "";
        return Html.Of(
            $"""
            <details{Html.Trusted(open)}>
            <summary>{layer.Name}: {Figures.Fixed(layer.MeanWeightBits!.Value, 2)} bits in the mean</summary>
            {Bars.Render(bars, layer.ChannelWidths!.Max(w => w.Channels))}
            </details>
            """
        );
    }

    private static string Bits(ChannelWidth width) =>
        width.Bits == 1 ? "1 bit" : $"{width.Bits.ToString(CultureInfo.InvariantCulture)} bits";

    private static string Kurtosis(ChannelWidth width) =>
        $"kurtosis {Figures.Fixed(width.LeastKurtosis, 1)} to {Figures.Fixed(width.MostKurtosis, 1)}, median {Figures.Fixed(width.MedianKurtosis, 1)}";
}
