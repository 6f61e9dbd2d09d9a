namespace DiffusionQuant.Tool.Progress;

/// <summary>The content of a progress file.</summary>
/// <param name="Stage">What is being done.</param>
/// <param name="Fraction">From 0 to 1.</param>
/// <param name="EtaSeconds">The estimate of the time left; null while too little is known.</param>
/// <param name="Updated">When this was written.</param>
internal sealed record ProgressReport(string Stage, double Fraction, double? EtaSeconds, DateTimeOffset Updated);
