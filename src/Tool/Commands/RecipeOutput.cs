using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Artifacts;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Tool.Commands;

/// <summary>The recipe file that a search leaves; checked before long work begins, so that nothing is lost behind it.</summary>
internal sealed class RecipeOutput
{
    private RecipeOutput(string path) => Path = path;

    /// <summary>The file's full path.</summary>
    public string Path { get; }

    /// <summary>Names the file.</summary>
    /// <exception cref="DiffusionQuantException">DQ1132: something else is there. DQ1122: its folder cannot be made.</exception>
    public static RecipeOutput Open(string path)
    {
        var full = System.IO.Path.GetFullPath(path);
        if (Directory.Exists(full) || (File.Exists(full) && !WasSearched(full)))
        {
            throw ToolErrors.NoSearchedRecipe(full);
        }

        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(full)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ToolErrors.CannotWrite(full, e);
        }

        return new(full);
    }

    /// <summary>Writes it.</summary>
    /// <exception cref="DiffusionQuantException">DQ1122: it cannot be written.</exception>
    public void Write(string text)
    {
        try
        {
            AtomicFile.WriteText(Path, text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ToolErrors.CannotWrite(Path, e);
        }
    }

    private static bool WasSearched(string path)
    {
        try
        {
            return RecipeFile.Read(path).WeightsSha256 is not null;
        }
        catch (DiffusionQuantException)
        {
            return false;
        }
    }
}
