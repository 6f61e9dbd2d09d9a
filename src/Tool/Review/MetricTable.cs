using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Evaluation.Snapshots;
using Spectre.Console;

namespace DiffusionQuant.Tool.Review;

/// <summary>Metrics before and after as a table that fits its screen.</summary>
internal static class MetricTable
{
    /// <summary>The columns; those of a higher rank are left out first, rank 0 never is.</summary>
    private static readonly Column[] Columns =
    [
        new("Metric", 0, Justify.Left, m => m.Label),
        new("Verified", 0, Justify.Right, m => Value(m, m.Verified)),
        new("Received", 0, Justify.Right, m => Value(m, m.Received)),
        new("Change", 2, Justify.Right, Change),
        new("Tolerance", 1, Justify.Right, m => m.Tolerance),
        new("Verdict", 0, Justify.Left, m => m.Verdict),
    ];

    public static Table Of(IReadOnlyList<MetricReview> metrics, int width)
    {
        var shown = Columns.Where(c => metrics.Any(m => c.Cell(m).Length > 0)).ToList();
        while (shown.Sum(c => c.Width(metrics) + 2) > width && shown.MaxBy(c => c.Rank) is { Rank: > 0 } least)
        {
            shown.Remove(least);
        }

        var table = new Table().Border(TableBorder.None);
        foreach (var column in shown)
        {
            var header = new Text(column.Title, new Style(decoration: Decoration.Bold));
            table.AddColumn(new TableColumn(header) { Alignment = column.Alignment, Padding = new(0, 0, 2, 0) });
        }

        foreach (var metric in metrics)
        {
            var style = StyleOf(metric.Verdict);
            table.AddRow([.. shown.Select(c => new Text(c.Cell(metric), c.IsColored ? style : Style.Plain))]);
        }

        return table;
    }

    private static Style StyleOf(string verdict) =>
        verdict switch
        {
            "worse" or "missing" => new(Color.Red),
            "better" => new(Color.Green),
            "new" => new(Color.Aqua),
            _ => Style.Plain,
        };

    private static string Value(MetricReview metric, double? value) =>
        value is not { } number ? ""
        // Units of several words would take the room of other columns.
        : MetricCatalog.Find(metric.Name) is var definition && definition.Unit.Contains(' ')
            ? MetricRounding.Fixed(definition, number)
        : MetricRounding.WithUnit(definition, number);

    private static string Change(MetricReview metric) =>
        metric.Change is not { } change ? ""
        : change > 0 ? "+" + MetricRounding.Fixed(MetricCatalog.Find(metric.Name), change)
        : MetricRounding.Fixed(MetricCatalog.Find(metric.Name), change);

    private sealed record Column(string Title, int Rank, Justify Alignment, Func<MetricReview, string> Cell)
    {
        public bool IsColored => Title is "Verdict" or "Change";

        public int Width(IEnumerable<MetricReview> metrics) => metrics.Max(m => Math.Max(Title.Length, Cell(m).Length));
    }
}
