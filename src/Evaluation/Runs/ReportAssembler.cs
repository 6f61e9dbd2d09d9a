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
    private const int UsualSubsets = 100;

    // One image has no covariance, and is of a class that does not vary.
    private const int LeastOfDistribution = 2;

    // The differences between blocks need no more: the subsets are the same in each.
    private const int SubsetsWithoutBlock = 10;
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
            Clip = header.Clip,
            Metrics = InOrder(metrics),
            FloatMetrics = InOrder(floatMetrics),
            Timesteps = Timesteps(),
            Layers = header.Layers,
            Fallback = header.Fallback,
            BitOperations = header.BitOperations,
            Size = header.Size,
            Speed = header.Speed,
            Samples = SamplePictures.Write(whole.Paired, header.Prompts, folder),
            OtherSchedule = header.OtherSchedule,
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
            MetricCatalog.LatentSqnr,
            [
                .. images
                    .Select(i => i.Latents)
                    .OfType<(double Signal, double Noise)>()
                    .Select(l => SignalToNoise.Decibels(l.Signal, l.Noise)),
            ]
        );
        AddMean(
            MetricCatalog.NoiseSqnr,
            [.. images.Select(i => i.Steps.Average(s => SignalToNoise.Decibels(s.Signal, s.Noise)))]
        );
        var size = whole.Header.OutputLength;
        AddMean(MetricCatalog.NoiseError, [.. images.Select(i => i.Steps.Average(s => s.Noise / size))]);
        AddMean(MetricCatalog.ClipScore, [.. images.Select(i => i.Clip?.Model).OfType<double>()]);
        AddMean(MetricCatalog.ClipScore, [.. images.Select(i => i.Clip?.Float).OfType<double>()], floatMetrics);

        void AddMean(string name, double[] values, List<Metric>? target = null)
        {
            if (values.Length > 0)
            {
                (target ?? metrics).Add(
                    new(
                        name,
                        values.Average(),
                        values.Length,
                        values.Length > 1 ? Resampling.BootstrapError(values) : null
                    )
                    {
                        WithoutBlock = Resampling.MeansWithoutBlock(values),
                    }
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

        if (model.Images < LeastOfDistribution)
        {
            notes.Add(
                $"FID, KID, Inception Score, precision, recall and all else of a distribution cannot be measured on one image: at least {LeastOfDistribution} are needed, and hundreds to say something."
            );
            return;
        }

        AddDistribution(model, metrics, hasErrors: true);
        if (whole.Float is not { } exact)
        {
            return;
        }

        AddDistribution(exact, floatMetrics, hasErrors: false);
        metrics.Add(
            Jackknifed(
                MetricCatalog.FidToFloat,
                model,
                without => FrechetDistance.Between(model.Features(without), exact.Features(without))
            )
        );
        if (reference is not null)
        {
            metrics.Add(
                Jackknifed(
                    MetricCatalog.FidIncrease,
                    model,
                    without =>
                        FrechetDistance.Between(model.Features(without), reference.Features)
                        - FrechetDistance.Between(exact.Features(without), reference.Features)
                )
            );
        }
    }

    /// <summary>The metrics of one model's images.</summary>
    /// <param name="images">What is kept of them.</param>
    /// <param name="target">Where the metrics go.</param>
    /// <param name="hasErrors">Whether those metrics get an error that take long without a block.</param>
    private void AddDistribution(ImageStatistics images, List<Metric> target, bool hasErrors)
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
                {
                    WithoutBlock = Resampling.MeansWithoutBlock(scores),
                }
            );
        }

        if (reference is null)
        {
            return;
        }

        target.Add(
            Jackknifed(
                MetricCatalog.Fid,
                images,
                without => FrechetDistance.Between(images.Features(without), reference.Features)
            )
        );
        if (reference.Spatial is { } spatial && images.Spatial() is not null)
        {
            target.Add(
                Jackknifed(
                    MetricCatalog.SpatialFid,
                    images,
                    without => FrechetDistance.Between(images.Spatial(without)!, spatial),
                    hasErrors
                )
            );
        }

        if (reference.Reservoir.Length > 0)
        {
            AddOfRows(images, target, hasErrors);
        }
    }

    private void AddOfRows(ImageStatistics images, List<Metric> target, bool hasErrors)
    {
        var dimensions = reference!.Features.Dimensions;
        var count = images.Reservoir.Count;
        if (!IsEnough("KID", LeastOfDistribution, count))
        {
            return;
        }

        target.Add(
            Jackknifed(
                MetricCatalog.Kid,
                images,
                without =>
                    KernelDistance
                        .Between(
                            images.Rows(without),
                            reference.Reservoir,
                            dimensions,
                            without is null ? UsualSubsets : SubsetsWithoutBlock
                        )
                        .Mean,
                hasErrors
            )
        );
        if (!IsEnough("Precision and recall", FeatureManifold.UsualNeighbours + 1, count))
        {
            return;
        }

        var manifold = new FeatureManifold(reference.Reservoir, dimensions);
        var shares = new Dictionary<int, (double Precision, double Recall)>();
        target.Add(Jackknifed(MetricCatalog.Precision, images, without => Shares(without).Precision, hasErrors));
        target.Add(Jackknifed(MetricCatalog.Recall, images, without => Shares(without).Recall, hasErrors));

        (double Precision, double Recall) Shares(int? without) =>
            shares.TryGetValue(without ?? -1, out var known)
                ? known
                : shares[without ?? -1] = PrecisionRecall.Between(manifold, new(images.Rows(without), dimensions));
    }

    /// <summary>Whether metrics exist on so few images of model and reference; where not, a note says so, once for both models.</summary>
    private bool IsEnough(string inWords, int least, int images)
    {
        var others = reference!.Reservoir.Length / reference.Features.Dimensions;
        if (Math.Min(images, others) >= least)
        {
            return true;
        }

        var note =
            $"{inWords} cannot be measured on {images} images against {others} of the reference: at least {least} of each are needed.";
        if (!notes.Contains(note))
        {
            notes.Add(note);
        }

        return false;
    }

    /// <summary>
    /// A metric with its value without one block of images after the other, and the standard error that these give. Where a
    /// value is one of two models, both leave out the same images, for they were made from the same noise.
    /// </summary>
    /// <param name="name">The metric.</param>
    /// <param name="images">Whose blocks are left out.</param>
    /// <param name="value">The value without a block; without none for null.</param>
    /// <param name="hasError">Whether blocks are left out at all.</param>
    private static Metric Jackknifed(
        string name,
        ImageStatistics images,
        Func<int?, double> value,
        bool hasError = true
    )
    {
        var without = hasError && images.MayLeaveOut ? images.BlockIndices.Select(b => value(b)).ToArray() : null;
        return new(name, value(null), images.Images, without is null ? null : Resampling.JackknifeError(without))
        {
            WithoutBlock = without,
        };
    }
}
