using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Training;

/// <summary>Weights that are trained themselves, and biases with them, as in quantization-aware training.</summary>
/// <param name="settings">Their rate.</param>
internal sealed class FullWeights(LsqSettings settings) : WeightTraining
{
    private readonly Dictionary<string, string> names = new(StringComparer.Ordinal);

    public override bool Trains(QuantizedWeight weight) => true;

    public override float[] Start(string layer, ReadOnlySpan<float> original, QuantizedWeight quantized) =>
        settings.Starts.TryGetValue(layer, out var start) ? start : base.Start(layer, original, quantized);

    public override string Write(GraphEditor editor, string layer, float[] start, QuantizedWeight weight) =>
        names[layer] = Add(editor, $"{layer}_weight", start, [.. weight.Dims], settings.Adam(Rate(weight)));

    public override string WriteBias(GraphEditor editor, string layer, float[] start, QuantizedWeight weight) =>
        Add(editor, $"{layer}_bias", start, [start.Length], settings.Adam(Rate(weight)));

    public override float[] Read(string layer, Func<string, float[]> read) => read(names[layer]);

    /// <summary>A layer with large steps must move further.</summary>
    private float Rate(QuantizedWeight weight) => settings.WeightRate * weight.Quantizers.Average(q => q.Scale);
}
