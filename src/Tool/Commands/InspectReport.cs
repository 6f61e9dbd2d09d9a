using System.Text;
using System.Text.Json.Nodes;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Tool.Inspection;
using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>inspect</c> finds.</summary>
internal sealed record InspectReport
{
    public const string FloatKind = "float";
    public const string QuantizedKind = "quantized";

    /// <summary>The path that was given.</summary>
    public required string Model { get; init; }

    /// <summary><c>float</c> or <c>quantized</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>C×H×W of a sample; null where that is not known.</summary>
    public string? SampleShape { get; init; }

    /// <summary>The graph's inputs, with what they mean.</summary>
    public required IReadOnlyList<string> Inputs { get; init; }

    /// <summary>The version of ONNX's operators.</summary>
    public required long Opset { get; init; }

    /// <summary>How it was quantized; null for a float model.</summary>
    public JsonNode? Recipe { get; init; }

    /// <summary>Its layers, in the order they run.</summary>
    public required IReadOnlyList<LayerRow> Layers { get; init; }

    /// <summary>The blocks that reconstruction tunes, in the order they run; null where they are not asked for.</summary>
    public IReadOnlyList<BlockRow>? Blocks { get; init; }

    /// <summary>The model as a whole.</summary>
    public required ModelTotals Totals { get; init; }

    /// <summary>What else is to be said.</summary>
    public string? Note { get; init; }

    /// <summary>Shows it to a person.</summary>
    public void Show(IAnsiConsole console)
    {
        Facts.Show(
            console,
            ("Model", $"{Model}, {Kind}, opset {Opset}"),
            ("Inputs", string.Join(", ", Inputs)),
            ("Recipe", Recipe is null ? null : InWords(Recipe)),
            ("Note", Note)
        );
        console.WriteLine();
        if (Blocks is { } blocks)
        {
            console.Write(BlockTable.Of(blocks));
        }
        else if (Layers.Count > 0)
        {
            console.Write(LayerTable.Of(Layers, console.Profile.Width));
        }

        console.WriteLine();
        var sizes = Totals.FloatBytes is { } before
            ? Humanize.Sizes(before, Totals.Bytes)
            : Humanize.Bytes(Totals.Bytes);
        var quantized = Kind == QuantizedKind ? $", {Totals.QuantizedLayers} of them quantized" : "";
        var output = Totals is { LeastOutputSqnr: { } decibels, WorstTimestep: { } t }
            ? $", output SQNR at least {decibels:0.0} dB (t = {TimestepText.Of(t)})"
            : "";
        console.WriteLine(
            $"{Totals.Layers} layers{quantized}, {Humanize.Count(Totals.LayerParameters)} parameters in them, {sizes}{output}"
        );
    }

    private static string InWords(JsonNode json)
    {
        Quantization.Recipes.Recipe recipe;
        try
        {
            recipe = Quantization.Recipes.Recipe.Of(RecipeFile.Parse(Encoding.UTF8.GetBytes(json.ToJsonString())));
        }
        catch (DiffusionQuantException)
        {
            // Another version wrote it, with words that this one does not know.
            return json.ToJsonString();
        }

        var rules = recipe.Rules.Length == 0 ? "" : $", rules {string.Join(' ', recipe.Rules)}";
        var samples = recipe.CalibrationSamples is { } count ? $"{count} samples" : "samples";
        return $"{recipe.Bits}, method {recipe.Method}, policy {recipe.Policy}{rules}, {samples} "
            + $"from {recipe.Steps} steps of {recipe.Sampler?.Name ?? "the model's own sampler"}, seed {recipe.Seed}";
    }
}
