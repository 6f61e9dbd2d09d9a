using System.Text;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Datasets;

namespace DiffusionQuant.Evaluation.Tests.Features;

/// <summary>Images and files for the tests of this folder.</summary>
internal sealed class TestFiles : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("diffusionquant-tests-").FullName;

    /// <summary>The image that reference/features.py makes too, number for number.</summary>
    public static RasterImage Image(int height, int width, int channels, int roll = 0)
    {
        var pixels = new byte[height * width * channels];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                for (var c = 0; c < channels; c++)
                {
                    var value = (y * 37) + (x * 101) + (c * 59) + (x * y % 17 * 13);
                    pixels[(((y * width) + ((x + roll) % width)) * channels) + c] = (byte)value;
                }
            }
        }

        return new(width, height, channels, pixels);
    }

    /// <summary>A file beside the script that made it.</summary>
    public static string Reference(string name)
    {
        var folder = AppContext.BaseDirectory;
        string path;
        while (!File.Exists(path = System.IO.Path.Combine(folder, "tests/Evaluation/Features/reference", name)))
        {
            folder = System.IO.Path.GetDirectoryName(folder)!;
        }

        return path;
    }

    public static void Expect(string code, Action act) =>
        Assert.Equal(code, Assert.Throws<DiffusionQuantException>(act).Code);

    public static byte[] Npy(ElementType type, long[] dims, byte[] data)
    {
        using var stream = new MemoryStream();
        new NpyHeader(type, dims).Write(stream);
        stream.Write(data);
        return stream.ToArray();
    }

    public static byte[] Npy(long[] dims, double[] data) =>
        Npy(ElementType.Double, dims, [.. data.SelectMany(BitConverter.GetBytes)]);

    public string At(string name) => System.IO.Path.Combine(Path, name);

    public string Write(string name, byte[] content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(At(name))!);
        File.WriteAllBytes(At(name), content);
        return At(name);
    }

    public string Write(string name, string content) => Write(name, Encoding.UTF8.GetBytes(content));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
