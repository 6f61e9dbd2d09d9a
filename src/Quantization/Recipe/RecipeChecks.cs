using System.Collections.Immutable;
using System.Numerics;
using System.Text.RegularExpressions;
using DiffusionQuant.Diffusion;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>The checks of a recipe's values; each returns the value in its canonical form.</summary>
internal static partial class RecipeChecks
{
    public static T Range<T>(string key, T value, T least, T most)
        where T : INumber<T> =>
        // Written so that NaN is refused.
        value >= least
        && value <= most
            ? value
            : throw RecipeErrors.OutOfRange(key, $"{value}", $"{least}", $"{most}");

    /// <summary>As the other; null stays null.</summary>
    public static T? Range<T>(string key, T? value, T least, T most)
        where T : struct, INumber<T> => value is { } given ? Range(key, given, least, most) : null;

    /// <summary>Refuses what would mean nothing beside the rest.</summary>
    public static void Together(Recipe recipe)
    {
        if (recipe is { Sampler: { TakesEta: false } sampler, Eta: not (null or 0) })
        {
            throw RecipeErrors.EtaWithout(sampler);
        }

        if (recipe.TimestepSampling is { } law)
        {
            LawHas(recipe, law);
        }
    }

    /// <summary>Refuses a mean or deviation where the law of timesteps has none.</summary>
    public static void LawHas(Recipe recipe, TimestepLaw law)
    {
        var isNormal = law is TimestepLaw.Normal or TimestepLaw.NormalPtq4dm;
        if (!isNormal && (recipe.TimestepMean ?? recipe.TimestepDeviation) is not null)
        {
            throw RecipeErrors.NoNormalLaw(RecipeWords.Of(law));
        }
    }

    public static string Name(string key, string value) =>
        NamePattern().IsMatch(value.Trim())
            ? value.Trim().ToLowerInvariant()
            : throw RecipeErrors.BadValue(key, value, "a name of letters, digits and hyphens");

    public static string Device(string value) =>
        DevicePattern().IsMatch(value.Trim()) ? value.Trim().ToLowerInvariant() : throw RecipeErrors.BadDevice(value);

    public static ImmutableSortedDictionary<string, string> Roles(ImmutableSortedDictionary<string, string> roles)
    {
        // The order is part of the hash, so a caller's comparer must not decide it.
        var result = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, role) in roles)
        {
            if (name.Trim().Length == 0 || role.Trim().Length == 0)
            {
                throw RecipeErrors.BadInputRole($"{name}={role}");
            }

            result[name] = RecipeWords.Of(RecipeWords.Parse<DenoiserRole>(RecipeKeys.InputRoles, role));
        }

        return result.ToImmutable();
    }

    public static ImmutableSortedDictionary<string, string> Parts(ImmutableSortedDictionary<string, string> parts) =>
        parts.ToImmutableSortedDictionary(
            p => p.Key,
            p => Quantization.Parts.PartForm.Parse(p.Key, p.Value).Word,
            StringComparer.Ordinal
        );

    public static ImmutableSortedDictionary<string, int> Dimensions(ImmutableSortedDictionary<string, int> dimensions)
    {
        foreach (var (name, size) in dimensions)
        {
            Range($"{RecipeKeys.Dimensions}.{name}", size, 1, 1_000_000);
        }

        return dimensions.WithComparers(StringComparer.Ordinal);
    }

    public static string? Sha256(string key, string? value) =>
        value is null || Sha256Pattern().IsMatch(value.Trim())
            ? value?.Trim().ToLowerInvariant()
            : throw RecipeErrors.BadValue(key, value, "a SHA-256 of 64 hexadecimal digits");

    [GeneratedRegex("^[0-9A-Fa-f]{64}$")]
    private static partial Regex Sha256Pattern();

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9+._-]*$")]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[A-Za-z]+(:[0-9]{1,3})?$")]
    private static partial Regex DevicePattern();
}
