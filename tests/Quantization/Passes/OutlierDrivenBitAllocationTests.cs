using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Export;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Reconstruction;
using DiffusionQuant.Quantization.Tests.Agreement;
using DiffusionQuant.Quantization.Tests.Calibration;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests.Passes;

public class OutlierDrivenBitAllocationTests
{
    private static readonly PassContext Context = new(new() { Threads = 1 }, (_, _) => { }, default);

    private static IQuantizationPass Ranges => new SearchRanges(new MseRange(), new MseRange());

    private static OutlierDrivenBitAllocation Allocation(
        bool quantizesActivations = true,
        double extraShare = 0,
        ChannelOrder order = ChannelOrder.Kurtosis
    ) => new(new MseRange(), new MseRange(), quantizesActivations, extraShare, order);

    /// <summary>A denoiser with every form of layer that has rows: convolutions in groups and not, Gemm, MatMul.</summary>
    private static OnnxModel Model()
    {
        const int C = Scaffold.Channels;
        var scaffold = new Scaffold();
        return scaffold.Build(
            (b, h, _) =>
            {
                h = b.Silu(
                    b.Conv(
                        h,
                        b.Parameter("whole", scaffold.Weight(24, C, 3, 3)),
                        b.Parameter("bias", scaffold.Bias(24)),
                        1
                    )
                );
                h = b.Silu(b.Conv(h, b.Parameter("grouped", scaffold.Weight(C, 6, 3, 3)), null, 1, group: 4));
                h = b.Silu(b.Conv(h, b.Parameter("depthwise", scaffold.Weight(C, 1, 3, 3)), null, 1, group: C));
                var tokens = b.Transpose(b.Reshape(h, 0, C, -1), 0, 2, 1);
                tokens = b.Op("MatMul", tokens, b.Parameter("matrix", scaffold.Matrix(C, C)));
                return h + b.Reshape(b.Transpose(tokens, 0, 2, 1), -1, C, Scaffold.Size, Scaffold.Size);
            }
        );
    }

    private static QuantizationState Run(LoadedModel model, string bits, params IQuantizationPass[] passes)
    {
        var recipe = new Recipe(BitWidths.Parse(bits))
        {
            CalibrationSamples = 12,
            CalibrationBatch = 4,
            Steps = 4,
            Threads = 1,
            Device = "cpu",
            Seed = 3,
        };
        var state = new QuantizationState(model.Source, recipe);
        foreach (var pass in GraphForm.SampledPasses.Concat(passes).Where(p => p.Applies(recipe)))
        {
            state = pass.Run(state, Context);
        }

        return state;
    }

    private static IEnumerable<(LayerPlan Plan, QuantizableLayer Layer)> Narrow(QuantizationState state) =>
        state.Plan.Layers.Zip(state.Layers).Where(l => l.First.WeightBits < 8);

    /// <summary>The error of a layer's output in double precision, on the rows that the pass sees.</summary>
    private static double Error(
        QuantizableLayer layer,
        LayerInputs inputs,
        float[][] rows,
        UniformQuantizer? activation,
        int[] bits
    )
    {
        var (dims, axis) = (layer.Weight!.Dims.ToArray(), layer.ChannelAxis);
        var exact = WeightChannels.Gather(layer.Weight.ToFloats().Span, dims, axis);
        var quantized = WeightQuantizer.Quantize(layer.Weight.ToFloats(), dims, axis, bits, new MseRange());
        var rounded = WeightChannels.Gather<float>(quantized.ToFloats(), dims, axis);
        var perGroup = exact.Length / inputs.Groups;
        var sum = 0.0;
        for (var c = 0; c < exact.Length; c++)
        {
            var x = rows[c / perGroup];
            for (var start = 0; start < x.Length; start += inputs.Columns)
            {
                var error = 0.0;
                for (var k = 0; k < inputs.Columns; k++)
                {
                    var value = x[start + k];
                    error += (double)value * exact[c][k];
                    error -= (double)(activation?.Simulate(value) ?? value) * rounded[c][k];
                }

                sum += error * error;
            }
        }

        return sum;
    }

