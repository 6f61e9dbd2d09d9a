namespace DiffusionQuant.Diffusion.Tests;

internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("diffusionquant-tests-").FullName;

    public string Write(string name, string content)
    {
        var path = At(name);
        File.WriteAllText(path, content);
        return path;
    }

    /// <summary>A path in the folder, whose own folder exists.</summary>
    public string At(string name)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
