using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Export;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Agreement;
using DiffusionQuant.Quantization.Tests.Calibration;
using DiffusionQuant.Quantization.Tests.Generality;
using DiffusionQuant.Quantization.Training;

namespace DiffusionQuant.Quantization.Tests.Training;

/// <summary>Quantization-aware training of whole networks, on small ones.</summary>
public sealed class LsqTrainingTests
{
    private static readonly LsqSettings Still = new()
    {
        Iterations = 2,
        BatchSize = 4,
        WeightRate = 0,
        WeightStepRate = 0,
        ActivationStepRate = 0,
        ZeroPointRate = 0,
        AverageDecay = null,
    };

    private static readonly LsqSettings Moving = Still with
    {
        Iterations = 40,
        WeightRate = 0.02f,
        WeightStepRate = 3e-3f,
        ActivationStepRate = 1e-3f,
        ZeroPointRate = 1e-2f,
        AverageDecay = 0.9f,
        MeasureEvery = 10,
    };

    private static QuantizationState Prepare(
        DiffusionModel source,
        string bits = "W3A6",
        TimestepNormalization? normalization = null,
        string? data = null
    ) =>
        TrainedNetworks.Prepare(
            source,
            TrainedNetworks.Recipe(bits, "q-dm") with
            {
                TrainingData = data,
            },
            QDm.Passes(normalization, new()).TakeWhile(p => p is not LsqTraining)
        );

    /// <summary>Lays the graph out and compares the exported file with the simulation, on a batch of mixed timesteps.</summary>
    private static QuantizationState AssertTheFileComputesAlike(QuantizationState trained)
    {
        var laid = new LayOutGraph().Run(trained, TrainedNetworks.Context());
        var exported = QdqExporter.Export(laid.Graph, laid.Plan);
        Runs.WithInputs(
            TestModels.Numbers(1, 3 * 3 * 64),
            [3, 3, 8, 8],
            [800, 400, 0],
            inputs => PointAgreement.AssertAgree(laid.Graph, laid.Plan, exported, inputs)
        );
        return laid;
    }

    /// <summary>With rates of zero nothing may change, biases and normalizations included.</summary>
    [Theory]
    [InlineData(NameStyle.Scoped, false, null)]
    [InlineData(NameStyle.Numbered, true, TimestepNormalization.Table)]
    [InlineData(NameStyle.Dynamo, true, TimestepNormalization.Batch)]
    public void TrainingStartsFromThePlan(NameStyle style, bool half, TimestepNormalization? normalization)
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
        var state = Prepare(model.Source, normalization: normalization);
        using var samples = state.Samples;
        Assert.Equal(normalization == TimestepNormalization.Batch, state.Plan.Normalized.Count > 0);
        Assert.Equal(normalization == TimestepNormalization.Table, state.Plan.Timesteps.Count > 0);
        var trained = new NetworkTrainer(state, Still, "train", TrainedNetworks.Context()).Run();
        var plan = trained.ApplyTo(state.Plan);

        Assert.Equal(state.Plan.Activations, plan.Activations);
        foreach (var (before, after) in state.Plan.Layers.Zip(plan.Layers).Where(l => l.First.Weight is not null))
        {
            Assert.Equal(before.Weight!.Codes.ToArray(), after.Weight!.Codes.ToArray());
            Assert.Equal(before.Weight.Quantizers, after.Weight.Quantizers);
            Assert.All(after.BiasCorrection ?? [], b => Assert.Equal(0, b, 1e-6f));
        }

        foreach (var (point, table) in state.Plan.Timesteps)
        {
            Assert.Equal(table.Factors, plan.Timesteps[point].Factors);
        }

