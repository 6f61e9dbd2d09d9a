using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Quantization;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Tool.Output;
using DiffusionQuant.Tool.Progress;

namespace DiffusionQuant.Tool.Caching;

/// <summary>One model to be quantized by one recipe, with a cache or without.</summary>
internal sealed class QuantizeJob(ToolHost host, Reporter reporter, string model, Recipe recipe)
{
    /// <summary>Where progress is written for other programs; null for nowhere.</summary>
    public string? ProgressFile { get; init; }

    /// <summary>Bytes that calibration data may take in memory.</summary>
    public long MemoryBudget { get; init; } = PassContext.UsualMemory;

    /// <summary>Is told of the model's files; null for nobody.</summary>
    public InputFiles? Inputs { get; init; }

    /// <summary>Quantizes into an empty folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="workFolder">Where finished parts are kept for a run that goes on later; null for nowhere.</param>
    /// <param name="cancellation">Ends the work.</param>
    public void Make(string folder, string? workFolder, CancellationToken cancellation)
    {
        using var progress = ProgressHub.Create(host, reporter, ProgressFile);
        host.Quantize(
            new(model, folder, recipe)
            {
                // A cache keeps what was made; the rest is copied from where it lies.
                CopiesOtherParts = false,
                MemoryBudget = MemoryBudget,
                WorkFolder = workFolder,
            },
            progress,
            cancellation
        );
    }

    /// <summary>Copies a pipeline's other parts beside what was made.</summary>
    public void AddOtherParts(string folder, CancellationToken cancellation) =>
        Quantizer.CopyOtherParts(model, folder, cancellation);

    /// <summary>What names the result in a cache.</summary>
    public Task<string> FindKeyAsync(Device device, CancellationToken cancellation)
    {
        var files = ModelFiles.Find(model, recipe);
        Inputs?.Add(files.All);
        return CacheKey.ComputeAsync(
            files.Content,
            [
                recipe.Hash,
                $"{Quantizer.AlgorithmVersion}",
                RuntimeVersion.Current,
                device.Kind.ToString(),
                ModelLayout.Find(model).DenoiserFolder,
            ],
            cancellation
        );
    }

    /// <summary>
    /// Takes the result from a cache, or makes it there. Of several runs that want one result, one makes it and the
    /// others wait for it.
    /// </summary>
    /// <param name="cache">The cache.</param>
    /// <param name="key">From <see cref="FindKeyAsync"/>.</param>
    /// <param name="device">What computes, as for the key.</param>
    /// <param name="force">Whether to make it even if it is there.</param>
    /// <param name="cancellation">Ends waiting and work.</param>
    /// <returns>The folder of its files, and whether this run made them.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1138: the model was replaced while it was worked on.</exception>
    public async Task<(string Folder, bool IsNew)> FindOrMakeAsync(
        ArtifactCache cache,
        string key,
        Device device,
        bool force,
        CancellationToken cancellation
    )
    {
        var result = await cache.FindOrMakeAsync(
            key,
            force,
            reporter,
            async folder =>
            {
                var unfinished = cache.UnfinishedFolder(key);
                Make(folder, unfinished, cancellation);
                Folders.Delete(unfinished);
                // The key is of what was there before; under it nobody may find what was made of something else.
                if (await FindKeyAsync(device, cancellation) != key)
                {
                    throw ToolErrors.ModelReplaced(model);
                }
            },
            cancellation
        );
        if (!result.IsNew)
        {
            WarnAgain(result.Folder);
            SayDone();
        }

        return result;
    }

    /// <summary>What was said when the result was made is for this run's reader too.</summary>
    private void WarnAgain(string folder)
    {
        var made = QuantizationReport.Parse(File.ReadAllText(Path.Combine(folder, QuantizationReport.FileName)));
        if (UnmatchedRules.Find(model, recipe.Rules, [.. made.Layers.Select(l => l.Description)]) is { } unmatched)
        {
            reporter.Warn(unmatched);
        }

        foreach (var cut in made.CutPrompts ?? [])
        {
            reporter.Warn(new("DQ1068", cut));
        }
    }

    /// <summary>A progress file of an earlier run would tell of work that nobody does any more.</summary>
    private void SayDone()
    {
        if (ProgressFile is not null)
        {
            using var progress = new ProgressHub(
                host.Time,
                [new Progress.ProgressFile(ProgressFile, host.Time, reporter)]
            );
            progress.Report("done", 1);
        }
    }
}
