namespace DiffusionQuant.Evaluation.Tests.Features.Checkpoints;

/// <summary>A file that is removed with the test.</summary>
internal sealed class TemporaryFile : IDisposable
{
    public TemporaryFile() { }

    public TemporaryFile(ReadOnlySpan<byte> content) => File.WriteAllBytes(Path, content);

    public string Path { get; } =
        System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"diffusionquant-tests-{Guid.NewGuid():N}.pth");

    public void Dispose() => File.Delete(Path);
}
