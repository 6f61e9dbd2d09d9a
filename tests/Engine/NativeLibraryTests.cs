namespace DiffusionQuant.Engine.Tests;

public sealed class NativeLibraryTests
{
    [Fact]
    public void Without_the_native_library_the_message_names_the_package()
    {
        using var folder = new TemporaryFolder();
        OwnProcess.CopyManaged(folder.Path);
        var output = OwnProcess.Run(["library"], folder.Path);
        Assert.StartsWith("DQ4001: ", output, StringComparison.Ordinal);
        Assert.Contains("<PackageReference Include=\"Microsoft.ML.OnnxRuntime\" />", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_named_folder_provides_the_native_library()
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(OwnProcess.NativeFolder, "*onnxruntime*"))
        {
            if (!Path.GetFileName(file).Contains(".ML.", StringComparison.Ordinal))
            {
                File.Copy(file, folder.File(Path.GetFileName(file)));
            }
        }

        var output = OwnProcess.Run(["library"], null, (NativeLibraries.CudaPathVariable, folder.Path));
        Assert.StartsWith(folder.Path, output, StringComparison.Ordinal);
        Assert.StartsWith(OwnProcess.NativeFolder, OwnProcess.Run(["library"]), StringComparison.Ordinal);
    }
}
