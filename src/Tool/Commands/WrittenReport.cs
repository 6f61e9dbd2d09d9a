namespace DiffusionQuant.Tool.Commands;

/// <summary>What <c>report</c> says when it is done.</summary>
/// <param name="Output">The page.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Samples">How many image pairs it shows.</param>
internal sealed record WrittenReport(string Output, long Bytes, int Samples);
