namespace DiffusionQuant.Diffusion;

/// <summary>What a folder's <c>model_index.json</c> says of its prompts.</summary>
internal sealed record PipelineIndex
{
    /// <summary>The pipeline's class in diffusers; empty where there is no such file.</summary>
    public string ClassName { get; init; } = "";

    /// <summary>Whether SDXL takes zeros for no negative prompt.</summary>
    public bool ZerosForNothing { get; init; } = true;

    /// <summary>Reads it, if it is there.</summary>
    public static PipelineIndex Load(string path)
    {
        if (!File.Exists(path))
        {
            return new();
        }

        var json = JsonConfig.Load(path);
        return new()
        {
            ClassName = json.Text("_class_name", ""),
            ZerosForNothing = json.Flag("force_zeros_for_empty_prompt", true),
        };
    }
}
