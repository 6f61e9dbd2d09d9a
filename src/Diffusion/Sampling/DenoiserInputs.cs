using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Diffusion;

/// <summary>The tensors of a call in the types and ranks that a graph declares, disposed together.</summary>
public sealed class DenoiserInputs : IDisposable
{
    private readonly Dictionary<string, OrtValue> values = new(StringComparer.Ordinal);

    /// <summary>Makes them.</summary>
    /// <param name="contract">The graph's inputs.</param>
    /// <param name="call">Samples, timesteps and conditioning; where the graph takes one timestep or label for all, the
    /// first counts.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1050: an input's value is missing.</exception>
    public DenoiserInputs(DenoiserContract contract, DenoiserCall call)
    {
        foreach (var input in contract.Inputs)
        {
            values[input.Name] = Make(contract, input, call);
        }
    }

    /// <summary>A tensor for each input of the contract.</summary>
    public IReadOnlyDictionary<string, OrtValue> Values => values;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var value in values.Values)
        {
            value.Dispose();
        }
    }

    private static OrtValue Make(DenoiserContract contract, DenoiserInput input, DenoiserCall call)
    {
        var shape = contract.SampleShape;
        switch (input.Role)
        {
            case DenoiserRole.Sample when contract.Packing is { } side:
                return Tensors.FromFloats(
                    TokenPacking.Pack(call.Samples, shape, side),
                    [call.Count, shape.Length / (shape.Channels * side * side), shape.Channels * side * side],
                    input.ElementType
                );
            case DenoiserRole.Sample:
                return Tensors.FromFloats(
                    WithExtra(contract, call),
                    [call.Count, shape.Channels + contract.ExtraChannels, shape.Height, shape.Width],
                    input.ElementType
                );
            case DenoiserRole.Timestep:
                return Timesteps(contract, input, call);
            case DenoiserRole.ClassLabel when call.ClassLabels is { } labels:
                var dims = InputValues.ColumnDims(input.Shape, call.Count);
                return InputValues.OfIntegers(
                    [.. labels.Take(dims is [] or [1] ? 1 : call.Count).Select(l => (long)l)],
                    dims,
                    input.ElementType
                );
            default:
                return call.Conditioning.TryGetValue(input.Name, out var tensor)
                    ? InputValues.Of(tensor, input.ElementType)
                    : throw DiffusionErrors.ConditioningMissing(contract.Path, input.ToString());
        }
    }

    /// <summary>Each sample with its extra channels behind it.</summary>
    private static float[] WithExtra(DenoiserContract contract, DenoiserCall call)
    {
        if (contract.Extra is not { } extra)
        {
            return call.Samples;
        }

        if (!call.Conditioning.TryGetValue(extra.Name, out var array))
        {
            throw DiffusionErrors.ConditioningMissing(contract.Path, extra.ToString());
        }

        var size = contract.SampleShape.Length;
        var behind = array.ToFloats().Span;
        var extraSize = size / contract.SampleShape.Channels * contract.ExtraChannels;
        var result = new float[call.Count * (size + extraSize)];
        for (var i = 0; i < call.Count; i++)
        {
            var own = result.AsSpan(i * (size + extraSize));
            call.Samples.AsSpan(i * size, size).CopyTo(own);
            behind.Slice(array.Dims[0] == 1 ? 0 : i * extraSize, extraSize).CopyTo(own[size..]);
        }

        return result;
    }

    private static OrtValue Timesteps(DenoiserContract contract, DenoiserInput input, DenoiserCall call)
    {
        var dims = InputValues.ColumnDims(input.Shape, call.Count);
        var count = dims.Length == 0 ? 1 : (int)dims[0];
        var fed = Enumerable.Range(0, count).Select(row => contract.Fed(call.TimestepOf(row)));
        return input.ElementType.IsFloatingPoint()
            ? Tensors.FromFloats([.. fed.Select(t => (float)t)], dims, input.ElementType)
            : InputValues.OfIntegers([.. fed.Select(t => (long)t)], dims, input.ElementType);
    }
}
