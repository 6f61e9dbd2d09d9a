using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Simulation;
using DiffusionQuant.Quantization.Tests.Calibration;
using DiffusionQuant.Quantization.Tests.Generality;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Tests.Training;

/// <summary>Fine-tuning of whole networks, on small ones.</summary>
public sealed class FineTuningTests
{
    private static readonly FineTuningSettings Still = new()
    {
        Iterations = 2,
        BatchSize = 4,
        LowRankRate = 0,
        WeightStepRate = 0,
        ActivationStepRate = 0,
        ZeroPointRate = 0,
        Relation = new() { MostTokens = 16 },
    };

    /// <summary>The state in front of fine-tuning, with factors of timesteps in the graph.</summary>
    private static QuantizationState Prepare(DiffusionModel source, string bits = "W3A6", double guidance = 1) =>
        TrainedNetworks.Prepare(
            source,
            TrainedNetworks.Recipe(bits, "mpq-dm") with
            {
                GuidanceScale = guidance,
            },
            [
                .. GraphForm.BlockPasses,
                new SearchRanges(new MseRange(), new MseRange()),
                new ScaleTimesteps(new MseRange(), leastGain: -100),
            ]
        );

    /// <summary>A network with classes, the last of which stands for none.</summary>
    private static OnnxModel Conditional()
    {
        var scaffold = new Scaffold();
        return scaffold.Build(
            (b, h, _) =>
            {
                var classes = b.Parameter("classes", scaffold.Weight(11, Scaffold.Channels));
                var one = b.Op("Gather", [classes, b.Input("class_labels", ElementType.Int64, "batch")], ("axis", 0L));
                var weight = b.Parameter("weight", scaffold.Weight(Scaffold.Channels, Scaffold.Channels, 3, 3));
                return b.Conv(h + b.Unsqueeze(one, 2, 3), weight, null, 1);
            }
        );
    }

    /// <summary>
    /// With rates of zero nothing may change: what training computes with is then what the plan says, factors of timesteps
    /// and rounded zero points included, and the first loss is the plan's own error.
    /// </summary>
    [Theory]
    [InlineData(NameStyle.Scoped, false)]
    [InlineData(NameStyle.Numbered, true)]
    public void TrainingStartsFromThePlan(NameStyle style, bool half)
    {
        using var model = new LoadedModel(
            DdpmUNet.Build(
                TrainedNetworks.Attentive with
                {
                    NameStyle = style,
                    HalfPrecision = half,
                    KeepFloatImages = half,
                }
            )
        );
        var state = Prepare(model.Source);
        using var samples = state.Samples;
        Assert.NotEmpty(state.Plan.TimestepColumns);
        var trained = new NetworkTrainer(state, Still, "train", TrainedNetworks.Context()).Run();
        var plan = trained.ApplyTo(state.Plan);

        Assert.Equal(state.Plan.Activations, plan.Activations);
        foreach (var (before, after) in state.Plan.Layers.Zip(plan.Layers).Where(l => l.First.Weight is not null))
        {
            Assert.Equal(before.Weight!.Codes.ToArray(), after.Weight!.Codes.ToArray());
            Assert.Equal(before.Weight.Quantizers, after.Weight.Quantizers);
        }

        foreach (var (point, table) in state.Plan.Timesteps)
        {
            Assert.Equal(table.Timesteps, plan.Timesteps[point].Timesteps);
            Assert.Equal(table.Factors, plan.Timesteps[point].Factors);
        }
    }

