namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>extractor import</c> says when it is done.</summary>
/// <param name="Source">The checkpoint that was given.</param>
/// <param name="Output">The extractor's folder.</param>
/// <param name="Name">The extractor's name.</param>
/// <param name="IsStandard">Whether the name FID alone stands for it.</param>
/// <param name="SourceSha256">SHA-256 of the checkpoint.</param>
/// <param name="WeightsSha256">SHA-256 over the network's weights.</param>
internal sealed record ExtractorImportReport(
    string Source,
    string Output,
    string Name,
    bool IsStandard,
    string SourceSha256,
    string WeightsSha256
);
