using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests;

/// <summary>The whole way from a model's folder to an artifact's.</summary>
public sealed class QuantizerTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");

    public void Dispose() => folder.Delete(recursive: true);

    private static Recipe Recipe(string bits) =>
        new(BitWidths.Parse(bits))
        {
            CalibrationSamples = 8,
            Steps = 4,
            Device = "cpu",
            Method = "minmax",
        };

    private QuantizationRequest Request(OnnxModel model, Recipe recipe, string output = "out")
    {
        var source = QuantizedModel.Write(folder.CreateSubdirectory("source").FullName, model);
        return new(source, folder.CreateSubdirectory(output).FullName, recipe);
    }

    private void AssertRefused(string code, OnnxModel model, Recipe recipe) =>
        Assert.Equal(code, Assert.Throws<DiffusionQuantException>(() => Quantizer.Run(Request(model, recipe))).Code);

    [Fact]
    public void WritesTheGraphTheScheduleAndTheReport()
    {
        var request = Request(DdpmUNet.Build(DdpmUNetSettings.Tiny), Recipe("W4A8"));
        var result = Quantizer.Run(request);
        string[] expected = ["model.onnx", "quantization.json", "scheduler_config.json"];
        Assert.Equal(expected, Directory.GetFiles(request.OutputFolder).Select(Path.GetFileName).Order());
        Assert.Equal(expected, result.Files.Select(Path.GetFileName).Order());

        var report = QuantizationReport.Parse(
            File.ReadAllText(Path.Combine(request.OutputFolder, QuantizationReport.FileName))
        );
        Assert.Equal(result.Report.ToJson(), report.ToJson());
        Assert.Contains("\"timestep\": 750,", report.ToJson());
        Assert.Equal(request.Recipe.Hash, report.RecipeHash);
        Assert.Equal("cpu", report.Device);
        Assert.Equal("model.onnx", report.Source.File);
        Assert.Equal(17, report.Source.Opset);
        Assert.Equal(64, report.Source.Sha256.Length);
        Assert.Equal(new FileInfo(request.ModelPath).Length, report.FloatBytes);
        Assert.Equal(new FileInfo(result.Files[0]).Length, report.QuantizedBytes);
        Assert.Equal([750, 500, 250, 0], report.Calibration.Timesteps);
        Assert.Equal(8, report.Calibration.Samples);
        Assert.Equal([750, 500, 250, 0], report.OutputSqnr.Select(s => s.Timestep));
        Assert.All(report.OutputSqnr, s => Assert.InRange(s.Decibels, 5, 100));
        Assert.All(report.Layers, l => Assert.Equal(LayerMode.Integer, l.Mode));
        Assert.All(report.Layers, l => Assert.InRange(l.OutputSqnr!.Value, 1, 100));
        // The last layer's output is the network's; the one is measured in the simulation, the other in the written file.
        Assert.Equal(report.OutputSqnr.Average(s => s.Decibels), report.Layers[^1].OutputSqnr!.Value, tolerance: 2);
        Assert.Equal(report.Layers.Count, result.QuantizedLayers);
        Assert.Equal(0, result.FloatLayers);
    }

    [Theory]
    [InlineData(25, 25)]
    [InlineData(60, 50)]
    public void TheWholeTrajectoryIsChecked(int steps, int compared)
    {
        var recipe = Recipe("W4A8") with { Steps = steps };
        var report = Quantizer.Run(Request(DdpmUNet.Build(DdpmUNetSettings.Tiny), recipe)).Report;
        var timesteps = report.OutputSqnr.Select(s => s.Timestep).ToArray();
        Assert.Equal(compared, timesteps.Length);
        Assert.Equal(timesteps.OrderDescending().Distinct(), timesteps);
        Assert.Equal(1000 / steps * (steps - 1), timesteps[0]);
        Assert.Equal(0, timesteps[^1]);
        Assert.Equal(report.OutputSqnr.Min(s => s.Decibels), report.Worst!.Decibels);
    }

    [Fact]
    public void ConditioningThatIsMissingIsSaidBeforeAnythingLong()
    {
        foreach (var recipe in new[] { Recipe("W8A8"), Recipe("W4A16") with { Method = "gptq" } })
        {
            var reports = new List<QuantizationProgress>();
            var error = Assert.Throws<DiffusionQuantException>(() =>
                Quantizer.Run(Request(Conditioned(), recipe), new Collector(reports))
            );
            Assert.Equal("DQ1050", error.Code);
            Assert.Equal(["load"], reports.Select(r => r.Stage));
        }
    }

    [Fact]
    public void WeightsAloneNeedNoConditioning()
    {
        var reports = new List<QuantizationProgress>();
        var result = Quantizer.Run(Request(Conditioned(), Recipe("W4A16")), new Collector(reports));
        Assert.True(result.QuantizedLayers > 0);
        Assert.Empty(result.Report.OutputSqnr);
        Assert.Null(result.Report.BitOperations);
        Assert.Contains("states", result.Report.Unchecked);
        Assert.Contains(reports, r => r.Note is { } note && note.Contains("states", StringComparison.Ordinal));
        using var session = Engine.ModelSession.Load(result.Files[0]);
        Assert.Contains("states", session.Inputs.Select(i => i.Name));
    }

    private static OnnxModel Conditioned()
    {
        var scaffold = new Scaffold();
        return scaffold.Build(
            (b, h, _) =>
            {
                var states = b.Input("states", ElementType.Float, "batch", Scaffold.Channels);
                var weight = b.Parameter("weight", scaffold.Matrix(Scaffold.Channels, Scaffold.Channels));
                return h + b.Unsqueeze(b.MatMul(states, weight), 2, 3);
            }
        );
    }

    [Fact]
    public void LayersBeforeTheFirstQuantizedOneAreExact()
    {
        var recipe = Recipe("W4A8") with { Rules = [LayerRule.Parse("position:first=float")] };
        var layers = Quantizer.Run(Request(DdpmUNet.Build(DdpmUNetSettings.Tiny), recipe)).Report.Layers;
        var first = layers.Single(l => l.Positions.Contains("first"));
        Assert.Equal(LayerMode.Float, first.Mode);
        Assert.Equal(SignalToNoise.Exact, first.OutputSqnr);
        Assert.Contains(layers, l => l.OutputSqnr < 40);
    }

    [Fact]
    public void TheSameRecipeGivesTheSameBytes()
    {
        var model = DdpmUNet.Build(DdpmUNetSettings.Tiny);
        var first = Quantizer.Run(Request(model, Recipe("W4A8"), "first"));
        var second = Quantizer.Run(Request(model, Recipe("W4A8"), "second"));
        foreach (var (a, b) in first.Files.Zip(second.Files))
        {
            Assert.Equal(File.ReadAllBytes(a), File.ReadAllBytes(b));
        }
    }

    [Theory]
    [InlineData(TimestepLaw.Uniform, SampleSelection.All)]
    [InlineData(TimestepLaw.Normal, SampleSelection.Representative)]
    public void TimestepsAndSelectionAreOfTheCalibration(TimestepLaw law, SampleSelection selection)
    {
        var recipe = Recipe("W8A8") with { TimestepSampling = law, SampleSelection = selection };
        var report = Quantizer.Run(Request(DdpmUNet.Build(DdpmUNetSettings.Tiny), recipe)).Report;
        Assert.Equal(8, report.Calibration.Samples);
        Assert.All(report.OutputSqnr, s => Assert.InRange(s.Decibels, 10, 100));
    }

    [Fact]
    public void GuidanceCalibratesBothCalls()
    {
        var scaffold = new Scaffold();
        var model = scaffold.Build(
            (b, h, _) =>
            {
                // What the null class brings no other does: the ranges show whether it was asked.
                float[] table = new float[11 * Scaffold.Channels];
                table.AsSpan(10 * Scaffold.Channels).Fill(50);
                var classes = b.Parameter("classes", OnnxTensor.Of("", table.AsSpan(), 11, Scaffold.Channels));
                var one = b.Op("Gather", [classes, b.Input("class_labels", ElementType.Int64, "batch")], ("axis", 0L));
                var weight = b.Parameter("weight", scaffold.Weight(Scaffold.Channels, Scaffold.Channels, 3, 3));
                return b.Conv(h + b.Unsqueeze(one, 2, 3), weight, null, 1);
            }
        );
        var request = Request(model, Recipe("W8A8")) with { ModelOptions = new() { NullClass = 10 } };
        var usual = Quantizer.Run(request).Report;
        var guided = Quantizer.Run(request with { Recipe = request.Recipe with { GuidanceScale = 1.5 } }).Report;
        Assert.Equal((8, 16), (usual.Calibration.Samples, guided.Calibration.Samples));
        Assert.Equal(usual.Calibration.Timesteps, guided.Calibration.Timesteps);
        Assert.True(Largest(usual) < 40, $"{Largest(usual)} without guidance");
        Assert.True(Largest(guided) > 40, $"{Largest(guided)} with guidance");

        static double Largest(QuantizationReport report) =>
            report.Layers.Single(l => l.Name.Contains("part", StringComparison.Ordinal)).Inputs[0].Max;
    }

    [Fact]
    public void ABudgetOfMemoryDoesNotChangeTheResult()
    {
        var model = DdpmUNet.Build(DdpmUNetSettings.Tiny);
        var held = Quantizer.Run(Request(model, Recipe("W8A8"), "held"));
        var work = folder.CreateSubdirectory("work").FullName;
        var spilled = Quantizer.Run(
            Request(model, Recipe("W8A8"), "spilled") with
            {
                MemoryBudget = 0,
                WorkFolder = work,
            }
        );
        Assert.Equal(File.ReadAllBytes(held.Files[0]), File.ReadAllBytes(spilled.Files[0]));
        Assert.Empty(Directory.GetFiles(work));
    }

    [Fact]
    public void ASpillFolderThatCannotBeUsedHasACode()
    {
        var request = Request(DdpmUNet.Build(DdpmUNetSettings.Tiny), Recipe("W8A8")) with { MemoryBudget = 0 };
        var error = Assert.Throws<DiffusionQuantException>(() =>
            Quantizer.Run(request with { WorkFolder = request.ModelPath })
        );
        Assert.Equal("DQ4020", error.Code);
    }

    [Fact]
    public void AnotherSeedGivesOtherRanges()
    {
        var model = DdpmUNet.Build(DdpmUNetSettings.Tiny);
        var first = Quantizer.Run(Request(model, Recipe("W8A8"), "first"));
        var second = Quantizer.Run(Request(model, Recipe("W8A8") with { Seed = 1 }, "second"));
        Assert.NotEqual(File.ReadAllBytes(first.Files[0]), File.ReadAllBytes(second.Files[0]));
    }

    [Fact]
    public void ProgressRunsFromZeroToOne()
    {
        var reports = new List<QuantizationProgress>();
        Quantizer.Run(Request(DdpmUNet.Build(DdpmUNetSettings.Tiny), Recipe("W8A8")), new Collector(reports));
        Assert.Equal(0, reports[0].Fraction);
        Assert.Equal(1, reports[^1].Fraction);
        Assert.Equal("done", reports[^1].Stage);
        Assert.Contains(reports, r => r.Stage == "calibrate" && r.Detail is not null);
        Assert.All(reports.Zip(reports.Skip(1)), p => Assert.True(p.First.Fraction <= p.Second.Fraction));
    }

    [Fact]
    public void CanBeCancelledInEveryStage()
    {
        var request = Request(DdpmUNet.Build(DdpmUNetSettings.Tiny), Recipe("W8A8"));
        Assert.Throws<OperationCanceledException>(() => Quantizer.Run(request, null, new(canceled: true)));
        foreach (var stage in new[] { "calibrate", "search ranges", "check" })
        {
            using var source = new CancellationTokenSource();
            var progress = new Collector([], p => _ = p.Stage == stage ? source.CancelAsync() : Task.CompletedTask);
            Assert.ThrowsAny<OperationCanceledException>(() => Quantizer.Run(request, progress, source.Token));
        }
    }

    [Fact]
    public void UnknownMethodsAreRefused() =>
        AssertRefused("DQ1090", DdpmUNet.Build(DdpmUNetSettings.Tiny), Recipe("W8A8") with { Method = "magic" });

    [Fact]
    public void RulesThatMatchNothingAreSaidBeforeTheLongPart()
    {
        var recipe = Recipe("W8A8") with { Rules = [LayerRule.Parse("type:Convolution=float")] };
        var reports = new List<QuantizationProgress>();
        Quantizer.Run(Request(DdpmUNet.Build(DdpmUNetSettings.Tiny), recipe), new Reports(reports.Add));
        var warning = Assert.Single(reports, r => r.Warning is not null);
        Assert.Equal("DQ1088", warning.Warning!.Code);
        Assert.True(reports.IndexOf(warning) < reports.FindIndex(r => r.Stage == "calibrate"));
    }

    private sealed class Reports(Action<QuantizationProgress> take) : IProgress<QuantizationProgress>
    {
        public void Report(QuantizationProgress value) => take(value);
    }

    [Fact]
    public void ARecipeThatLeavesAllInFloatIsRefused() =>
        AssertRefused(
            "DQ1091",
            DdpmUNet.Build(DdpmUNetSettings.Tiny),
            Recipe("W8A8") with
            {
                Rules = [LayerRule.Parse("*=float")],
            }
        );

    [Theory]
    [InlineData("W8A8")]
    [InlineData("W4A16")]
    public void QuantizedModelsAreRefused(string bits)
    {
        var first = Quantizer.Run(Request(DdpmUNet.Build(DdpmUNetSettings.Tiny), Recipe(bits)));
        AssertRefused("DQ1093", OnnxModel.Load(first.Files[0]), Recipe("W4A8"));
    }

    [Fact]
    public void OldOpsetsAreRefused()
    {
        var model = DdpmUNet.Build(DdpmUNetSettings.Tiny with { Opset = 13 });
        model.Opset = 12;
        AssertRefused("DQ1094", model, Recipe("W8A8"));
    }

    private sealed class Collector(List<QuantizationProgress> reports, Action<QuantizationProgress>? also = null)
        : IProgress<QuantizationProgress>
    {
        public void Report(QuantizationProgress value)
        {
            reports.Add(value);
            also?.Invoke(value);
        }
    }
}
