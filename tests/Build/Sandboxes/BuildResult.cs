using System.Globalization;
using System.Text.RegularExpressions;

namespace DiffusionQuant.Build.Tests.Sandboxes;

/// <summary>How a build ended, and what it said.</summary>
internal sealed record BuildResult(int ExitCode, string Output)
{
    /// <summary>The coded lines, each once although the summary repeats them.</summary>
    public IReadOnlyList<BuildMessage> Messages =>
        Regex
            .Matches(
                Output,
                @"^\s*(?:\d+>)?(?<file>[^\r\n(]*)\((?<line>\d+),(?<column>\d+)\): (?<kind>error|warning|message) (?<code>\w+): (?<text>.*?)(?: \[[^\]]*\])?\r?$",
                RegexOptions.Multiline
            )
            .Select(match => new BuildMessage(
                match.Groups["kind"].Value,
                match.Groups["code"].Value,
                Path.GetFileName(match.Groups["file"].Value),
                int.Parse(match.Groups["line"].Value, CultureInfo.InvariantCulture),
                int.Parse(match.Groups["column"].Value, CultureInfo.InvariantCulture),
                match.Groups["text"].Value
            ))
            .Distinct()
            .ToList();

    public BuildResult Succeeds()
    {
        Assert.True(ExitCode == 0, Output);
        return this;
    }

    public BuildResult Fails()
    {
        Assert.True(ExitCode != 0, Output);
        return this;
    }

    /// <summary>The only message; fails if there are others.</summary>
    public BuildMessage Message()
    {
        Assert.True(Messages.Count == 1, Output);
        return Messages[0];
    }
}

/// <summary>A coded line of the build's output.</summary>
internal sealed record BuildMessage(string Kind, string Code, string File, int Line, int Column, string Text);
