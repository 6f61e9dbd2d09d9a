using System.IO.Compression;
using DiffusionQuant.Diffusion.Tests.Models;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion.Tests.Conditioning;

public sealed class ConditioningSetTests
{
    // numpy.save of array([[1.5, -2], [0, 4]], float32), and of array([1, 2, 3]), as NumPy 1.24 writes them.
    private static readonly byte[] Floats = Npy(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }",
        [0, 0, 0xC0, 0x3F, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x80, 0x40]
    );
    private static readonly byte[] Integers = Npy(
        "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }",
        [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
    );

    [Fact]
    public void A_folder_of_npy_files()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.At("states.npy"), Floats);
        File.WriteAllBytes(folder.At("mask.npy"), Integers);
        Check(ConditioningSet.Load(folder.Path));
    }

    [Fact]
    public void An_npz_file()
    {
        using var folder = new TemporaryFolder();
        using (var archive = ZipFile.Open(folder.At("a.npz"), ZipArchiveMode.Create))
        {
            foreach (var (name, bytes) in new[] { ("states.npy", Floats), ("mask.npy", Integers) })
            {
                using var stream = archive.CreateEntry(name).Open();
                stream.Write(bytes);
            }
        }

        Check(ConditioningSet.Load(folder.At("a.npz")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("not an array at all")]
    public void Files_that_are_none(string content)
    {
        using var folder = new TemporaryFolder();
        Faults.Expect("DQ1052", () => ConditioningSet.Load(folder.Write("a.npy", content)));
        Faults.Expect("DQ1052", () => ConditioningSet.Load(folder.Write("a.npz", content)));
    }

    [Fact]
    public void Files_that_are_cut_off_or_of_another_kind()
    {
        using var folder = new TemporaryFolder();
        void Refused(byte[] bytes)
        {
            File.WriteAllBytes(folder.At("a.npy"), bytes);
            Faults.Expect("DQ1052", () => ConditioningSet.Load(folder.At("a.npy")));
        }

        Refused(Floats[..^1]);
        Refused(Floats[..40]);
        Refused(Npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", new byte[8]));
        Refused(Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }", new byte[4]));
        Refused(Npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", new byte[4]));
        Faults.Expect("DQ1052", () => ConditioningSet.Load(folder.At("no-such.npy")));
        Faults.Expect("DQ1052", () => ConditioningSet.Load(folder.At("empty/.")));
    }

    [Theory]
    [InlineData(5, 3, 1, false)]
    [InlineData(3, 5, 1, false)]
    [InlineData(5, 5, 3, false)]
    [InlineData(5, 5, 5, true)]
    [InlineData(5, 1, 1, true)]
    [InlineData(1, 5, 1, true)]
    public void Arrays_have_as_many_rows_or_one(int text, int pooled, int unconditional, bool fits)
    {
        var set = ConditioningSet.Of(
            OnnxTensor.Of("text", new float[text * 6], text, 3, 2),
            OnnxTensor.Of("pooled", new float[pooled * 2], pooled, 2),
            OnnxTensor.Of("text_uncond", new float[unconditional * 6], unconditional, 3, 2),
            // No input of the model has this name.
            OnnxTensor.Of("other", new float[7], 7)
        );
        if (fits)
        {
            set.Check(Conditioned());
            return;
        }

        var message = Faults.Expect("DQ1051", () => set.Check(Conditioned()));
        Assert.Matches("it has (3 rows, and '\\w+' has 5|5 rows, and '\\w+' has 3);", message);
    }

    [Theory]
    [InlineData("text", float.NaN, "NaN at [1,2,0]")]
    [InlineData("text", float.PositiveInfinity, "an infinite number at [1,2,0]")]
    [InlineData("text_uncond", float.NaN, "NaN at [1,2,0]")]
    [InlineData("mask", float.NaN, "NaN at [1,2]")]
    [InlineData("mask", float.NegativeInfinity, null)]
    public void A_number_that_is_not_finite_is_named(string array, float number, string? message)
    {
        var arrays = new[] { "text", "text_uncond", "mask", "pooled" }.Select(name =>
        {
            var values = new float[
                name is "text" or "text_uncond" ? 12
                : name is "mask" ? 6
                : 4
            ];
            if (name == array)
            {
                values[name == "mask" ? 5 : 10] = number;
            }

            return name switch
            {
                "mask" => OnnxTensor.Of(name, values, 2, 3),
                "pooled" => OnnxTensor.Of(name, values, 2, 2),
                _ => OnnxTensor.Of(name, values, 2, 3, 2),
            };
        });
        var set = ConditioningSet.Of(arrays);
        if (message is null)
        {
            set.Check(Conditioned(hasMask: true));
            return;
        }

        var said = Faults.Expect("DQ1051", () => set.Check(Conditioned(hasMask: true)));
        Assert.Contains(message, said);
        Assert.Contains($"'{array}'", said);
    }

    private static DenoiserContract Conditioned(bool hasMask = false)
    {
        var roles = new Dictionary<string, DenoiserRole> { ["pooled"] = DenoiserRole.PooledText };
        var inputs = new List<ValueInfo> { new("pooled", ElementType.Float, ["batch", 2]) };
        if (hasMask)
        {
            roles["mask"] = DenoiserRole.Mask;
            inputs.Add(new("mask", ElementType.Float, ["batch", "sequence"]));
        }

        var model = new TinyDenoiser { TextName = "text", UnusedInputs = inputs }.Build();
        return DenoiserContract.Of(model, new() { InputRoles = roles });
    }

    private static void Check(ConditioningSet set)
    {
        Assert.Equal([1.5f, -2, 0, 4], set.Arrays["states"].ToFloats().ToArray());
        Assert.Equal([2, 2], set.Arrays["states"].Dims.ToArray());
        Assert.Equal(ElementType.Int64, set.Arrays["mask"].ElementType);
        Assert.Equal([1, 2, 3], set.Arrays["mask"].ToInt64s());
    }

    private static byte[] Npy(string header, byte[] data)
    {
        var text = header.PadRight(117) + "\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)text.Length, 0, .. System.Text.Encoding.ASCII.GetBytes(text), .. data];
    }
}
