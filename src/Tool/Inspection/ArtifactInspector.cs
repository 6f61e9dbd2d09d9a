using System.Text.Json;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Tool.Commands;

namespace DiffusionQuant.Tool.Inspection;

/// <summary>Describes a quantized model's folder, from its <c>quantization.json</c> and its graph.</summary>
internal static class ArtifactInspector
{
    /// <summary>Whether a folder holds a quantized model.</summary>
    public static bool CanInspect(string folder) => File.Exists(Path.Combine(folder, QuantizationReport.FileName));

    public static InspectReport Inspect(string folder)
    {
        var made = Read(Path.Combine(folder, QuantizationReport.FileName));
        var model = OnnxModel.Load(ModelLayout.Find(folder).ModelPath);
        var bytes = FloatModelInspector.SizeOf(model);
        return new()
        {
            Model = folder,
            Kind = InspectReport.QuantizedKind,
            Inputs = [.. model.Graph.Inputs.Select(i => i.ToString())],
            Opset = model.Opset,
            Recipe = made.Recipe,
            Layers = [.. made.Layers.Select(Describe)],
            Totals = new()
            {
                Layers = made.Layers.Count,
                QuantizedLayers = made.Layers.Count(l => l.Mode != LayerMode.Float),
                LayerParameters = made.Layers.Sum(l => l.Parameters),
                Bytes = bytes,
                FloatBytes = made.FloatBytes,
                Ratio = Math.Round((double)made.FloatBytes / Math.Max(1, bytes), 3),
                LeastOutputSqnr = made.Worst?.Decibels,
                WorstTimestep = made.Worst?.Timestep,
            },
        };
    }

    private static QuantizationReport Read(string path)
    {
        try
        {
            return QuantizationReport.Parse(File.ReadAllText(path));
        }
        catch (JsonException e)
        {
            throw ToolErrors.NotAReport(path, e);
        }
    }

    private static LayerRow Describe(LayerReport layer)
    {
        var inputs = layer.Inputs;
        return new()
        {
            Name = layer.Name,
            Operator = layer.Operator,
            Positions = layer.Positions.Split([',', ' '], StringSplitOptions.RemoveEmptyEntries),
            WeightShape = layer.WeightShape,
            Parameters = layer.Parameters,
            Bits = Bits(layer),
            MeanWeightBits = layer.MeanWeightBits,
            ChannelWidths = layer.ChannelWidths,
            WeightSqnr = layer.WeightSqnr,
            ActivationMin = inputs.Count == 0 ? null : inputs.Min(i => i.Min),
            ActivationMax = inputs.Count == 0 ? null : inputs.Max(i => i.Max),
            ActivationScale = inputs.Count == 0 ? null : inputs.Max(i => i.Scale),
            ActivationSqnr = inputs.Count == 0 ? null : inputs.Min(i => i.Sqnr),
            OutputSqnr = layer.OutputSqnr,
            Note = layer.Reason,
        };
    }

    private static string Bits(LayerReport layer)
    {
        var weights = layer.WeightBits is { } w ? $"W{w}" : "";
        // Both factors of a product of activations may differ: a softmax has bits of its own.
        var activations = string.Join('×', layer.Inputs.Select(i => $"A{i.Bits}").Distinct());
        return layer.Mode == LayerMode.Float ? "float" : weights + activations;
    }
}
