namespace DiffusionQuant.Diffusion;

/// <summary>Where a model's files lie. Known: diffusers and Optimum folders, OnnxStack folders (no configs), a flat folder
/// with <c>model.onnx</c> and <c>scheduler_config.json</c>, and a single file.</summary>
public sealed record ModelLayout
{
    /// <summary>The usual name of a part's graph.</summary>
    public const string ModelFile = "model.onnx";

    /// <summary>The name of the file that holds the noise schedule.</summary>
    public const string SchedulerFile = "scheduler_config.json";

    /// <summary>The folder that <see cref="SchedulerFile"/> lies in where a pipeline has folders.</summary>
    public const string SchedulerFolder = "scheduler";
    private static readonly string[] DenoiserFolders = ["unet", "transformer"];

    private ModelLayout() { }

    /// <summary>The denoiser's file.</summary>
    public required string ModelPath { get; init; }

    /// <summary>The folder that holds all parts.</summary>
    public required string Root { get; init; }

    /// <summary>The denoiser's folder below <see cref="Root"/>, <c>unet</c> or <c>transformer</c>, where a whole pipeline was
    /// named; empty where the denoiser alone was, or nothing else is there.</summary>
    public required string DenoiserFolder { get; init; }

    /// <summary>The denoiser's <c>config.json</c>; null where there is none.</summary>
    public string? ConfigPath { get; private init; }

    /// <summary>The noise schedule's file; null where there is none.</summary>
    public string? SchedulerPath { get; private init; }

    /// <summary>The VAE decoder's file; null where there is none.</summary>
    public string? VaeDecoderPath { get; private init; }

    /// <summary>The VAE encoder's file; null where there is none.</summary>
    public string? VaeEncoderPath { get; private init; }

    /// <summary>Where configurations were looked for, whether they are there or not: one that comes later may take the place
    /// of another.</summary>
    internal IReadOnlyList<string> ConfigPlaces { get; private init; } = [];

    /// <summary>Where the decoder was looked for.</summary>
    internal string DecoderPlace { get; private init; } = "";

    /// <summary>Finds a model's files; none of them is read.</summary>
    /// <param name="path">An <c>.onnx</c> file, or a folder: diffusers or Optimum layout, OnnxStack layout, or flat.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1040, DQ1041: there is no denoiser, or there are several.</exception>
    public static ModelLayout Find(string path)
    {
        path = Path.TrimEndingDirectorySeparator(path);
        var isFolder = Directory.Exists(path);
        if (!isFolder && !File.Exists(path))
        {
            throw DiffusionErrors.NoModel(path, "this path");
        }

        var model = isFolder ? FindModel(path) : path;
        var folder = Path.GetDirectoryName(Path.GetFullPath(model))!;
        var parent = Path.GetDirectoryName(folder);
        // A variant lies one folder deeper: unet/Turbo/model.onnx.
        var grandparent = parent is null ? null : Path.GetDirectoryName(parent);
        string?[] parents = [folder, parent, grandparent];
        string[] schedulers =
        [
            Path.Combine(folder, SchedulerFile),
            .. parents.OfType<string>().Select(p => Path.Combine(p, SchedulerFolder, SchedulerFile)),
        ];
        var scheduler = schedulers.FirstOrDefault(File.Exists);
        var root =
            isFolder ? path
            : scheduler is not null && Path.GetFileName(Path.GetDirectoryName(scheduler)) == SchedulerFolder
                ? Path.GetDirectoryName(Path.GetDirectoryName(scheduler))!
            : DenoiserFolders.Contains(Path.GetFileName(folder)) && parent is not null ? parent
            : folder;
        var config = Path.Combine(folder, "config.json");
        var decoder = Path.GetFullPath(Path.Combine(root, "vae_decoder", ModelFile));
        var part = Path.GetFileName(folder);
        var isPart = isFolder && DenoiserFolders.Contains(part) && PipelineParts.HaveNetwork(root);
        return new()
        {
            ModelPath = model,
            Root = root,
            DenoiserFolder = isPart ? part : "",
            ConfigPath = Existing(config),
            SchedulerPath = scheduler,
            VaeDecoderPath = Existing(decoder),
            VaeEncoderPath = Existing(Path.Combine(root, "vae_encoder", ModelFile)),
            ConfigPlaces = [config, .. schedulers],
            DecoderPlace = decoder,
        };
    }

    /// <summary>The files of a pipeline's other parts: networks, tokenizers, settings. Weights of other frameworks are left
    /// out, and so are all where the denoiser alone was named.</summary>
    /// <returns>Each by its path below <see cref="Root"/>, with forward slashes.</returns>
    public IReadOnlyList<string> FindOtherFiles() =>
        DenoiserFolder.Length == 0 ? [] : [.. PipelineParts.Files(Root, DenoiserFolder)];

    /// <summary>Whether a file or folder of this name belongs into a model's folder.</summary>
    /// <param name="name">The name, without folders.</param>
    public static bool IsOfModel(string name) =>
        DenoiserFolders.Contains(name)
        || name is ModelFile or ModelFile + ".data"
        || name.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
        || PipelineParts.IsOfPipeline(name);

    /// <summary>The networks of a pipeline's other parts: each folder's name and its graph's file.</summary>
    public IReadOnlyDictionary<string, string> FindOtherNetworks() =>
        DenoiserFolder.Length == 0
            ? new Dictionary<string, string>()
            : PipelineParts.Networks(Root, DenoiserFolder).ToDictionary(n => n.Part, n => n.Path);

    private static string FindModel(string folder)
    {
        var parts = DenoiserFolders.Select(part => Path.Combine(folder, part)).Where(Directory.Exists).ToArray();
        var found = parts
            .Select(part => Existing(Path.Combine(part, ModelFile)) ?? OnlyModel(part))
            .OfType<string>()
            .ToArray();
        return found.Length switch
        {
            1 => found[0],
            > 1 => throw DiffusionErrors.SeveralModels(folder, string.Join(", ", found)),
            _ => Existing(Path.Combine(folder, ModelFile))
                ?? OnlyModel(folder)
                ?? throw DiffusionErrors.NoModel(
                    folder,
                    "unet/model.onnx, transformer/model.onnx, model.onnx, or a single .onnx file"
                ),
        };
    }

    private static string? OnlyModel(string folder)
    {
        var files = Directory.GetFiles(folder, "*.onnx").Order(StringComparer.Ordinal).ToArray();
        return files.Length switch
        {
            0 => null,
            1 => files[0],
            _ => throw DiffusionErrors.SeveralModels(folder, string.Join(", ", files.Select(f => Path.GetFileName(f)))),
        };
    }

    private static string? Existing(string path) => File.Exists(path) ? path : null;
}
