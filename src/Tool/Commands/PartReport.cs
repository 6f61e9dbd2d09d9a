namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>evaluate --shard</c> says when it is done.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Output">The part's file.</param>
/// <param name="Index">Which part it is, from 1.</param>
/// <param name="Count">Of how many.</param>
/// <param name="FirstImage">Its first image.</param>
/// <param name="EndImage">The image behind its last.</param>
internal sealed record PartReport(string Model, string Output, int Index, int Count, int FirstImage, int EndImage);
