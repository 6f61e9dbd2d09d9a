using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>reference make</c> says when it is done.</summary>
/// <param name="Name">The set's name.</param>
/// <param name="Images">How many images it has.</param>
/// <param name="Data">The images' file or folder.</param>
/// <param name="Reference">The statistics' file.</param>
/// <param name="Sha256">The statistics' identity.</param>
/// <param name="Extractor">The extractor.</param>
/// <param name="ExtractorSha256">The extractor's identity.</param>
/// <param name="Dimensions">The number of features.</param>
/// <param name="ReservoirRows">How many single rows were kept.</param>
internal sealed record ReferenceReport(
    string Name,
    long Images,
    string Data,
    string Reference,
    string Sha256,
    string Extractor,
    string ExtractorSha256,
    int Dimensions,
    int ReservoirRows
)
{
    public void Show(IAnsiConsole console) =>
        Facts.Show(
            console,
            ("Data", $"{Data}: {Images} images"),
            ("Reference", Reference),
            ("SHA-256", Sha256),
            ("Extractor", Extractor),
            ("Rows kept", $"{ReservoirRows} of {Dimensions} features")
        );
}
