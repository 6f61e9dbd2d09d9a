using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>What an evaluation tells of a model without running it.</summary>
internal static class ModelFacts
{
    /// <summary>The layers, as the quantizer described them.</summary>
    public static IReadOnlyList<LayerQuality> Layers(QuantizationReport? report) =>
        [
            .. (report?.Layers ?? []).Select(layer => new LayerQuality(
                layer.Name,
                layer.Operator,
                layer.WeightBits,
                layer.Mode == LayerMode.Integer && layer.Inputs.Count > 0 ? layer.Inputs.Max(i => i.Bits) : null,
                layer.OutputSqnr,
                layer.Parameters,
                layer.Inputs.FirstOrDefault(i => i.Timesteps is not null)?.Timesteps,
                layer.MeanWeightBits,
                layer.ChannelWidths,
                layer.Inputs.Any(i => i.Deviations is not null)
                    ? [.. layer.Inputs.Select(i => i.Deviations).OfType<IReadOnlyList<TimestepDeviation>>()]
                    : null,
                layer.WeightSqnr,
                layer.Description.Positions.HasFlag(LayerPositions.Last)
            )),
        ];

    /// <summary>What a quantized model's bytes are spent on.</summary>
    public static SizeBreakdown Size(TestedModel model, TestedModel floatModel, QuantizationReport? report)
    {
        var parts = new Dictionary<string, long>();
        foreach (var layer in (report?.Layers ?? []).Where(l => l.WeightBits is not null && l.WeightShape is not null))
        {
            var numbers = layer.WeightShape!.Aggregate(1L, (a, b) => a * b);
            if (layer.ChannelWidths is not { } widths)
            {
                Add($"{layer.WeightBits}-bit weights", ((numbers * layer.WeightBits!.Value) + 7) / 8);
                continue;
            }

            var perChannel = numbers / widths.Sum(w => w.Channels);
            foreach (var width in widths)
            {
                Add($"{width.Bits}-bit weights", ((perChannel * width.Channels * width.Bits) + 7) / 8);
            }
        }

        var packed = parts.Values.Sum();
        foreach (var tensor in model.Model.Model.Graph.Initializers.Values)
        {
            var name = tensor.ElementType switch
            {
                ElementType.Float or ElementType.Float16 or ElementType.BFloat16 or ElementType.Double =>
                    "float weights, biases and scales",
                ElementType.Int32 => "32-bit biases",
                ElementType.Int64 => "shapes and indices",
                _ => null,
            };
            if (name is not null)
            {
                Add(name, tensor.Data.Length);
            }
        }

        var codes = model.Model.Model.Graph.Initializers.Values.Where(IsCode).Sum(t => (long)t.Data.Length);
        Add(report is null ? "integer weights" : "padding and zero points", Math.Max(codes - packed, 0));
        Add("graph", Math.Max(model.Identity.Bytes - parts.Values.Sum(), 0));
        return new(
            floatModel.Identity.Bytes,
            model.Identity.Bytes,
            [
                .. parts
                    .Where(p => p.Value > 0)
                    .OrderByDescending(p => p.Value)
                    .ThenBy(p => p.Key, StringComparer.Ordinal)
                    .Select(p => new SizePart(p.Key, p.Value)),
            ]
        );

        void Add(string name, long bytes) => parts[name] = parts.GetValueOrDefault(name) + bytes;
    }

    private static bool IsCode(OnnxTensor tensor) =>
        tensor.ElementType
            is ElementType.Int8
                or ElementType.UInt8
                or ElementType.Int4
                or ElementType.UInt4
                or ElementType.Int16
                or ElementType.UInt16
                or ElementType.Bool;
}
