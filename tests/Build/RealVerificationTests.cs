using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>
/// The sample app's quality gate, from the packed packages with the real tool. Metrics differ between kinds of processors,
/// so what counts as verified is what this machine measured, not the committed snapshot.
/// </summary>
public sealed class RealVerificationTests : IDisposable
{
    private const string Project = "ImageApp.csproj";
    private const string Verified = "Models/ddpm-fashion.metrics.verified.json";
    private const string Received = "Models/ddpm-fashion.metrics.received.json";

    // What the project file says, and what stands there instead; what is good here is cheaper to make than the sample.
    private static readonly (string Committed, string Good, string Bad)[] Recipe =
    [
        ("Quantize=\"W4A8\"", "Quantize=\"W8A8\" Verify=\"true\"", "Quantize=\"W3A4\" Verify=\"true\""),
        ("Method=\"pqd\"", "Method=\"mse\"", "Method=\"minmax\""),
        ("EvaluationImages=\"256\"", "EvaluationImages=\"64\"", "EvaluationImages=\"64\""),
    ];

    private readonly RealSandbox sandbox = new();

    public RealVerificationTests()
    {
        foreach (var path in (string[])[Project, "Program.cs", "Comparison.cs", "Models"])
        {
            sandbox.CopySample(path);
        }

        sandbox.Delete(Verified);
    }

    [Fact]
    public async Task A_worse_model_fails_at_its_line_until_it_is_accepted()
    {
        var committed = sandbox.Read(Project);
        var (line, column) = PlaceOf(committed, "<DiffusionModel");

        // The first snapshot.
        Write(committed, recipe => recipe.Good);
        var error = Error(await BuildAsync());
        Assert.Equal(("DQ2006", Project, line, column), (error.Code, error.File, error.Line, error.Column));
        (await AcceptAsync()).Succeeds();
        (await BuildAsync()).Succeeds();
        Assert.False(sandbox.Has(Received));
        Assert.True(sandbox.Has("obj/Debug/net10.0/diffusionquant/ddpm-fashion/evaluation/report.html"));

        // Worse.
        var verified = sandbox.Read(Verified);
        Write(committed, recipe => recipe.Bad);
        error = Error(await BuildAsync());
        Assert.Equal(("DQ2001", Project, line, column), (error.Code, error.File, error.Line, error.Column));
        Assert.Contains("accept", error.Text);
        Assert.Equal(verified, sandbox.Read(Verified));

        // Accepted.
        (await AcceptAsync()).Succeeds();
        Assert.NotEqual(verified, sandbox.Read(Verified));
        (await BuildAsync()).Succeeds();
        Assert.False(sandbox.Has(Received));
    }

    public void Dispose() => sandbox.Dispose();

    private Task<BuildResult> BuildAsync() => sandbox.RunAsync("build", Project, "-tl:off");

    private Task<BuildResult> AcceptAsync() => sandbox.ToolAsync("accept", Path.Combine(sandbox.Folder, Verified));

    private static BuildMessage Error(BuildResult build)
    {
        Assert.Equal(1, build.Fails().ExitCode);
        return Assert.Single(build.Messages, message => message.Kind == "error");
    }

    private void Write(string project, Func<(string Committed, string Good, string Bad), string> wanted)
    {
        foreach (var recipe in Recipe)
        {
            Assert.Contains(recipe.Committed, project);
            project = project.Replace(recipe.Committed, wanted(recipe));
        }

        sandbox.Write(Project, project);
    }

    /// <summary>Where a text begins, in lines and columns from 1.</summary>
    private static (int Line, int Column) PlaceOf(string text, string part)
    {
        var before = text[..text.IndexOf(part, StringComparison.Ordinal)].Split('\n');
        return (before.Length, before[^1].Length + 1);
    }
}