    [Theory]
    [InlineData("W3A4", true)]
    [InlineData("W3A4", false)]
    [InlineData("W4A6", true)]
    [InlineData("W4A32", true)]
    public void TheChoiceHasTheLeastErrorOfAllCandidates(string bits, bool quantizesActivations)
    {
        using var model = new LoadedModel(Model());
        IQuantizationPass[] before = [new ChannelSmoothing(), new CollectStatistics(), Ranges];
        var state = Run(model, bits, [.. before, Allocation(quantizesActivations)]);
        Assert.Equal(4, Narrow(state).Count(l => l.Layer.Kind is LayerKind.Convolution or LayerKind.Linear));
        Assert.Contains(Narrow(state), l => l.Plan.ChannelBits is not null);

        // The pairs are the same again, since the seed is.
        var recollected = new CollectSamples().Run(state with { Samples = null }, Context);
        foreach (var (plan, layer) in Narrow(state))
        {
            var width = plan.WeightBits!.Value;
            var kurtosis = Kurtosis.OfChannels(
                layer.Weight!.ToFloats().Span,
                layer.Weight.Dims.ToArray(),
                layer.ChannelAxis
            );
            int[] order = [.. Enumerable.Range(0, kurtosis.Length).OrderByDescending(c => kurtosis[c])];
            var inputs = new LayerInputs(layer);
            var rows = LayerRows.Collect(
                recollected,
                new Dictionary<QuantizableLayer, LayerInputs> { [layer] = inputs },
                Context
            );
            UniformQuantizer? activation =
                quantizesActivations && plan.Inputs is [var point] ? state.Plan.Activations[point] : null;
            double ErrorOf(int[] candidate) => Error(layer, inputs, rows[layer], activation, candidate);

            var least = ChannelBitAllocation.Candidates(order, width).Min(ErrorOf);
            int[] chosen = [.. plan.ChannelBits ?? Enumerable.Repeat(width, order.Length)];
            Assert.Equal(least, ErrorOf(chosen), 1e-4 * least);
            Assert.Equal(width, chosen.Average(), 1e-9);
        }
    }

    [Theory]
    [InlineData("W3A6")]
    [InlineData("W3A32")]
    public void WidthsAreKeptWhateverComesBehind(string bits)
    {
        using var model = new LoadedModel(Model());
        var smoothed = (IQuantizationPass[])[new ChannelSmoothing(), new CollectStatistics()];
        var last = Run(model, bits, [.. smoothed, Ranges, Allocation()]);
        var first = Run(model, bits, [.. smoothed, Allocation(), Ranges]);
        foreach (var (a, b) in last.Plan.Layers.Zip(first.Plan.Layers))
        {
            Assert.Equal(a.ChannelBits, b.ChannelBits);
            Assert.Equal(a.Weight?.Quantizers, b.Weight?.Quantizers);
        }

        IQuantizationPass[] others =
        [
            new ScaleTimesteps(new MseRange(), leastGain: -100),
            new Gptq(),
            new ReconstructBlocks("tune", _ => new() { Iterations = 2 }),
            new BiasCorrection(),
            new LayOutGraph(),
        ];
        var state = Run(model, bits, [.. smoothed, Allocation(), Ranges, .. others]);
        Assert.Contains(state.Plan.Layers, l => l.ChannelBits is not null);
        foreach (var plan in state.Plan.Layers)
        {
            Assert.Equal(first.Plan.Find(plan.Layer)!.ChannelBits, plan.ChannelBits);
            if (plan.ChannelBits is { } widths)
            {
                Assert.Equal(widths, plan.Weight!.Quantizers.Select(q => q.Bits));
            }
        }

        using var inputs = new DenoiserInputs(
            model.Source.Contract,
            new()
            {
                Count = 2,
                Samples = TestModels.Numbers(1, 256),
                Timesteps = [500],
            }
        );
        var exported = QdqExporter.Export(state.Graph, state.Plan);
        PointAgreement.AssertAgree(state.Graph, state.Plan, exported, inputs.Values);
    }

