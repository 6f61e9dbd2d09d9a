using DiffusionQuant.Build.Diagnostics;

namespace DiffusionQuant.Build.Models;

/// <summary>
/// What can be known to be wrong with an item without starting the tool. Values whose meaning belongs to the tool
/// (bits, methods, samplers, devices) are left to it, so that it can learn new ones without a new task.
/// </summary>
internal static class ModelCheck
{
    private static readonly (string Metadata, int Minimum)[] Numbers =
    [
        ("Steps", 1),
        ("Iterations", 1),
        ("CalibrationSamples", 1),
        ("MemoryBudget", 0),
        ("Seed", 0),
        ("Threads", 0),
        ("SoftmaxBits", 1),
        ("EvaluationImages", 0),
        ("PairedImages", 0),
    ];

    private static readonly string[] Fractions =
    [
        "TimestepMean",
        "TimestepDeviation",
        "GuidanceScale",
        .. ModelEvaluation.Limits.Select(limit => limit.Metadata),
    ];

    private static readonly string[] Switches = ["Embed", "Verify", "Fallback"];

    /// <summary>The problems of one item, each with the metadata it is about (null: the whole item).</summary>
    public static IEnumerable<(Diagnostic Problem, string? Metadata)> Item(ModelItem model)
    {
        if (!File.Exists(model.Path) && !Directory.Exists(model.Path))
        {
            yield return (BuildDiagnostics.ModelNotFound(model.Include, model.Path), null);
        }

        if (model.Metadata("Quantize") is null && model.Recipe is null)
        {
            yield return (BuildDiagnostics.QuantizeMissing(model.Include), null);
        }

        if (model.Recipe is not null && !File.Exists(model.Recipe))
        {
            yield return (BuildDiagnostics.RecipeNotFound(model.Include, model.Recipe), "Recipe");
        }

        foreach (var (metadata, minimum) in Numbers)
        {
            if (model.Metadata(metadata) is { } value && !Values.IsWholeNumber(value, minimum))
            {
                var wanted = Values.WholeNumber(minimum);
                yield return (BuildDiagnostics.NotANumber(model.Include, metadata, value, wanted), metadata);
            }
        }

        foreach (var metadata in Fractions)
        {
            if (model.Metadata(metadata) is { } value && !Values.IsNumber(value))
            {
                yield return (BuildDiagnostics.NotANumber(model.Include, metadata, value, Values.Number), metadata);
            }
        }

        foreach (var metadata in Switches)
        {
            if (model.Metadata(metadata) is { } value && !Values.IsBoolean(value))
            {
                yield return (BuildDiagnostics.NotABoolean(model.Include, metadata, value), metadata);
            }
        }

        foreach (var role in model.InputRoles.Where(role => !IsPair(role)))
        {
            yield return (BuildDiagnostics.NotARolePair(model.Include, role), "InputRoles");
        }

        if (!IsUsableName(model.Name))
        {
            yield return (BuildDiagnostics.NameUnusable(model.Include, model.Name), "Name");
        }

        if (LeavesFolder(model.Link))
        {
            yield return (BuildDiagnostics.LinkOutside(model.Include, model.Link), "Link");
        }
    }

    /// <summary>Whether an earlier item already has this one's name or folder.</summary>
    public static (Diagnostic Problem, string Metadata)? Collision(ModelItem model, IEnumerable<ModelItem> earlier)
    {
        foreach (var other in earlier)
        {
            if (Same(model.Name, other.Name) || ClassNameOf(model) == ClassNameOf(other))
            {
                return (BuildDiagnostics.NameTaken(model.Include, model.Name, other.Include), "Name");
            }

            if (!model.Embed && !other.Embed && Same(model.Link, other.Link))
            {
                return (BuildDiagnostics.LinkTaken(model.Include, model.Link, other.Include), "Link");
            }
        }

        return null;
    }

    private static string ClassNameOf(ModelItem model) => Generation.Identifier.ClassName(model.Name);

    // File systems that tell Model from model are no reason to build what others cannot.
    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    private static bool IsPair(string role) =>
        role.Split('=') is { Length: 2 } parts && parts.All(p => p.Trim().Length > 0);

    private static bool IsUsableName(string name) =>
        name.Any(char.IsLetterOrDigit) && name.IndexOfAny(['/', '\\', ':', '*', '?', '"', '<', '>', '|', ';']) < 0;

    private static bool LeavesFolder(string link) =>
        link.StartsWith("/", StringComparison.Ordinal) || link.Contains(':') || link.Split('/').Contains("..");
}
