using System.Text.Json;
using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>The way of a searched recipe, with the packed packages and the real tool: search, build, other weights, fallback.</summary>
public sealed class RealSearchTests : IDisposable
{
    private const string Recipe = "Models/ddpm-fashion.recipe.json";
    private readonly RealSandbox sandbox = new();

    public RealSearchTests()
    {
        sandbox.CopySample("Models/ddpm-fashion");
        sandbox.Write("Program.cs", "");
    }

    [Fact]
    public async Task A_searched_recipe_builds()
    {
        var search = await sandbox.ToolAsync([
            "search",
            "Models/ddpm-fashion",
            "-o",
            Recipe,
            .. "--budget-bits 3.5 --pairs 1 --steps 2 --widths 3,6 --method minmax --cache-directory cache --prefix-output".Split(
                ' '
            ),
        ]);
        search.Succeeds();
        WriteProject("");
        var build = await BuildAsync();
        Assert.DoesNotContain(build.Succeeds().Messages, m => m.Code == "DQ1098");
        var made = Artifact();
        Assert.Equal("minmax", made.GetProperty("recipe").GetProperty("method").GetString());
        var widths = made.GetProperty("layers")
            .EnumerateArray()
            .Where(l => l.TryGetProperty("weightBits", out _))
            .Select(l => l.GetProperty("weightBits").GetInt32())
            .ToArray();
        Assert.Contains(3, widths);
        Assert.Contains(6, widths);
        // First and last layer, by the policy.
        Assert.Equal(2, widths.Count(w => w == 8));

        // Trained again: a warning at the item, and a model all the same. The limit holds, so nothing is raised for it.
        var text = sandbox.Read(Recipe);
        var hash = text[(text.IndexOf("weightsSha256\": \"", StringComparison.Ordinal) + 17)..][..64];
        sandbox.Write(Recipe, text.Replace(hash, new string('0', 64)));
        WriteProject("MinSqnrDb=\"0.001\" Fallback=\"true\" PairedImages=\"1\"");
        build = (await BuildAsync()).Succeeds();
        var warning = Assert.Single(build.Messages, m => m.Code == "DQ1098");
        Assert.Equal(("warning", "App.csproj", 7, 5), (warning.Kind, warning.File, warning.Line, warning.Column));
        var fallback = Artifact().GetProperty("fallback");
        Assert.True(fallback.GetProperty("holds").GetBoolean());
        Assert.Equal(0, fallback.GetProperty("raised").GetArrayLength());
    }

    public void Dispose() => sandbox.Dispose();

    private Task<BuildResult> BuildAsync() =>
        sandbox.RunAsync("build", "-tl:off", "-p:DiffusionEvaluate=false", "-p:DiffusionVerify=false");

    // A library: its models lie in a folder of its own.
    private JsonElement Artifact() =>
        JsonDocument
            .Parse(sandbox.Read("bin/Debug/net10.0/Models/App/ddpm-fashion/quantization.json"))
            .RootElement.Clone();

    private void WriteProject(string more) =>
        sandbox.Write(
            "App.csproj",
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="DiffusionQuant.Build" Version="{RealSandbox.PackageVersion}" />
                <DiffusionModel Include="Models/ddpm-fashion" Recipe="{Recipe}" CalibrationSamples="2" {more} />
              </ItemGroup>
            </Project>
            """
        );
}
