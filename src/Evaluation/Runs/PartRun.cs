using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Features.Clip;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>Makes the images of a part with the model under test and measures them.</summary>
internal sealed class PartRun(EvaluationSetup setup, string? baselineFolder, string workFolder)
{
    private const string CheckpointFile = "model.checkpoint";
    private PairedStatistics paired = new();
    private ImageStatistics? statistics = setup.NewStatistics();

    public EvaluationPart Run(Action<double, string?> progress, CancellationToken cancellation)
    {
        Directory.CreateDirectory(workFolder);
        var checkpoint = new Checkpoint(Path.Combine(workFolder, CheckpointFile), setup.PartKey, setup.SaveInterval);
        var batches = setup.Batches();
        var done = 0;
        if (checkpoint.Restore(r => (PairedStatistics.Read(r), setup.ReadStatistics(r))) is { } saved)
        {
            (done, (paired, statistics)) = saved;
        }

        using (var run = setup.LoadModel())
        using (var pairs = baselineFolder is null ? null : FloatBaseline.Trajectories(baselineFolder))
        using (var clip = setup.LoadClip())
        {
            foreach (var batch in batches.Take(pairs is null ? 0 : done).Where(setup.IsPaired))
            {
                pairs!.Skip(setup.Header.Timesteps.Count);
            }

            for (; done < batches.Count; done++)
            {
                var batch = batches[done];
                var isPaired = pairs is not null && setup.IsPaired(batch);
                var before = done;
                Measure(run, batch, isPaired ? pairs : null, clip, Report, cancellation);
                checkpoint.SaveNowAndThen(
                    done + 1,
                    writer =>
                    {
                        paired.Write(writer);
                        statistics?.Write(writer);
                    }
                );

                void Report(DenoisingStep step) =>
                    progress(
                        (before + ((step.Index + 1.0) / step.StepCount)) / batches.Count,
                        $"{batch[0]} of {setup.Header.Images} images"
                    );
            }
        }

        var part = new EvaluationPart(setup.Header, setup.FirstImage, setup.EndImage, paired)
        {
            Shape = setup.Shape,
            Model = statistics,
            Float =
                baselineFolder is null || setup.Shape is null ? null : FloatBaseline.Statistics(setup, baselineFolder),
        };
        checkpoint.Delete();
        return part;
    }

    private void Measure(
        ModelRun run,
        int[] batch,
        PairsFile.Reader? pairs,
        ClipScorer? clip,
        Action<DenoisingStep> report,
        CancellationToken cancellation
    )
    {
        var steps = new List<(double Signal, double Noise)[]>();
        DenoisingStep last = null!;
        foreach (var step in run.Steps(batch, cancellation))
        {
            last = step;
            report(step);
            if (pairs is not null)
            {
                var (samples, exact) = pairs.NextStep();
                steps.Add(Compare(run, step.Call with { Samples = samples }, exact, cancellation));
            }
        }

        var images = run.Decode(last, cancellation);
        if (pairs is not null)
        {
            AddPairs(batch, steps, pairs.NextEnd(), (last.Next, images), clip, cancellation);
        }

        setup.Observe(statistics, batch, images, cancellation);
    }

    /// <summary>The network's error on the float model's x_t, image by image.</summary>
    private static (double Signal, double Noise)[] Compare(
        ModelRun run,
        DenoiserCall call,
        float[] exact,
        CancellationToken cancellation
    )
    {
        var predicted = run.Denoiser.Predict(call, cancellation);
        return [.. Enumerable.Range(0, call.Count).Select(i => Powers(exact, predicted, i, call.Count))];
    }

    /// <summary>Of one of the samples that stand behind each other.</summary>
    private static (double Signal, double Noise) Powers(float[] exact, float[] other, int index, int count)
    {
        var size = exact.Length / count;
        return SignalToNoise.Powers(exact.AsSpan(index * size, size), other.AsSpan(index * size, size));
    }

    private void AddPairs(
        int[] batch,
        List<(double Signal, double Noise)[]> steps,
        (float[] Samples, IReadOnlyList<RasterImage> Images) exact,
        (float[] Samples, IReadOnlyList<RasterImage>? Images) made,
        ClipScorer? clip,
        CancellationToken cancellation
    )
    {
        for (var i = 0; i < batch.Length && batch[i] < setup.Header.PairedImages; i++)
        {
            var pair = new PairedImage(batch[i], null, null, [.. steps.Select(s => s[i])])
            {
                Latents = setup.MakesLatents ? Powers(exact.Samples, made.Samples, i, batch.Length) : null,
            };
            paired.Add(
                made.Images is null ? pair : WithImages(pair, exact.Images[i], made.Images[i], clip, cancellation)
            );
        }
    }

    private PairedImage WithImages(
        PairedImage pair,
        RasterImage exact,
        RasterImage made,
        ClipScorer? clip,
        CancellationToken cancellation
    )
    {
        var isPicture = pair.Index < PairedStatistics.Pictures;
        return pair with
        {
            Psnr = ImageSimilarity.Psnr(exact.Pixels, made.Pixels),
            Ssim = ImageSimilarity.Ssim(exact, made),
            Clip = clip is null ? null : (Score(exact), Score(made)),
            FloatPng = isPicture ? Png(exact) : null,
            QuantizedPng = isPicture ? Png(made) : null,
        };

        double Score(RasterImage image)
        {
            var prompts = setup.Header.Prompts!;
            return clip.Score(prompts[pair.Index % prompts.Count], image, cancellation);
        }
    }

    private static byte[] Png(RasterImage image) =>
        PngWriter.Encode(image.Pixels, image.Width, image.Height, image.Channels);
}
