using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Evaluation.Features;
using DiffusionQuant.Evaluation.Features.Clip;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Datasets;
using DiffusionQuant.Quantization.Recipes;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Evaluation.Runs;

/// <summary>An evaluation with everything decided that its request left open: identities, numbers of images, batches.</summary>
public sealed class EvaluationSetup : IDisposable
{
    private readonly EvaluationRequest request;
    private readonly TestedModel model;
    private readonly TestedModel? floatModel;
    private readonly FeatureExtractor? extractor;
    private readonly ClipModel? clip;
    private readonly TrajectorySettings settings;
    private readonly EncodedPrompts text;
    private string? partKey;

    private EvaluationSetup(
        EvaluationRequest request,
        TestedModel model,
        TestedModel? floatModel,
        TrajectorySettings settings,
        FeatureExtractor? extractor,
        ReferenceStatistics? reference,
        ClipModel? clip,
        PartHeader header
    )
    {
        this.request = request;
        this.model = model;
        this.floatModel = floatModel;
        this.settings = settings;
        text = new(request, settings);
        this.extractor = extractor;
        this.clip = clip;
        Reference = reference;
        Header = header;
        Shape = extractor is null ? null : StatisticsShape.Of(extractor, reference);
        var range = BatchRange();
        FirstImage = Math.Min(range.Start.Value * header.BatchSize, header.Images);
        EndImage = Math.Min(range.End.Value * header.BatchSize, header.Images);
    }

    /// <summary>What the run is.</summary>
    public PartHeader Header { get; }

    /// <summary>The reference; null for none.</summary>
    public ReferenceStatistics? Reference { get; }

    /// <summary>Whether there is a float model to compare with.</summary>
    public bool HasFloat => floatModel is not null;

    /// <summary>The first image of the part.</summary>
    public int FirstImage { get; }

    /// <summary>The image behind the part's last.</summary>
    public int EndImage { get; }

    /// <summary>Names what the float model gives for this part, in a cache for instance.</summary>
    public string BaselineKey =>
        Key([
            Evaluator.AlgorithmVersion,
            EvaluationPart.Format,
            Header.Float?.Sha256,
            .. Header.Sampling.Settings,
            Header.Extractor,
            Header.Reference,
            Header.PairedImages,
            Header.DistributionImages,
            Header.BatchSize,
            FirstImage,
            EndImage,
            Header.RuntimeVersion,
            request.Session.Device.Kind,
        ]);

    /// <summary>Names what the model gives for this part.</summary>
    public string PartKey =>
        partKey ??= Key([
            BaselineKey,
            Header.Model.Sha256,
            // Parts of its own make other pictures of the same latents, and other states of the same prompts.
            Decoder(model),
            request.Prompts is null ? null : EncodedPrompts.IdentityOf(Speaker(model)),
            // The float model's pictures are scored beside the others, so that no baseline depends on it.
            Header.Clip?.Sha256,
        ]);

    /// <summary>Threads; 0 for one per core.</summary>
    internal int Threads => request.Session.Threads;

