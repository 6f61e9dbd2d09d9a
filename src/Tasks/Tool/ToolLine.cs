using System.Text.RegularExpressions;

namespace DiffusionQuant.Build.Tool;

/// <summary>What a line of the tool is; the tool says so in a prefix (<c>--prefix-output</c>).</summary>
internal enum ToolLineKind
{
    /// <summary>A line without prefix: not from the tool itself but from .NET or a native library.</summary>
    Other,
    Error,
    Warning,
    Information,
    Verbose,
    Data,
}

/// <summary>One line of the tool's output, taken apart.</summary>
internal sealed class ToolLine
{
    private static readonly (string Prefix, ToolLineKind Kind)[] Prefixes =
    [
        ("error: ", ToolLineKind.Error),
        ("warn: ", ToolLineKind.Warning),
        ("info: ", ToolLineKind.Information),
        ("verbose: ", ToolLineKind.Verbose),
        ("data: ", ToolLineKind.Data),
    ];

    private ToolLine(ToolLineKind kind, string? code, string text)
    {
        Kind = kind;
        Code = code;
        Text = text;
    }

    public ToolLineKind Kind { get; }

    /// <summary>Such as <c>DQ1042</c>; errors and warnings have one.</summary>
    public string? Code { get; }

    public string Text { get; }

    public static ToolLine Parse(string line)
    {
        foreach (var (prefix, kind) in Prefixes)
        {
            if (line.StartsWith(prefix, StringComparison.Ordinal))
            {
                var rest = line.Substring(prefix.Length);
                var coded = Regex.Match(rest, @"^(DQ\d+): ?(.*)$");
                return coded.Success
                    ? new ToolLine(kind, coded.Groups[1].Value, coded.Groups[2].Value)
                    : new ToolLine(kind, null, rest);
            }
        }

        return new ToolLine(ToolLineKind.Other, null, line);
    }
}
