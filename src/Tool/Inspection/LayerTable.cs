using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Inspection;

/// <summary>Layers as a table that fits its screen: where that is narrow, the columns of least worth are left out.</summary>
internal static class LayerTable
{
    /// <summary>The columns; those of a higher rank are left out first, rank 0 never is.</summary>
    private static readonly Column[] Columns =
    [
        new("Layer", 0, Justify.Left, l => l.Name),
        new("Operator", 3, Justify.Left, l => l.Operator),
        new("Position", 2, Justify.Left, l => string.Join(' ', l.Positions)),
        new("Weights", 1, Justify.Right, l => l.WeightShape is null ? null : string.Join('×', l.WeightShape)),
        new("Params", 4, Justify.Right, l => l.Parameters == 0 ? null : Humanize.Count(l.Parameters)),
        new("Bits", 0, Justify.Left, l => l.Bits),
        new("Channels×bits", 1, Justify.Left, Channels),
        new("Kurtosis", 3, Justify.Left, Kurtosis),
        new("Weight range", 5, Justify.Left, l => Range(l.WeightMin, l.WeightMax)),
        new("W dB", 0, Justify.Right, l => l.WeightSqnr is { } db ? $"{db:0.0}" : null),
        new("Input range", 5, Justify.Left, l => Range(l.ActivationMin, l.ActivationMax)),
        new("Scale", 6, Justify.Right, l => l.ActivationScale is { } scale ? $"{scale:g3}" : null),
        new("A dB", 0, Justify.Right, l => l.ActivationSqnr is { } db ? $"{db:0.0}" : null),
        new("out dB", 0, Justify.Right, l => l.OutputSqnr is { } db ? $"{db:0.0}" : null),
        new("Note", 1, Justify.Left, l => l.Note),
    ];

    public static Table Of(IReadOnlyList<LayerRow> layers, int width)
    {
        var shown = Columns.Where(c => layers.Any(l => !string.IsNullOrEmpty(c.Cell(l)))).ToList();
        while (shown.Sum(c => c.Width(layers) + 1) > width && shown.MaxBy(c => c.Rank) is { Rank: > 0 } least)
        {
            shown.Remove(least);
        }

        var table = new Table().Border(TableBorder.None);
        foreach (var column in shown)
        {
            var header = new Text(column.Title, new Style(decoration: Decoration.Bold));
            table.AddColumn(new TableColumn(header) { Alignment = column.Alignment, Padding = new(0, 0, 1, 0) });
        }

        foreach (var layer in layers)
        {
            table.AddRow([.. shown.Select(c => new Text(c.Cell(layer) ?? ""))]);
        }

        return table;
    }

    private static string? Channels(LayerRow layer) =>
        layer.ChannelWidths is { } widths
            ? $"{string.Join(' ', widths.Select(w => $"{w.Channels}×{w.Bits}"))} = {layer.MeanWeightBits:0.00}"
            : null;

    private static string? Kurtosis(LayerRow layer) =>
        layer.ChannelWidths is { } widths
            ? $"{widths.Min(w => w.LeastKurtosis):0.0} .. {widths.Max(w => w.MostKurtosis):0.0}"
            : null;

    private static string? Range(float? low, float? high) => low is { } l && high is { } h ? $"{l:g3} .. {h:g3}" : null;

    private sealed record Column(string Title, int Rank, Justify Alignment, Func<LayerRow, string?> Cell)
    {
        public int Width(IEnumerable<LayerRow> layers) => Math.Max(Title.Length, layers.Max(l => Cell(l)?.Length ?? 0));
    }
}
