using DiffusionQuant.Build.Files;

namespace DiffusionQuant.Build.Tests.Units;

/// <summary>Which files a model's freshness depends on.</summary>
public sealed class ModelFilesTests
{
    [Fact]
    public void A_file_has_its_data_and_descriptions_with_it_but_no_snapshot_and_nothing_else_of_the_folder()
    {
        var folder = Directory.CreateTempSubdirectory().FullName;
        string[] names =
        [
            "a.onnx",
            "a.onnx.data",
            "a.json",
            "a.metrics.verified.json",
            "a.metrics.received.json",
            "b.onnx",
            "b.onnx.data",
            "weights.bin",
            "scheduler_config.json",
            "appsettings.json",
            "Program.cs",
            "sub/x.onnx",
            "scheduler/scheduler_config.json",
        ];
        foreach (var name in names)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, name))!);
            File.WriteAllText(Path.Combine(folder, name), "");
        }

        string[] expected =
        [
            "a.json",
            "a.onnx",
            "a.onnx.data",
            "scheduler_config.json",
            "scheduler_config.json",
            "weights.bin",
        ];
        Assert.Equal(expected, ModelFiles.Of(Path.Combine(folder, "a.onnx")).Select(f => f.Name));
        Assert.Equal(names.Length - 2, ModelFiles.Of(folder).Count);
        Assert.Empty(ModelFiles.Of(Path.Combine(folder, "gone.onnx")));
        Directory.Delete(folder, recursive: true);
    }
}
