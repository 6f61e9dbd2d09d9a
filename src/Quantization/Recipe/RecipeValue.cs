using System.Text.Json;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Quantization.Recipes;

/// <summary>One value of a recipe file, read as the type that its key asks for.</summary>
internal readonly record struct RecipeValue(string File, string Key, JsonElement Element)
{
    public string Text() => Element.ValueKind == JsonValueKind.String ? Element.GetString()! : throw Wrong("a text");

    public int Int() =>
        Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out var value)
            ? value
            : throw Wrong("a whole number");

    public long Long() =>
        Element.ValueKind == JsonValueKind.Number && Element.TryGetInt64(out var value)
            ? value
            : throw Wrong("a whole number");

    public double Double() => Element.ValueKind == JsonValueKind.Number ? Element.GetDouble() : throw Wrong("a number");

    public bool Boolean() =>
        Element.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? Element.GetBoolean()
            : throw Wrong("true or false");

    public IReadOnlyList<string> Texts()
    {
        if (Element.ValueKind != JsonValueKind.Array)
        {
            throw Wrong("a list of texts");
        }

        var (file, key) = (File, Key);
        return [.. Element.EnumerateArray().Select(e => new RecipeValue(file, key, e).Text())];
    }

    public IReadOnlyList<KeyValuePair<string, string>> Map()
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object of texts");
        }

        var (file, key) = (File, Key);
        return
        [
            .. Element
                .EnumerateObject()
                .Select(p => KeyValuePair.Create(p.Name, new RecipeValue(file, key, p.Value).Text())),
        ];
    }

    public IReadOnlyList<KeyValuePair<string, int>> Sizes()
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object of whole numbers");
        }

        var (file, key) = (File, Key);
        return
        [
            .. Element
                .EnumerateObject()
                .Select(p => KeyValuePair.Create(p.Name, new RecipeValue(file, key, p.Value).Int())),
        ];
    }

    private DiffusionQuantException Wrong(string expected) =>
        RecipeErrors.WrongType(File, Key, Element.GetRawText(), expected);
}
