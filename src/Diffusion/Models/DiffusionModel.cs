using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>A diffusion model as it lies on disk: the denoiser's graph, how it is called, and its noise schedule.</summary>
public sealed class DiffusionModel
{
    private readonly bool isOnDisk;

    private DiffusionModel(OnnxModel model, DenoiserContract contract, NoisePath schedule, bool isOnDisk)
    {
        this.isOnDisk = isOnDisk;
        Model = model;
        Contract = contract;
        Schedule = schedule;
    }

    /// <summary>The denoiser.</summary>
    public OnnxModel Model { get; }

    /// <summary>How the denoiser is called.</summary>
    public DenoiserContract Contract { get; }

    /// <summary>The noise schedule.</summary>
    public NoisePath Schedule { get; }

    /// <summary>The denoiser's file.</summary>
    public required string ModelPath { get; init; }

    /// <summary>The folder that holds all of the model's parts.</summary>
    public required string Folder { get; init; }

    /// <summary>Where its files lie; null for a model that was in memory already.</summary>
    public ModelLayout? Layout { get; private init; }

    /// <summary>The denoiser's <c>config.json</c>, or null.</summary>
    public string? ConfigPath { get; private init; }

    /// <summary>The <c>scheduler_config.json</c> that <see cref="Schedule"/> was read from, or null when it was given.</summary>
    public string? SchedulerConfigPath { get; private init; }

    /// <summary>The model's VAE decoder, or null where the folder has none and none was given.</summary>
    public string? VaeDecoderPath { get; private init; }

    /// <summary>The model's VAE encoder, which image-to-image needs; null where the folder has none.</summary>
    public string? VaeEncoderPath { get; private init; }

    /// <summary>
    /// All files that decide what this model is, as full paths: its graph and external data, its configurations, and places
    /// where a configuration would count if there were one. Empty for a model that was in memory already.
    /// </summary>
    public IReadOnlyList<string> Files { get; private init; } = [];

    /// <summary>Where <see cref="VaeDecoderPath"/> was looked for, as a full path; null for a model that was in memory already.</summary>
    public string? VaeDecoderPlace { get; private init; }

    /// <summary>C, H and W of a sample.</summary>
    public SampleShape SampleShape => Contract.SampleShape;

    /// <summary>The scale of guidance that pipelines of the model's family take where nobody says one; 1 for none.</summary>
    public double UsualGuidanceScale => UsualGuidance.Of(Contract, Schedule);

    /// <summary>Reads a model.</summary>
    /// <param name="path">An <c>.onnx</c> file, or a folder: diffusers or Optimum layout, OnnxStack layout, or flat.</param>
    /// <param name="options">What the files leave open.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1001 to DQ1011 from reading the graph; DQ1040 to DQ1048 and DQ1057
    /// when there is no model, it is no denoiser, or its sizes or schedule are not known.</exception>
    public static DiffusionModel Load(string path, ModelOptions? options = null)
    {
        options ??= ModelOptions.Default;
        var layout = ModelLayout.Find(path);
        var schedulePath = options.SchedulerConfigPath ?? layout.SchedulerPath;
        var config = layout.ConfigPath is null ? null : PartConfig.Load(layout.ConfigPath);
        var model = OnnxModel.Load(layout.ModelPath);
        // The roles come first: "this is a VAE" helps more than "it has no schedule".
        var schedule = options.Schedule ?? (schedulePath is null ? null : NoisePath.Load(schedulePath));
        var contract = ContractReader.Read(model, options, config, schedule?.TrainTimesteps);
        return new(model, contract, schedule ?? throw DiffusionErrors.NoSchedule(path), isOnDisk: true)
        {
            ModelPath = layout.ModelPath,
            Folder = layout.Root,
            Layout = layout,
            ConfigPath = layout.ConfigPath,
            SchedulerConfigPath = options.Schedule is null ? schedulePath : null,
            VaeDecoderPath = options.VaeDecoderPath ?? layout.VaeDecoderPath,
            VaeEncoderPath = layout.VaeEncoderPath,
            VaeDecoderPlace = Path.GetFullPath(options.VaeDecoderPath ?? layout.DecoderPlace),
            Files =
            [
                Path.GetFullPath(layout.ModelPath),
                .. model.DataFiles,
                .. layout.ConfigPlaces,
                .. options.SchedulerConfigPath is { } given ? [Path.GetFullPath(given)] : Array.Empty<string>(),
            ],
        };
    }

    /// <summary>Finds all files that decide how latents become images: the decoder's graph and external data, and where its
    /// configuration is looked for; or where the decoder would be, if there is none.</summary>
    /// <returns>Full paths, whether there is such a file or not.</returns>
    public IReadOnlyList<string> FindDecoderFiles() =>
        VaeDecoderPath is not null ? DecoderFiles.Of(VaeDecoderPath)
        : VaeDecoderPlace is not null ? [VaeDecoderPlace]
        : [];

    /// <summary>Says that the VAE decoder is none of this model's latents, before anything long begins.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1054: so it is; DQ1001 to DQ1011: its file cannot be read.</exception>
    public void CheckDecoder()
    {
        if (VaeDecoderPath is not null)
        {
            LatentDecoder.Check(VaeDecoderPath, Contract);
        }
    }

    /// <summary>Loads the denoiser for running.</summary>
    /// <param name="settings">Device and threads; by default the processor.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4001 to DQ4018: it cannot be loaded.</exception>
    public ModelSession LoadSession(SessionSettings? settings = null) =>
        isOnDisk ? ModelSession.Load(ModelPath, settings) : ModelSession.Load(Model, settings);

    /// <summary>Takes a model that is in memory already.</summary>
    /// <param name="model">The denoiser.</param>
    /// <param name="schedule">Its noise schedule.</param>
    /// <param name="options">What the graph leaves open.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1042 to DQ1044, DQ1057: it is no denoiser, or a size is not known.</exception>
    public static DiffusionModel Of(OnnxModel model, NoisePath schedule, ModelOptions? options = null) =>
        new(
            model,
            ContractReader.Read(model, options ?? ModelOptions.Default, config: null, schedule.TrainTimesteps),
            schedule,
            isOnDisk: false
        )
        {
            ModelPath = model.Path ?? model.Graph.Name,
            Folder = Path.GetDirectoryName(model.Path) ?? "",
        };
}
