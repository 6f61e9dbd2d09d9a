using System.Text.RegularExpressions;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>The words that recipes and options use for the values of enumerations: <c>class-label</c> for <c>ClassLabel</c>.</summary>
public static partial class RecipeWords
{
    /// <summary>The word of a value.</summary>
    public static string Of<T>(T value)
        where T : struct, Enum => InnerCapitals().Replace(value.ToString(), "-").ToLowerInvariant();

    /// <summary>The words of an enumeration, in its order.</summary>
    public static IReadOnlyList<string> All<T>()
        where T : struct, Enum => [.. Enum.GetValues<T>().Select(Of)];

    /// <summary>The value of a word; case does not matter.</summary>
    /// <param name="key">The recipe's key or option, for the message.</param>
    /// <param name="word">The word.</param>
    /// <exception cref="DiffusionQuantException">DQ1080: there is no such word.</exception>
    public static T Parse<T>(string key, string word)
        where T : struct, Enum
    {
        foreach (var value in Enum.GetValues<T>())
        {
            if (Of(value).Equals(word.Trim(), StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        throw RecipeErrors.UnknownWord(key, word, All<T>());
    }

    /// <summary>The words of the solvers.</summary>
    public static IReadOnlyList<string> Solvers => [.. SolverKind.All.Select(k => k.Name)];

    /// <summary>The solver of a word; case does not matter.</summary>
    /// <param name="key">The recipe's key or option, for the message.</param>
    /// <param name="word">The word.</param>
    /// <exception cref="DiffusionQuantException">DQ1080: there is no such word.</exception>
    public static SolverKind Solver(string key, string word) =>
        SolverKind.Find(word.Trim().ToLowerInvariant()) ?? throw RecipeErrors.UnknownWord(key, word, Solvers);

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])")]
    private static partial Regex InnerCapitals();
}
