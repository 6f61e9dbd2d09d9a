using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary>What the commands of <c>reference</c> say when they are done.</summary>
/// <param name="Name">The set's name.</param>
/// <param name="Images">How many images it has.</param>
/// <param name="Data">The images' file or folder.</param>
/// <param name="Reference">The statistics' file; null where none was made.</param>
/// <param name="Sha256">The statistics' identity; null as above.</param>
/// <param name="Extractor">The extractor; null as above.</param>
/// <param name="ExtractorSha256">The extractor's identity; null as above.</param>
/// <param name="Dimensions">The number of features; null as above.</param>
/// <param name="ReservoirRows">How many single rows were kept; null as above.</param>
/// <param name="BuiltInDifference">The largest difference of mean or covariance from the reference of this name that is
/// built in, as a share of the largest number; null where there is none for this extractor.</param>
internal sealed record ReferenceReport(
    string Name,
    long Images,
    string Data,
    string? Reference = null,
    string? Sha256 = null,
    string? Extractor = null,
    string? ExtractorSha256 = null,
    int? Dimensions = null,
    int? ReservoirRows = null,
    double? BuiltInDifference = null
)
{
    public void Show(IAnsiConsole console) =>
        Facts.Show(
            console,
            ("Data", $"{Data}: {Images} images"),
            ("Reference", Reference),
            ("SHA-256", Sha256),
            ("Extractor", Extractor),
            ("Rows kept", ReservoirRows is { } rows ? $"{rows} of {Dimensions} features" : null),
            ("Built in", BuiltInDifference is { } d ? $"differs from this by {d:0.0e+0} at most" : null)
        );
}
