using System.Text.Json;
using DiffusionQuant.Build.Tests.Sandboxes;

namespace DiffusionQuant.Build.Tests;

/// <summary>The whole way once, from the packed packages with the real tool: a project file to pictures.</summary>
public sealed class RealToolTests : IDisposable
{
    private readonly RealSandbox sandbox = new();

    public RealToolTests()
    {
        sandbox.CopySample("Models/ddpm-fashion");
        sandbox.Write(
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
        (await sandbox.RunAsync("build", "-tl:off")).Succeeds();
        var artifact = Path.Combine(sandbox.Folder, "bin/Debug/net10.0/Models/ddpm-fashion");
        var source = new FileInfo(Path.Combine(sandbox.Folder, "Models/ddpm-fashion/unet/model.onnx")).Length;
        Assert.InRange(new FileInfo(Path.Combine(artifact, "model.onnx")).Length, 1, source / 5);
        using var report = JsonDocument.Parse(File.ReadAllText(Path.Combine(artifact, "quantization.json")));
        Assert.Equal("W4A8", report.RootElement.GetProperty("recipe").GetProperty("quantize").GetString());

        (await sandbox.RunAsync("run", "--no-build")).Succeeds();
        Assert.True(new FileInfo(Path.Combine(sandbox.Folder, "clothes.png")).Length > 100);

        // The tool's own refusal, at the item's place in the project file.
        WriteProject("W9A8");
        var message = (await sandbox.RunAsync("build", "-tl:off", "--no-restore")).Fails().Message();
        Assert.Equal(
            ("error", "DQ1070", "App.csproj", 11, 5),
            (message.Kind, message.Code, message.File, message.Line, message.Column)
        );
    }

    public void Dispose() => sandbox.Dispose();

    private void WriteProject(string bits) =>
        sandbox.Write(
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
                <PackageReference Include="DiffusionQuant.Build" Version="{RealSandbox.PackageVersion}" />
                <PackageReference Include="Microsoft.ML.OnnxRuntime" Version="1.31.1" />
                <DiffusionModel Include="Models/ddpm-fashion" Quantize="{bits}" Steps="4" CalibrationSamples="8" />
              </ItemGroup>
            </Project>
            """
        );
}
