using System.Runtime.InteropServices;
using System.Text;
using DiffusionQuant.Evaluation.Features.Inception;
using DiffusionQuant.Evaluation.Tests.Features.Checkpoints;

namespace DiffusionQuant.Evaluation.Tests.Features.Inception;

/// <summary>Weights and images that are functions of a name and an index, bit for bit those of inception_reference.py.</summary>
internal static class InceptionFormula
{
    /// <summary>The names and sizes of a state dict that torch.save writes for the network.</summary>
    public static IEnumerable<(string Name, long[] Sizes)> Tensors =>
        InceptionLayers
            .All.Values.SelectMany(l => l.Tensors)
            .Append(("fc.weight", [1008, 2048]))
            .Append(("fc.bias", [1008]));

    /// <summary>Writes a state dict as PyTorch since 1.6 does.</summary>
    public static void WriteStateDict(string path, IEnumerable<(string Name, long[] Sizes)> tensors)
    {
        var all = tensors.ToArray();
        var pickle = new PickleBytes().Global("collections", "OrderedDict").Op(')').Op('R').Op('(');
        for (var i = 0; i < all.Length; i++)
        {
            var (name, sizes) = all[i];
            var strides = sizes.Select((_, d) => sizes[(d + 1)..].Aggregate(1L, (a, b) => a * b)).ToArray();
            pickle.Text(name).Tensor($"{i}", CountOf(sizes), 0, sizes, strides);
        }

        var storages = all.Select(
            (t, i) =>
                ($"{i}", new Action<Stream>(s => s.Write(MemoryMarshal.AsBytes(Weight(t.Name, t.Sizes).AsSpan()))))
        );
        using var file = File.Create(path);
        PickleBytes.WriteZip(file, pickle.Op('u').End(), storages);
    }

    /// <summary>A tensor of the state dict.</summary>
    public static float[] Weight(string name, long[] sizes)
    {
        var values = Uniform(name, CountOf(sizes));
        var (centre, reach) = name switch
        {
            _ when name.EndsWith("conv.weight", StringComparison.Ordinal) => (0f, Reach(6, sizes)),
            "fc.weight" => (0f, Reach(3, sizes)),
            _ when name.EndsWith("bn.weight", StringComparison.Ordinal) => (1f, 0.2f),
            _ when name.EndsWith("running_var", StringComparison.Ordinal) => (1f, 0.5f),
            _ => (0f, 0.2f),
        };
        foreach (ref var value in values.AsSpan())
        {
            // Rounded after each operation, as NumPy does.
            var product = reach * value;
            value = centre + product;
        }

        return values;
    }

    /// <summary>An image [3,299,299].</summary>
    public static float[] Image(int index)
    {
        var coarse = Uniform($"image{index}.coarse", 3 * 19 * 19);
        var image = Uniform($"image{index}.fine", 3 * 299 * 299);
        for (var i = 0; i < image.Length; i++)
        {
            var (c, y, x) = (i / (299 * 299), i / 299 % 299, i % 299);
            var block = 0.75f * coarse[(((c * 19) + (y / 16)) * 19) + (x / 16)];
            var noise = 0.25f * image[i];
            image[i] = block + noise;
        }

        return image;
    }

    private static float Reach(double square, long[] sizes) => (float)Math.Sqrt(square / CountOf(sizes[1..]));

    private static long CountOf(long[] sizes) => sizes.Aggregate(1L, (a, b) => a * b);

    private static float[] Uniform(string name, long count)
    {
        var hash = 0xCBF29CE484222325;
        foreach (var b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 0x100000001B3;
        }

        var values = new float[count];
        for (var i = 0; i < values.Length; i++)
        {
            var z = hash + ((ulong)(i + 1) * 0x9E3779B97F4A7C15);
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            z ^= z >> 31;
            values[i] = ((int)(z >> 40) - (1 << 23)) / (float)(1 << 23);
        }

        return values;
    }
}
