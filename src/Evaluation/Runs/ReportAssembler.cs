using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Metrics;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>Works out the metrics of a whole run.</summary>
/// <param name="whole">All parts of the run, merged.</param>
/// <param name="reference">The reference; null for none.</param>
internal sealed class ReportAssembler(EvaluationPart whole, ReferenceStatistics? reference)
{
    // Two images that are equal have no finite PSNR, and one such pair would make the mean infinite.
    private const double MostPsnr = 100;

    // One image has no covariance, and is a certain class that does not vary.
    private const int LeastOfDistribution = 2;
    private readonly List<Metric> metrics = [];
    private readonly List<Metric> floatMetrics = [];
    private readonly List<string> notes = [.. whole.Header.Notes];

    /// <summary>The report; pictures are written into its folder.</summary>
    public EvaluationReport Assemble(string folder)
    {
        var header = whole.Header;
        AddPaired();
        AddDistribution();
        if (header.Size is { FloatBytes: > 0 } size)
        {
            metrics.Add(new(MetricCatalog.SizeRatio, (double)size.QuantizedBytes / size.FloatBytes, 0));
        }

        if (header.Speed is { } speed)
        {
            metrics.Add(new(MetricCatalog.Speedup, speed.FloatMilliseconds / speed.QuantizedMilliseconds, 0));
        }

        return new()
        {
            ToolVersion = header.ToolVersion,
            RuntimeVersion = header.RuntimeVersion,
            Device = header.Device,
            Command = header.Command,
            Model = header.Model,
            Float = header.Float,
            Sampling = header.Sampling,
            Extractor = header.Extractor,
            Reference = header.Reference,
            Metrics = InOrder(metrics),
            FloatMetrics = InOrder(floatMetrics),
            Timesteps = Timesteps(),
            Layers = header.Layers,
            Fallback = header.Fallback,
            BitOperations = header.BitOperations,
            Size = header.Size,
            Speed = header.Speed,
            Samples = SamplePictures.Write(whole.Paired, folder),
            Notes = notes,
        };
    }

    private static IReadOnlyList<Metric> InOrder(List<Metric> measured) =>
        [
            .. MetricCatalog.All.SelectMany(definition =>
                measured.Where(m => m.Name == definition.Name && double.IsFinite(m.Value))
            ),
        ];

    private void AddPaired()
    {
        var images = whole.Paired.Images;
        if (images.Count == 0)
        {
            return;
        }

        AddMean(
            MetricCatalog.Psnr,
            [.. images.Select(i => i.Psnr).OfType<double>().Select(p => Math.Min(p, MostPsnr))]
        );
        AddMean(MetricCatalog.Ssim, [.. images.Select(i => i.Ssim).OfType<double>()]);
        AddMean(
            MetricCatalog.NoiseSqnr,
            [.. images.Select(i => i.Steps.Average(s => SignalToNoise.Decibels(s.Signal, s.Noise)))]
        );
        var size = whole.Header.OutputLength;
        AddMean(MetricCatalog.NoiseError, [.. images.Select(i => i.Steps.Average(s => s.Noise / size))]);

        void AddMean(string name, double[] values)
        {
            if (values.Length > 0)
            {
                metrics.Add(
                    new(
                        name,
                        values.Average(),
                        values.Length,
                        values.Length > 1 ? Resampling.BootstrapError(values) : null
                    )
                );
            }
        }
    }

    private IReadOnlyList<TimestepQuality> Timesteps()
    {
        var images = whole.Paired.Images;
        if (images.Count == 0)
        {
            return [];
        }

        var size = (double)whole.Header.OutputLength * images.Count;
        return
        [
            .. whole.Header.Timesteps.Select(
                (timestep, step) =>
                {
                    var signal = images.Sum(i => i.Steps[step].Signal);
                    var noise = images.Sum(i => i.Steps[step].Noise);
                    return new TimestepQuality(timestep, SignalToNoise.Decibels(signal, noise), noise / size);
                }
            ),
        ];
    }

