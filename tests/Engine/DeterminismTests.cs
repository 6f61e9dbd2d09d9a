using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests;

public sealed class DeterminismTests
{
    [Fact]
    public void The_switch_for_deterministic_kernels_is_there()
    {
        using var options = new SessionOptions();
        Assert.True(DeterministicCompute.Enable(options));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_same_run_gives_the_same_bytes(int threads)
    {
        var model = Conv();
        var expected = Run(model, threads);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(expected, Run(model, threads));
        }
    }

    [Fact]
    public void The_number_of_threads_changes_no_result() => Assert.Equal(Run(Conv(), 1), Run(Conv(), 2));

    private static OnnxModel Conv()
    {
        var random = new Random(1);
        var weights = Enumerable.Range(0, 32 * 32 * 9).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var graph = TinyModels.Graph(
            [TinyModels.Value("x", ElementType.Float, 1, 32, 16, 16)],
            [TinyModels.Value("y", ElementType.Float, 1, 32, 1, 1)],
            new("Conv", ["x", "w"], ["c"]) { Attributes = { ["pads"] = new long[] { 1, 1, 1, 1 } } },
            new("ReduceMean", ["c", "axes"], ["y"])
        );
        graph.Add(OnnxTensor.Of("w", weights.AsSpan(), 32, 32, 3, 3));
        graph.Add(OnnxTensor.Of("axes", [2L, 3], 2));
        return TinyModels.Model(graph);
    }

    private static byte[] Run(OnnxModel model, int threads)
    {
        var random = new Random(2);
        using var session = ModelSession.Load(model, new() { Threads = threads });
        using var x = Tensors.Of(
            Enumerable.Range(0, 32 * 256).Select(_ => random.NextSingle()).ToArray(),
            1,
            32,
            16,
            16
        );
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
        return Tensors.ToTensor("y", outputs["y"]).Data.ToArray();
    }
}
