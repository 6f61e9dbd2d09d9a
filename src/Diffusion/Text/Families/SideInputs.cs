using System.Globalization;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>What a model takes beside a prompt's states and what is known without one: sizes of the picture, places of text
/// tokens.</summary>
/// <param name="inputs">The denoiser's inputs.</param>
internal sealed class SideInputs(TextInputs inputs)
{
    // One for each dimension that all autoencoders of these families share: a cell of latents is 8 pixels wide.
    private const int PixelsPerCell = 8;
    private const int RefinerIds = 5;

    /// <summary>Adds them to the arrays of both calls.</summary>
    public void AddTo(
        Dictionary<string, OnnxTensor> conditional,
        Dictionary<string, OnnxTensor>? unconditional,
        PromptOptions options,
        int prompts
    )
    {
        var size = options.ImageSize ?? Usual;
        if (inputs.TimeIds is { } timeIds)
        {
            var ids = TimeIds(options, size, options.AestheticScore);
            var others = TimeIds(options, size, options.NegativeAestheticScore);
            var array = Add(timeIds, ids);
            if (unconditional is not null)
            {
                unconditional[timeIds.Name] = ids.SequenceEqual(others) ? array : Rows(timeIds, others, 1);
            }
        }

        Share(inputs.Resolution, size.Height, size.Width);
        Share(inputs.AspectRatio, (float)size.Height / size.Width);
        if (inputs.TextPositions is { } positions)
        {
            var length = conditional[inputs.States!.Name].Dims[1];
            const int UsualAxes = 3;
            var axes = positions.Shape is { Rank: > 0 } shape ? shape[^1].Value ?? UsualAxes : UsualAxes;
            var isBatched = positions.Shape is { Rank: 3 };
            var rows = isBatched && ConditioningSet.HasRows(inputs.Contract, positions) ? prompts : 1;
            long[] dims = isBatched ? [rows, length, axes] : [length, axes];
            // Text has no place in a picture.
            Shared(OnnxTensor.Of(positions.Name, new float[rows * length * axes], dims));
        }

        OnnxTensor Add(DenoiserInput input, float[] row) =>
            conditional[input.Name] = Rows(input, row, ConditioningSet.HasRows(inputs.Contract, input) ? prompts : 1);

        void Share(DenoiserInput? input, params float[] row)
        {
            if (input is not null)
            {
                Shared(Add(input, row));
            }
        }

        void Shared(OnnxTensor array)
        {
            conditional[array.Name] = array;
            unconditional?[array.Name] = array;
        }
    }

    private (int Height, int Width) Usual =>
        (inputs.Contract.SampleShape.Height * PixelsPerCell, inputs.Contract.SampleShape.Width * PixelsPerCell);

    private float[] TimeIds(PromptOptions options, (int Height, int Width) size, double score)
    {
        var original = options.OriginalSize ?? size;
        float[] first = [original.Height, original.Width, options.Crop.Top, options.Crop.Left];
        return inputs.TimeIds!.Shape is { Rank: > 0 } shape && shape[^1].Value == RefinerIds
            ? [.. first, (float)score]
            : [.. first, size.Height, size.Width];
    }

    private static OnnxTensor Rows(DenoiserInput input, float[] row, int count) =>
        OnnxTensor.Of(input.Name, [.. Enumerable.Repeat(row, count).SelectMany(r => r)], count, row.Length);

    /// <summary>Refuses sizes that are none.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1058.</exception>
    public static void Check(PromptOptions options)
    {
        foreach (
            var (name, size) in new[]
            {
                (nameof(options.ImageSize), options.ImageSize),
                (nameof(options.OriginalSize), options.OriginalSize),
            }
        )
        {
            if (size is { } given && (given.Height < 1 || given.Width < 1))
            {
                throw DiffusionErrors.BadSettings(
                    name,
                    string.Create(CultureInfo.InvariantCulture, $"{given.Height}×{given.Width}"),
                    "height and width of at least 1 are expected"
                );
            }
        }
    }
}
