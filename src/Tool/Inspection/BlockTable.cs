using DiffusionQuant.Tool.Output;
using Spectre.Console;

namespace DiffusionQuant.Tool.Inspection;

/// <summary>Shows blocks as a table.</summary>
internal static class BlockTable
{
    private const int MostNames = 3;

    public static Table Of(IReadOnlyList<BlockRow> blocks)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn("Block");
        table.AddColumn("Kind");
        table.AddColumn(new TableColumn("Layers").RightAligned());
        table.AddColumn(new TableColumn("Parameters").RightAligned());
        table.AddColumn("Names");
        foreach (var block in blocks)
        {
            var names =
                block.Layers.Count <= MostNames
                    ? string.Join(' ', block.Layers)
                    : $"{block.Layers[0]} … {block.Layers[^1]}";
            table.AddRow(
                new Text(block.Name),
                new Text(block.Kind),
                new Text($"{block.Layers.Count}"),
                new Text(Humanize.Count(block.Parameters)),
                new Text(names)
            );
        }

        return table;
    }
}