    /// <summary>The time between two savings of a checkpoint.</summary>
    internal TimeSpan SaveInterval { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Whether the samples are latents, which are then compared themselves.</summary>
    internal bool MakesLatents => model.MakesLatents;

    /// <summary>What the extractor gives; null where no distribution is measured.</summary>
    internal StatisticsShape? Shape { get; }

    /// <summary>
    /// Finds all files and folders that decide the result, whether they exist or not: those of the float model (of the model
    /// under test where there is none), of its decoder, the extractor and the CLIP model, the reference and the conditioning.
    /// </summary>
    public IReadOnlyList<string> FindFiles()
    {
        var source = (floatModel ?? model).Model;
        string?[] named = [request.Reference, request.Conditioning, request.Prompts];
        return
        [
            .. source.Files,
            .. source.FindDecoderFiles(),
            .. FindTextFiles(source),
            .. extractor?.Files ?? [],
            .. clip?.Files ?? [],
            .. named.OfType<string>().Where(Path.Exists),
        ];
    }

    /// <summary>Reads the models and decides.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3010, DQ3011: the models do not pair, or a number is not allowed;
    /// DQ3017: a CLIP model has nothing to compare; further codes from reading models, extractor, reference and CLIP model.</exception>
    public static EvaluationSetup Of(EvaluationRequest request)
    {
        var made = MadeBy.Find(request.ModelPath);
        var options = made?.Options(request.Model) ?? request.Model;
        var floatModel = request.FloatPath is null ? null : TestedModel.Read(request.FloatPath, options);
        // A quantized model need have neither schedule nor decoder nor config.json beside it.
        var model = floatModel is null
            ? TestedModel.Read(request.ModelPath, options)
            : TestedModel.Read(
                request.ModelPath,
                options with
                {
                    Schedule = floatModel.Model.Schedule,
                    VaeDecoderPath =
                        options.VaeDecoderPath
                        ?? ModelLayout.Find(request.ModelPath).VaeDecoderPath
                        ?? floatModel.Model.VaeDecoderPath,
                    SampleSize = (floatModel.Model.SampleShape.Height, floatModel.Model.SampleShape.Width),
                    Channels = floatModel.Model.SampleShape.Channels,
                    ClassCount = floatModel.Model.Contract.ClassCount,
                    NullClass = floatModel.Model.Contract.NullClass,
                    TimestepScale = floatModel.Model.Contract.TimestepScale,
                },
                floatModel.Identity.Name
            );
        if (floatModel is not null)
        {
            CheckPair(model, floatModel, made);
        }

        var sampled = (floatModel ?? model).Model;
        if (request.Prompts is not null)
        {
            // Refused here where it takes none.
            PromptEncoder.Of(sampled).Dispose();
        }

        var settings = new TrajectorySettings
        {
            Sampler = SamplerOf(request, made?.Recipe),
            Seed = request.Seed,
            GuidanceScale =
                request.GuidanceScale
                ?? made?.Recipe.GuidanceScale
                ?? (request.Prompts is null ? 1 : sampled.UsualGuidanceScale),
            Conditioning = request.Conditioning is { } path ? ConditioningSet.Load(path) : ConditioningSet.Empty,
        };
        var notes = new List<string>();
        var (paired, distribution) = Counts(request, model, floatModel, notes);
        var clip = ClipChoice.Find(request, model, paired);
        var extractor = distribution == 0 ? null : FeatureChoice.FindExtractor(request, model, notes);
        if (extractor is null)
        {
            distribution = 0;
        }

        try
        {
            if (Math.Max(paired, distribution) == 0)
            {
                throw EvaluationErrors.NothingToMeasure(request.ModelPath, string.Join(' ', notes));
            }

            var reference = extractor is null ? null : FeatureChoice.FindReference(request, extractor, notes);
            var shape = model.Model.SampleShape;
            var header = new PartHeader
            {
                ToolVersion = typeof(EvaluationSetup)
                    .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
                    .InformationalVersion,
                AlgorithmVersion = Evaluator.AlgorithmVersion,
                RuntimeVersion = OrtEnv.Instance().GetVersionString(),
                Device = request.Session.Device.ToString(),
                Command = request.Command,
                Model = made is null
                    ? model.Identity
                    : model.Identity with
                    {
                        Bits = $"{made.Recipe.Bits}",
                        Method = made.Recipe.Method,
                        RecipeHash = made.Report.RecipeHash,
                    },
                Float = floatModel?.Identity,
                Sampling = SamplingIdentity.Of(sampled, settings, request.Conditioning, request.Prompts),
                Timesteps = [.. settings.Sampler.CreateSolver(model.Model.Schedule).Timesteps],
                OutputLength = shape.Height * shape.Width * model.Model.Contract.OutputChannels,
                Extractor = extractor?.Identity,
                Reference = reference?.Identity,
                Clip = clip?.Identity,
                ReferenceSource = request.Reference ?? reference?.Name,
                PairedImages = paired,
                DistributionImages = distribution,
                BatchSize = Within("The batch", request.BatchSize ?? ImageCounts.Batch(shape), 1, 4096),
                ShardIndex = request.Shard.Index,
                ShardCount = request.Shard.Count,
                Layers = ModelFacts.Layers(made?.Report),
                Fallback = made?.Report.Fallback,
                BitOperations = made?.Report.BitOperations,
                Size = floatModel is null ? null : ModelFacts.Size(model, floatModel, made?.Report),
                OtherSchedule =
                    floatModel is null || made is null
                        ? null
                        : FindOtherSchedule(request.ModelPath, floatModel.Model.Schedule.Config),
                Prompts = request.Prompts is null
                    ? null
                    : [.. PromptFile.Read(request.Prompts).Take(Math.Max(paired, 1))],
                Notes = notes,
            };
            return new(request, model, floatModel, settings, extractor, reference, clip, header);
        }
        catch
        {
            extractor?.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => extractor?.Dispose();

    /// <summary>The part's images in the batches that they are computed in. Their bounds are those of the whole run.</summary>
    internal IReadOnlyList<int[]> Batches() =>
        [.. Enumerable.Range(FirstImage, EndImage - FirstImage).Chunk(Header.BatchSize)];

    /// <summary>Whether images of a batch are compared with the float model's.</summary>
    internal bool IsPaired(int[] batch) => batch[0] < Header.PairedImages;

    internal ModelRun LoadModel() => Load(model);

    internal ModelRun LoadFloat() => Load(floatModel!);

    /// <summary>What scores pictures by their prompts; null where nothing does.</summary>
    internal ClipScorer? LoadClip() => clip is null ? null : new(clip, request.Session);

    internal ImageStatistics? NewStatistics() => Shape is null ? null : new(Header.DistributionImages, Shape);

    internal ImageStatistics? ReadStatistics(BinaryReader reader) =>
        Shape is null ? null : ImageStatistics.Read(reader, Header.DistributionImages, Shape);

    /// <summary>Adds a batch's images to statistics, as far as they are among those of distributions.</summary>
    internal void Observe(
        ImageStatistics? statistics,
        int[] batch,
        IReadOnlyList<RasterImage>? images,
        CancellationToken cancellation
    )
    {
        var count = Math.Min(batch.Length, Header.DistributionImages - batch[0]);
        if (statistics is not null && images is not null && count > 0)
        {
            statistics.Add(batch[..count], extractor!.Extract([.. images.Take(count)], cancellation));
        }
    }

    private static SamplerSettings SamplerOf(EvaluationRequest request, Recipe? recipe)
    {
        var settings = recipe?.ToSamplerSettings() ?? SamplerSettings.Default;
        return settings with
        {
            Kind = request.Sampler ?? settings.Kind,
            Steps = request.Steps ?? settings.Steps,
            // The recipe's η is that of its own sampler, and others have none.
            Eta = request.Eta ?? (request.Sampler is { } kind && kind != settings.Kind ? null : settings.Eta),
            Quadratic = request.TimeGrid is { } grid ? grid == TimeGridKind.Quadratic : settings.Quadratic,
        };
    }

    private static void CheckPair(TestedModel model, TestedModel floatModel, MadeBy? made)
    {
        var (mine, theirs) = (model.Model.Contract, floatModel.Model.Contract);
        var why =
            mine.SampleShape != theirs.SampleShape ? $"their samples are {mine.SampleShape} and {theirs.SampleShape}"
            : mine.OutputChannels != theirs.OutputChannels
                ? $"their outputs have {mine.OutputChannels} and {theirs.OutputChannels} channels"
            : made?.Report.Source.Sha256 is { } source && source != floatModel.Identity.Sha256
                ? $"the quantized one was made from another model (SHA-256 {source[..12]}..., not {floatModel.Identity.Sha256[..12]}...)"
            : SettingDifference.Find(DenoiserIdentity.Of(mine).Settings, DenoiserIdentity.Of(theirs).Settings);
        if (why is not null)
        {
            throw EvaluationErrors.ModelsDoNotPair(model.Path, floatModel.Path, why);
        }
    }

    /// <summary>How the schedule beside a quantized model, by which an app samples it, differs from the float model's.</summary>
    private static string? FindOtherSchedule(string modelPath, SchedulerConfig measured)
    {
        return ModelLayout.Find(modelPath).SchedulerPath is { } file
            ? SettingDifference.Find(
                ScheduleIdentity.Of(SchedulerConfig.Load(file)).Settings,
                ScheduleIdentity.Of(measured).Settings
            )
            : null;
    }

    private static (int Paired, int Distribution) Counts(
        EvaluationRequest request,
        TestedModel model,
        TestedModel? floatModel,
        List<string> notes
    )
    {
        const int Most = 10_000_000;
        var bytes = floatModel?.Identity.Bytes ?? model.Identity.Bytes;
        var shape = model.Model.SampleShape;
        var paired = floatModel is null
            ? 0
            : Within("The number of paired images", request.PairedImages ?? ImageCounts.Paired(bytes, shape), 0, Most);
        if (request.DistributionImages is { } given)
        {
            return (paired, Within("The number of images", given, 0, Most));
        }

        var distribution = ImageCounts.Distribution(bytes, shape);
        if (distribution == 0)
        {
            notes.Add(
                $"No distribution of images was measured: images of a model of this size ({shape}) take too long to be made in hundreds unasked. Name a number of images to measure it."
            );
        }

        return (paired, distribution);
    }

    private static int Within(string setting, int value, int least, int most) =>
        value >= least && value <= most ? value : throw EvaluationErrors.BadCount(setting, value, least, most);

    private static string Key(IEnumerable<object?> parts) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))));

    private ModelRun Load(TestedModel tested) =>
        new(
            tested.Model,
            request.Session,
            request.Prompts is null ? settings : settings with { Conditioning = text.Of(Speaker(tested)) }
        );

    /// <summary>The model whose text encoders read the prompts: a denoiser that was quantized alone has none.</summary>
    private DiffusionModel Speaker(TestedModel tested) =>
        floatModel is not null && !PromptEncoder.Exists(tested.Model) ? floatModel.Model : tested.Model;

    private static string? Decoder(TestedModel tested) =>
        tested.Model.VaeDecoderPath is { } path ? DecoderIdentity.Of(path, tested.Model.Contract).ToString() : null;

    private IReadOnlyList<string> FindTextFiles(DiffusionModel source)
    {
        if (request.Prompts is null)
        {
            return [];
        }

        using var encoder = PromptEncoder.Of(source);
        return encoder.Files;
    }

    private Range BatchRange()
    {
        var batches = (Header.Images + Header.BatchSize - 1) / Header.BatchSize;
        return request.Shard.Of(batches);
    }
}
