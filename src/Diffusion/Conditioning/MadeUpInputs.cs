using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>Values of inputs that follow from the sample's size, the text's length or the settings.</summary>
internal static class MadeUpInputs
{
    // Pixels of a cell of SDXL's latents, the only ones whose network is told sizes.
    private const int CellOfSizes = 8;

    /// <summary>An input's value, one row for all images; null where it does not follow from anything.</summary>
    public static OnnxTensor? Of(DenoiserContract contract, DenoiserInput input, ConditioningSet given, double guidance)
    {
        var rank = input.Shape?.Rank;
        return input.Role switch
        {
            DenoiserRole.Guidance => OnnxTensor.Of(
                input.Name,
                new[] { (float)guidance }.AsSpan(),
                [.. Enumerable.Repeat(1L, rank ?? 1)]
            ),
            DenoiserRole.TimestepCondition when input.Shape?[^1].Value is { } size => OnnxTensor.Of(
                input.Name,
                GuidanceEmbedding(guidance - 1, (int)size).AsSpan(),
                1,
                size
            ),
            DenoiserRole.TimeIds when input.Shape?[^1].Value is { } numbers => TimeIds(
                contract,
                input.Name,
                (int)numbers
            ),
            DenoiserRole.PositionIds => Positions(contract, input, given),
            DenoiserRole.Mask when TokensOf(contract, given) is { } tokens && rank == 2 => OnnxTensor.Of(
                input.Name,
                Enumerable.Repeat(1L, tokens).ToArray().AsSpan(),
                1,
                tokens
            ),
            _ => null,
        };
    }

    /// <summary>What LCM adds to the timestep's embedding for w, the scale less 1 (Luo et al. 2023, section 4.3).</summary>
    internal static float[] GuidanceEmbedding(double w, int size)
    {
        const double Period = 10_000;
        var half = size / 2;
        var result = new float[size];
        for (var i = 0; i < half; i++)
        {
            var angle = 1000 * w * Math.Exp(-Math.Log(Period) * i / (half - 1));
            (result[i], result[half + i]) = ((float)Math.Sin(angle), (float)Math.Cos(angle));
        }

        return result;
    }

    /// <summary>Original size, corner of the crop, size; or the refiner's, with its usual aesthetic score.</summary>
    private static OnnxTensor TimeIds(DenoiserContract contract, string name, int count)
    {
        const float UsualScore = 6;
        float height = contract.SampleShape.Height * CellOfSizes;
        float width = contract.SampleShape.Width * CellOfSizes;
        float[] numbers = count == 5 ? [height, width, 0, 0, UsualScore] : [height, width, 0, 0, height, width];
        return OnnxTensor.Of(name, numbers.AsSpan(), 1, count);
    }

    /// <summary>(0, y, x) of each token of the picture, zeros of the text's.</summary>
    private static OnnxTensor? Positions(DenoiserContract contract, DenoiserInput input, ConditioningSet given)
    {
        var name = RoleDetector.Normalise(input.Name);
        var isText = name.Contains("txt", StringComparison.Ordinal) || name.Contains("text", StringComparison.Ordinal);
        var (shape, side) = (contract.SampleShape, contract.Packing ?? 1);
        var axes = (int?)input.Shape?[^1].Value ?? 3;
        var tokens = isText ? TokensOf(contract, given) : shape.Height / side * (shape.Width / side);
        if (tokens is not { } count || axes < 3)
        {
            return null;
        }

        var ids = new float[count * axes];
        for (var i = 0; !isText && i < count; i++)
        {
            ids[(i * axes) + 1] = i / (shape.Width / side);
            ids[(i * axes) + 2] = i % (shape.Width / side);
        }

        long[] dims = input.Shape?.Rank == 3 ? [1, count, axes] : [count, axes];
        return input.ElementType.IsFloatingPoint()
            ? OnnxTensor.Of(input.Name, ids.AsSpan(), dims)
            : OnnxTensor.Of(input.Name, Array.ConvertAll(ids, i => (long)i).AsSpan(), dims);
    }

    private static int? TokensOf(DenoiserContract contract, ConditioningSet given) =>
        contract.Inputs.FirstOrDefault(i => i.Role == DenoiserRole.TextStates) is { } states
        && given.Arrays.TryGetValue(states.Name, out var array)
        && array.Rank == 3
            ? (int)array.Dims[1]
            : null;
}
