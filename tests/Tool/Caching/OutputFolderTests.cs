using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Tool.Caching;

namespace DiffusionQuant.Tool.Tests.Caching;

public sealed class OutputFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_quantized_model_is_replaced_as_a_whole()
    {
        Fill("out", "model.onnx", "quantization.json", "model.onnx.data");
        Fill("out", "model.onnx", "quantization.json");
        Assert.Equal(["model.onnx", "quantization.json"], Names("out"));
        Assert.Equal(["out"], Names(""));
    }

    [Theory]
    [InlineData("notes.txt")]
    [InlineData("model.onnx")]
    public void A_folder_of_other_things_is_left_alone(string name)
    {
        folder.Write(Path.Combine("out", name), "precious");
        var error = Assert.Throws<DiffusionQuantException>(() => new OutputFolder(folder.At("out")));
        Assert.Equal("DQ1121", error.Code);
        Assert.Equal("precious", File.ReadAllText(folder.At("out", name)));
    }

    [Fact]
    public void What_a_user_put_beside_a_model_is_left_alone()
    {
        Fill("out", "model.onnx", "quantization.json");
        folder.Write(Path.Combine("out", "notes.txt"), "precious");
        var error = Assert.Throws<DiffusionQuantException>(() => new OutputFolder(folder.At("out")));
        Assert.Equal("DQ1121", error.Code);
        Assert.Contains("notes.txt", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_is_left_alone() =>
        Assert.Equal(
            "DQ1121",
            Assert.Throws<DiffusionQuantException>(() => new OutputFolder(folder.Write("out", "x"))).Code
        );

    [Fact]
    public void A_failure_leaves_what_was_there()
    {
        Fill("out", "model.onnx", "quantization.json");
        Assert.Throws<InvalidOperationException>(() =>
            new OutputFolder(folder.At("out")).Fill(temporary =>
            {
                File.WriteAllText(Path.Combine(temporary, "half"), "");
                throw new InvalidOperationException();
            })
        );
        Assert.Equal(["model.onnx", "quantization.json"], Names("out"));
        Assert.Equal(["out"], Names(""));
    }

    [Fact]
    public void What_killed_runs_left_is_removed_after_a_day()
    {
        var (young, old) = (folder.At("out.1.diffquant-new"), folder.At("out.2.diffquant-new"));
        Directory.CreateDirectory(young);
        Directory.CreateDirectory(old);
        Directory.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-2));
        Fill("out", "model.onnx");
        Assert.Equal(["out", "out.1.diffquant-new"], Names(""));
    }

    [Fact]
    public void A_separator_at_the_end_changes_nothing()
    {
        new OutputFolder(folder.At("out") + Path.DirectorySeparatorChar).Fill(f =>
            File.WriteAllText(Path.Combine(f, "a"), "")
        );
        Assert.Equal(["a"], Names("out"));
    }

    private void Fill(string name, params string[] files) =>
        new OutputFolder(folder.At(name)).Fill(temporary =>
        {
            foreach (var file in files)
            {
                File.WriteAllText(Path.Combine(temporary, file), "");
            }
        });

    private string[] Names(string name) =>
        [
            .. Directory
                .GetFileSystemEntries(folder.At(name))
                .Select(f => Path.GetFileName(f))
                .Order(StringComparer.Ordinal),
        ];
}
