using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Training;

/// <summary>Weights W + B·A of which the factors alone are trained.</summary>
/// <param name="settings">Rank, start, rates.</param>
/// <param name="seed">Of the random factors.</param>
internal sealed class LowRankWeights(FineTuningSettings settings, int seed) : WeightTraining
{
    private readonly Dictionary<string, (float[] Start, int Rank, string A, string B)> layers = new(
        StringComparer.Ordinal
    );

    /// <summary>8 bits lose nothing that training could win back; such layers stay as they are, as in EfficientDM.</summary>
    public override bool Trains(QuantizedWeight weight) => weight.Quantizers.Any(q => q.Bits < 8);

    public override string Write(GraphEditor editor, string layer, float[] start, QuantizedWeight weight)
    {
        var factors = LowRankFactors.Of(start, weight, settings.Rank, settings.Start, new Random(seed + layers.Count));
        var rate = settings.Adam(settings.LowRankRate * weight.Quantizers.Average(q => q.Scale)) with
        {
            WeightDecay = settings.WeightDecay,
        };
        var a = Add(editor, $"{layer}_lora_a", factors.A, [factors.Rank, factors.Columns], rate);
        var b = Add(editor, $"{layer}_lora_b", factors.B, [factors.Rows, factors.Rank], rate);
        layers[layer] = (start, factors.Rank, a, b);
        long[] dims = [.. weight.Dims];
        var change = editor.Node("MatMul", $"{layer}_change", [b, a]);
        return editor.Node(
            "Add",
            $"{layer}_merged",
            [
                editor.Constant(OnnxTensor.Of($"{layer}_start", start.AsSpan(), dims)),
                editor.Node("Reshape", $"{layer}_change_shaped", [change, editor.Integers(dims)]),
            ]
        );
    }

    public override float[] Read(string layer, Func<string, float[]> read)
    {
        var (start, rank, a, b) = layers[layer];
        return LowRankFactors.Merge(start, rank, read(a), read(b));
    }
}