    [Fact]
    public void TwoBitsCanBeRaisedByATenthWithNothingLowered()
    {
        using var model = new LoadedModel(Model());
        var state = Run(model, "W2A8", new CollectStatistics(), Allocation(extraShare: 0.1));
        foreach (var (plan, _) in Narrow(state))
        {
            var channels = plan.Weight!.Quantizers.Count;
            Assert.Equal(2 + ((double)(channels / 10) / channels), plan.Weight.MeanBits, 1e-9);
        }

        // At other widths there is no such raise.
        var wider = Run(model, "W3A8", new CollectStatistics(), Allocation(extraShare: 0.1));
        Assert.All(Narrow(wider), l => Assert.Equal(3, l.Plan.Weight!.MeanBits, 1e-9));
        Assert.Throws<ArgumentOutOfRangeException>(() => Allocation(extraShare: 1.5));
    }

    [Fact]
    public void TheReportCountsChannelsByWidth()
    {
        using var model = new LoadedModel(Model());
        var state = Run(model, "W3A8", new CollectStatistics(), Ranges, Allocation());
        var report = ReportBuilder.Layers(state, new Dictionary<string, double>());
        Assert.Contains(report, l => l.ChannelWidths is not null);
        foreach (var (layer, plan) in report.Zip(state.Plan.Layers))
        {
            Assert.Equal(plan.Weight is null ? null : plan.WeightBits, layer.WeightBits);
            Assert.Equal(plan.ChannelBits is null, layer.ChannelWidths is null);
            if (layer.ChannelWidths is { } widths)
            {
                Assert.Equal([2, 3, 4], widths.Select(w => w.Bits));
                Assert.Equal(plan.ChannelBits!.Count, widths.Sum(w => w.Channels));
                Assert.Equal(3, layer.MeanWeightBits);
                Assert.All(
                    widths,
                    w => Assert.True(w.LeastKurtosis <= w.MedianKurtosis && w.MedianKurtosis <= w.MostKurtosis)
                );
                Assert.All(
                    widths.Zip(widths.Skip(1)),
                    w => Assert.True(w.First.MostKurtosis <= w.Second.LeastKurtosis)
                );
            }
        }
    }

    [Fact]
    public void LayersOfEightBitsStayUniform()
    {
        using var model = new LoadedModel(Model());
        var state = Run(model, "W3A8", new CollectStatistics(), Ranges, Allocation());
        var wide = state.Plan.Layers.Where(l => l.WeightBits == 8).ToArray();
        Assert.NotEmpty(wide);
        Assert.All(wide, l => Assert.Null(l.ChannelBits));
    }

    [Theory]
    [InlineData(ChannelOrder.Reversed)]
    [InlineData(ChannelOrder.Random)]
    public void OtherOrdersKeepTheMeanToo(ChannelOrder order)
    {
        using var model = new LoadedModel(Model());
        var state = Run(model, "W3A8", new CollectStatistics(), Allocation(order: order));
        var again = Run(model, "W3A8", new CollectStatistics(), Allocation(order: order));
        var usual = Run(model, "W3A8", new CollectStatistics(), Allocation());
        Assert.All(Narrow(state), l => Assert.Equal(3, l.Plan.Weight!.MeanBits, 1e-9));
        Assert.Equal(state.Plan.Layers.Select(Text), again.Plan.Layers.Select(Text));
        Assert.NotEqual(state.Plan.Layers.Select(Text), usual.Plan.Layers.Select(Text));

        static string Text(LayerPlan plan) => string.Join(' ', plan.ChannelBits ?? []);
    }
}
