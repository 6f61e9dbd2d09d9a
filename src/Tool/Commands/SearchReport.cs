using System.Globalization;
using System.Text.Json.Serialization;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Search;
using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>search</c> says when it is done.</summary>
internal sealed record SearchReport
{
    /// <summary>The path that was given.</summary>
    public required string Model { get; init; }

    /// <summary>The recipe file.</summary>
    public required string Output { get; init; }

    /// <summary>The budget in bits per weight.</summary>
    public required double BudgetBits { get; init; }

    /// <summary>Bits per weight in the mean.</summary>
    public required double MeanBits { get; init; }

    /// <summary>Bits of activations.</summary>
    public required int ActivationBits { get; init; }

    /// <summary>SQNR in dB of the network's output with all weights quantized together, activations in float.</summary>
    public double OutputSqnr { get; init; }

    /// <summary>The equal width that is compared with; null where none is under the budget.</summary>
    public int? UniformBits { get; init; }

    /// <summary>Its SQNR, likewise.</summary>
    public double? UniformOutputSqnr { get; init; }

    /// <summary>On how many pairs (x_t, t) was measured.</summary>
    public required int Pairs { get; init; }

    /// <summary>SHA-256 of the model's weights.</summary>
    public required string WeightsSha256 { get; init; }

    /// <summary>What computes: <c>cpu</c> or <c>cuda:0</c>.</summary>
    public string? Device { get; init; }

    /// <summary>Whether the sensitivities were measured by another run.</summary>
    public bool FromCache { get; init; }

    /// <summary>How long this run took.</summary>
    public double Seconds { get; init; }

    /// <summary>The layers, in topological order.</summary>
    public required IReadOnlyList<SearchedLayer> Layers { get; init; }

    /// <summary>The whole in one line.</summary>
    [JsonIgnore]
    public string Summary =>
        $"{Model}: {Number(MeanBits)} bits per weight of {Number(BudgetBits)} in {Layers.Count} layers, {Quality}";

    private string Quality =>
        $"output SQNR {Number(OutputSqnr)} dB"
        + (UniformBits is { } bits ? $", {Number(UniformOutputSqnr!.Value)} dB at W{bits} for all" : "");

    /// <summary>Describes the result of a search.</summary>
    public static SearchReport Of(
        string model,
        string output,
        double budget,
        Recipe recipe,
        BitAssignment assignment,
        SensitivityTable table
    ) =>
        new()
        {
            Model = model,
            Output = output,
            BudgetBits = budget,
            MeanBits = Math.Round(assignment.MeanBits, 4),
            ActivationBits = recipe.Bits.ActivationBits,
            Pairs = table.Pairs,
            WeightsSha256 = recipe.WeightsSha256!,
            Layers =
            [
                .. assignment.Layers.Select(l => new SearchedLayer(
                    l.Sensitivity.Layer,
                    l.Sensitivity.Weights,
                    l.Bits,
                    l.IsFixed,
                    l.Sensitivity.Errors.ToDictionary(
                        e => e.Key.ToString(CultureInfo.InvariantCulture),
                        e => Decibels(e.Value)
                    )
                )),
            ],
        };

    /// <summary>A relative error as SQNR in dB, with the digits that mean something.</summary>
    public static double Decibels(double error) =>
        error <= 0 ? Quantization.Quantizers.SignalToNoise.Exact : Math.Round(-10 * Math.Log10(error), 2);

    /// <summary>The recipe file's text.</summary>
    public string Document(Recipe recipe, string path)
    {
        var layers = Layers.ToDictionary(
            l => new LayerRule(LayerPattern.Exact(l.Name), new(l.Bits, null)).ToString(),
            StringComparer.Ordinal
        );
        string[] heading =
        [
            $"Made by diffquant search: {Number(MeanBits)} bits per weight in the mean, of a budget of {Number(BudgetBits)}.",
            $"All weights together: {Quality}. Activations are in float in these figures.",
            $"Behind a layer: its weights, and the output's SQNR with this layer alone quantized, on {Pairs} pairs (x_t, t).",
        ];
        return RecipeDocument.Write(
            recipe,
            Path.GetDirectoryName(path)!,
            heading,
            rule => layers.GetValueOrDefault(rule.ToString())?.Remark
        );
    }

    /// <summary>Shows it to a person.</summary>
    public void Show(IAnsiConsole console) =>
        Facts.Show(
            console,
            (
                "Made",
                $"{Output} in {Humanize.Time(TimeSpan.FromSeconds(Seconds))}{(FromCache ? ", sensitivities from the cache" : "")}"
            ),
            ("Bits", $"{Number(MeanBits)} per weight in the mean, of {Number(BudgetBits)}"),
            (
                "Layers",
                string.Join(
                    ", ",
                    Layers.GroupBy(l => l.Bits).OrderBy(g => g.Key).Select(g => $"{g.Count()} at W{g.Key}")
                )
            ),
            ("Weights", Quality),
            ("Next", $"review it, commit it, and quantize with --recipe {Output}, or Recipe in a project file")
        );

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}

/// <summary>A layer of a searched recipe.</summary>
/// <param name="Name">The layer's name.</param>
/// <param name="Weights">The number of its weights.</param>
/// <param name="Bits">Bits per weight.</param>
/// <param name="IsFixed">Whether policy or rules ask for this width.</param>
/// <param name="OutputSqnr">By width: SQNR in dB of the network's output with this layer alone quantized.</param>
internal sealed record SearchedLayer(
    string Name,
    long Weights,
    int Bits,
    bool IsFixed,
    IReadOnlyDictionary<string, double> OutputSqnr
)
{
    /// <summary>What a reviewer wants to see behind the layer's rule.</summary>
    [JsonIgnore]
    public string Remark
    {
        get
        {
            var decibels = OutputSqnr[Bits.ToString(CultureInfo.InvariantCulture)];
            return string.Create(CultureInfo.InvariantCulture, $"{Weights:N0} weights, {decibels:0.0} dB");
        }
    }
}
