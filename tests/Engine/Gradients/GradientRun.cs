using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Tests.Gradients.Reference;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Tests.Gradients;

/// <summary>A model's values and gradients as ONNX Runtime computes them, in float32.</summary>
/// <param name="Values">Values of the model.</param>
/// <param name="Gradients">The gradient of its loss for each wanted value.</param>
internal sealed record GradientRun(
    IReadOnlyDictionary<string, NdArray> Values,
    IReadOnlyDictionary<string, NdArray> Gradients
)
{
    /// <summary>Differentiates the value <c>loss</c> and runs both.</summary>
    public static GradientRun Of(
        OnnxModel model,
        IReadOnlyDictionary<string, float[]> inputs,
        IReadOnlyList<string> wanted,
        params IReadOnlyList<string> values
    )
    {
        var changed = model.Clone();
        var gradients = GradientGraph.Append(changed, "loss", wanted);
        string[] outputs = [.. values.Concat(gradients.Values).Distinct(StringComparer.Ordinal)];
        changed.Graph.Outputs.Clear();
        changed.Graph.Outputs.AddRange(outputs.Select(o => new ValueInfo(o, ElementType.Float, null)));
        QuantizerOperators.Lower(changed);
        using var session = ModelSession.Load(changed, SessionSettings.Default with { Threads = 1 });
        var feeds = model.Graph.Inputs.ToDictionary(i => i.Name, i => Tensors.Of(inputs[i.Name], i.Shape!.ToStatic()));
        using var results = session.Run(feeds, outputs);
        NdArray Read(string name) =>
            new(
                Array.ConvertAll(Tensors.Dims(results[name]), d => (int)d),
                Array.ConvertAll(Tensors.ToFloats(results[name]), v => (double)v)
            );

        return new(values.ToDictionary(v => v, Read), wanted.ToDictionary(w => w, w => Read(gradients[w])));
    }

    /// <summary>Differences are small beside the largest element.</summary>
    public static void AssertClose(string what, NdArray expected, NdArray actual)
    {
        Assert.True(
            expected.Dims.AsSpan().SequenceEqual(actual.Dims),
            $"{what} is [{string.Join(',', actual.Dims)}], not [{string.Join(',', expected.Dims)}]"
        );

        // What is zero but for rounding has no size to compare with.
        var size = Math.Max(expected.Values.Select(Math.Abs).DefaultIfEmpty().Max(), 0.1);
        for (var i = 0; i < expected.Values.Length; i++)
        {
            Assert.True(
                Math.Abs(expected.Values[i] - actual.Values[i]) <= 1e-4 * size,
                $"{what} at {i} is {actual.Values[i]}, not {expected.Values[i]}; the largest is {size}"
            );
        }
    }
}
