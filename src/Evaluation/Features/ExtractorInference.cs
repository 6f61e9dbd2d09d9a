using DiffusionQuant.Onnx;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>Guesses the settings of a network that comes without <c>extractor.json</c>, from its inputs and outputs.</summary>
internal static class ExtractorInference
{
    private static readonly string[] FeatureWords = ["features", "feature", "pool", "embed"];
    private static readonly string[] LogitWords = ["logits", "logit"];

    /// <summary>The settings: range −1 to 1, resized as in clean-fid.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3022: they cannot be guessed.</exception>
    public static ExtractorSettings Infer(OnnxModel model, string path)
    {
        var input = model.Graph.Inputs is [var only]
            ? only
            : throw FeatureErrors.ModelDoesNotFit(path, $"it has {model.Graph.Inputs.Count} inputs instead of one");
        var (layout, channels, height, width) =
            SizeOf(input)
            ?? throw FeatureErrors.ModelDoesNotFit(
                path,
                $"its input {input} is no image with known height, width and 1 or 3 channels"
            );
        var rows = model.Graph.Outputs.Where(IsRows).ToArray();
        var logits = rows.Length > 1 ? Named(rows, LogitWords) : null;
        var candidates = rows.Where(o => o != logits).ToArray();
        var features =
            candidates.Length == 1
                ? candidates[0]
                : Named(candidates, FeatureWords)
                    ?? throw FeatureErrors.ModelDoesNotFit(
                        path,
                        $"which of its outputs has the features is not clear: {string.Join(", ", model.Graph.Outputs)}"
                    );
        return new()
        {
            Name = Path.GetFileNameWithoutExtension(path),
            Model = Path.GetFileName(path),
            Input = input.Name,
            Width = width,
            Height = height,
            Channels = channels,
            Layout = layout,
            Resize = ResizeFilter.AntialiasedBicubic,
            Features = features.Name,
            Logits = logits?.Name,
        };
    }

    private static (ImageLayout Layout, int Channels, int Height, int Width)? SizeOf(ValueInfo input)
    {
        if (input.Shape is not { Rank: 4 } shape)
        {
            return null;
        }

        var sizes = new int[3];
        for (var i = 0; i < sizes.Length; i++)
        {
            if (shape[i + 1].Value is not (>= 1 and <= 4096) || !input.ElementType.IsFloatingPoint())
            {
                return null;
            }

            sizes[i] = (int)shape[i + 1].Value!.Value;
        }

        return sizes[0] is 1 or 3 ? (ImageLayout.Nchw, sizes[0], sizes[1], sizes[2])
            : sizes[2] is 1 or 3 ? (ImageLayout.Nhwc, sizes[2], sizes[0], sizes[1])
            : null;
    }

    private static bool IsRows(ValueInfo output) =>
        output.Shape is { Rank: 2 } || (output.Shape is { Rank: > 2 } shape && shape.Skip(2).All(d => d.Value == 1));

    private static ValueInfo? Named(IEnumerable<ValueInfo> outputs, string[] words) =>
        words
            .Select(word => outputs.Where(o => o.Name.Contains(word, StringComparison.OrdinalIgnoreCase)).ToArray())
            .FirstOrDefault(found => found.Length == 1)
            ?[0];
}
