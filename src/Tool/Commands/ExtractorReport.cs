using System.Text.Json;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>extractor show</c> says.</summary>
/// <param name="Name">The extractor's name.</param>
/// <param name="Sha256">Its identity.</param>
/// <param name="IsStandardInception">Whether it is the network that the name FID alone stands for.</param>
/// <param name="Label">What its Fréchet distance is called.</param>
/// <param name="Dimensions">The number of features.</param>
/// <param name="Classes">The number of classes; null where it tells none.</param>
/// <param name="SpatialDimensions">The numbers of the feature map; null where it has none.</param>
/// <param name="Settings">Its settings.</param>
internal sealed record ExtractorReport(
    string Name,
    string Sha256,
    bool IsStandardInception,
    string Label,
    int Dimensions,
    int? Classes,
    int? SpatialDimensions,
    ExtractorSettings Settings
)
{
    public static ExtractorReport Of(FeatureExtractor extractor) =>
        new(
            extractor.Identity.Name,
            extractor.Identity.Sha256,
            extractor.Identity.IsStandardInception,
            extractor.Identity.Label("FID"),
            extractor.Dimensions,
            extractor.Classes,
            extractor.SpatialDimensions,
            extractor.Settings
        );

    public void Show(IAnsiConsole console) =>
        Facts.Show(
            console,
            ("Extractor", Name),
            ("SHA-256", Sha256),
            ("Printed as", Label),
            (
                "Input",
                $"{Settings.Input}: {Settings.Width}x{Settings.Height}, {(Settings.Channels == 1 ? "gray" : "RGB")}, {Settings.Low:0.######} to {Settings.High:0.######}, {Word(Settings.Layout)}"
            ),
            ("Resizing", $"{Word(Settings.Resize)}{(Settings.RoundAfterResize ? ", rounded to bytes" : "")}"),
            ("Features", $"{Settings.Features}: {Dimensions}"),
            ("Logits", Classes is { } classes ? $"{Settings.Logits}: {classes}" : null),
            ("Feature map", SpatialDimensions is { } map ? $"{Settings.Spatial}: {map}" : null)
        );

    /// <summary>As <c>extractor.json</c> spells it.</summary>
    private static string Word(Enum value) => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());
}