    [Fact]
    public void TheFirstLossIsThePlansError()
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Calm));
        var state = Prepare(model.Source);
        using var samples = state.Samples;
        using var teacher = new TeacherTrajectories(state, 4, null, 1, TrainedNetworks.Context());
        var step = teacher.From(0, default).First();
        Assert.Equal(4, step.Call.Timesteps.Distinct().Count());

        var graph = DistillationGraph.Build(state, Still with { Relation = null }, step.Call, null);
        using var session = new Engine.Optimizers.TrainingSession(graph.Graph, 2, new() { Threads = 1 });
        using var inputs = new DenoiserInputs(state.Source.Contract, step.Call);
        using var target = Tensors.Of(step.Output, graph.TargetDims);
        var loss = session.Run([.. inputs.Values, new(DistillationGraph.TargetName, target)]);

        using var simulation = ModelSession.Load(
            SimulationBuilder.Build(state.Graph, state.Plan),
            new() { Threads = 1 }
        );
        using var quantized = new OnnxDenoiser(simulation, state.Source.Contract);
        var error =
            quantized.Predict(step.Call).Zip(step.Output, (q, f) => ((double)q - f) * ((double)q - f)).Sum() / 4;
        // The plan rounds biases to int32 too, and a value at the border of two codes may fall either way.
        Assert.Equal(error, loss, 0.1 * error);
    }

    [Fact]
    public void FactorsAreWrittenAsTheyAreComputed()
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Attentive));
        var state = Prepare(model.Source);
        state.Samples!.Dispose();
        var other = state.Plan with
        {
            Timesteps = state.Plan.Timesteps.ToDictionary(
                t => t.Key,
                t => t.Value with { Factors = [.. t.Value.Factors.Select((f, i) => f * (1 + (0.1f * i)))] }
            ),
        };
        var written = state.Graph.Clone();
        TimestepColumns.Update(written.Graph, other);
        var computed = state.Graph.Clone();
        var editor = new GraphEditor(computed.Graph);
        TimestepColumns.Compute(
            editor,
            other,
            other.Timesteps.ToDictionary(
                t => t.Key,
                t =>
                    editor.Constant(
                        OnnxTensor.Of("factors", TimestepColumns.Ascending(t.Value).AsSpan(), t.Value.Factors.Count)
                    )
            )
        );
        computed.Graph.SortTopologically();
        long[] dims = [3, 3, 8, 8];
        var sample = TestModels.Numbers(1, 3 * 3 * 64);
        long[] timesteps = [800, 400, 0];
        var expected = Runs.UNet(state.Graph, sample, dims, timesteps);
        // Any factors leave the float network what it is.
        Assert.All(
            Runs.UNet(written, sample, dims, timesteps).Zip(expected),
            p => Assert.Equal(p.Second, p.First, 1e-3f)
        );
        Assert.All(
            Runs.UNet(computed, sample, dims, timesteps).Zip(expected),
            p => Assert.Equal(p.Second, p.First, 1e-3f)
        );
        foreach (var column in other.TimestepColumns)
        {
            Assert.Equal(
                written.Graph.Initializers[column.Constant].Dims.ToArray(),
                state.Graph.Graph.Initializers[column.Constant].Dims.ToArray()
            );
            Assert.NotEqual(
                written.Graph.Initializers[column.Constant].ToFloats().ToArray(),
                state.Graph.Graph.Initializers[column.Constant].ToFloats().ToArray()
            );
        }
    }

    [Theory]
    [InlineData("W2A8", LowRankStart.Random, false)]
    [InlineData("W3A4", LowRankStart.QuantizationError, true)]
    public void TheNetworkComesCloserToFloat(string bits, LowRankStart start, bool relates)
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Calm));
        var state = Prepare(model.Source, bits);
        using var samples = state.Samples;
        var notes = new List<string>();
        var pass = new LowRankFineTuning(_ =>
            new()
            {
                Iterations = 40,
                BatchSize = 4,
                Rank = 8,
                Start = start,
                LowRankRate = 0.02f,
                WeightStepRate = 3e-3f,
                Relation = relates ? new() { MostTokens = 64 } : null,
            }
        );
        var next = pass.Run(state, TrainedNetworks.Context(notes.Add));
        Assert.Contains("40 steps of 4 samples", notes[0]);
        var gain = System.Text.RegularExpressions.Regex.Match(notes[1], @"was (-?[\d.]+) dB and is (-?[\d.]+) dB$");
        Assert.True(gain.Success, notes[1]);
        Assert.True(Number(2) > Number(1) + 0.25, notes[1]);
        Assert.NotSame(state, next);

        double Number(int group) =>
            double.Parse(gain.Groups[group].Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    [Theory]
    // Behind the first trajectories' end, and in the middle of them; with conditional and unconditional calls too.
    [InlineData(7, 1)]
    [InlineData(2, 1)]
    [InlineData(7, 2)]
    public void AKilledRunGoesOnToTheSameResult(int steps, double guidance)
    {
        using var model =
            guidance == 1
                ? new LoadedModel(DdpmUNet.Build(DdpmUNetSettings.Tiny))
                : new LoadedModel(Conditional(), new() { NullClass = 10 });
        var state = Prepare(model.Source, guidance: guidance);
        using var samples = state.Samples;
        var settings = Still with { Iterations = 12, LowRankRate = 1e-2f, WeightStepRate = 1e-3f };
        var whole = new NetworkTrainer(state, settings, "train", TrainedNetworks.Context()).Run();

        var folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");
        try
        {
            using var killed = new CancellationTokenSource();
            var context = TrainedNetworks.Context() with { WorkFolder = folder.FullName };
            var stopping = context with
            {
                Cancellation = killed.Token,
                Progress = (fraction, _) =>
                {
                    if (fraction > (double)steps / settings.Iterations)
                    {
                        killed.Cancel();
                    }
                },
            };
            Assert.ThrowsAny<OperationCanceledException>(() => Trainer(stopping).Run());
            Assert.NotEmpty(folder.GetFiles());
            var resumed = Trainer(context).Run();
            foreach (var (layer, weight) in whole.Weights)
            {
                Assert.Equal(weight.Codes.ToArray(), resumed.Weights[layer].Codes.ToArray());
                Assert.Equal(weight.Quantizers, resumed.Weights[layer].Quantizers);
            }

            // What is finished is taken from there.
            var written = folder.GetFiles()[0].LastWriteTimeUtc;
            Assert.Equal(whole.Activations, Trainer(context).Run().Activations);
            Assert.Equal(written, folder.GetFiles()[0].LastWriteTimeUtc);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        NetworkTrainer Trainer(PassContext context) =>
            new(state, settings, "train", context) { BetweenCheckpoints = TimeSpan.Zero };
    }

    [Fact]
    public void DivergenceIsSaid()
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Attentive));
        var state = Prepare(model.Source);
        using var samples = state.Samples;
        var settings = Still with { Iterations = 10, LowRankRate = 1e30f };
        var error = Assert.Throws<DiffusionQuantException>(() =>
            new NetworkTrainer(state, settings, "train", TrainedNetworks.Context()).Run()
        );
        Assert.Equal("DQ1099", error.Code);
        Assert.Contains("'train'", error.Message);
    }
}
