using System.Text.Json.Serialization;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Snapshots;
using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Evaluating;

/// <summary>What <c>evaluate</c>, <c>merge</c> and <c>verify</c> say when they are done.</summary>
internal sealed record EvaluationResult
{
    /// <summary>The model's name.</summary>
    public required string Model { get; init; }

    /// <summary>The metrics.json that was written.</summary>
    public required string Metrics { get; init; }

    /// <summary>The report that was written.</summary>
    public required string Report { get; init; }

    /// <summary>The metrics.</summary>
    public required IReadOnlyList<MeasuredValue> Values { get; init; }

    /// <summary>What the gate found; null where nothing was checked.</summary>
    public IReadOnlyList<Finding>? Findings { get; init; }

    /// <summary>Whether the model is good enough; null where nothing was checked.</summary>
    public bool? Passes { get; init; }

    /// <summary>The received file that was left to be accepted; null for none.</summary>
    public string? Received { get; init; }

    /// <summary>The whole in one line.</summary>
    [JsonIgnore]
    public string Summary => $"{Model}: {string.Join(", ", Values.Select(v => $"{v.Label} {v.Text}"))}";

    /// <summary>Describes an evaluation.</summary>
    public static EvaluationResult Of(EvaluationReport report, string metrics, string page) =>
        new()
        {
            Model = report.Model.Name,
            Metrics = metrics,
            Report = page,
            Values = [.. report.Metrics.Select(m => MeasuredValue.Of(report, m))],
        };

    /// <summary>This with the gate's verdict.</summary>
    public EvaluationResult With(QualityVerdict verdict, string? received) =>
        this with
        {
            Findings =
            [
                .. verdict.Findings.Select(f => new Finding(f.Code, f.Severity.ToString(), f.Message, f.Metric)),
            ],
            Passes = verdict.Passes,
            Received = received,
        };

    /// <summary>Says it as the command's result.</summary>
    public void Tell(Reporter reporter)
    {
        if (reporter.HasPrefixes)
        {
            reporter.Note(Summary);
        }

        reporter.Result(this, ToolJson.Default.EvaluationResult, Show);
    }

    /// <summary>Shows it to a person.</summary>
    public void Show(IAnsiConsole console)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("Metric");
        foreach (var column in new[] { "value", "±", "float", "images" })
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (var value in Values)
        {
            table.AddRow(
                Markup.Escape(value.Label),
                Markup.Escape(value.Text),
                value.ErrorText,
                value.FloatText,
                value.Images == 0 ? "" : $"{value.Images}"
            );
        }

        console.Write(table);
        console.WriteLine($"Report: {Report}");
    }
}

/// <summary>A metric's value.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Label">Its title, with the extractor's name where that is needed.</param>
/// <param name="Value">The value.</param>
/// <param name="StandardError">Its standard error; null where it is not known.</param>
/// <param name="Float">The float model's value; null where it has none.</param>
/// <param name="Images">How many images it was measured on.</param>
internal sealed record MeasuredValue(
    string Name,
    string Label,
    double Value,
    double? StandardError,
    double? Float,
    int Images
)
{
    private MetricDefinition Definition => MetricCatalog.Find(Name);

    /// <summary>The value with its unit.</summary>
    [JsonIgnore]
    public string Text => $"{Number(Value)} {Definition.Unit}".TrimEnd();

    /// <summary>The standard error.</summary>
    [JsonIgnore]
    public string ErrorText => StandardError is { } error ? Number(error) : "";

    /// <summary>The float model's value.</summary>
    [JsonIgnore]
    public string FloatText => Float is { } value ? Number(value) : "";

    /// <summary>Describes a metric of a report.</summary>
    public static MeasuredValue Of(EvaluationReport report, Metric metric) =>
        new(
            metric.Name,
            report.Label(metric.Name),
            metric.Value,
            metric.StandardError,
            report.FindFloat(metric.Name)?.Value,
            metric.Images
        );

    private string Number(double value) =>
        value.ToString($"F{Definition.Digits}", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>What the gate found.</summary>
/// <param name="Code">The diagnostic's code.</param>
/// <param name="Severity"><c>Error</c>, <c>Warning</c> or <c>Note</c>.</param>
/// <param name="Message">The message.</param>
/// <param name="Metric">The metric it is about; null for none.</param>
internal sealed record Finding(string Code, string Severity, string Message, string? Metric);
