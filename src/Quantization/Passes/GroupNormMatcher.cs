using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Passes;

/// <summary>
/// Finds whole group normalizations: a <see cref="GroupNormCore"/>, the Reshapes that make groups and channels of each
/// other, and the affine map of the channels behind it.
/// </summary>
internal sealed class GroupNormMatcher(GraphIndex index)
{
    private readonly GroupNormCores cores = new(index);

    /// <summary>The group normalization whose normalizing part ends at a node, or null.</summary>
    public GroupNormMatch? EndingAt(OnnxNode node)
    {
        if (cores.EndingAt(node) is not { } core)
        {
            return null;
        }

        var (input, readers) = Source(core);
        if (
            index.Graph.ShapeOf(input) is not { Rank: >= 3 } shape
            || shape[1].Value is not { } channels
            || core.Groups < 1
            || channels % core.Groups != 0
            || index.Graph.TypeOf(input) == ElementType.Double
        )
        {
            return null;
        }

        var gamma = new float[channels];
        var beta = new float[channels];
        Array.Fill(gamma, 1);
        if (!Multiply(core.Scale, gamma, beta) || !Sum(core.Bias, beta))
        {
            return null;
        }

        var output = End(core, shape, gamma, beta);
        return output is null ? null : new(input, output, readers, shape.Rank, core.Groups, core.Epsilon, gamma, beta);
    }

    /// <summary>The value in front of the Reshape that makes the groups.</summary>
    private (string Input, IReadOnlyList<OnnxNode> Readers) Source(GroupNormCore core)
    {
        var grouped = index.Graph.ShapeOf(core.Input);
        return
            index.Producer(core.Input) is { } reshape
            && reshape.Is("Reshape")
            && index.Graph.ShapeOf(reshape.Inputs[0]) is { } shape
            && grouped is not null
            && Shapes.Same(shape[0], grouped[0])
            && grouped[1].Value == core.Groups
            ? (reshape.Inputs[0], [reshape])
            : (core.Input, core.Readers);
    }

    /// <summary>
    /// Follows the only reader from the core on: Reshapes between groups and channels, factors and summands of channels.
    /// </summary>
    /// <returns>The last value that has the input's shape again, or null when there is none.</returns>
    private string? End(GroupNormCore core, TensorShape shape, float[] gamma, float[] beta)
    {
        var value = core.Output;
        string? end = null;
        var (endGamma, endBeta) = (gamma.ToArray(), beta.ToArray());
        while (true)
        {
            var current = index.Graph.ShapeOf(value);
            if (Shapes.Same(current, shape) || IsShapedLike(value, shape))
            {
                end = value;
                (endGamma, endBeta) = (gamma.ToArray(), beta.ToArray());
                current = shape;
            }

            if (
                index.IsOutput(value)
                || index.Consumers(value) is not [var reader]
                || reader.Domain.Length > 0
                || !Follow(reader, value, current, shape[0], gamma, beta)
            )
            {
                break;
            }

            value = reader.Outputs[0];
        }

        endGamma.CopyTo(gamma, 0);
        endBeta.CopyTo(beta, 0);
        return end;
    }

    /// <summary>Whether a value is reshaped to what Shape says of a value of the wanted shape.</summary>
    private bool IsShapedLike(string value, TensorShape shape) =>
        index.Producer(value) is { } reshape
        && reshape.Is("Reshape")
        && index.Producer(reshape.Inputs[1]) is { } source
        && source.Is("Shape")
        && source.Int("start") == 0
        && !source.Attributes.ContainsKey("end")
        && Shapes.Same(index.Graph.ShapeOf(source.Inputs[0]), shape);

    private bool Follow(
        OnnxNode reader,
        string value,
        TensorShape? current,
        Dimension batch,
        float[] gamma,
        float[] beta
    )
    {
        switch (reader.OpType)
        {
            case "Reshape" when reader.Inputs[0] == value:
                return true;
            case "Cast" when reader.Int("to") is (long)ElementType.Float or (long)ElementType.Float16:
                return true;
            case "Mul" or "Add":
                var other = reader.Inputs[0] == value ? reader.Inputs[1] : reader.Inputs[0];
                if (
                    current is not { Rank: >= 2 }
                    || !Shapes.Same(current[0], batch)
                    || index.Constant(other) is not { } constant
                    || OfChannels(constant, current) is not { } values
                )
                {
                    return false;
                }

                return reader.Is("Mul") ? Multiply(values, gamma, beta) : Sum(values, beta);
            default:
                return false;
        }
    }

    /// <summary>A constant's elements when it differs along the axis 1 of a shape only.</summary>
    private static float[]? OfChannels(OnnxTensor constant, TensorShape shape)
    {
        for (var i = 0; i < constant.Rank; i++)
        {
            if (constant.Dims[i] != 1 && (shape.Rank - constant.Rank + i != 1 || constant.Dims[i] != shape[1].Value))
            {
                return null;
            }
        }

        return constant.Rank <= shape.Rank && constant.ElementType.IsFloatingPoint()
            ? constant.ToFloats().ToArray()
            : null;
    }

    /// <summary>Multiplies by factors of all, of groups or of channels; false when their number fits none.</summary>
    private static bool Multiply(float[]? factors, float[] gamma, float[] beta)
    {
        if (factors is not null && (factors.Length == 0 || gamma.Length % factors.Length != 0))
        {
            return false;
        }

        for (var c = 0; factors is not null && c < gamma.Length; c++)
        {
            var factor = factors[(long)c * factors.Length / gamma.Length];
            gamma[c] *= factor;
            beta[c] *= factor;
        }

        return true;
    }

    /// <summary>Adds summands of all, of groups or of channels; false when their number fits none.</summary>
    private static bool Sum(float[]? summands, float[] beta)
    {
        if (summands is not null && (summands.Length == 0 || beta.Length % summands.Length != 0))
        {
            return false;
        }

        for (var c = 0; summands is not null && c < beta.Length; c++)
        {
            beta[c] += summands[(long)c * summands.Length / beta.Length];
        }

        return true;
    }
}
