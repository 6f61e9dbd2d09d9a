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
using DiffusionQuant.Quantization.Simulation;
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

    /// <summary>Attention with random weights amplifies any error beyond measure; the network without it does not.</summary>
    private static DdpmUNetSettings Calm { get; } =
        TestModels.SmallUNet with
        {
            Channels = 16,
            Resolution = 8,
            AttentionResolutions = [],
        };

    private static DdpmUNetSettings Attentive { get; } = Calm with { AttentionResolutions = [4] };

    private static PassContext Context(Action<string>? note = null) =>
        new(new() { Threads = 1 }, (_, _) => { }, default) { Note = note ?? (_ => { }) };

    private static QuantizationState Prepare(
        DiffusionModel source,
        string bits = "W3A6",
        TimestepNormalization? normalization = null,
        string? data = null,
        double guidance = 1
    )
    {
        var recipe = new Recipe(BitWidths.Parse(bits))
        {
            CalibrationSamples = 20,
            CalibrationBatch = 4,
            Steps = 5,
            Threads = 1,
            Device = "cpu",
            Method = "q-dm",
            TrainingData = data,
            GuidanceScale = guidance,
        };
        var state = new QuantizationState(source, recipe);
        foreach (var pass in QDm.Passes(normalization, new()).TakeWhile(p => p is not LsqTraining))
        {
            state = pass.Run(state, Context());
        }

        return state;
    }

    /// <summary>With rates of zero nothing may change, biases and normalizations included.</summary>
    [Theory]
    [InlineData(NameStyle.Scoped, false, null)]
    [InlineData(NameStyle.Numbered, true, TimestepNormalization.Table)]
    [InlineData(NameStyle.Dynamo, true, TimestepNormalization.Batch)]
    public void TrainingStartsFromThePlan(NameStyle style, bool half, TimestepNormalization? normalization)
    {
        using var model = new LoadedModel(
            DdpmUNet.Build(Attentive with { NameStyle = style, HalfPrecision = half, KeepFloatImages = half })
        );
        var state = Prepare(model.Source, normalization: normalization);
        using var samples = state.Samples;
        Assert.Equal(normalization == TimestepNormalization.Batch, state.Plan.Normalized.Count > 0);
        Assert.Equal(normalization == TimestepNormalization.Table, state.Plan.Timesteps.Count > 0);
        var trained = new NetworkTrainer(state, Still, "train", Context()).Run();
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
        var data = onImages ? Images(3, 8) : null;
        using var model = new LoadedModel(DdpmUNet.Build(Calm));
        var state = Prepare(model.Source, bits, data: data);
        using var samples = state.Samples;
        var notes = new List<string>();
        var next = new LsqTraining(_ => Moving).Run(state, Context(notes.Add));
        var quality = new OutputQuality(state, Context());
        Assert.Contains("40 steps of 4 samples", notes[0]);
        Assert.True(quality.Of(next) > quality.Of(state) + 0.5, notes[^1]);
        Assert.Contains(next.Plan.Layers, l => l.BiasCorrection is not null);
    }

    [Fact]
    public void WidthsAreReachedInTurn()
    {
        using var model = new LoadedModel(DdpmUNet.Build(Calm));
        var state = Prepare(model.Source, "W2A4");
        using var samples = state.Samples;
        var notes = new List<string>();
        var settings = Moving with { ProgressiveBits = [8, 4, 3], StageShare = 0.25f };
        var next = new LsqTraining(_ => settings).Run(state, Context(notes.Add));
        Assert.Equal(4, notes.Count(n => n.Contains("10 steps of 4 samples", StringComparison.Ordinal)));
        foreach (var (before, after) in state.Plan.Layers.Zip(next.Plan.Layers).Where(l => l.First.Weight is not null))
        {
            Assert.Equal(before.Weight!.Quantizers.Select(q => q.Bits), after.Weight!.Quantizers.Select(q => q.Bits));
        }

        Assert.All(next.Plan.Activations, a => Assert.Equal(a.Key.Bits, a.Value.Bits));
        var quality = new OutputQuality(state, Context());
        Assert.True(quality.Of(next) > quality.Of(state) + 0.5, notes[^1]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(TimestepNormalization.Table)]
    [InlineData(TimestepNormalization.Batch)]
    public void TheFileComputesWhatTheSimulationDoes(TimestepNormalization? normalization)
    {
        using var model = new LoadedModel(DdpmUNet.Build(Attentive));
        var state = Prepare(model.Source, "W4A4", normalization);
        using var samples = state.Samples;
        var settings = Moving with { Iterations = 4 };
        var trained = new NetworkTrainer(state, settings, "train", Context()).Run().ApplyTo(state);
        var laid = new LayOutGraph().Run(trained, Context());
        long[] dims = [3, 3, 8, 8];
        var sample = TestModels.Numbers(1, 3 * 3 * 64);
        // A batch of mixed timesteps.
        long[] timesteps = [800, 400, 0];
        var simulated = Runs.UNet(SimulationBuilder.Build(laid.Graph, laid.Plan), sample, dims, timesteps);
        var exported = Runs.UNet(QdqExporter.Export(laid.Graph, laid.Plan), sample, dims, timesteps);
        Assert.True(SignalToNoise.Decibels(simulated, exported) > 35);
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
        using var model = new LoadedModel(DdpmUNet.Build(Attentive));
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

    [Fact]
    public void NormalizedRangesAreAlikeOverTimesteps()
    {
        using var model = new LoadedModel(DdpmUNet.Build(Attentive));
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
        var whole = Trainer(Context()).Run();
        var folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");
        try
        {
            using var killed = new CancellationTokenSource();
            var context = Context() with { WorkFolder = folder.FullName };
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
        var trained = new NetworkTrainer(state, Moving, "train", Context())
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
        using var model = new LoadedModel(DdpmUNet.Build(Calm));
        var state = Prepare(model.Source);
        using var samples = state.Samples;
        var settings = Still with { Iterations = 10, WeightRate = 1e30f };
        var error = Assert.Throws<DiffusionQuantException>(() =>
            new NetworkTrainer(state, settings, "train", Context()).Run()
        );
        Assert.Equal("DQ1099", error.Code);
    }

    [Fact]
    public void ImagesMustFitTheNetwork()
    {
        using var model = new LoadedModel(DdpmUNet.Build(Calm));
        var state = Prepare(model.Source, data: Images(1, 8));
        using var samples = state.Samples;
        var error = Assert.Throws<DiffusionQuantException>(() => new LsqTraining(_ => Still).Run(state, Context()));
        Assert.Equal("DQ3035", error.Code);
    }

    /// <summary>The images' content, not their place, decides what a recipe is.</summary>
    [Fact]
    public void ImagesDecideTheRecipesHash()
    {
        var recipe = new Recipe(new(4, 4)) { TrainingData = Images(3, 8) };
        Assert.NotEqual(new Recipe(new(4, 4)).Hash, recipe.Hash);
        Assert.Equal(recipe.Hash, (recipe with { TrainingData = Images(3, 8) }).Hash);
        Assert.NotEqual(recipe.Hash, (recipe with { TrainingData = Images(1, 8) }).Hash);
        var below = Directory.CreateTempSubdirectory("diffusionquant-tests-");
        File.Copy(recipe.TrainingData, Path.Combine(below.CreateSubdirectory("a").FullName, "images.npy"));
        var folder = (recipe with { TrainingData = below.FullName }).Hash;
        File.Delete(Path.Combine(below.FullName, "a", "images.npy"));
        Assert.NotEqual(folder, (recipe with { TrainingData = below.FullName }).Hash);
    }

    /// <summary>The noise is that of the forward process, and the network is asked for what its kind predicts.</summary>
    [Theory]
    [InlineData("epsilon")]
    [InlineData("v_prediction")]
    [InlineData("sample")]
    public void NoiseAndTargetFitTogether(string prediction)
    {
        var schedule = NoiseSchedule.Parse(
            $$"""{ "_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "prediction_type": "{{prediction}}" }"""
        );
        var target = new NoisePredictionTarget(schedule);
        float[] clean = [0.5f, -1, 0.25f];
        float[] noise = [1, 0.5f, -2];
        const int Timestep = 300;
        var mixed = clean.ToArray();
        var wanted = noise.ToArray();
        target.Mix(Timestep, mixed, wanted);
        var kept = schedule.AlphasCumprod[Timestep];
        for (var i = 0; i < clean.Length; i++)
        {
            var (signal, spread) = (Math.Sqrt(kept), Math.Sqrt(1 - kept));
            Assert.Equal((signal * clean[i]) + (spread * noise[i]), mixed[i], 1e-6);
            // x0 follows from either.
            var again = prediction switch
            {
                "epsilon" => (mixed[i] - (spread * wanted[i])) / signal,
                "v_prediction" => (signal * mixed[i]) - (spread * wanted[i]),
                _ => wanted[i],
            };
            Assert.Equal(clean[i], again, 1e-6);
        }
    }

    /// <summary>Between noise and float network: the gradient of a weighted sum is that of the distance to the mean.</summary>
    [Fact]
    public void DataAndFloatNetworkAreMixed()
    {
        using var model = new LoadedModel(DdpmUNet.Build(Calm));
        var path = Images(3, 8);
        var state = Prepare(model.Source, data: path);
        using var samples = state.Samples;
        var images = TrainingImages.Load(ImageSources.Open(path), model.Source.SampleShape);
        var noise = First(null);
        var both = First(new() { Weight = 3 });
        var teacher = First(new());
        Assert.Equal(noise.Call.Samples, teacher.Call.Samples);
        Assert.Equal(noise.Call.Timesteps, both.Call.Timesteps);
        Assert.NotEqual(noise.Output, teacher.Output);
        for (var i = 0; i < both.Output.Length; i++)
        {
            Assert.Equal((noise.Output[i] + (3 * teacher.Output[i])) / 4, both.Output[i], 1e-4f);
        }

        TeacherStep First(NoiseEstimatingMimicking? mimicking)
        {
            using var of = new TeacherImages(state, images, mimicking, 4, Context());
            return of.From(5, default).First();
        }
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

    private static string Images(int channels, int size)
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("diffusionquant-tests-").FullName, "images.npy");
        using var stream = File.Create(path);
        new NpyHeader(ElementType.UInt8, [12, channels, size, size]).Write(stream);
        var pixels = new byte[12 * channels * size * size];
        new Random(3).NextBytes(pixels);
        stream.Write(pixels);
        return path;
    }
}
