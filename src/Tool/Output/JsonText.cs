using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace DiffusionQuant.Tool.Output;

/// <summary>JSON with names as they are: the text goes to a terminal, a log or a file, never into HTML.</summary>
internal static class JsonText
{
    /// <summary>In several lines, for people.</summary>
    public static string Indented<T>(T value, JsonTypeInfo<T> type) => Write(value, type, indented: true);

    /// <summary>In one line, for programs that read lines.</summary>
    public static string Compact<T>(T value, JsonTypeInfo<T> type) => Write(value, type, indented: false);

    private static string Write<T>(T value, JsonTypeInfo<T> type, bool indented)
    {
        var options = new JsonWriterOptions
        {
            Indented = indented,
            NewLine = "\n",
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, options))
        {
            JsonSerializer.Serialize(writer, value, type);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
