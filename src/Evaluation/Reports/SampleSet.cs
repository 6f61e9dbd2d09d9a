using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Reports;

/// <summary>The image pairs that the page shows.</summary>
/// <param name="Pairs">The pairs whose pictures are there.</param>
/// <param name="Warnings">Why the others are not shown, DQ3072.</param>
internal sealed record SampleSet(IReadOnlyList<ShownPair> Pairs, IReadOnlyList<DiffusionQuantException> Warnings)
{
    /// <summary>Reads all samples of a report.</summary>
    public static SampleSet Load(EvaluationReport report, string folder)
    {
        var pairs = new List<ShownPair>();
        var warnings = new List<DiffusionQuantException>();
        foreach (var sample in report.Samples)
        {
            try
            {
                var before = SamplePicture.Load(folder, sample.Float);
                pairs.Add(new(sample, before, SamplePicture.Load(folder, sample.Quantized)));
            }
            catch (DiffusionQuantException e)
            {
                warnings.Add(e);
            }
        }

        return new(pairs, warnings);
    }
}

/// <summary>Two pictures of the same noise.</summary>
/// <param name="Sample">What the report says of them.</param>
/// <param name="Float">The float model's.</param>
/// <param name="Quantized">The quantized model's.</param>
internal sealed record ShownPair(SamplePair Sample, SamplePicture Float, SamplePicture Quantized);
