using System.Globalization;
using DiffusionQuant.Engine.Optimizers;

namespace DiffusionQuant.Engine.Tests.Optimizers;

/// <summary>Recomputing activations takes less memory to the same result.</summary>
public class RecomputationTests
{
    [Theory]
    [InlineData("residual", null)]
    [InlineData("residual", 3)]
    [InlineData("attention", null)]
    [InlineData("attention", 2)]
    [InlineData("quantized", null)]
    public void GivesTheSameValues(string kind, int? segments)
    {
        var (model, parameters) = DeepBlocks.Build(kind, blocks: 5, channels: 8, batch: 2, size: 6);
        var plain = TrainingGraph.Build(model, "loss", parameters);
        var again = TrainingGraph.Build(model, "loss", parameters, new() { Recomputation = Of(segments) });
        Assert.Contains(again.Model.Graph.Nodes, n => n.Name.Contains("_again", StringComparison.Ordinal));

        Assert.Equal(DeepBlocks.Train(plain, 3).Losses, DeepBlocks.Train(again, 3).Losses, Near(1));

        // Behind one step the moments are the gradients. A key's bias has none but for rounding, which its step shows.
        var expected = Means(plain);
        var actual = Means(again);
        var near = Near(expected.Values.SelectMany(v => v).Max(Math.Abs));
        foreach (var (name, values) in expected)
        {
            Assert.Equal(values, actual[name], near);
        }
    }

    [Fact]
    public void LessIsKeptThanComputed()
    {
        var peaks = new[] { "keep", "recompute" }
            .Select(w => long.Parse(OwnProcess.Run(["training-peak", w]), CultureInfo.InvariantCulture))
            .ToArray();
        Assert.True(peaks[1] < 0.65 * peaks[0], $"{peaks[1] >> 20} MB beside {peaks[0] >> 20} MB");
    }

    /// <summary>How much the peak of this process rises by training a deep chain.</summary>
    public static long Peak(string what)
    {
        var (model, parameters) = DeepBlocks.Build("residual", blocks: 14, channels: 16, batch: 12, size: 64);
        var options = new TrainingOptions { Recomputation = what == "keep" ? null : Recomputation.Automatic };
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        var before = process.WorkingSet64;
        DeepBlocks.Train(TrainingGraph.Build(model, "loss", parameters, options), 1);
        process.Refresh();
        return process.PeakWorkingSet64 - before;
    }

    private static Recomputation Of(int? segments) =>
        segments is { } count ? Recomputation.InSegments(count) : Recomputation.Automatic;

    private static Dictionary<string, float[]> Means(TrainingGraph graph) =>
        DeepBlocks
            .Train(graph, 1)
            .Values.Where(v => v.Key.EndsWith("_mean", StringComparison.Ordinal))
            .ToDictionary(StringComparer.Ordinal);

    /// <summary>Equal but for the order of sums, which depends on where in memory a tensor begins.</summary>
    private static Func<float, float, bool> Near(float size) => (a, b) => Math.Abs(a - b) <= 2e-6f * size;
}
