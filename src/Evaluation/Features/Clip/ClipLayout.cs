namespace DiffusionQuant.Evaluation.Features.Clip;

/// <summary>Where the networks of a CLIP model lie in its folder: both in one file, as Optimum exports them, or in two, as
/// transformers.js has them; beside the tokenizer's files, or in a folder of their own.</summary>
internal static class ClipLayout
{
    /// <summary>The file with both networks.</summary>
    public const string Whole = "model.onnx";

    /// <summary>The text's network alone.</summary>
    public const string Text = "text_model.onnx";

    /// <summary>The pictures' network alone.</summary>
    public const string Vision = "vision_model.onnx";

    /// <summary>The folder that many repositories keep the networks in.</summary>
    public const string Inner = "onnx";

    /// <summary>The files of both networks, which may be one.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ3038: there are none.</exception>
    public static (string Text, string Vision) Find(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw ClipErrors.NotFound(
                folder,
                File.Exists(folder) ? "it is a file, and a folder is expected" : "there is no such folder"
            );
        }

        var missing = "it holds none of these files";
        foreach (var place in Folders(folder))
        {
            string At(string name) => Path.Combine(place, name);
            var (hasText, hasVision) = (File.Exists(At(Text)), File.Exists(At(Vision)));
            if (hasText && hasVision)
            {
                return (At(Text), At(Vision));
            }

            if (File.Exists(At(Whole)))
            {
                return (At(Whole), At(Whole));
            }

            if (hasText || hasVision)
            {
                missing = hasText ? $"{Vision} is missing beside {Text}" : $"{Text} is missing beside {Vision}";
            }
        }

        throw ClipErrors.NotFound(folder, missing);
    }

    /// <summary>The files that may be looked at, whether they are there or not.</summary>
    public static IEnumerable<string> Places(string folder) =>
        Folders(folder).SelectMany(place => new[] { Text, Vision, Whole }.Select(name => Path.Combine(place, name)));

    private static string[] Folders(string folder) => [folder, Path.Combine(folder, Inner)];
}
