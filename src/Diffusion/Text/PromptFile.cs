using System.Text;

namespace DiffusionQuant.Diffusion;

/// <summary>Prompts in a text file: UTF-8, one a line; empty lines are none.</summary>
public static class PromptFile
{
    private static readonly UTF8Encoding Strict = new(
        encoderShouldEmitUTF8Identifier: false,
        throwOnInvalidBytes: true
    );

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The prompts in their order, at least one.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1069: it is missing, empty or not UTF-8.</exception>
    public static IReadOnlyList<string> Read(string path)
    {
        string text;
        try
        {
            text = Strict.GetString(File.ReadAllBytes(path));
        }
        catch (DecoderFallbackException e)
        {
            throw DiffusionErrors.BadPromptFile(path, $"it is not UTF-8 (at byte {e.Index})", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiffusionErrors.BadPromptFile(path, e.Message.TrimEnd('.'), e);
        }

        // Editors of some systems put a byte order mark first.
        string[] prompts =
        [
            .. text.TrimStart('\uFEFF').Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0),
        ];
        return prompts.Length > 0 ? prompts : throw DiffusionErrors.BadPromptFile(path, "it holds no prompt");
    }
}
