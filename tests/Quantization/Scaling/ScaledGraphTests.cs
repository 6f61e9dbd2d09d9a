using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Export;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Agreement;
using DiffusionQuant.Quantization.Tests.Calibration;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests.Scaling;

/// <summary>Passes that scale values by channel and timestep: the float network stays what it was.</summary>
public class ScaledGraphTests
{
    private static readonly long[] Dims = [3, 3, 16, 16];
    private static readonly long[] Timesteps = [999, 400, 3];

    internal static DdpmUNetSettings Settings(NameStyle style = NameStyle.Scoped, bool half = false) =>
        TestModels.SmallUNet with
        {
            Channels = 16,
            NameStyle = style,
            HalfPrecision = half,
            KeepFloatImages = half,
        };

    internal static QuantizationState Run(LoadedModel model, string bits, params IQuantizationPass[] passes)
    {
        var recipe = new Recipe(BitWidths.Parse(bits))
        {
            CalibrationSamples = 20,
            CalibrationBatch = 4,
            Steps = 5,
            Threads = 1,
            Device = "cpu",
            Method = "tcaq-dm",
        };
        var state = new QuantizationState(model.Source, recipe);
        foreach (var pass in GraphForm.SampledPasses.Concat(passes))
        {
            state = pass.Run(state, new(new() { Threads = 1 }, (_, _) => { }, default));
        }

        state.Samples!.Dispose();
        return state;
    }

    private static IQuantizationPass[] Ranges =>
        [new CollectStatistics(), new SearchRanges(new MseRange(), new MseRange())];

    private static void AssertSameFunction(OnnxModel expected, OnnxModel actual, double tolerance = 1e-5)
    {
        GraphChecker.Check(actual.Graph, "model");
        var sample = TestModels.Numbers(1, 3 * 3 * 256);
        var before = Runs.UNet(expected, sample, Dims, Timesteps);
        var after = Runs.UNet(actual, sample, Dims, Timesteps);
        Assert.True(before.Zip(after, (e, a) => Math.Abs(e - a)).Max() <= tolerance * before.Max(Math.Abs));
    }

    private static DenoiserCall Call(DiffusionModel source, double[] timesteps) =>
        new()
        {
            Count = timesteps.Length,
            Samples = TestModels.Numbers(1, timesteps.Length * source.Contract.SampleShape.Length),
            Timesteps = timesteps,
        };

    private static void AssertSamePrediction(DiffusionModel source, OnnxModel actual, params double[] timesteps)
    {
        var call = Call(source, timesteps is [] ? [980, 500, 1] : timesteps);
        var expected = Predict(source.Model);
        Assert.True(expected.Zip(Predict(actual), (e, a) => Math.Abs(e - a)).Max() <= 1e-5 * expected.Max(Math.Abs));

        float[] Predict(OnnxModel graph)
        {
            using var session = ModelSession.Load(graph);
            using var denoiser = new OnnxDenoiser(session, source.Contract);
            return denoiser.Predict(call);
        }
    }

    [Theory]
    [InlineData(NameStyle.Scoped, false, false, 1e-5)]
    [InlineData(NameStyle.Numbered, false, true, 1e-5)]
    [InlineData(NameStyle.Dynamo, true, false, 2e-2)]
    public void ChannelsAreReparameterizedWithoutChangingTheFunction(
        NameStyle style,
        bool half,
        bool balanced,
        double tolerance
    )
    {
        using var model = new LoadedModel(DdpmUNet.Build(Settings(style, half)));
        var state = Run(model, "W8A8", new TimestepChannelReparameterization(balanced: balanced));
        AssertSameFunction(model.Source.Model, state.Graph, tolerance);
        var before = Run(model, "W8A8");
        Assert.Equal(before.Plan.Layers.Select(l => l.Layer), state.Plan.Layers.Select(l => l.Layer));
        Assert.Equal(before.Plan.Layers.Select(l => l.Positions), state.Plan.Layers.Select(l => l.Positions));
        Assert.Contains(
            state.Layers.Zip(before.Layers),
            l => l.First.Weight is { } w && !w.ToFloats().Span.SequenceEqual(l.Second.Weight!.ToFloats().Span)
        );
    }

    [Theory]
    [InlineData(NameStyle.Scoped, false, 1e-5)]
    [InlineData(NameStyle.Dynamo, true, 2e-2)]
    public void ChannelsAreSmoothedWithoutChangingTheFunction(NameStyle style, bool half, double tolerance)
    {
        using var model = new LoadedModel(DdpmUNet.Build(Settings(style, half)));
        var state = Run(model, "W4A8", new ChannelSmoothing());
        AssertSameFunction(model.Source.Model, state.Graph, tolerance);
        var before = Run(model, "W4A8");
        Assert.Contains(
            state.Layers.Zip(before.Layers),
            l => l.First.Weight is { } w && !w.ToFloats().Span.SequenceEqual(l.Second.Weight!.ToFloats().Span)
        );
        Assert.Throws<ArgumentOutOfRangeException>(() => new ChannelSmoothing(1.5));
    }

