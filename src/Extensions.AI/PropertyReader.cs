using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace DiffusionQuant.Extensions.AI;

/// <summary>Reads values whose types nobody promises: callers write numbers as what they have, and JSON brings its own.</summary>
internal static class PropertyReader
{
    /// <summary>A value's text; null where it is missing.</summary>
    public static string? TextOf(AdditionalPropertiesDictionary? properties, string name) =>
        properties?.GetValueOrDefault(name) switch
        {
            JsonElement { ValueKind: JsonValueKind.Null } => null,
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            var other => other?.ToString(),
        };

    /// <summary>A number; null where it is missing or no such number.</summary>
    public static T? TryRead<T>(AdditionalPropertiesDictionary? properties, string name)
        where T : struct, IParsable<T> =>
        T.TryParse(TextOf(properties, name), CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>A number; null where it is missing.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1160: it is no such number.</exception>
    public static T? Read<T>(AdditionalPropertiesDictionary? properties, string name, string expected)
        where T : struct, IParsable<T> =>
        TextOf(properties, name) is { } text
            ? TryRead<T>(properties, name) ?? throw GeneratorErrors.BadOption(name, text, $"{expected} is expected")
            : null;
}
