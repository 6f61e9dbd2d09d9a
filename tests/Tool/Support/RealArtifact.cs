namespace DiffusionQuant.Tool.Tests;

/// <summary>A tiny model that was really quantized, once for all tests that look at one.</summary>
public sealed class RealArtifact : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();

    internal string Model { get; private set; } = "";

    internal string Path => folder.At("out");

    internal ToolRun Run { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Model = TinyModel.Write(folder);
        Run = await ToolRun.OfAsync([
            "quantize",
            Model,
            "-o",
            Path,
            "--quantize",
            "W4A8",
            "--steps",
            "4",
            "--calibration-samples",
            "8",
            "--threads",
            "1",
            "--no-cache",
            "--json",
        ]);
    }

    public Task DisposeAsync()
    {
        folder.Dispose();
        return Task.CompletedTask;
    }
}
