using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Benchmarks;

/// <summary>
/// The rows of a benchmark that takes hours, in a JSON file that is saved after each row, and what is beside them: the
/// commands that made them, and what people wrote there of how they were measured.
/// </summary>
internal sealed class ResultFile
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };
    private readonly string output;
    private readonly string head;
    private readonly Func<ResultFile, string> table;
    private readonly List<string> commands;
    private readonly string command;

    /// <summary>Takes up what there is.</summary>
    /// <param name="output">The file without its ending; it becomes <c>.json</c>, and <c>.md</c> for people.</param>
    /// <param name="head">The machine and what holds for all rows.</param>
    /// <param name="command">The command that measures; kept once it made a row.</param>
    /// <param name="table">The rows for people.</param>
    public ResultFile(string output, string head, string command, Func<ResultFile, string> table)
    {
        this.output = output;
        this.head = head;
        this.command = command;
        this.table = table;
        var root = File.Exists($"{output}.json") ? JsonNode.Parse(File.ReadAllText($"{output}.json"))! : null;
        Rows = root?["rows"]!.DeepClone().AsArray() ?? [];
        Notes = Texts(root, "notes");
        commands = [.. Texts(root, "commands")];
    }

    /// <summary>The rows.</summary>
    public JsonArray Rows { get; }

    /// <summary>What people wrote of them.</summary>
    public IReadOnlyList<string> Notes { get; private set; }

    /// <summary>Where people read.</summary>
    public string MarkdownPath => $"{output}.md";

    /// <summary>What stands above the table.</summary>
    /// <param name="title">The title.</param>
    public string Head(string title) =>
        $"# {title}\n\n{string.Concat(commands.Select(c => $"    {c}\n"))}\n{head}\n\n{string.Concat(Notes.Select(n => $"{n}\n\n"))}";

    /// <summary>Adds a row and saves all.</summary>
    public void Add(JsonObject row)
    {
        Rows.Add(row);
        if (!commands.Contains(command))
        {
            commands.Add(command);
        }

        Save();
    }

    /// <summary>Drops rows that no longer say anything, and with all of them the commands and notes.</summary>
    /// <param name="isValid">Whether a row is kept.</param>
    public void Keep(Func<JsonNode, bool> isValid)
    {
        foreach (var row in Rows.OfType<JsonNode>().Where(r => !isValid(r)).ToArray())
        {
            Rows.Remove(row);
        }

        if (Rows.Count == 0)
        {
            commands.Clear();
            Notes = [];
        }
    }

    /// <summary>Writes both files.</summary>
    public void Save()
    {
        var root = new JsonObject
        {
            ["notes"] = new JsonArray([.. Notes.Select(n => (JsonNode)n)]),
            ["commands"] = new JsonArray([.. commands.Select(c => (JsonNode)c)]),
            ["machine"] = head,
            ["rows"] = Rows.DeepClone(),
        };
        var file = $"{output}.json";
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        File.WriteAllText($"{file}.new", root.ToJsonString(Indented) + "\n");
        File.Move($"{file}.new", file, overwrite: true);
        File.WriteAllText(MarkdownPath, table(this));
    }

    /// <summary>The command of a benchmark, without the places of one machine.</summary>
    public static string CommandOf(string benchmark, string[] options)
    {
        var told = options
            .Chunk(2)
            .Where(o => o[0] != "--work" && (o[0] is not ("--output" or "--model") || !Path.IsPathRooted(o[1])))
            .SelectMany(o => o);
        return $"dotnet run -c Release --project benchmarks -- {benchmark} {string.Join(' ', told)}".TrimEnd();
    }

    /// <summary>An effort, and the number of steps where it is another than the effort's own.</summary>
    public static string EffortName(Effort effort, int? iterations) =>
        RecipeWords.Of(effort) + (iterations is null ? "" : $", {iterations} steps");

    /// <summary>A number of a row as a cell; empty where there is none.</summary>
    public static string Cell(JsonNode row, string key, string format) =>
        ((double?)row[key])?.ToString(format, CultureInfo.InvariantCulture) ?? "";

    private static string[] Texts(JsonNode? root, string key) =>
        root?[key] is JsonArray texts ? [.. texts.Select(t => (string)t!)] : [];
}
