using System.Globalization;
using System.Text;
using System.Text.Json;

namespace DiffusionQuant.Evaluation.Features.Clip;

/// <summary>
/// How pictures go into a CLIP model: what <c>preprocessor_config.json</c> says, or the numbers of OpenAI's models (Radford et
/// al. 2021, "Learning transferable visual models from natural language supervision") for what it does not say.
/// </summary>
internal sealed record ClipImageSettings
{
    /// <summary>The file's name in a model's folder.</summary>
    public const string FileName = "preprocessor_config.json";

    private const int UsualSize = 224;
    private const int LargestSize = 4096;

    /// <summary>The length in pixels that a picture's shorter side gets; null where <see cref="Exact"/> counts, or nothing is
    /// resized.</summary>
    public int? ShortestEdge { get; init; }

    /// <summary>The size in pixels that a picture gets whatever its proportions; null as above.</summary>
    public (int Height, int Width)? Exact { get; init; }

    /// <summary>What is cut out of its middle then, in pixels; null for all of it.</summary>
    public (int Height, int Width)? Crop { get; init; }

    /// <summary>How it is resized.</summary>
    public ResizeFilter Filter { get; init; } = ResizeFilter.AntialiasedBicubic;

    /// <summary>What bytes are multiplied by.</summary>
    public double Scale { get; init; } = 1.0 / byte.MaxValue;

    /// <summary>What is subtracted from red, green and blue then.</summary>
    public IReadOnlyList<double> Mean { get; init; } = [0.48145466, 0.4578275, 0.40821073];

    /// <summary>What they are divided by in the end.</summary>
    public IReadOnlyList<double> Deviation { get; init; } = [0.26862954, 0.26130258, 0.27577711];

    /// <summary>The size of what the network gets; null where it depends on the picture.</summary>
    public (int Height, int Width)? FinalSize => Crop ?? Exact;

    /// <summary>Reads a model's settings.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <param name="network">The size that the network fixes; null where it leaves it open. It counts where no file says
    /// another.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3040: the file cannot be read, or a value is not
    /// possible.</exception>
    public static ClipImageSettings Load(string folder, (int Height, int Width)? network)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            using var document = JsonDocument.Parse(File.Exists(path) ? File.ReadAllText(path) : "{}");
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? Read(new(path, document.RootElement), network ?? (UsualSize, UsualSize))
                : throw ClipErrors.BadPreprocessor(path, "it holds no object");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            throw ClipErrors.BadPreprocessor(path, e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>All that changes a number, for an identity.</summary>
    public string ToIdentity()
    {
        var text = new StringBuilder();
        text.Append(
            CultureInfo.InvariantCulture,
            $"edge {ShortestEdge} exact {Exact} crop {Crop} filter {Filter} scale {Scale:R}"
        );
        text.Append(" mean ").AppendJoin(',', Mean.Select(Text));
        text.Append(" deviation ").AppendJoin(',', Deviation.Select(Text));
        return text.ToString();

        static string Text(double value) => value.ToString("R", CultureInfo.InvariantCulture);
    }

    private static ClipImageSettings Read(Fields fields, (int Height, int Width) usual)
    {
        var crops = fields.Flag("do_center_crop");
        var (edge, exact) = fields.Flag("do_resize") ? ReadSize(fields, usual, crops) : (null, null);
        var plain = new ClipImageSettings();
        return plain with
        {
            ShortestEdge = edge,
            Exact = exact,
            Crop = crops ? fields.Size("crop_size") ?? usual : null,
            Filter = fields.Filter("resample") ?? plain.Filter,
            Scale = fields.Flag("do_rescale") ? fields.Number("rescale_factor") ?? plain.Scale : 1,
            Mean = fields.Flag("do_normalize") ? fields.Channels("image_mean", _ => true) ?? plain.Mean : [0, 0, 0],
            Deviation = fields.Flag("do_normalize")
                ? fields.Channels("image_std", d => d > 0) ?? plain.Deviation
                : [1, 1, 1],
        };
    }

    private static (int? Edge, (int Height, int Width)? Exact) ReadSize(
        Fields fields,
        (int Height, int Width) usual,
        bool crops
    )
    {
        if (fields.Edge("size", "shortest_edge") is { } edge)
        {
            return (edge, null);
        }

        if (fields.Size("size") is not { } size)
        {
            return crops ? (Math.Max(usual.Height, usual.Width), null) : (null, usual);
        }

        // One number is the shorter side for CLIP's own processor, which crops, and a square for ViT's, which does not.
        return crops && fields.IsNumber("size") ? (size.Height, null) : (null, size);
    }

    /// <summary>The file's members; what is not there, or null, has its usual value.</summary>
    private sealed record Fields(string Path, JsonElement Root)
    {
        public bool Flag(string key) =>
            Find(key) is not { } value
            || value.ValueKind switch
            {
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                _ => throw Bad(key, "is true or false"),
            };

        public bool IsNumber(string key) => Find(key) is { ValueKind: JsonValueKind.Number };

        public double? Number(string key) =>
            Find(key) is not { } value ? null
            : value.ValueKind == JsonValueKind.Number && value.GetDouble() is var number && double.IsFinite(number)
                ? number
            : throw Bad(key, "is a number");

        public double[]? Channels(string key, Predicate<double> isAllowed)
        {
            if (Find(key) is not { } value)
            {
                return null;
            }

            var numbers =
                value.ValueKind == JsonValueKind.Array
                && value.EnumerateArray().All(e => e.ValueKind == JsonValueKind.Number)
                    ? value.EnumerateArray().Select(e => e.GetDouble()).ToArray()
                    : [];
            return numbers.Length == 3 && Array.TrueForAll(numbers, n => double.IsFinite(n) && isAllowed(n))
                ? numbers
                : throw Bad(key, "has a number for red, green and blue each, and no deviation is 0");
        }

        public ResizeFilter? Filter(string key) =>
            Find(key) is not { } value ? null
            // PIL's numbers.
            : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number is 2 or 3
                ? number == 2 ? ResizeFilter.AntialiasedBilinear
                    : ResizeFilter.AntialiasedBicubic
            : throw Bad(key, "is 3 (bicubic) or 2 (bilinear)");

        public int? Edge(string key, string member) =>
            Find(key) is { ValueKind: JsonValueKind.Object } value && value.TryGetProperty(member, out var edge)
                ? Pixels(key, edge)
                : null;

        public (int Height, int Width)? Size(string key) =>
            Find(key) is not { } value ? null
            : value.ValueKind == JsonValueKind.Number ? (Pixels(key, value), Pixels(key, value))
            : value.ValueKind == JsonValueKind.Object
            && value.TryGetProperty("height", out var height)
            && value.TryGetProperty("width", out var width)
                ? (Pixels(key, height), Pixels(key, width))
            : throw Bad(key, $"is a number, has height and width, or (size) shortest_edge");

        private JsonElement? Find(string key) =>
            Root.TryGetProperty(key, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

        private int Pixels(string key, JsonElement value) =>
            value.ValueKind == JsonValueKind.Number
            && value.TryGetInt32(out var pixels)
            && pixels is >= 1 and <= LargestSize
                ? pixels
                : throw Bad(key, $"is 1 to {LargestSize} pixels");

        private Onnx.Diagnostics.DiffusionQuantException Bad(string key, string rule) =>
            ClipErrors.BadPreprocessor(Path, $"'{key}' {rule}, and it says {Root.GetProperty(key).GetRawText()}");
    }
}
