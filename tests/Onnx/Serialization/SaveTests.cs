using DiffusionQuant.Onnx.Serialization;

namespace DiffusionQuant.Onnx.Tests.Serialization;

public sealed class SaveTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Makes_missing_folders_and_replaces_old_files()
    {
        var path = folder.At("new") + "/deep/model.onnx";
        var model = ProtoModels.Model().Parse();
        model.Save(path);
        model.ProducerName = "second";
        model.Save(path);
        Assert.Equal("second", OnnxModel.Load(path).ProducerName);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void Leaves_the_old_files_when_it_fails()
    {
        var model = ProtoModels.Model().Parse();
        model.Graph.Add(OnnxTensor.Of("large", new float[1000].AsSpan(), 1000));
        var external = new SaveOptions { SingleFileLimit = 0, ExternalDataName = "w.bin" };
        File.WriteAllText(folder.At("w.bin"), "old data");
        Directory.CreateDirectory(folder.At("model.onnx"));

        // The model's place is taken by a folder: it cannot be renamed into it, after the data already were.
        Failure.Expect("DQ1012", () => model.Save(folder.At("model.onnx"), external), "model.onnx");
        Assert.Equal("old data", File.ReadAllText(folder.At("w.bin")));
        Assert.Equal([folder.At("w.bin")], Directory.GetFiles(folder.Path));

        File.Delete(folder.At("w.bin"));
        Failure.Expect("DQ1012", () => model.Save(folder.At("model.onnx"), external));
        Failure.Expect("DQ1012", () => model.Save(folder.At("model.onnx")));
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    [Fact]
    public void Says_why_when_the_folder_is_a_file()
    {
        File.WriteAllText(folder.At("file"), "");
        Failure.Expect("DQ1012", () => ProtoModels.Model().Parse().Save(folder.At("file") + "/model.onnx"));
    }
}