    [Fact]
    public void AnAffineNormalizationTakesTheDivisionAlong()
    {
        using var model = new LoadedModel(DdpmUNet.Build(Settings()));
        var count = Run(model, "W8A8").Graph.Graph.Nodes.Count(n => n.Is("Mul"));
        var state = Run(model, "W8A8", new TimestepChannelReparameterization());
        var inputs = state.Plan.Layers.Where(l => l.Kind != LayerKind.MatrixProduct).SelectMany(l => l.Inputs);
        // Queries, keys and values read a normalization itself; all others need a multiplication, some share one.
        var added = state.Graph.Graph.Nodes.Count(n => n.Is("Mul")) - count;
        Assert.InRange(added, 1, inputs.Distinct().Count() - 1);
    }

    [Theory]
    [InlineData("W8A8")]
    [InlineData("W4A4")]
    public void TimestepsAreScaledWithoutChangingTheFunction(string bits)
    {
        using var model = new LoadedModel(DdpmUNet.Build(Settings()));
        IQuantizationPass[] passes =
        [
            new TimestepChannelReparameterization(),
            .. Ranges,
            new ScaleTimesteps(new MseRange(), leastGain: -100),
        ];
        var state = Run(model, bits, passes);
        Assert.NotEmpty(state.Plan.Timesteps);
        Assert.All(state.Plan.Timesteps.Keys, p => Assert.Contains(p, state.Plan.Points));
        AssertSameFunction(model.Source.Model, state.Graph);

        // The plan is complete: every point has a quantizer, every weight its codes.
        Assert.All(state.Plan.Points, p => Assert.True(state.Plan.Activations.ContainsKey(p)));
        Assert.All(state.Plan.Layers, l => Assert.Equal(l.WeightBits is null, l.Weight is null));
    }

    [Theory]
    [InlineData(ElementType.Int64, "batch")]
    [InlineData(ElementType.Float, "")]
    [InlineData(ElementType.Int32, "1")]
    [InlineData(ElementType.Float16, "batch,1")]
    public void TimestepsMayHaveAnyForm(ElementType type, string shape)
    {
        var scaffold = new Scaffold { TimestepType = type, TimestepShape = Scaffold.Shape(shape) };
        using var model = new LoadedModel(scaffold.Build((_, h, _) => h));
        var state = Run(model, "W6A6", [.. Ranges, new ScaleTimesteps(new MseRange(), leastGain: -100)]);
        Assert.NotEmpty(state.Plan.Timesteps);
        AssertSamePrediction(model.Source, state.Graph);
    }

    [Fact]
    public void AProductOfAValueWithItselfIsScaledTwice()
    {
        using var model = new LoadedModel(new Scaffold().Build((b, h, _) => b.Op("MatMul", h, h)));
        var state = Run(model, "W6A6", [.. Ranges, new ScaleTimesteps(new MseRange(), leastGain: -100)]);
        var product = Assert.Single(state.Plan.Layers, l => l.Kind == LayerKind.MatrixProduct);
        Assert.All(product.Inputs, p => Assert.True(state.Plan.Timesteps.ContainsKey(p)));
        AssertSamePrediction(model.Source, state.Graph);
    }

    [Fact]
    public void SamplesOfABatchHaveTheFactorsOfTheirOwnTimesteps()
    {
        using var model = new LoadedModel(DdpmUNet.Build(Settings()));
        var state = Run(
            model,
            "W6A6",
            [.. Ranges, new ScaleTimesteps(new MseRange(), leastGain: -100), new LayOutGraph()]
        );
        Assert.NotEmpty(state.Plan.Timesteps);
        var exported = QdqExporter.Export(state.Graph, state.Plan);
        var sample = TestModels.Numbers(1, 3 * 3 * 256);
        var agreement = new PointAgreement(state.Graph, state.Plan, exported);
        Runs.WithInputs(
            sample,
            Dims,
            Timesteps,
            batch =>
            {
                var together = agreement.See(batch);
                agreement.AssertAgree(together, batch);
                for (var i = 0; i < 3; i++)
                {
                    var rows = together.ToDictionary(t => t.Key, t => t.Value.Part(i, 3));
                    Runs.WithInputs(
                        sample[(i * 768)..((i + 1) * 768)],
                        [1, 3, 16, 16],
                        [Timesteps[i]],
                        alone => agreement.AssertAgree(rows, alone)
                    );
                }
            }
        );
    }

