using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Engine.Tests.Optimizers;

/// <summary>Clipping, averages, accumulation and warm-up against a linear regression in double precision.</summary>
public class TrainingOptionsTests
{
    private const int Steps = 15;
    private const int Batch = 4;
    private const float Decay = 0.8f;
    private static readonly float[] Start = [0.5f, -1, 2];
    private const float Bias = 0.25f;

    private static readonly AdamSettings Adam = new(0.05f)
    {
        Schedule = LearningRateSchedule.Cosine,
        Floor = 0.2f,
        WarmUp = 6,
    };

    [Theory]
    [InlineData(null, null, 1)]
    [InlineData(0.7f, null, 1)]
    [InlineData(null, Decay, 1)]
    [InlineData(0.7f, Decay, 1)]
    [InlineData(null, null, 2)]
    [InlineData(0.7f, Decay, 2)]
    [InlineData(0.7f, Decay, 4)]
    public void FollowsTheReference(float? clip, float? decay, int accumulation)
    {
        var options = new TrainingOptions
        {
            GradientClip = clip,
            AverageDecay = decay,
            Accumulation = accumulation,
        };
        using var session = new TrainingSession(Graph(options), Steps);
        var reference = new Reference(clip);
        for (var step = 0; step < Steps; step++)
        {
            var (loss, norm) = reference.Do();
            Assert.Equal(loss, Step(session, accumulation), 1e-4 * loss);
            Assert.Equal(step + 1, session.Step);
            Assert.Equal(clip is null, session.GradientNorm is null);
            Assert.Equal(norm, session.GradientNorm ?? norm, 1e-4 * norm);
        }

        Assert.Equal(reference.Values[..3], session.Read("w").Select(v => (double)v), (a, b) => Math.Abs(a - b) < 1e-5);
        Assert.Equal(reference.Values[3], session.Read("b")[0], 1e-5);
        if (decay is not null)
        {
            Assert.Equal(
                reference.Averages[..3],
                session.ReadAverage("w").Select(v => (double)v),
                (a, b) => Math.Abs(a - b) < 1e-5
            );
            Assert.Equal(reference.Averages[3], session.ReadAverage("b")[0], 1e-5);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void AStateWithAveragesGoesOnToTheSameBits(int accumulation)
    {
        var options = new TrainingOptions
        {
            GradientClip = 1,
            AverageDecay = Decay,
            Accumulation = accumulation,
        };
        using var whole = new TrainingSession(Graph(options), Steps);
        TrainingState state;
        using (var first = new TrainingSession(Graph(options), Steps))
        {
            Assert.Equal(Start, first.ReadAverage("w"));
            for (var i = 0; i < 7; i++)
            {
                Assert.Equal(Step(whole, accumulation), Step(first, accumulation));
            }

            state = first.State;
        }

        using var second = new TrainingSession(Graph(options), Steps, from: state);
        Assert.Equal(whole.ReadAverage("w"), second.ReadAverage("w"));
        for (var i = 7; i < Steps; i++)
        {
            Assert.Equal(Step(whole, accumulation), Step(second, accumulation));
        }

        Assert.Equal(whole.State.Tensors.Keys, second.State.Tensors.Keys);
        foreach (var (name, values) in whole.State.Tensors)
        {
            Assert.Equal(values, second.State.Tensors[name]);
        }
    }

    [Fact]
    public void AStateIsReadBetweenSteps()
    {
        using var session = new TrainingSession(Graph(new() { Accumulation = 2 }), Steps);
        using var x = Tensors.Of(new float[6], 2, 3);
        using var y = Tensors.Of(new float[2], 2);
        session.Run([new("x", x), new("y", y)]);
        Assert.Equal(0, session.Step);
        Assert.Equal(Start, session.Read("w"));
        Assert.Contains(
            "1 of its 2 runs",
            Assert.Throws<InvalidOperationException>(() => session.State).Message,
            StringComparison.Ordinal
        );
        session.Run([new("x", x), new("y", y)]);
        Assert.Equal(1, session.State.Step);
    }

    [Fact]
    public void AveragesMustBeKeptToBeRead()
    {
        using var session = new TrainingSession(Graph(new()), Steps);
        Assert.Throws<InvalidOperationException>(() => session.ReadAverage("w"));
    }

    [Fact]
    public void WithoutOptionsAStepIsOneGraph()
    {
        var plain = Graph(new());
        Assert.Null(plain.Update);
        Assert.NotNull(Graph(new() { Accumulation = 2 }).Update);
        Assert.DoesNotContain(plain.Model.Graph.Nodes, n => n.Is("Concat") || n.Is("Min"));
    }

    [Fact]
    public void TheRateRisesAndFalls()
    {
        Assert.Equal(0.05f / 6, Adam.RateAt(0, 1000), 1e-6);
        Assert.Equal(0.05f, Adam.RateAt(5, 1000), 1e-5);
        Assert.Equal(0.2f * 0.05f, Adam.RateAt(999, 1000), 1e-6);
        Assert.Equal(0.5f, new AdamSettings(0.5f).RateAt(0, 1));
    }

    /// <summary>loss = mean((x·w + b − y)²).</summary>
    private static TrainingGraph Graph(TrainingOptions options)
    {
        var rows = Batch / options.Accumulation;
        var b = new GraphBuilder();
        var x = b.Input("x", ElementType.Float, rows, 3);
        var y = b.Input("y", ElementType.Float, rows);
        OnnxTensor[] tensors = [OnnxTensor.Of("w", Start.AsSpan(), 3), OnnxTensor.Of("b", [Bias], 1)];
        var error = b.MatMul(x, b.Parameter("w", tensors[0])) + b.Parameter("b", tensors[1]) - y;
        b.Output(b.ReduceMean(error * error, [0], keepDimensions: false), "loss", ElementType.Float);
        return TrainingGraph.Build(b.Build(), "loss", [.. tensors.Select(t => new Parameter(t, Adam))], options);
    }

    private static (float[] X, float[] Y) Data(int step)
    {
        var random = new Random(step);
        var x = Enumerable.Range(0, Batch * 3).Select(_ => random.NextSingle() - 0.5f).ToArray();
        return (x, [.. Enumerable.Range(0, Batch).Select(_ => random.NextSingle())]);
    }

    /// <summary>Runs a step, and returns the mean loss of its runs.</summary>
    private static double Step(TrainingSession session, int accumulation)
    {
        var (xs, ys) = Data(session.Step);
        var rows = Batch / accumulation;
        var total = 0.0;
        for (var i = 0; i < accumulation; i++)
        {
            using var x = Tensors.Of(xs.AsMemory(i * rows * 3, rows * 3), rows, 3);
            using var y = Tensors.Of(ys.AsMemory(i * rows, rows), rows);
            total += session.Run([new("x", x), new("y", y)]);
        }

        return total / accumulation;
    }

    private sealed class Reference(float? clip)
    {
        private readonly double[] means = new double[4];
        private readonly double[] squares = new double[4];
        private int step;

        public double[] Values { get; } = [.. Start, Bias];

        public double[] Averages { get; } = [.. Start, Bias];

        public (double Loss, double Norm) Do()
        {
            var (x, y) = Data(step);
            var gradient = new double[4];
            var loss = 0.0;
            for (var row = 0; row < Batch; row++)
            {
                double[] inputs = [x[row * 3], x[(row * 3) + 1], x[(row * 3) + 2], 1];
                var error = inputs.Zip(Values, (a, b) => a * b).Sum() - y[row];
                loss += error * error / Batch;
                for (var i = 0; i < 4; i++)
                {
                    gradient[i] += 2 * error * inputs[i] / Batch;
                }
            }

            var norm = Math.Sqrt(gradient.Sum(g => g * g));
            var factor = clip is { } bound ? Math.Min(1, bound / (norm + 1e-6)) : 1;
            var cosine = 0.5 * (1 + Math.Cos(Math.PI * step / Steps));
            var rate = 0.05 * Math.Max(0.2, cosine) * Math.Min(1, (step + 1) / 6.0);
            var decay = Math.Min(Decay, (1.0 + step) / (10 + step));
            for (var i = 0; i < 4; i++)
            {
                var g = gradient[i] * factor;
                means[i] = (0.9 * means[i]) + (0.1 * g);
                squares[i] = (0.999 * squares[i]) + (0.001 * g * g);
                var mean = means[i] / (1 - Math.Pow(0.9, step + 1));
                var square = squares[i] / (1 - Math.Pow(0.999, step + 1));
                Values[i] -= rate * mean / (Math.Sqrt(square) + 1e-8);
                Averages[i] = (decay * Averages[i]) + ((1 - decay) * Values[i]);
            }

            step++;
            return (loss, norm);
        }
    }
}
