using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Tests.Generality;

namespace DiffusionQuant.Quantization.Tests.Reconstruction;

/// <summary>Methods with reconstruction, the whole way on small networks.</summary>
public sealed class ReconstructionTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("diffusionquant-tests-");

    public void Dispose() => folder.Delete(recursive: true);

    private static Recipe Recipe(string method, string bits = "W3A8", int? iterations = 40) =>
        new(BitWidths.Parse(bits))
        {
            CalibrationSamples = 24,
            CalibrationBatch = 4,
            Steps = 6,
            Threads = 1,
            Device = "cpu",
            Method = method,
            Iterations = iterations,
            Effort = Effort.Quick,
        };

    private string Model(DdpmUNetSettings? settings = null) =>
        QuantizedModel.Write(
            folder.CreateSubdirectory("source").FullName,
            DdpmUNet.Build(settings ?? DdpmUNetSettings.Tiny)
        );

    private byte[] Quantize(
        string model,
        Recipe recipe,
        string output,
        Action<QuantizationRequest>? run = null,
        string? work = null,
        long? memory = null
    )
    {
        var request = new QuantizationRequest(model, folder.CreateSubdirectory(output).FullName, recipe)
        {
            WorkFolder = work,
            MemoryBudget = memory ?? 1L << 30,
        };
        if (run is null)
        {
            Quantizer.Run(request);
        }
        else
        {
            run(request);
        }

        return File.ReadAllBytes(Path.Combine(request.OutputFolder, Quantizer.ModelFileName));
    }

    private double Sqnr(string model, Recipe recipe) =>
        Quantizer
            .Run(new(model, folder.CreateSubdirectory(Path.GetRandomFileName()).FullName, recipe))
            .Report.OutputSqnr.Average(s => s.Decibels);

    [Theory]
    [InlineData("q-diffusion", 40)]
    [InlineData("pqd", 40)]
    [InlineData("q-diffusion", null)]
    [InlineData("gptq", null)]
    [InlineData("tcaq-dm", 40)]
    [InlineData("tcaq-dm", null)]
    [InlineData("mpq-dm", 40)]
    [InlineData("q-dm", 40)]
    public void IsCloserToTheFloatModelThanRoundingToNearest(string method, int? iterations)
    {
        // Attention with random weights amplifies any error beyond measure; the network without it does not.
        var model = Model(TestModels.SmallUNet with { AttentionResolutions = [], Channels = 16 });
        var nearest = Sqnr(model, Recipe("mse"));

        Assert.True(Sqnr(model, Recipe(method, iterations: iterations)) > nearest + 0.5, $"{nearest} dB to nearest");
    }

    [Theory]
    [InlineData("W4A16", "q-diffusion")]
    [InlineData("W4A4", "pqd")]
    [InlineData("W8A8", "q-diffusion")]
    [InlineData("W4A8", "tcaq-dm")]
    [InlineData("W4A16", "tcaq-dm")]
    [InlineData("W3A5", "tcaq-dm")]
    [InlineData("W2A4", "mpq-dm")]
    [InlineData("W2A8", "mpq-dm-plus")]
    [InlineData("W3A16", "mpq-dm")]
    [InlineData("W4A4", "q-dm")]
    [InlineData("W2A2", "q-dm")]
    [InlineData("W3A16", "q-dm")]
    public void WidthsDiffer(string bits, string method)
    {
        using var model = new QuantizedModel(
            DdpmUNet.Build(DdpmUNetSettings.Tiny),
            bits,
            r => r with { Method = method, Iterations = 4 }
        );
        Assert.All(model.Report.OutputSqnr, s => Assert.InRange(s.Decibels, -10, 100));
    }

    [Theory]
    [InlineData(NameStyle.Numbered, false, "pqd")]
    [InlineData(NameStyle.Dynamo, true, "pqd")]
    [InlineData(NameStyle.Numbered, false, "mpq-dm-plus")]
    [InlineData(NameStyle.Dynamo, true, "mpq-dm-plus")]
    [InlineData(NameStyle.Numbered, false, "q-dm")]
    [InlineData(NameStyle.Dynamo, true, "q-dm")]
    public void ExportersAndHalfPrecision(NameStyle style, bool half, string method)
    {
        var settings = DdpmUNetSettings.Tiny with { NameStyle = style, HalfPrecision = half };
        using var model = new QuantizedModel(
            DdpmUNet.Build(settings),
            "W4A8",
            r => r with { Method = method, Iterations = 3 }
        );
        Assert.All(model.Report.OutputSqnr, s => Assert.InRange(s.Decibels, -10, 100));
    }

    [Theory]
    [InlineData("pqd", 4)]
    // In the second round, of blocks and of samples.
    [InlineData("tcaq-dm", 16)]
    public void AKilledRunGoesOnToTheSameBytes(string method, int killedAt)
    {
        var model = Model();
        var recipe = Recipe(method, iterations: 5);
        var whole = Quantize(model, recipe, "whole");
        var work = folder.CreateSubdirectory("work").FullName;
        using var source = new CancellationTokenSource();
        var (block, count) = ("", 0);
        var progress = new Watch(p =>
        {
            if (p.Stage.StartsWith("reconstruct", StringComparison.Ordinal) && p.Detail is { } detail)
            {
                count += detail == block ? 0 : 1;
                block = detail;
                if (count == killedAt)
                {
                    source.Cancel();
                }
            }
        });
        Assert.ThrowsAny<OperationCanceledException>(() =>
            Quantize(model, recipe, "killed", r => Quantizer.Run(r, progress, source.Token), work)
        );
        var kept = Directory.GetFiles(work, "*.onnx", SearchOption.AllDirectories);
        Assert.Equal(killedAt - 1, kept.Length);
        // What was kept is used, not made again.
        var times = kept.Select(File.GetLastWriteTimeUtc).ToArray();

        Assert.Equal(whole, Quantize(model, recipe, "resumed", work: work));
        Assert.Equal(times, kept.Select(File.GetLastWriteTimeUtc));
    }

    [Fact]
    public void ADamagedCheckpointIsMadeAgain()
    {
        var model = Model();
        var recipe = Recipe("q-diffusion", iterations: 2);
        var work = folder.CreateSubdirectory("work").FullName;
        var first = Quantize(model, recipe, "first", work: work);
        foreach (var file in Directory.GetFiles(work, "*.onnx", SearchOption.AllDirectories).Take(2))
        {
            File.WriteAllBytes(file, [1, 2, 3]);
        }

        Assert.Equal(first, Quantize(model, recipe, "second", work: work));
    }

    [Fact]
    public void SpillingToDiskChangesNothing()
    {
        var model = Model();
        var recipe = Recipe("pqd", iterations: 3);

        Assert.Equal(Quantize(model, recipe, "memory"), Quantize(model, recipe, "disk", memory: 0));
    }

    [Fact]
    public void TheCostIsSaidBeforeTheWork()
    {
        var notes = new List<string>();
        Quantize(
            Model(),
            Recipe("q-diffusion", iterations: 2),
            "out",
            r =>
                Quantizer.Run(
                    r,
                    new Watch(p =>
                    {
                        if (p.Note is { } note)
                        {
                            notes.Add(note);
                        }
                    })
                )
        );
        Assert.Equal(2, notes.Count);
        Assert.Matches(
            @"^reconstruct weights: \d+ blocks, 2 steps of 16 samples each, about \d+ min; samples take \d+ MB of memory$",
            notes[0]
        );
    }

    private sealed class Watch(Action<QuantizationProgress> see) : IProgress<QuantizationProgress>
    {
        public void Report(QuantizationProgress value) => see(value);
    }
}