    [Theory]
    [InlineData(ElementType.Float, "batch", new[] { 815.0175, 500.25, 10.9, 9.9, 0.7, 0.2 })]
    [InlineData(ElementType.Float, "", new[] { 815.0175, 500.25, 10.9, 9.9, 0.7, 0.2 })]
    // Of the network's whole numbers 0.7 and 0.2 are the same.
    [InlineData(ElementType.Int64, "batch", new[] { 815.0175, 500.25, 10.9, 9.9, 0.7 })]
    public void FractionalTimestepsHaveTheirOwnFactors(ElementType type, string shape, double[] groups)
    {
        var scaffold = new Scaffold { TimestepType = type, TimestepShape = Scaffold.Shape(shape) };
        using var model = new LoadedModel(scaffold.Build((_, h, _) => h));
        double[] timesteps = [815.0175, 500.25, 10.9, 9.9, 0.7, 0.2];
        var state = Run(
            model,
            "W6A6",
            [
                new SamplesAt(timesteps),
                .. Ranges,
                new ScaleTimesteps(new MseRange(), leastGain: -100),
                new LayOutGraph(),
            ]
        );
        Assert.NotEmpty(state.Plan.Timesteps);
        Assert.All(state.Plan.Timesteps.Values, table => Assert.Equal(groups, table.Timesteps));
        AssertSamePrediction(model.Source, state.Graph, timesteps);

        var exported = QdqExporter.Export(state.Graph, state.Plan);
        exported.Graph.Outputs.Add(new("timestep_group", ElementType.Int64, null));
        using var session = ModelSession.Load(exported);
        using var denoiser = new OnnxDenoiser(session, model.Source.Contract);
        var rows = new float[timesteps.Length];
        denoiser.Predict(
            Call(model.Source, timesteps),
            ["timestep_group"],
            run =>
            {
                var seen = Tensors.ToFloats(run.Outputs["timestep_group"]);
                foreach (var (i, row) in run.Rows.Index())
                {
                    rows[row] = seen[seen.Length == 1 ? 0 : i];
                }
            }
        );
        // Rows ascend with timesteps.
        Assert.Equal(timesteps.Select((_, i) => (float)(groups.Length - 1 - Math.Min(i, groups.Length - 1))), rows);
    }

    [Fact]
    public void ASoftmaxOfBothKindsOfCodesIsCutIntoTwoProducts()
    {
        using var model = new LoadedModel(DdpmUNet.Build(Settings()));
        var state = Run(model, "W8A8", [.. Ranges, new MixedSoftmax()]);
        var products = state.Plan.Layers.Where(l => l.Inputs.Any(p => p.Symmetry == Symmetry.ZeroBased)).ToArray();
        var before = Run(model, "W8A8").Plan.Layers.Count(l => l.Inputs.Any(p => p.Symmetry == Symmetry.ZeroBased));
        Assert.Equal(2 * before, products.Length);
        Assert.Equal(before, products.Count(p => p.Inputs.Any(state.Plan.Logarithmic.Contains)));
        AssertSameFunction(model.Source.Model, state.Graph);
    }

    [Theory]
    [InlineData(SoftmaxCriterion.Likelihood)]
    [InlineData(SoftmaxCriterion.ProductError)]
    public void SoftmaxCodesAreChosenAndReported(SoftmaxCriterion criterion)
    {
        using var model = new LoadedModel(DdpmUNet.Build(Settings()));
        var state = Run(model, "W8A8", [.. Ranges, new AdaptiveSoftmaxQuantizer(criterion, new MseRange())]);
        AssertSameFunction(model.Source.Model, state.Graph);
        var exported = QdqExporter.Export(state.Graph, state.Plan);
        Runs.WithInputs(
            TestModels.Numbers(1, 3 * 3 * 256),
            Dims,
            Timesteps,
            inputs => PointAgreement.AssertAgree(state.Graph, state.Plan, exported, inputs)
        );
    }

    /// <summary>Calibration's pairs at other timesteps than a recipe can say.</summary>
    private sealed class SamplesAt(double[] timesteps) : IQuantizationPass
    {
        public string Name => "samples";

        public double Weight => 1;

        public QuantizationState Run(QuantizationState state, PassContext context)
        {
            state.Samples!.Dispose();
            var settings = new TrajectorySettings { Sampler = new() { Timesteps = timesteps } };
            using var denoiser = new OnnxDenoiser(state.Source);
            var trajectory = new Trajectory(denoiser, state.Source.Schedule, settings);
            var every = new CalibrationSchedule([
                .. Enumerable.Repeat(Enumerable.Range(0, timesteps.Length).ToArray(), 4),
            ]);
            return state with
            {
                Samples = CalibrationSet.Follow(
                    trajectory,
                    state.Source.Contract,
                    settings,
                    every,
                    state.Recipe.CalibrationBatch,
                    context
                ),
            };
        }
    }

    /// <summary>Powers of two for every second group, whatever was measured.</summary>
    private sealed class MixedSoftmax : IQuantizationPass
    {
        public string Name => "mixed";

        public double Weight => 1;

        public QuantizationState Run(QuantizationState state, PassContext context) =>
            AdaptiveSoftmaxQuantizer.Apply(
                state,
                (_, timestep) => state.Statistics!.Timesteps.ToArray().IndexOf(timestep) % 2 == 0,
                new MseRange(),
                context
            );
    }
}
