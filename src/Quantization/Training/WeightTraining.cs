using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Training;

/// <summary>What stands for the float weights of layers while a network is trained: which parameters make them up.</summary>
internal abstract class WeightTraining
{
    private readonly List<Parameter> parameters = [];

    /// <summary>The parameters that were written.</summary>
    public IReadOnlyList<Parameter> Parameters => parameters;

    /// <summary>Whether a weight is trained, or stays as the plan has it.</summary>
    public abstract bool Trains(QuantizedWeight weight);

    /// <summary>Writes the float weight that is then rounded.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="layer">The layer's name.</param>
    /// <param name="start">The values to begin with.</param>
    /// <param name="weight">Codes and quantizers that they have at the beginning.</param>
    /// <returns>The value's name.</returns>
    public abstract string Write(GraphEditor editor, string layer, float[] start, QuantizedWeight weight);

    /// <summary>Writes a layer's bias, where biases are trained too.</summary>
    /// <returns>The parameter's name; null where the bias stays.</returns>
    public virtual string? WriteBias(GraphEditor editor, string layer, float[] start, QuantizedWeight weight) => null;

    /// <summary>The float weight as it is.</summary>
    /// <param name="layer">A layer that was written.</param>
    /// <param name="read">Reads a parameter.</param>
    public abstract float[] Read(string layer, Func<string, float[]> read);

    /// <summary>What a layer begins with.</summary>
    /// <param name="layer">The layer's name.</param>
    /// <param name="original">Its float weight.</param>
    /// <param name="quantized">Its codes.</param>
    public virtual float[] Start(string layer, ReadOnlySpan<float> original, QuantizedWeight quantized) =>
        Towards(original, quantized);

    /// <summary>Writes a parameter.</summary>
    /// <returns>Its name.</returns>
    protected string Add(GraphEditor editor, string wanted, float[] values, long[] dims, AdamSettings rate)
    {
        var tensor = OnnxTensor.Of(editor.Unique(wanted), values.AsSpan(), dims);
        editor.Graph.Add(tensor);
        parameters.Add(new(tensor, rate));
        return tensor.Name;
    }

    /// <summary>
    /// The float weights, moved as little as it takes to be rounded to the codes that they have: so training goes on from a
    /// rounding that was chosen for the layer's output (GPTQ, AdaRound), not from the nearest one.
    /// </summary>
    private static float[] Towards(ReadOnlySpan<float> weight, QuantizedWeight quantized)
    {
        // Short of a half, where rounding would be by chance.
        const float Most = 0.49f;
        var start = weight.ToArray();
        var codes = quantized.Codes.Span;
        foreach (var (channel, first, length) in WeightChannels.Runs(quantized.Dims, quantized.Axis))
        {
            var quantizer = quantized.Quantizers[channel];
            for (var i = first; i < first + length; i++)
            {
                if (quantizer.Quantize(start[i]) != codes[i])
                {
                    var centre = quantizer.Dequantize(codes[i]);
                    start[i] = Math.Clamp(
                        start[i],
                        centre - (Most * quantizer.Scale),
                        centre + (Most * quantizer.Scale)
                    );
                }
            }
        }

        return start;
    }
}
