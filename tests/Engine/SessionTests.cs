using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests;

public sealed class SessionTests
{
    [Fact]
    public void Outputs_come_by_name_in_the_order_of_the_model()
    {
        using var session = ModelSession.Load(TinyModels.SumAndProduct());
        using var x = Tensors.Of<float>([10, 20, 30], 1, 3);
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
        Assert.Equal(["sum", "product"], outputs.Select(o => o.Key));
        Assert.Equal([11, 22, 33], Tensors.ToFloats(outputs["sum"]));
        Assert.Equal([10, 40, 90], Tensors.ToFloats(outputs["product"]));
    }

    [Fact]
    public void Only_the_outputs_asked_for_are_returned()
    {
        using var session = ModelSession.Load(TinyModels.SumAndProduct());
        using var x = Tensors.Of<float>([1, 1, 1], 1, 3);
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x }, ["product"]);
        Assert.Equal(1, outputs.Count);
        Assert.Equal([1, 2, 3], Tensors.ToFloats(outputs["product"]));
        Assert.Throws<KeyNotFoundException>(() => outputs["sum"]);
    }

    [Fact]
    public void Any_batch_fits_a_symbolic_dimension()
    {
        using var session = ModelSession.Load(TinyModels.SumAndProduct());
        foreach (var batch in new[] { 1, 2, 5 })
        {
            using var x = Tensors.Of(new float[batch * 3], batch, 3);
            using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
            Assert.Equal([batch, 3], Tensors.Dims(outputs["sum"]));
        }
    }

    [Fact]
    public void Inputs_and_outputs_are_described()
    {
        using var session = ModelSession.Load(TinyModels.SumAndProduct());
        Assert.Equal(TinyModels.Value("x", ElementType.Float, "batch", 3), Assert.Single(session.Inputs));
        Assert.Equal(["sum", "product"], session.Outputs.Select(o => o.Name));
        Assert.Equal(Device.Cpu, session.Device);
        Assert.Equal("tiny", session.Name);
    }

    [Fact]
    public void A_file_is_loaded_with_data_beside_it()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("m.onnx");
        TinyModels.LargeMatMul(64).Save(path, new() { SingleFileLimit = 0 });
        Assert.True(File.Exists(path + ".data"));
        using var session = ModelSession.Load(path);
        using var x = Tensors.Of(Enumerable.Repeat(1f, 64).ToArray(), 1, 64);
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
        Assert.Equal(33, Tensors.ToFloats(outputs["y"])[0]);
        Assert.Equal(path, session.Name);
    }

    [Fact]
    public void A_missing_file_has_its_code() =>
        Assert.Equal(
            "DQ4010",
            Assert.Throws<DiffusionQuantException>(() => ModelSession.Load("no/such/model.onnx")).Code
        );

    [Fact]
    public void What_cannot_be_loaded_has_its_code_and_the_reason()
    {
        var model = TinyModels.Twice(ElementType.Float, "NoSuchOperator");
        var e = Assert.Throws<DiffusionQuantException>(() => ModelSession.Load(model));
        Assert.Equal("DQ4011", e.Code);
        Assert.Contains("NoSuchOperator", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("[ErrorCode", e.Message, StringComparison.Ordinal);

        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("text.onnx"), "no model");
        Assert.Equal(
            "DQ4011",
            Assert.Throws<DiffusionQuantException>(() => ModelSession.Load(folder.File("text.onnx"))).Code
        );
    }

    [Fact]
    public void A_run_that_fails_has_its_code_and_the_reason()
    {
        var graph = TinyModels.Graph(
            [TinyModels.Value("a", ElementType.Float, "n"), TinyModels.Value("b", ElementType.Float, "m")],
            [TinyModels.Value("y", ElementType.Float, "k")],
            new OnnxNode("Add", ["a", "b"], ["y"], "adder")
        );
        using var session = ModelSession.Load(TinyModels.Model(graph));
        using var a = Tensors.Of(new float[2], 2);
        using var b = Tensors.Of(new float[3], 3);
        var e = Assert.Throws<DiffusionQuantException>(() =>
            session.Run(new Dictionary<string, OrtValue> { ["a"] = a, ["b"] = b })
        );
        Assert.Equal("DQ4017", e.Code);
        Assert.Contains("adder", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Running_out_of_memory_has_its_code()
    {
        var graph = TinyModels.Graph(
            [TinyModels.Value("shape", ElementType.Int64, 2)],
            [TinyModels.Value("y", ElementType.Float, "n", "m")],
            new OnnxNode("ConstantOfShape", ["shape"], ["y"])
        );
        using var session = ModelSession.Load(TinyModels.Model(graph));
        using var shape = Tensors.Of<long>([1L << 30, 1L << 25], 2);
        var e = Assert.Throws<DiffusionQuantException>(() =>
            session.Run(new Dictionary<string, OrtValue> { ["shape"] = shape })
        );
        Assert.Equal("DQ4018", e.Code);
    }

    [Fact]
    public void Settings_reach_the_runtime()
    {
        using var folder = new TemporaryFolder();
        var settings = new SessionSettings
        {
            Threads = 1,
            Optimization = GraphOptimization.Basic,
            OptimizedModelPath = folder.File("optimized.onnx"),
            EnableProfiling = true,
            ProfilePrefix = folder.File("profile"),
            ConfigEntries = new Dictionary<string, string> { ["session.disable_quant_qdq"] = "1" },
        };
        using (var session = ModelSession.Load(TinyModels.SumAndProduct(), settings))
        {
            using var x = Tensors.Of(new float[3], 1, 3);
            using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
        }

        Assert.Equal(2, OnnxModel.Load(folder.File("optimized.onnx")).Graph.Nodes.Count);
        Assert.Single(Directory.EnumerateFiles(folder.Path, "profile*.json"));
    }

    [Fact]
    public void A_broken_setting_is_a_load_failure()
    {
        var settings = new SessionSettings
        {
            ConfigEntries = new Dictionary<string, string> { [""] = "an empty key is refused" },
        };
        Assert.Equal(
            "DQ4011",
            Assert.Throws<DiffusionQuantException>(() => ModelSession.Load(TinyModels.SumAndProduct(), settings)).Code
        );
    }

    [Fact]
    public async Task Runs_may_overlap()
    {
        using var session = ModelSession.Load(TinyModels.SumAndProduct());
        var runs = Enumerable
            .Range(0, 8)
            .Select(i =>
                Task.Run(() =>
                {
                    using var x = Tensors.Of<float>([i, i, i], 1, 3);
                    using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
                    return Tensors.ToFloats(outputs["sum"])[0];
                })
            );
        Assert.Equal(Enumerable.Range(1, 8).Select(i => (float)i), await Task.WhenAll(runs));
    }
}
