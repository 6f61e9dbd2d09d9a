using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>The sample app's quality gate, from the packed packages with the real tool.</summary>
public sealed class RealVerificationTests : IDisposable
{
    private const string Project = "ImageApp.csproj";
    private const string Verified = "Models/ddpm-fashion.metrics.verified.json";
    private const string Received = "Models/ddpm-fashion.metrics.received.json";
    private const string Good = "W4A8";
    private const string GoodMethod = "pqd";

    private readonly RealSandbox sandbox = new();

    public RealVerificationTests()
    {
        foreach (var path in (string[])[Project, "Program.cs", "Comparison.cs", "Models"])
        {
            sandbox.CopySample(path);
        }
    }

    [Fact]
    public async Task A_worse_model_fails_at_its_line_until_it_is_accepted()
    {
        // As it is committed.
        var committed = sandbox.Read(Verified);
        (await BuildAsync()).Succeeds();
        Assert.False(sandbox.Has(Received));
        Assert.True(sandbox.Has("obj/Debug/net10.0/diffusionquant/ddpm-fashion/evaluation/report.html"));

        // Worse.
        var project = sandbox.Read(Project);
        Assert.Contains(Good, project);
        Assert.Contains(GoodMethod, project);
        sandbox.Write(Project, project.Replace(Good, "W3A4").Replace(GoodMethod, "minmax"));
        var build = (await BuildAsync()).Fails();
        Assert.Equal(1, build.ExitCode);
        var error = Assert.Single(build.Messages, message => message.Kind == "error");
        var (line, column) = PlaceOf(project, "<DiffusionModel");
        Assert.Equal(("DQ2001", Project, line, column), (error.Code, error.File, error.Line, error.Column));
        Assert.Contains("accept", error.Text);
        Assert.Equal(committed, sandbox.Read(Verified));

        // Accepted.
        (await sandbox.ToolAsync("accept", Path.Combine(sandbox.Folder, Verified))).Succeeds();
        Assert.NotEqual(committed, sandbox.Read(Verified));
        (await BuildAsync()).Succeeds();
        Assert.False(sandbox.Has(Received));
    }

    public void Dispose() => sandbox.Dispose();

    private Task<BuildResult> BuildAsync() => sandbox.RunAsync("build", Project, "-tl:off");

    /// <summary>Where a text begins, in lines and columns from 1.</summary>
    private static (int Line, int Column) PlaceOf(string text, string part)
    {
        var before = text[..text.IndexOf(part, StringComparison.Ordinal)].Split('\n');
        return (before.Length, before[^1].Length + 1);
    }
}