    private void AddDistribution()
    {
        if (whole.Model is not { } model)
        {
            return;
        }

        var count = model.Images;
        if (count < LeastOfDistribution)
        {
            notes.Add(
                $"FID, KID, Inception Score, precision, recall and all else of a distribution cannot be measured on {count} image: at least {LeastOfDistribution} are needed, and hundreds to say something."
            );
            return;
        }

        AddDistribution(model, metrics);
        if (whole.Float is not { } exact)
        {
            return;
        }

        AddDistribution(exact, floatMetrics);
        var images = model.Images;
        metrics.Add(
            Jackknifed(MetricCatalog.FidToFloat, images, model, exact, (m, f) => FrechetDistance.Between(m, f))
        );
        if (reference is not null)
        {
            metrics.Add(
                Jackknifed(
                    MetricCatalog.FidIncrease,
                    images,
                    model,
                    exact,
                    (m, f) =>
                        FrechetDistance.Between(m, reference.Features) - FrechetDistance.Between(f, reference.Features)
                )
            );
        }
    }

    private void AddDistribution(ImageStatistics images, List<Metric> target)
    {
        var scores = images.Blocks.Select(b => b.Scores?.Score()).OfType<double>().ToArray();
        if (scores.Length > 0)
        {
            var mean = scores.Average();
            var deviation = Math.Sqrt(scores.Sum(s => (s - mean) * (s - mean)) / scores.Length);
            target.Add(
                new(
                    MetricCatalog.InceptionScore,
                    mean,
                    images.Images,
                    scores.Length > 1 ? deviation / Math.Sqrt(scores.Length) : null
                )
            );
        }

        if (reference is null)
        {
            return;
        }

        target.Add(
            Jackknifed(
                MetricCatalog.Fid,
                images.Images,
                images,
                images,
                (m, _) => FrechetDistance.Between(m, reference.Features)
            )
        );
        if (reference.Spatial is { } spatial && images.Spatial() is { } own)
        {
            target.Add(new(MetricCatalog.SpatialFid, FrechetDistance.Between(own, spatial), images.Images));
        }

        if (reference.Reservoir.Length > 0)
        {
            var dimensions = reference.Features.Dimensions;
            var rows = images.Reservoir.Rows();
            var (mine, theirs) = (rows.Length / dimensions, reference.Reservoir.Length / dimensions);
            if (IsEnough("KID", LeastOfDistribution, mine, theirs))
            {
                var kid = KernelDistance.Between(rows, reference.Reservoir, dimensions).Mean;
                target.Add(new(MetricCatalog.Kid, kid, images.Images));
            }

            if (IsEnough("Precision and recall", PrecisionRecall.UsualNeighbours + 1, mine, theirs))
            {
                var (precision, recall) = PrecisionRecall.Between(reference.Reservoir, rows, dimensions);
                target.Add(new(MetricCatalog.Precision, precision, images.Images));
                target.Add(new(MetricCatalog.Recall, recall, images.Images));
            }
        }
    }

    /// <summary>Whether metrics exist on so many images of model and reference; where not, a note says so, once for both models.</summary>
    private bool IsEnough(string metricsInWords, int least, int images, int referenceImages)
    {
        if (Math.Min(images, referenceImages) >= least)
        {
            return true;
        }

        var note =
            $"{metricsInWords} cannot be measured on {images} images against a reference of {referenceImages}: at least {least} of each are needed.";
        if (!notes.Contains(note))
        {
            notes.Add(note);
        }

        return false;
    }

    /// <summary>A metric of two models' sums, with the standard error that leaving out one block of images after the other
    /// gives; both leave out the same images, for they were made from the same noise.</summary>
    private static Metric Jackknifed(
        string name,
        int images,
        ImageStatistics model,
        ImageStatistics exact,
        Func<GaussianStatistics, GaussianStatistics, double> value
    )
    {
        var (all, allExact) = (model.Features(), exact.Features());
        var blocks = model.Blocks.Zip(exact.Blocks).ToArray();
        double? error = null;
        // Two images at least must be left, or there is no covariance.
        if (blocks.Length > 1 && blocks.All(b => all.Count - b.First.Features.Count >= 2))
        {
            var without = blocks
                .Select(b => value(all.Subtract(b.First.Features), allExact.Subtract(b.Second.Features)))
                .ToArray();
            error = Resampling.JackknifeError(without);
        }

        return new(name, value(all, allExact), images, error);
    }
}
