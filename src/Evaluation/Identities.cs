namespace DiffusionQuant.Evaluation;

/// <summary>A model that was evaluated.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Sha256">Over its graph's file and the external data, in lower-case hexadecimal.</param>
/// <param name="Bytes">Bytes of the graph's file and the external data.</param>
/// <param name="Bits">The recipe's bits (<c>W4A8</c>); null for a model in float or of another tool.</param>
/// <param name="Method">The recipe's method; null as above.</param>
/// <param name="RecipeHash">SHA-256 of the recipe; null as above.</param>
public sealed record ModelIdentity(
    string Name,
    string Sha256,
    long Bytes,
    string? Bits = null,
    string? Method = null,
    string? RecipeHash = null
)
{
    /// <summary>What a model is called after: its folder, or its file without the ending.</summary>
    public static string NameOf(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        // A dot in a folder's name begins no ending: stable-diffusion-1.5.
        return Directory.Exists(full) ? Path.GetFileName(full) : Path.GetFileNameWithoutExtension(full);
    }
}

/// <summary>The network whose features distribution metrics compare, with its preprocessing.</summary>
/// <param name="Name">What people call it: <c>fashion-resnet20</c>.</param>
/// <param name="Sha256">Over its weights and all settings that change a feature, in lower-case hexadecimal.</param>
/// <param name="IsStandardInception">Whether it is the Inception network of 2015 that the name FID alone stands for.</param>
public sealed record ExtractorIdentity(string Name, string Sha256, bool IsStandardInception = false)
{
    /// <summary>A metric's title with the extractor's name, or without where it is the standard one: <c>FID[fashion-resnet20]</c>.</summary>
    public string Label(string title) => IsStandardInception ? title : $"{title}[{Name}]";
}

/// <summary>The model that compares pictures with their prompts.</summary>
/// <param name="Name">What people call it: <c>clip-vit-base-patch32</c>.</param>
/// <param name="Sha256">Over its networks, its tokenizer and how it prepares pictures, in lower-case hexadecimal.</param>
public sealed record ClipIdentity(string Name, string Sha256);

/// <summary>The set of images that distribution metrics compare with.</summary>
/// <param name="Name">What people call it: <c>fashion-mnist</c>.</param>
/// <param name="Sha256">Over its statistics, in lower-case hexadecimal.</param>
/// <param name="Images">How many images it has.</param>
public sealed record ReferenceIdentity(string Name, string Sha256, long Images);
