using System.Text.Json;
using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>The whole way once, from the packed packages with the real tool: a project file to pictures.</summary>
public sealed class RealToolTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("diffusionquant-real-").FullName;
    private readonly Dictionary<string, string> environment = [];

    public RealToolTests()
    {
        var packages = Path.Combine(Repository.Root, "artifacts", "packages");
        Assert.True(
            Directory.Exists(packages) && Directory.GetFiles(packages, "DiffusionQuant.Build.*.nupkg").Length > 0,
            "This test builds with the packed packages: run 'dotnet run eng/pack.cs' first (eng/test.cs does)."
        );
        environment["DiffusionCacheDirectory"] = Path.Combine(folder, "cache");
        Write(
            "nuget.config",
            $"""
            <configuration>
              <packageSources>
                <clear />
                <add key="nuget.org" value="https://api.nuget.org/v3/index.json" protocolVersion="3" />
                <add key="packages" value="{packages}" />
                <add key="feed" value="{Path.Combine(Repository.Root, "eng", "feed")}" />
              </packageSources>
            </configuration>
            """
        );
        Sandbox.CopyFolder(
            Path.Combine(Repository.Root, "samples", "ImageApp", "Models", "ddpm-fashion"),
            Path.Combine(folder, "Models", "ddpm-fashion")
        );
        Write(
            "Program.cs",
            """
            using var pipeline = App.DiffusionModels.DdpmFashion.Load();
            pipeline.Generate(1, seed: 1, steps: 2)[0].SavePng("clothes.png");
            """
        );
    }

    [Fact]
    public async Task A_project_becomes_an_app_that_draws()
    {
        WriteProject("W4A8");
        (await RunAsync("build", "-tl:off")).Succeeds();
        var artifact = Path.Combine(folder, "bin/Debug/net10.0/Models/ddpm-fashion");
        var source = new FileInfo(Path.Combine(folder, "Models/ddpm-fashion/unet/model.onnx")).Length;
        Assert.InRange(new FileInfo(Path.Combine(artifact, "model.onnx")).Length, 1, source / 5);
        using var report = JsonDocument.Parse(File.ReadAllText(Path.Combine(artifact, "quantization.json")));
        Assert.Equal("W4A8", report.RootElement.GetProperty("recipe").GetProperty("quantize").GetString());

        (await RunAsync("run", "--no-build")).Succeeds();
        Assert.True(new FileInfo(Path.Combine(folder, "clothes.png")).Length > 100);

        // The tool's own refusal, at the item's place in the project file.
        WriteProject("W9A8");
        var message = (await RunAsync("build", "-tl:off", "--no-restore")).Fails().Message();
        Assert.Equal(
            ("error", "DQ1070", "App.csproj", 11, 5),
            (message.Kind, message.Code, message.File, message.Line, message.Column)
        );
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private Task<BuildResult> RunAsync(params string[] arguments) => DotNet.RunAsync(folder, environment, arguments);

    private void Write(string path, string text) => File.WriteAllText(Path.Combine(folder, path), text);

    private void WriteProject(string bits) =>
        Write(
            "App.csproj",
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="DiffusionQuant.Build" Version="0.1.0" />
                <PackageReference Include="Microsoft.ML.OnnxRuntime" Version="1.29.0" />
                <DiffusionModel Include="Models/ddpm-fashion" Quantize="{bits}" Steps="4" CalibrationSamples="8" />
              </ItemGroup>
            </Project>
            """
        );
}
