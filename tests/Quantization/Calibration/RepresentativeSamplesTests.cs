using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Tests.Calibration;

public sealed class RepresentativeSamplesTests
{
    /// <summary>Points around (0,0), (10,0) and (0,10): many, some and few.</summary>
    private static readonly float[][] Clusters = [.. Cluster(40, 0, 0), .. Cluster(10, 10, 0), .. Cluster(4, 0, 10)];

    private static IEnumerable<float[]> Cluster(int count, float x, float y)
    {
        var noise = TestModels.Numbers(count, 2 * count, 0.1);
        return Enumerable.Range(0, count).Select(i => new[] { x + noise[2 * i], y + noise[(2 * i) + 1] });
    }

    private static int ClusterOf(int i) =>
        i < 40 ? 0
        : i < 50 ? 1
        : 2;

    [Fact]
    public void The_densest_comes_first_and_then_one_of_each_cluster()
    {
        var chosen = RepresentativeSamples.Choose(Clusters, 3, RepresentativeSamples.UsualDiversity);
        Assert.Equal(0, ClusterOf(chosen[0]));
        Assert.Equal([0, 1, 2], chosen.Select(ClusterOf).Order());
    }

    [Fact]
    public void Without_diversity_only_the_densest_are_chosen() =>
        Assert.All(RepresentativeSamples.Choose(Clusters, 20, 0), i => Assert.Equal(0, ClusterOf(i)));

    [Fact]
    public void Copies_are_chosen_last()
    {
        // Corners of a cube, each three times.
        float[][] corners = [.. Enumerable.Range(0, 24).Select(i => new float[] { i & 1, (i >> 1) & 1, (i >> 2) & 1 })];
        Assert.Equal(8, RepresentativeSamples.Select(corners, 8).Select(i => i % 8).Distinct().Count());
    }

    [Fact]
    public void No_channel_counts_more_because_its_numbers_are_large()
    {
        float[][] scaled = [.. Clusters.Select(f => new[] { f[0], 1000 * f[1] })];
        Assert.Equal(RepresentativeSamples.Select(Clusters, 10), RepresentativeSamples.Select(scaled, 10));
    }

    [Fact]
    public void Samples_that_are_all_alike_or_very_many_are_chosen_too()
    {
        float[][] alike = [.. Enumerable.Repeat(new float[] { 1, 2 }, 6)];
        Assert.Equal([0, 1, 2], RepresentativeSamples.Select(alike, 3));

        float[][] many = [.. Enumerable.Range(0, 5000).Select(i => new float[] { i })];
        var chosen = RepresentativeSamples.Select(many, 101);
        Assert.Equal(101, chosen.Distinct().Count());
        Assert.Equal(chosen.Order(), chosen);
    }

    [Fact]
    public void The_middle_of_a_U_Net_is_its_bottleneck()
    {
        var model = DdpmUNet.Build(DdpmUNetSettings.Tiny);
        var convolutions = model.Graph.Nodes.Where(n => n.OpType is "Conv" or "Gemm" or "MatMul").ToArray();
        using var session = ModelSession.Load(
            ObservedGraph.Of(model, convolutions.Select(n => n.Outputs[0]), out var outputs)
        );
        using var x = Tensors.Of(new float[64], 1, 1, 8, 8);
        using var t = Tensors.Of(new long[] { 3 }, 1);
        using var run = session.Run(
            new Dictionary<string, Microsoft.ML.OnnxRuntime.OrtValue> { ["sample"] = x, ["timestep"] = t }
        );
        var (value, isMap) = MidFeatures.Middle(convolutions, n => Tensors.Dims(run[outputs[n.Outputs[0]]]));
        Assert.True(isMap);
        Assert.Equal([1, 16, 4, 4], Tensors.Dims(run[value]));
        Assert.Contains("mid", convolutions.Single(n => n.Outputs[0] == value).Name, StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_of_one_size_have_their_middle_in_the_middle()
    {
        OnnxNode[] layers =
        [
            .. Enumerable.Range(0, 5).Select(i => new OnnxNode("MatMul", ["x", "w"], [$"y{i}"], $"m{i}")),
        ];
        Assert.Equal(("y2", false), MidFeatures.Middle(layers, _ => [1, 16, 8]));
    }

    [Theory]
    [InlineData(TimestepLaw.EveryK)]
    [InlineData(TimestepLaw.Uniform)]
    public void A_recipe_gets_the_wanted_number_out_of_twice_as_many(TimestepLaw law)
    {
        using var model = new LoadedModel(DdpmUNet.Build(DdpmUNetSettings.Tiny));
        var recipe = new Recipe(new BitWidths(8, 8))
        {
            Steps = 6,
            TimestepSampling = law,
            CalibrationSamples = 12,
            SampleSelection = SampleSelection.Representative,
            Device = "cpu",
        };
        var fractions = new List<double>();
        var context = new PassContext(SessionSettings.Default, (fraction, _) => fractions.Add(fraction), default);
        using var chosen = CalibrationSet.Collect(new(model.Source, recipe), context);
        using var all = CalibrationSet.Collect(
            new(model.Source, recipe with { SampleSelection = SampleSelection.All, CalibrationSamples = 24 }),
            context with
            {
                Progress = (_, _) => { },
            }
        );
        Assert.Equal(12, chosen.Count);
        Assert.Equal(24, all.Count);
        var states = Enumerable.Range(0, 24).Select(i => all.Call(i).Samples).ToArray();
        var found = Enumerable
            .Range(0, 12)
            .Select(i => Array.FindIndex(states, s => s.AsSpan().SequenceEqual(chosen.Call(i).Samples)))
            .ToArray();
        Assert.DoesNotContain(-1, found);
        Assert.Equal(12, found.Distinct().Count());
        Assert.NotEqual(Enumerable.Range(0, 12), found);
        Assert.Equal(fractions.Order(), fractions);
        Assert.Equal(1, fractions[^1], 1e-9);
    }
}
