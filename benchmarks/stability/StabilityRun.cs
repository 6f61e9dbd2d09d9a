using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Evaluation.Runs;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Benchmarks;

/// <summary>Quantizes and measures cases, each once: several processes may share a work folder.</summary>
internal sealed class StabilityRun(string work)
{
    /// <summary>The relative size of differences between processors' float kernels (<c>-- kernels</c>).</summary>
    public const float NoiseSize = 1e-6f;

    /// <summary>Makes a case's report, unless it is there or another process is at it.</summary>
    public void Make(StabilityCase made)
    {
        var result = ResultOf(made);
        if (File.Exists(result))
        {
            return;
        }

        using var claim = Claim($"{result}.lock");
        if (claim is null || File.Exists(result))
        {
            return;
        }

        var folder = Fresh($"model-{made.Name}");
        try
        {
            if (made.HasKernelNoise)
            {
                KernelNoise.Begin(NoiseSize, (ulong)made.Index);
            }

            var source = made.Model.Path;
            if (made.Kind == StabilityKind.SourceSchedule)
            {
                source = Fresh($"source-{made.Name}");
                Copy(made.Model.Path, source);
                Regressions.ChangeSchedule(ScheduleOf(source), made.Index);
            }

            var quantized = Path.Combine(folder, "quantized");
            Quantize(made, source, quantized);
            var report = Evaluate(made, source, quantized, isWhole: !made.IsRegression);
            if (made.IsRegression && !StabilityVerdict.Fails(Read(made.Verified), report))
            {
                // What paired metrics show is shown by all; only where they do not are the others needed.
                report = Evaluate(made, source, quantized, isWhole: true);
            }

            File.WriteAllText($"{result}.new", report.ToJson());
            File.Move($"{result}.new", result);
            Console.WriteLine($"{DateTime.Now:HH:mm:ss} {made.Name}");
        }
        finally
        {
            KernelNoise.Begin(0, 0);
            if (made.Kind != StabilityKind.Verified)
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    /// <summary>A case's report; null where it is not made yet.</summary>
    public EvaluationReport? Find(StabilityCase made) => File.Exists(ResultOf(made)) ? Read(made) : null;

    private EvaluationReport Read(StabilityCase made) => EvaluationReport.Parse(File.ReadAllText(ResultOf(made)));

    private string ResultOf(StabilityCase made) => Path.Combine(work, $"{made.Name}.json");

    private void Quantize(StabilityCase made, string source, string folder)
    {
        if (made.Kind == StabilityKind.ArtifactSchedule)
        {
            Copy(Path.Combine(work, $"model-{made.Verified.Name}", "quantized"), folder);
            Regressions.ChangeSchedule(Path.Combine(folder, "scheduler_config.json"), made.Index);
            return;
        }

        Directory.CreateDirectory(folder);
        var recipe = made.Recipe;
        IReadOnlyList<IQuantizationPass> passes = MethodCatalog.Find(recipe.Method).Passes;
        switch (made.Kind)
        {
            case StabilityKind.NoiseCalibration:
                passes = Regressions.OnNoise(passes);
                break;
            case StabilityKind.ShiftedCodes:
                passes = Regressions.Shifted(passes, made.Index, StabilityCase.Shifts);
                break;
            case StabilityKind.QuarterOfLayers:
                recipe = recipe with
                {
                    Rules =
                    [
                        .. Regressions
                            .Quarter(WeightsOf(made.Verified), made.Index)
                            .Select(l => LayerRule.Parse($"{l}=W4")),
                    ],
                };
                break;
        }

        Quantizer.Run(new(source, folder, recipe), passes, null, out _);
    }

    private List<string> WeightsOf(StabilityCase made) =>
        [
            .. Read(made)
                .Layers.Where(l => l.WeightBits == 8 && l.Operator is "Conv" or "Gemm" or "MatMul")
                .Select(l => l.Name.Split("_part")[0])
                .Distinct(),
        ];

    private EvaluationReport Evaluate(StabilityCase made, string source, string quantized, bool isWhole)
    {
        using var setup = EvaluationSetup.Of(
            new(quantized)
            {
                FloatPath = source,
                PairedImages = StabilityModel.PairedImages,
                DistributionImages = isWhole ? made.Model.Images : 0,
                Extractor = made.Model.Extractor,
                Conditioning = made.Model.Conditioning,
                BatchSize = made.Batch,
                Session = new() { Device = Device.Cpu, Threads = made.Recipe.Threads },
            }
        );
        var temporary = Fresh($"evaluation-{made.Name}");
        var part = Evaluator.Measure(setup, Baseline(made, setup, isWhole), temporary);
        var output = Fresh($"report-{made.Name}");
        var report = Evaluator.Assemble([(made.Name, part)], setup.Reference, output);
        Directory.Delete(temporary, recursive: true);
        if (made.Kind != StabilityKind.Verified)
        {
            Directory.Delete(output, recursive: true);
        }

        return report;
    }

    /// <summary>What the float model gives; on another processor it gives something else as well.</summary>
    private string Baseline(StabilityCase made, EvaluationSetup setup, bool isWhole)
    {
        var kernels =
            made.HasKernelNoise ? $"-noise-{made.Batch ?? 0}"
            : made.Kind == StabilityKind.SourceSchedule ? $"-schedule-{made.Index}"
            : "";
        var folder = Path.Combine(work, $"float-{made.Model.Name}{kernels}{(isWhole ? "" : "-paired")}");
        while (!Directory.Exists(folder))
        {
            using var claim = Claim($"{folder}.lock");
            if (claim is null)
            {
                Thread.Sleep(1000);
            }
            else if (!Directory.Exists(folder))
            {
                var making = Fresh($"{Path.GetFileName(folder)}.new");
                Evaluator.MakeBaseline(setup, making, Fresh($"{Path.GetFileName(folder)}.work"));
                Directory.Move(making, folder);
            }
        }

        return folder;
    }

    /// <summary>The one that holds the file open works; null where that is another process.</summary>
    private static FileStream? Claim(string path)
    {
        try
        {
            return new(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static string ScheduleOf(string model) =>
        Directory.GetFiles(model, "scheduler_config.json", SearchOption.AllDirectories).Single();

    private static void Copy(string source, string target)
    {
        foreach (var file in Directory.GetFiles(source, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
            File.SetAttributes(copy, FileAttributes.Normal);
        }
    }

    private string Fresh(string name)
    {
        var folder = Path.Combine(work, name);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        return Directory.CreateDirectory(folder).FullName;
    }
}
