using System.Text.Json;

namespace DiffusionQuant.Evaluation.Tests.Metrics;

/// <summary>Values that the scripts in reference/ worked out.</summary>
internal static class ReferenceFile
{
    private static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web);

    public static T Read<T>(string name) => JsonSerializer.Deserialize<T>(File.ReadAllText(PathOf(name)), Options)!;

    /// <summary>Reads float32 numbers in rows, as numpy.save writes them.</summary>
    public static float[] ReadArray(string name)
    {
        var bytes = File.ReadAllBytes(PathOf(name));
        var header = 10 + BitConverter.ToUInt16(bytes, 8);
        var values = new float[(bytes.Length - header) / sizeof(float)];
        Buffer.BlockCopy(bytes, header, values, 0, values.Length * sizeof(float));
        return values;
    }

    /// <summary>Asserts that two numbers agree to a share of the larger.</summary>
    public static void AssertClose(double expected, double actual, double share)
    {
        var allowed = share * Math.Max(Math.Abs(expected), Math.Abs(actual));
        Assert.True(Math.Abs(expected - actual) <= allowed, $"expected {expected:R}, found {actual:R}");
    }

    private static string PathOf(string name)
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "DiffusionQuant.Build.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return Path.Combine(folder, "tests", "Evaluation", "Metrics", "reference", name);
    }
}
