using System.Text;
using System.Text.Json;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>A value of a JSON file that knows its line, for messages about files that people edit.</summary>
internal sealed class PlacedJson
{
    private PlacedJson(JsonTokenType type, int line)
    {
        Type = type;
        Line = line;
    }

    /// <summary>The first token of the value.</summary>
    public JsonTokenType Type { get; }

    /// <summary>The line on which the value (a member's name, for members) begins, from 1.</summary>
    public int Line { get; }

    /// <summary>A string's text, or a number as it is written.</summary>
    public string Text { get; private init; } = "";

    /// <summary>An object's members, in their order.</summary>
    public List<(string Name, PlacedJson Value)> Members { get; } = [];

    /// <summary>An array's items.</summary>
    public List<PlacedJson> Items { get; } = [];

    /// <summary>Reads a text.</summary>
    /// <exception cref="JsonException">It is no JSON.</exception>
    public static PlacedJson Parse(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(bytes);
        reader.Read();
        var root = ReadValue(ref reader, bytes);
        // What follows the value is read too, so that it is refused.
        while (reader.Read()) { }
        return root;
    }

    private static PlacedJson ReadValue(ref Utf8JsonReader reader, byte[] bytes)
    {
        var line = LineOf(bytes, reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var holder = new PlacedJson(JsonTokenType.StartObject, line);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var name = reader.GetString()!;
                    reader.Read();
                    holder.Members.Add((name, ReadValue(ref reader, bytes)));
                }

                return holder;
            case JsonTokenType.StartArray:
                var list = new PlacedJson(JsonTokenType.StartArray, line);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    list.Items.Add(ReadValue(ref reader, bytes));
                }

                return list;
            case JsonTokenType.String:
                return new(JsonTokenType.String, line) { Text = reader.GetString()! };
            default:
                return new(reader.TokenType, line) { Text = Encoding.UTF8.GetString(reader.ValueSpan) };
        }
    }

    private static int LineOf(byte[] bytes, long index) => 1 + bytes.AsSpan(0, (int)index).Count((byte)'\n');
}
