namespace DiffusionQuant.Diffusion;

/// <summary>Where a model's files lie. Known: diffusers and Optimum folders, OnnxStack folders (no configs), a flat folder
/// with <c>model.onnx</c> and <c>scheduler_config.json</c>, and a single file.</summary>
internal sealed record ModelLayout
{
    private const string ModelFile = "model.onnx";
    private const string SchedulerFile = "scheduler_config.json";
    private static readonly string[] DenoiserFolders = ["unet", "transformer"];

    /// <summary>The denoiser's file.</summary>
    public required string ModelPath { get; init; }

    /// <summary>The folder that holds all parts.</summary>
    public required string Root { get; init; }

    public string? ConfigPath { get; private init; }

    public string? SchedulerPath { get; private init; }

    public string? VaeDecoderPath { get; private init; }

    public string? VaeEncoderPath { get; private init; }

    /// <summary>Where configurations were looked for, whether they are there or not: one that comes later may take the place
    /// of another.</summary>
    public required IReadOnlyList<string> ConfigPlaces { get; init; }

    /// <summary>Where the decoder was looked for.</summary>
    public required string DecoderPlace { get; init; }

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
            .. parents.OfType<string>().Select(p => Path.Combine(p, "scheduler", SchedulerFile)),
        ];
        var scheduler = schedulers.FirstOrDefault(File.Exists);
        var root =
            isFolder ? path
            : scheduler is not null && Path.GetFileName(Path.GetDirectoryName(scheduler)) == "scheduler"
                ? Path.GetDirectoryName(Path.GetDirectoryName(scheduler))!
            : DenoiserFolders.Contains(Path.GetFileName(folder)) && parent is not null ? parent
            : folder;
        var config = Path.Combine(folder, "config.json");
        var decoder = Path.GetFullPath(Path.Combine(root, "vae_decoder", ModelFile));
        return new()
        {
            ModelPath = model,
            Root = root,
            ConfigPath = Existing(config),
            SchedulerPath = scheduler,
            VaeDecoderPath = Existing(decoder),
            VaeEncoderPath = Existing(Path.Combine(root, "vae_encoder", ModelFile)),
            ConfigPlaces = [config, .. schedulers],
            DecoderPlace = decoder,
        };
    }

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
