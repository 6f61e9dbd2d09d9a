using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests;

public sealed class LargeModelTests
{
    // 3072 x 3072 float32: 36 MB, above the limit for models passed as one array.
    private const int Size = 3072;

    [Fact]
    public void Large_weights_are_mapped_and_leave_nothing_behind()
    {
        var before = Leftovers();
        using (var session = ModelSession.Load(TinyModels.LargeMatMul(Size)))
        {
            Assert.True(4L * Size * Size > ModelSession.LargestInMemory);
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(before, Leftovers());
            }

            using var x = Tensors.Of(Enumerable.Repeat(1f, Size).ToArray(), 1, Size);
            using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
            Assert.Equal((Size / 2) + 1, Tensors.Floats(outputs["y"])[0]);
            Assert.Equal(Size / 2, Tensors.Floats(outputs["y"])[1]);
        }

        Assert.Equal(before, Leftovers());
    }

    [Fact]
    public void A_large_model_that_cannot_be_loaded_leaves_nothing_behind()
    {
        var before = Leftovers();
        var model = TinyModels.LargeMatMul(Size);
        model.Graph.Nodes[0].OpType = "NoSuchOperator";
        Assert.Throws<Onnx.Diagnostics.DiffusionQuantException>(() => ModelSession.Load(model));
        Assert.Equal(before, Leftovers());
    }

    // Only the tests of this class make such folders in this process, and those of other processes are told apart by content.
    private static int Leftovers() =>
        Directory
            .EnumerateDirectories(Path.GetTempPath(), "diffusionquant-*")
            .Count(d =>
                File.Exists(Path.Combine(d, "model.data"))
                && new FileInfo(Path.Combine(d, "model.data")).Length == 4L * Size * Size
            );
}
