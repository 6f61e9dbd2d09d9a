using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Training;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests.Training;

/// <summary>The relation term against the same in double precision.</summary>
public sealed class RelationLossTests
{
    [Theory]
    [InlineData(new long[] { 2, 5, 3, 4 }, 1, 1024)]
    // Averaged in squares of two.
    [InlineData(new long[] { 2, 5, 4, 6 }, 1, 6)]
    [InlineData(new long[] { 2, 7, 5 }, 2, 1024)]
    [InlineData(new long[] { 3, 5, 8 }, 1, 4)]
    public void ComparesRelations(long[] dims, int channelAxis, int most)
    {
        var settings = new RelationDistillation { Weight = 2.5f, MostTokens = most };
        var count = (int)dims.Aggregate(1L, (a, b) => a * b);
        var (features, older, teacher) = (
            TestModels.Numbers(1, count),
            TestModels.Numbers(2, count),
            TestModels.Numbers(3, count)
        );
        var (loss, gradient) = Run(settings, dims, channelAxis, features, older, teacher);
        var sum = features.Zip(older, (f, o) => f + o).ToArray();
        var expected = Reference(settings, dims, channelAxis, sum, teacher);
        Assert.Equal(expected, loss, 1e-3 * expected);
        Assert.True(expected > 0.01);

        // The gradient is that of the present features; those before are constants, but move the result.
        const float H = 1e-3f;
        for (var i = 0; i < count; i += Math.Max(count / 7, 1))
        {
            double At(float step)
            {
                float[] moved = [.. sum];
                moved[i] += step;
                return Reference(settings, dims, channelAxis, moved, teacher);
            }

            Assert.Equal((At(H) - At(-H)) / (2 * H), gradient[i], 2e-3);
        }
    }

    [Fact]
    public void EqualFeaturesHaveNoLoss()
    {
        var features = TestModels.Numbers(1, 60);
        var (loss, gradient) = Run(new(), [1, 5, 3, 4], 1, features, new float[60], [.. features.Select(f => 3 * f)]);
        Assert.Equal(0, loss, 1e-5);
        Assert.All(gradient, g => Assert.Equal(0, g, 1e-5f));
    }

    [Theory]
    [InlineData(new long[] { 64, 64 }, 1024, 2)]
    [InlineData(new long[] { 32, 32 }, 1024, 1)]
    [InlineData(new long[] { 4096 }, 1024, 4)]
    [InlineData(new long[] { 128, 2 }, 63, 3)]
    public void FewEnoughPlacesAreLeft(long[] spatial, int most, long side) =>
        Assert.Equal(side, RelationLoss.PoolSide(spatial, most));

    private static (float Loss, float[] Gradient) Run(
        RelationDistillation settings,
        long[] dims,
        int channelAxis,
        float[] features,
        float[] older,
        float[] teacher
    )
    {
        var graph = new OnnxGraph { Name = "relations" };
        graph.Inputs.Add(new("features", ElementType.Float, TensorShape.Of(dims)));
        var loss = new RelationLoss(new(graph), settings, dims, channelAxis).Write("features");
        graph.Outputs.Add(new(loss, ElementType.Float, TensorShape.Scalar));
        var model = new OnnxModel(graph) { Opset = 17 };
        var gradient = GradientGraph.Append(model, loss, ["features"])["features"];
        graph.Outputs.Add(new(gradient, ElementType.Float, null));
        using var session = ModelSession.Load(model);
        using var x = Tensors.Of(features, dims);
        using var o = Tensors.Of(older, dims);
        using var t = Tensors.Of(teacher, dims);
        using var outputs = session.Run(
            new Dictionary<string, OrtValue>
            {
                ["features"] = x,
                [RelationLoss.OlderName] = o,
                [RelationLoss.TeacherName] = t,
            }
        );
        return (Tensors.ToFloats(outputs[loss])[0], Tensors.ToFloats(outputs[gradient]));
    }

    private static double Reference(
        RelationDistillation settings,
        long[] dims,
        int channelAxis,
        float[] features,
        float[] teacher
    )
    {
        var total = 0.0;
        for (var sample = 0; sample < dims[0]; sample++)
        {
            var (mine, exact) = (
                Relations(settings, dims, channelAxis, features, sample),
                Relations(settings, dims, channelAxis, teacher, sample)
            );
            for (var row = 0; row < mine.Length; row++)
            {
                var (q, p) = (Softmax(mine[row]), Softmax(exact[row]));
                total += p.Zip(q, (a, b) => a * Math.Log(a / b)).Sum();
            }
        }

        return settings.Weight * total / dims[0];
    }

    private static double[] Softmax(double[] row)
    {
        var exp = row.Select(Math.Exp).ToArray();
        return [.. exp.Select(e => e / exp.Sum())];
    }

    private static double[][] Relations(
        RelationDistillation settings,
        long[] dims,
        int channelAxis,
        float[] features,
        int sample
    )
    {
        var channels = (int)dims[channelAxis];
        long[] spatial = channelAxis == 1 ? dims[2..] : dims[1..^1];
        var places = (int)spatial.Aggregate(1L, (a, b) => a * b);
        var side = (int)RelationLoss.PoolSide(spatial, settings.MostTokens);
        float At(int channel, int place) =>
            features[
                (sample * channels * places)
                    + (channelAxis == 1 ? (channel * places) + place : (place * channels) + channel)
            ];

        var (height, width) = spatial.Length == 2 ? ((int)spatial[0], (int)spatial[1]) : (1, (int)spatial[0]);
        var down = Math.Min(side, height);
        var vectors = new List<double[]>();
        for (var y = 0; y + down <= height; y += down)
        {
            for (var x = 0; x + side <= width; x += side)
            {
                var vector = new double[channels];
                for (var c = 0; c < channels; c++)
                {
                    for (var i = 0; i < down * side; i++)
                    {
                        vector[c] += At(c, ((y + (i / side)) * width) + x + (i % side)) / (down * side);
                    }
                }

                var length = Math.Sqrt(vector.Sum(v => v * v));
                vectors.Add([.. vector.Select(v => v / length)]);
            }
        }

        return [.. vectors.Select(a => vectors.Select(b => a.Zip(b, (x, y) => x * y).Sum()).ToArray())];
    }
}
