namespace DiffusionQuant.Evaluation.Metrics;

/// <summary>What a metric is measured on, and so which settings must agree before two of its values may be compared.</summary>
public enum MetricKind
{
    /// <summary>Image by image against the float model's from the same noise.</summary>
    Paired,

    /// <summary>Image by image against its prompt, on the images that are paired.</summary>
    Prompted,

    /// <summary>The distribution of many images against a reference set, by features of an extractor.</summary>
    Distribution,

    /// <summary>The distribution of many images against the float model's own from the same noise.</summary>
    DistributionToFloat,

    /// <summary>The files' sizes; they depend on no image.</summary>
    Size,

    /// <summary>Time, which depends on the machine and is compared only within one run.</summary>
    Speed,
}

/// <summary>A metric that can be measured.</summary>
/// <param name="Name">Its name in JSON and on the command line: <c>fid</c>.</param>
/// <param name="Title">Its name for people, without the extractor's: <c>FID</c>.</param>
/// <param name="Kind">What it is measured on.</param>
/// <param name="IsHigherBetter">Whether larger values are better.</param>
/// <param name="Unit">Its unit; empty for plain numbers.</param>
/// <param name="Digits">Decimal places worth showing.</param>
/// <param name="Tolerance">How much worse a value may be than the verified one where a snapshot says nothing else; infinite for
/// one that is shown and not judged, because another says the same better.</param>
/// <param name="IsToleranceRelative">Whether <paramref name="Tolerance"/> is a share of the verified value.</param>
/// <param name="Meaning">One sentence for people who do not know it.</param>
public sealed record MetricDefinition(
    string Name,
    string Title,
    MetricKind Kind,
    bool IsHigherBetter,
    string Unit,
    int Digits,
    double Tolerance,
    bool IsToleranceRelative,
    string Meaning
);
