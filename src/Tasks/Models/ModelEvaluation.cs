namespace DiffusionQuant.Build.Models;

/// <summary>How one model is evaluated in a build, and against what it is checked: its item and the build's properties.</summary>
internal sealed class ModelEvaluation
{
    private readonly ModelItem model;
    private readonly EvaluationSettings settings;

    public ModelEvaluation(ModelItem model, EvaluationSettings settings)
    {
        this.model = model;
        this.settings = settings;
    }

    /// <summary>Those of <see cref="Limits"/> that more bits can make hold.</summary>
    public static IReadOnlyList<(string Metadata, string Option)> Quality { get; } =
    [("MaxFidIncrease", "--max-fid-increase"), ("MinPsnr", "--min-psnr"), ("MinSqnrDb", "--min-sqnr-db")];

    /// <summary>The metadata that set a limit, and the option of the tool that each becomes.</summary>
    public static IReadOnlyList<(string Metadata, string Option)> Limits { get; } =
    [.. Quality, ("MaxSizeRatio", "--max-size-ratio"), ("MinSpeedup", "--min-speedup")];

    /// <summary>
    /// The verified metrics to compare with, whether the file exists or not; null where the model is not compared.
    /// </summary>
    public string? Snapshot => settings.Verifies && Wish != false ? model.Snapshot : null;

    /// <summary>Whether it is an error that there are no verified metrics.</summary>
    public bool RequiresSnapshot => settings.Verifies && Wish == true;

    /// <summary>The limits that are checked, as options of the tool with their values.</summary>
    public IEnumerable<(string Option, string Value)> CheckedLimits =>
        from limit in Limits
        let value = model.Metadata(limit.Metadata)
        where settings.Verifies && value is not null
        select (limit.Option, value);

    /// <summary>How many images the distribution metrics get; null for the tool's default.</summary>
    public string? EvaluationImages => settings.EvaluationImages ?? model.Metadata("EvaluationImages");

    /// <summary>How many images the paired metrics get; null for the tool's default.</summary>
    public string? PairedImages => settings.PairedImages ?? model.Metadata("PairedImages");

    /// <summary>A feature extractor: a path (absolute) or a name that the tool knows; null for its default.</summary>
    public string? Extractor => model.PathOrName("Extractor");

    /// <summary>The reference data: a path (absolute) or a name that the tool knows; null for its default.</summary>
    public string? Reference => model.PathOrName("Reference");

    /// <summary>Whether the build has a reason to evaluate the model at all.</summary>
    public bool IsWanted =>
        settings.Evaluates || RequiresSnapshot || CheckedLimits.Any() || (Snapshot is { } file && File.Exists(file));

    private bool? Wish => bool.TryParse(model.Metadata("Verify"), out var verify) ? verify : null;
}
