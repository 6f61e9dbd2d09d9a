using DiffusionQuant.Build.Diagnostics;

namespace DiffusionQuant.Build.Models;

/// <summary>
/// What the properties of a build say about the evaluation of all its models. A number of images given here comes before
/// that of an item, so that a server can ask for more of them without a change of the project.
/// </summary>
internal sealed class EvaluationSettings
{
    private readonly string? evaluate;
    private readonly string? verify;

    public EvaluationSettings(string? evaluate, string? verify, string? evaluationImages, string? pairedImages)
    {
        this.evaluate = Unblank(evaluate);
        this.verify = Unblank(verify);
        EvaluationImages = Unblank(evaluationImages);
        PairedImages = Unblank(pairedImages);
    }

    /// <summary>Whether a model is evaluated even where nothing about it is checked.</summary>
    public bool Evaluates => IsOn(evaluate);

    /// <summary>Whether snapshots and limits are checked.</summary>
    public bool Verifies => IsOn(verify);

    /// <summary>How many images the distribution metrics get, or null where the items say.</summary>
    public string? EvaluationImages { get; }

    /// <summary>How many images the paired metrics get, or null where the items say.</summary>
    public string? PairedImages { get; }

    /// <summary>The values that the properties cannot have.</summary>
    public IEnumerable<Diagnostic> Problems()
    {
        foreach (var (name, value) in new[] { ("DiffusionEvaluate", evaluate), ("DiffusionVerify", verify) })
        {
            if (value is not null && !Values.IsBoolean(value))
            {
                yield return BuildDiagnostics.PropertyUnusable(name, value, Values.Boolean);
            }
        }

        (string, string?)[] counts =
        [
            ("DiffusionEvaluationImages", EvaluationImages),
            ("DiffusionPairedImages", PairedImages),
        ];
        foreach (var (name, value) in counts)
        {
            if (value is not null && !Values.IsWholeNumber(value, 0))
            {
                yield return BuildDiagnostics.PropertyUnusable(name, value, Values.WholeNumber(0));
            }
        }
    }

    private static bool IsOn(string? value) => !bool.TryParse(value, out var on) || on;

    private static string? Unblank(string? value) => value?.Trim() is { Length: > 0 } text ? text : null;
}
