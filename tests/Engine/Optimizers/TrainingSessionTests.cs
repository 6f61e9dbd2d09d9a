using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests.Optimizers;

/// <summary>Training steps against Adam written down in double precision.</summary>
public class TrainingSessionTests
{
    private const int Steps = 20;
    private static readonly float[] Start = [0.5f, -1, 2];
    private static readonly float[] Rows = [1, 2, 3, -1, 0.5f, 2, 0, 1, 1, 2, -2, 1];

    public static TheoryData<LearningRateSchedule, float, float?> Cases =>
        new()
        {
            { LearningRateSchedule.Constant, 0, null },
            { LearningRateSchedule.Cosine, 0, null },
            { LearningRateSchedule.Linear, 0.1f, null },
            { LearningRateSchedule.Constant, 0, 0.2f },
        };

    [Theory]
    [MemberData(nameof(Cases))]
    public void FollowsAdam(LearningRateSchedule schedule, float decay, float? least)
    {
        var settings = new AdamSettings(0.05f)
        {
            Schedule = schedule,
            WeightDecay = decay,
            LeastValue = least,
        };
        var expected = Reference(settings);
        var (values, losses) = Train(settings);

        for (var i = 0; i < Start.Length; i++)
        {
            Assert.Equal(expected[i], values[i], 1e-4);
        }

        Assert.True(least is not null || losses[^1] < losses[0]);
    }

    [Fact]
    public void IsTheSameInEveryRun()
    {
        var settings = new AdamSettings(0.05f) { Schedule = LearningRateSchedule.Cosine };
        Assert.Equal(Train(settings).Values, Train(settings).Values);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    public void AStateGoesOnToTheSameResult(int steps)
    {
        var settings = new AdamSettings(0.05f) { Schedule = LearningRateSchedule.Cosine, WeightDecay = 0.1f };
        TrainingState state;
        using (var session = new TrainingSession(Graph(settings), Steps))
        {
            Assert.Equal(0, session.State.Step);
            Assert.Equal(Start, session.State.Tensors["w"]);
            Train(session, steps);
            state = session.State;
            Assert.Equal(steps, state.Step);
        }

        using var next = new TrainingSession(Graph(settings), Steps, from: state);
        Assert.Equal(state.Tensors["w"], next.Read("w"));
        Train(next, Steps - steps);
        Assert.Equal(Train(settings).Values, next.Read("w"));
    }

    [Fact]
    public void ObservedOutputsAreOfTheParametersBeforeTheStep()
    {
        using var session = new TrainingSession(Graph(new(0.1f), "y"), Steps);
        using var rows = Tensors.Of(Rows, 4, 3);
        session.Bind("rows", rows);
        using var indices = Tensors.Of([0L, 1], 2);
        float[] seen = [];
        session.Run([new("indices", indices)], outputs => seen = Tensors.ToFloats(outputs["y"]));
        Assert.Equal([4.5f, 3], seen);
    }

    [Fact]
    public void ParametersCanBeReadBeforeTheFirstStep()
    {
        using var session = new TrainingSession(Graph(new(0.1f)), Steps);
        Assert.Equal(Start, session.Read("w"));
        Assert.True(session.Has("w"));
        Assert.False(session.Has("rows"));
    }

    /// <summary>loss = Σ over two gathered rows of (row · w)².</summary>
    private static TrainingGraph Graph(AdamSettings settings, params string[] observed)
    {
        var b = new GraphBuilder();
        var rows = b.Input("rows", ElementType.Float, 4, 3);
        var indices = b.Input("indices", ElementType.Int64, 2);
        var w = b.Parameter("w", OnnxTensor.Of("w", Start.AsSpan(), 3));
        var batch = b.Op("Gather", [rows, indices], ("axis", 0L));
        var y = b.MatMul(batch, w);
        b.Graph.Nodes.Add(new("Identity", [y.Name], ["y"], "show"));
        b.Output(b.Op("ReduceSum", [y * y], ("keepdims", 0L)), "loss", ElementType.Float);
        return TrainingGraph.Build(
            b.Build(),
            "loss",
            [new(OnnxTensor.Of("w", Start.AsSpan(), 3), settings)],
            new() { Observed = observed }
        );
    }

    private static (float[] Values, float[] Losses) Train(AdamSettings settings)
    {
        using var session = new TrainingSession(Graph(settings), Steps);
        var losses = Train(session, Steps);
        return (session.Read("w"), losses);
    }

    private static float[] Train(TrainingSession session, int steps)
    {
        using var rows = Tensors.Of(Rows, 4, 3);
        session.Bind("rows", rows);
        var losses = new float[steps];
        for (var i = 0; i < steps; i++)
        {
            var step = session.Step;
            using var indices = Tensors.Of([(long)(step % 4), (step + 1) % 4], 2);
            losses[i] = session.Run([new("indices", indices)]);
        }

        return losses;
    }

    private static double[] Reference(AdamSettings settings)
    {
        var w = Start.Select(v => (double)v).ToArray();
        var (m, v) = (new double[3], new double[3]);
        for (var step = 0; step < Steps; step++)
        {
            var gradient = new double[3];
            foreach (var row in (int[])[step % 4, (step + 1) % 4])
            {
                var y = Enumerable.Range(0, 3).Sum(i => Rows[(row * 3) + i] * w[i]);
                for (var i = 0; i < 3; i++)
                {
                    gradient[i] += 2 * y * Rows[(row * 3) + i];
                }
            }

            var rate =
                0.05
                * settings.Schedule switch
                {
                    LearningRateSchedule.Cosine => 0.5 * (1 + Math.Cos(Math.PI * step / Steps)),
                    LearningRateSchedule.Linear => 1 - ((double)step / Steps),
                    _ => 1,
                };
            for (var i = 0; i < 3; i++)
            {
                m[i] = (0.9 * m[i]) + (0.1 * gradient[i]);
                v[i] = (0.999 * v[i]) + (0.001 * gradient[i] * gradient[i]);
                var mean = m[i] / (1 - Math.Pow(0.9, step + 1));
                var square = v[i] / (1 - Math.Pow(0.999, step + 1));
                w[i] = (w[i] * (1 - (rate * settings.WeightDecay))) - (rate * mean / (Math.Sqrt(square) + 1e-8));
                w[i] = Math.Max(w[i], settings.LeastValue ?? double.NegativeInfinity);
            }
        }

        return w;
    }
}
