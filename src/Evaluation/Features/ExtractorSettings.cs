using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using DiffusionQuant.Quantization.Artifacts;

namespace DiffusionQuant.Evaluation.Features;

/// <summary>What <c>extractor.json</c> says: how images go into an extractor's network, and which outputs are used.</summary>
public sealed record ExtractorSettings
{
    /// <summary>The file's name in an extractor's folder.</summary>
    public const string FileName = "extractor.json";

    /// <summary>What people call the extractor: <c>FID[name]</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The network's file, relative to the folder.</summary>
    public string Model { get; init; } = "model.onnx";

    /// <summary>The name of the network's image input.</summary>
    public required string Input { get; init; }

    /// <summary>Pixels from left to right.</summary>
    public required int Width { get; init; }

    /// <summary>Pixels from top to bottom.</summary>
    public required int Height { get; init; }

    /// <summary>1 for gray, 3 for RGB.</summary>
    public required int Channels { get; init; }

    /// <summary>The order of the input's dimensions.</summary>
    public ImageLayout Layout { get; init; }

    /// <summary>The value that stands for black (byte 0).</summary>
    public double Low { get; init; } = -1;

    /// <summary>The value that stands for white (byte 255). 127/128 with <see cref="Low"/> −1 is the original Inception
    /// network's (x − 128) / 128.</summary>
    public double High { get; init; } = 1;

    /// <summary>Subtracted from each channel of the range <see cref="Low"/> to <see cref="High"/>; null for nothing. The
    /// usual statistics of ImageNet go with the range 0 to 1.</summary>
    public IReadOnlyList<double>? Mean { get; init; }

    /// <summary>What each channel is divided by after <see cref="Mean"/>; null for nothing.</summary>
    public IReadOnlyList<double>? Deviation { get; init; }

    /// <summary>How images of another size are resized.</summary>
    public ResizeFilter Resize { get; init; }

    /// <summary>Whether resized pixels are rounded to whole bytes (0 to 255) before they are scaled.</summary>
    public bool RoundAfterResize { get; init; }

    /// <summary>The output with the features: N rows, or maps of one pixel.</summary>
    public required string Features { get; init; }

    /// <summary>The output with the classes' logits, for the Inception Score; null for none.</summary>
    public string? Logits { get; init; }

    /// <summary>The output with a feature map, for sFID; null for none.</summary>
    public string? Spatial { get; init; }

    /// <summary>How many channels of <see cref="Spatial"/> are used, from the first on; null for all. The ADM evaluator
    /// takes 7.</summary>
    public int? SpatialChannels { get; init; }

    /// <summary>The order of the dimensions of <see cref="Spatial"/>.</summary>
    public ImageLayout SpatialLayout { get; init; }

    /// <summary>SHA-256 of the file that the weights were imported from, as the importer saw it; null where they were not.</summary>
    public string? SourceSha256 { get; init; }

    /// <summary>What <see cref="ExtractorHash.OfWeights"/> gave when the extractor was made; a network with others is
    /// refused. Null where it was not recorded.</summary>
    public string? WeightsSha256 { get; init; }

    private static JsonSerializerOptions Options { get; } =
        new()
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            WriteIndented = true,
            NewLine = "\n",
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            ReadCommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
            // A misspelt setting would silently change every feature.
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            Converters = { new JsonStringEnumConverter(allowIntegerValues: false) },
        };

    /// <summary>Reads <c>extractor.json</c>.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3021: it is missing, no such file, or has a value that
    /// is not possible.</exception>
    public static ExtractorSettings Load(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FeatureErrors.BadSettings(path, e.Message, e);
        }
    }

    /// <summary>Reads the text of <c>extractor.json</c>.</summary>
    /// <param name="json">The text.</param>
    /// <param name="path">The file, for messages.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3021: as for <see cref="Load"/>.</exception>
    public static ExtractorSettings Parse(string json, string path)
    {
        ExtractorSettings settings;
        try
        {
            settings =
                JsonSerializer.Deserialize<ExtractorSettings>(json, Options)
                ?? throw FeatureErrors.BadSettings(path, "it is empty");
        }
        catch (JsonException e)
        {
            throw FeatureErrors.BadSettings(path, e.Message.TrimEnd('.'), e);
        }

        settings.Check(path);
        return settings;
    }

    /// <summary>Writes <c>extractor.json</c>, beside its place and renamed.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3034: it cannot be written.</exception>
    public void Save(string path)
    {
        try
        {
            AtomicFile.WriteText(path, ToJson());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw FeatureErrors.CannotWrite(path, e.Message, e);
        }
    }

    /// <summary>The file's text.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Options) + "\n";

    private void Check(string path)
    {
        Expect(Name.Trim().Length > 0 && !Name.Any(char.IsControl), "name is empty");
        Expect(Width is >= 1 and <= 4096 && Height is >= 1 and <= 4096, "width and height are 1 to 4096");
        Expect(Channels is 1 or 3, "channels is 1 or 3");
        Expect(double.IsFinite(Low) && double.IsFinite(High) && Low < High, "low is less than high");
        Expect(Mean is null || (Mean.Count == Channels && Mean.All(double.IsFinite)), "mean has a number per channel");
        Expect(
            Deviation is null || (Deviation.Count == Channels && Deviation.All(d => double.IsFinite(d) && d > 0)),
            "deviation has a positive number per channel"
        );
        Expect(SpatialChannels is null or > 0, "spatialChannels is positive");

        void Expect(bool isSo, string rule)
        {
            if (!isSo)
            {
                throw FeatureErrors.BadSettings(path, $"it breaks the rule that {rule}");
            }
        }
    }
}