        // γ and β stay; μ and σ are what the batches had.
        Assert.All(
            state.Plan.Normalized.Zip(plan.Normalized),
            n => Assert.Equal((n.First.Gain, n.First.Offset), (n.Second.Gain, n.Second.Offset))
        );
    }

    [Theory]
    [InlineData("W2A8", false)]
    [InlineData("W3A6", false)]
    [InlineData("W3A6", true)]
    public void TheNetworkComesCloserToFloat(string bits, bool onImages)
    {
        var data = onImages ? TrainedNetworks.Images(3, 8) : null;
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Calm));
        var state = Prepare(model.Source, bits, data: data);
        using var samples = state.Samples;
        var notes = new List<string>();
        var next = new LsqTraining(_ => Moving).Run(state, TrainedNetworks.Context(notes.Add));
        var quality = new OutputQuality(state, TrainedNetworks.Context());
        Assert.Contains("40 steps of 4 samples", notes[0]);
        Assert.True(quality.Of(next) > quality.Of(state) + 0.5, notes[^1]);
        Assert.Contains(next.Plan.Layers, l => l.BiasCorrection is not null);
    }

    [Fact]
    public void WidthsAreReachedInTurn()
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Calm));
        var state = Prepare(model.Source, "W2A4");
        using var samples = state.Samples;
        var notes = new List<string>();
        var settings = Moving with { ProgressiveBits = [8, 4, 3], StageShare = 0.25f };
        var next = new LsqTraining(_ => settings).Run(state, TrainedNetworks.Context(notes.Add));
        Assert.Equal(4, notes.Count(n => n.Contains("10 steps of 4 samples", StringComparison.Ordinal)));
        foreach (var (before, after) in state.Plan.Layers.Zip(next.Plan.Layers).Where(l => l.First.Weight is not null))
        {
            Assert.Equal(before.Weight!.Quantizers.Select(q => q.Bits), after.Weight!.Quantizers.Select(q => q.Bits));
        }

        Assert.All(next.Plan.Activations, a => Assert.Equal(a.Key.Bits, a.Value.Bits));
        var quality = new OutputQuality(state, TrainedNetworks.Context());
        Assert.True(quality.Of(next) > quality.Of(state) + 0.5, notes[^1]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(TimestepNormalization.Table)]
    [InlineData(TimestepNormalization.Batch)]
    public void TheFileComputesWhatTheSimulationDoes(TimestepNormalization? normalization)
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Attentive));
        var state = Prepare(model.Source, "W4A4", normalization);
        using var samples = state.Samples;
        var settings = Moving with { Iterations = 4 };
        var trained = new NetworkTrainer(state, settings, "train", TrainedNetworks.Context()).Run().ApplyTo(state);
        var laid = AssertTheFileComputesAlike(trained);
        if (normalization == TimestepNormalization.Batch)
        {
            Assert.All(
                trained.Plan.Normalized,
                n => Assert.Equal(n.Scale, laid.Graph.Graph.Initializers[n.ScaleConstant].ToFloats().Span[0])
            );
            Assert.All(trained.Plan.Normalized.Zip(state.Plan.Normalized), n => Assert.NotEqual(n.Second, n.First));
        }
    }

    /// <summary>Whatever normalizes queries and keys, the float network computes what it did.</summary>
    [Theory]
    [InlineData(TimestepNormalization.Table)]
    [InlineData(TimestepNormalization.Batch)]
    public void NormalizationLeavesTheFloatNetworkAlone(TimestepNormalization normalization)
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Attentive));
        var plain = Prepare(model.Source);
        using var plainSamples = plain.Samples;
        var state = Prepare(model.Source, normalization: normalization);
        using var samples = state.Samples;
        long[] dims = [3, 3, 8, 8];
        var sample = TestModels.Numbers(1, 3 * 3 * 64);
        var expected = Runs.UNet(plain.Graph, sample, dims, [800, 400, 0]);
        Assert.All(
            Runs.UNet(state.Graph, sample, dims, [800, 400, 0]).Zip(expected),
            p => Assert.Equal(p.Second, p.First, 1e-3f)
        );
        // Two values for each attention: queries and keys.
        var changed =
            normalization == TimestepNormalization.Batch ? state.Plan.Normalized.Count : state.Plan.Timesteps.Count;
        var products = state.Plan.Layers.Count(l => l.Kind == LayerKind.MatrixProduct);
        Assert.True(products > 0);
        Assert.Equal(products, changed);
    }

    /// <summary>Queries and keys by TaQ's table, the inputs of layers by factors of their own: all of them are learned, and
    /// the file computes with them.</summary>
    [Fact]
    public void FactorsOfTwoPassesAreTrainedTogether()
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Attentive));
        var normalized = Prepare(model.Source, "W4A4", TimestepNormalization.Table);
        using var samples = normalized.Samples;
        var scale = new ScaleTimesteps(new PercentileRange(), leastGain: 0);
        var state = scale.Run(normalized, TrainedNetworks.Context());
        Assert.True(state.Plan.Timesteps.Count > normalized.Plan.Timesteps.Count);
        Assert.All(normalized.Plan.Timesteps, t => Assert.Equal(t.Value.Factors, state.Plan.Timesteps[t.Key].Factors));

        // What has factors gets no second ones.
        var again = scale.Run(state, TrainedNetworks.Context());
        Assert.Equal(state.Plan.Timesteps.Count, again.Plan.Timesteps.Count);
        var trained = new NetworkTrainer(state, Moving with { Iterations = 4 }, "train", TrainedNetworks.Context())
            .Run()
            .ApplyTo(state);
        Assert.All(trained.Plan.Timesteps, t => Assert.NotEqual(state.Plan.Timesteps[t.Key].Factors, t.Value.Factors));
        AssertTheFileComputesAlike(trained);
    }

    [Fact]
    public void NormalizedRangesAreAlikeOverTimesteps()
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Attentive));
        var state = Prepare(model.Source, normalization: TimestepNormalization.Table);
        using var samples = state.Samples;
        Assert.NotEmpty(state.Plan.Timesteps);
        foreach (var point in state.Plan.Timesteps.Keys)
        {
            var seen = state.Statistics!.Of(point.Value);
            var whole = seen.All.Moments.Variance;
            Assert.All(seen.ByTimestep.Values, t => Assert.Equal(whole, t.Moments.Variance, 0.02 * whole));
        }
    }

    [Theory]
    [InlineData(7, TimestepNormalization.Batch, 1)]
    [InlineData(13, TimestepNormalization.Table, 2)]
    public void AKilledRunGoesOnToTheSameResult(int steps, TimestepNormalization normalization, int accumulation)
    {
        using var model = new LoadedModel(DdpmUNet.Build(DdpmUNetSettings.Tiny));
        var state = Prepare(model.Source, normalization: normalization);
        using var samples = state.Samples;
        var settings = Moving with { Iterations = 16, Accumulation = accumulation, MeasureEvery = 5 };
        var whole = Trainer(TrainedNetworks.Context()).Run();
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
                Assert.Equal(whole.Floats[layer], resumed.Floats[layer]);
                Assert.Equal(weight.Codes.ToArray(), resumed.Weights[layer].Codes.ToArray());
                Assert.Equal(weight.Quantizers, resumed.Weights[layer].Quantizers);
            }

            Assert.Equal(whole.Activations, resumed.Activations);
            Assert.Equal(whole.Normalized, resumed.Normalized);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        NetworkTrainer Trainer(PassContext context)
        {
            var quality = new OutputQuality(state, context);
            return new(state, settings, "train", context)
            {
                BetweenCheckpoints = TimeSpan.Zero,
                Measure = new(n => quality.Of(n.ApplyTo(state)), settings.MeasureEvery, settings.Patience),
            };
        }
    }

    /// <summary>The best of what was measured is kept, and training stops when nothing gets better.</summary>
    [Fact]
    public void TheBestIsKeptAndTrainingStops()
    {
        using var model = new LoadedModel(DdpmUNet.Build(DdpmUNetSettings.Tiny));
        var state = Prepare(model.Source);
        using var samples = state.Samples;
        float[] measured = [10, 12, 11, 11, 11, 20];
        var seen = new List<TrainedNetwork>();
        var trained = new NetworkTrainer(state, Moving, "train", TrainedNetworks.Context())
        {
            Measure = new(Measure, Every: 5, Patience: 3),
        }.Run();
        Assert.Equal(5, seen.Count);
        Assert.Equal(seen[1].Activations, trained.Activations);
        Assert.NotEqual(seen[4].Activations, trained.Activations);

        double Measure(TrainedNetwork network)
        {
            seen.Add(network);
            return measured[seen.Count - 1];
        }
    }

    [Fact]
    public void DivergenceIsSaid()
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Calm));
        var state = Prepare(model.Source);
        using var samples = state.Samples;
        var settings = Still with { Iterations = 10, WeightRate = 1e30f };
        var error = Assert.Throws<DiffusionQuantException>(() =>
            new NetworkTrainer(state, settings, "train", TrainedNetworks.Context()).Run()
        );
        Assert.Equal("DQ1099", error.Code);
    }

    [Fact]
    public void ImagesMustFitTheNetwork()
    {
        using var model = new LoadedModel(DdpmUNet.Build(TrainedNetworks.Calm));
        var state = Prepare(model.Source, data: TrainedNetworks.Images(3, 4));
        using var samples = state.Samples;
        var error = Assert.Throws<DiffusionQuantException>(() =>
            new LsqTraining(_ => Still).Run(state, TrainedNetworks.Context())
        );
        Assert.Equal("DQ3035", error.Code);
    }

    [Fact]
    public void AveragesAndRatesAreThoseOfTheSettings()
    {
        var settings = Moving with { WarmUp = 0.25f, Schedule = LearningRateSchedule.Cosine };
        Assert.Equal(10, settings.Adam(1).WarmUp);
        Assert.Equal(0.9f, settings.Options([]).AverageDecay);
        Assert.Equal(1, settings.Options([]).GradientClip);
        Assert.Equal(1 / Math.Sqrt(100 * 15), settings.StepGradientScale(100, 15), 1e-7);
    }
}
