using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace DiffusionQuant.Diffusion;

/// <summary>A JSON object of settings, read with messages that name the file and the key. Unknown keys are no error.</summary>
internal sealed partial class JsonConfig
{
    private readonly JsonElement root;

    private JsonConfig(string name, JsonElement root)
    {
        Name = name;
        this.root = root;
    }

    /// <summary>The file, for messages.</summary>
    public string Name { get; }

    public static JsonConfig Load(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw DiffusionErrors.BadConfig(path, e.Message, e);
        }
    }

    public static JsonConfig Parse(string json, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(
                NumbersThatJsonLacks().Replace(json, "$1\"$2\""),
                new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip }
            );
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new(name, document.RootElement.Clone())
                : throw DiffusionErrors.BadConfig(name, "it holds no object");
        }
        catch (JsonException e)
        {
            throw DiffusionErrors.BadConfig(
                name,
                $"line {(e.LineNumber + 1)?.ToString(CultureInfo.InvariantCulture) ?? "?"} is no JSON",
                e
            );
        }
    }

    /// <summary>Whether the key is there with a value other than null.</summary>
    public bool Has(string key) => Find(key) is not null;

    public string Text(string key, string fallback) =>
        Find(key) is not { } e ? fallback
        : e.ValueKind == JsonValueKind.String ? e.GetString()!
        : throw Bad(key, "a string is expected");

    /// <summary>A token as transformers writes it: a string, or an object with its <c>content</c>; null when not given.</summary>
    public string? TokenText(string key) =>
        Find(key) is not { } e ? null
        : e.ValueKind == JsonValueKind.String ? e.GetString()
        : e.ValueKind == JsonValueKind.Object
        && e.TryGetProperty("content", out var content)
        && content.ValueKind == JsonValueKind.String
            ? content.GetString()
        : throw Bad(key, "a string, or an object with the string \"content\", is expected");

    public bool Flag(string key, bool fallback) =>
        Find(key) is not { } e ? fallback
        : e.ValueKind is JsonValueKind.True or JsonValueKind.False ? e.GetBoolean()
        : throw Bad(key, "true or false is expected");

    public int Whole(string key, int fallback, int least, int most)
    {
        if (Find(key) is not { } e)
        {
            return fallback;
        }

        return
            e.ValueKind == JsonValueKind.Number
            && e.TryGetDouble(out var number)
            && number == Math.Floor(number)
            && number >= least
            && number <= most
            ? (int)number
            : throw Bad(key, $"a whole number from {least} to {most} is expected");
    }

    public double Number(string key, double fallback, Func<double, bool> isAllowed, string allowed)
    {
        if (Find(key) is not { } e)
        {
            return fallback;
        }

        return e.ValueKind == JsonValueKind.Number
            && e.TryGetDouble(out var number)
            && double.IsFinite(number)
            && isAllowed(number)
                ? number
            : e.ValueKind == JsonValueKind.String && e.ValueEquals("-Infinity") && double.IsNegativeInfinity(fallback)
                ? fallback
            : throw Bad(key, allowed);
    }

    public double[]? Numbers(string key, Func<double, bool> isAllowed, string allowed)
    {
        if (Find(key) is not { } e)
        {
            return null;
        }

        if (e.ValueKind != JsonValueKind.Array)
        {
            throw Bad(key, "an array of numbers is expected");
        }

        return
        [
            .. e.EnumerateArray()
                .Select(item =>
                    item.ValueKind == JsonValueKind.Number && item.TryGetDouble(out var number) && isAllowed(number)
                        ? number
                        : throw DiffusionErrors.BadConfigValue(Name, key, $"an array with {item.GetRawText()}", allowed)
                ),
        ];
    }

    /// <summary>A whole number, or both numbers of a pair, such as <c>sample_size: [60, 90]</c>; null when absent.</summary>
    public (int First, int Second)? OneOrPair(string key)
    {
        if (Find(key) is not { } e)
        {
            return null;
        }

        if (e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out var one) && one > 0)
        {
            return (one, one);
        }

        return
            e.ValueKind == JsonValueKind.Array
            && e.GetArrayLength() == 2
            && e[0].TryGetInt32(out var first)
            && e[1].TryGetInt32(out var second)
            && first > 0
            && second > 0
            ? (first, second)
            : throw Bad(key, "a positive whole number or a pair of them is expected");
    }

    public T Choice<T>(string key, T fallback, IReadOnlyDictionary<string, T> choices)
    {
        if (Find(key) is not { } e)
        {
            return fallback;
        }

        return e.ValueKind == JsonValueKind.String && choices.TryGetValue(e.GetString()!, out var choice)
            ? choice
            : throw Bad(key, $"known are {string.Join(", ", choices.Keys)}");
    }

    private JsonElement? Find(string key) =>
        root.TryGetProperty(key, out var element) && element.ValueKind != JsonValueKind.Null ? element : null;

    private Onnx.Diagnostics.DiffusionQuantException Bad(string key, string allowed) =>
        DiffusionErrors.BadConfigValue(Name, key, Find(key)!.Value.GetRawText(), allowed);

    // Python writes them, and diffusers has one in its defaults: "lambda_min_clipped": -Infinity.
    [GeneratedRegex(@"(:\s*)(-?Infinity|NaN)(?=\s*[,}\r\n])")]
    private static partial Regex NumbersThatJsonLacks();
}
