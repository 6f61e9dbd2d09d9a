using DiffusionQuant.Diffusion;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Tool;

/// <summary>The files that a model is read from.</summary>
/// <param name="Content">Those that exist, each with a name that does not depend on where the model lies.</param>
/// <param name="All">Those, the places where others would count, and the files that an artifact copies, as full paths.</param>
internal sealed record ModelFiles(IReadOnlyList<(string Name, string Path)> Content, IReadOnlyList<string> All)
{
    /// <summary>Finds them.</summary>
    /// <param name="path">An <c>.onnx</c> file or a model's folder.</param>
    /// <param name="recipe">Says what the model's inputs mean.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ10xx: it is no diffusion model that can be read.</exception>
    public static ModelFiles Find(string path, Recipe recipe)
    {
        var model = DiffusionModel.Load(path, recipe.ToModelOptions());
        var files = new List<(string Name, string Path)> { ("model.onnx", model.ModelPath) };
        var folder = Path.GetDirectoryName(Path.GetFullPath(model.ModelPath))!;
        files.AddRange(
            model.Model.DataFiles.Select(f => ($"data/{Path.GetRelativePath(folder, f).Replace('\\', '/')}", f))
        );
        if (model.ConfigPath is { } config)
        {
            files.Add(("config.json", config));
        }

        if (model.SchedulerConfigPath is { } scheduler)
        {
            files.Add(("scheduler_config.json", scheduler));
        }

        // What a prompt gives is part of a result, too.
        using var text = recipe.Prompts is null ? null : PromptEncoder.Of(model);
        files.AddRange(
            (text?.Files ?? [])
                .Where(File.Exists)
                .Select(f => ($"text/{Path.GetRelativePath(Path.GetFullPath(model.Folder), f).Replace('\\', '/')}", f))
        );
        var others = model
            .Layout!.FindOtherFiles()
            .Select(f => (Name: $"parts/{f}", Path: Path.GetFullPath(Path.Combine(model.Folder, f))))
            .ToArray();
        // A part is calibrated on what others make: the VAE's encoder on pictures of its decoder.
        files.AddRange(recipe.Parts.Count > 0 ? others : []);
        return new(files, [.. model.Files, .. text?.Files ?? [], .. others.Select(o => o.Path)]);
    }
}
