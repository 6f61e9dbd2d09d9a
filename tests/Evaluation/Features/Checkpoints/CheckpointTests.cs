using System.Security.Cryptography;
using DiffusionQuant.Evaluation.Features.Checkpoints;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Tests.Features.Checkpoints;

/// <summary>Files that torch.save wrote; make_checkpoints.py says what is in them.</summary>
public sealed class CheckpointTests
{
    public static TheoryData<string> Formats => ["zip", "legacy", "protocol4"];

    /// <summary>torch.arange(24).reshape(2, 3, 4) / 8.</summary>
    private static float[] Values { get; } = [.. Enumerable.Range(0, 24).Select(i => i / 8f)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Tensors_have_their_elements_in_a_row_whatever_their_strides(string format)
    {
        using var file = Checkpoint.Open(PathOf($"tensors.{format}.pth"));
        Same(file, "plain", [2, 3, 4], Values);
        Same(file, "parameter", [1], [0.5f]);
        Same(file, "scalar", [], [2.5f]);
        Same(file, "empty", [0, 3], []);
        Same(file, "expanded", [2, 3], [1.5f, 1.5f, 1.5f, 2.5f, 2.5f, 2.5f]);
        Same(file, "column", [2], [Values[6], Values[18]]);
        var transposed =
            from k in Enumerable.Range(0, 4)
            from j in Enumerable.Range(0, 3)
            from i in Enumerable.Range(0, 2)
            select Values[(12 * i) + (4 * j) + k];
        Same(file, "transposed", [4, 3, 2], [.. transposed]);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Every_element_type_is_read(string format)
    {
        using var file = Checkpoint.Open(PathOf($"tensors.{format}.pth"));
        Assert.Equal(ElementType.Float16, file.Read("half").ElementType);
        Assert.Equal(Values[..12], file.Read("half").ToFloats().ToArray());
        Assert.Equal(ElementType.BFloat16, file.Read("bfloat").ElementType);
        Assert.Equal(Values[12..], file.Read("bfloat").ToFloats().ToArray());
        Assert.Equal([-1, 1L << 40], file.Read("long").Span<long>());
        Assert.Equal([-5, 7], file.Read("int").Span<int>());
        Assert.Equal([-5, 7], file.Read("short").Span<short>().ToArray());
        Assert.Equal([-128, 127], file.Read("char").Span<sbyte>().ToArray());
        Assert.Equal([0, 255], file.Read("byte").Span<byte>().ToArray());
        Assert.Equal(ElementType.Bool, file.Read("bool").ElementType);
        Assert.Equal([true, false], file.Read("bool").Span<bool>());
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Tensors_may_share_a_storage(string format)
    {
        using var file = Checkpoint.Open(PathOf($"tensors.{format}.pth"));
        Assert.Equal([0, 1, 2, 3], file.Read("head").Span<double>());
        Assert.Equal([3, 6, 9], file.Read("tail").Span<double>());
        Assert.Equal(file.Tensors["head"].Storage, file.Tensors["tail"].Storage);
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void Nested_containers_give_names_with_dots_and_other_values_are_left_out(string format)
    {
        using var file = Checkpoint.Open(PathOf($"nested.{format}.pth"));
        string[] expected =
        [
            "7",
            "module.0.bias",
            "module.0.weight",
            "module.1.bias",
            "module.1.num_batches_tracked",
            "module.1.running_mean",
            "module.1.running_var",
            "module.1.weight",
            "steps.0",
            "steps.1.0",
        ];
        Assert.Equal(expected, file.Tensors.Keys.Order(StringComparer.Ordinal));
        Assert.Equal([2f], file.Read("steps.1.0").Span<float>());
        Assert.Equal([6f, 6f], file.Read("module.1.weight").Span<float>());
        Assert.Equal([3L], file.Read("module.1.num_batches_tracked").Span<long>());
    }

    [Fact]
    public void The_hash_is_that_of_the_file()
    {
        var path = PathOf("tensors.zip.pth");
        using var file = Checkpoint.Open(path);
        file.Read("plain");
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(path))), file.ComputeSha256());
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_file_that_is_cut_off_is_a_coded_failure(string format)
    {
        var whole = File.ReadAllBytes(PathOf($"tensors.{format}.pth"));
        using var file = new TemporaryFile();
        for (var length = 0; length < whole.Length; length += 7)
        {
            File.WriteAllBytes(file.Path, whole[..length]);
            var failure = Assert.Throws<DiffusionQuantException>(() => ReadAll(file.Path));
            Assert.Contains(failure.Code, new[] { "DQ3051", "DQ3052" });
        }
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_damaged_file_is_read_or_is_a_coded_failure_and_nothing_else(string format)
    {
        var whole = File.ReadAllBytes(PathOf($"nested.{format}.pth"));
        var random = new Random(5);
        var failures = 0;
        using var file = new TemporaryFile();
        for (var i = 0; i < 400; i++)
        {
            var damaged = whole.ToArray();
            damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(file.Path, damaged);
            try
            {
                ReadAll(file.Path);
            }
            catch (DiffusionQuantException e)
            {
                Assert.StartsWith("DQ305", e.Code);
                failures++;
            }
        }

        Assert.InRange(failures, 50, 400);
    }

    [Fact]
    public void What_is_no_checkpoint_is_said_to_be_none()
    {
        Assert.Equal("DQ3050", Fails(Path.Combine(Path.GetTempPath(), "there is no such file.pth")));
        Assert.Equal("DQ3050", Fails(Path.GetTempPath()));
        Assert.Equal("DQ3051", Fails(PathOf("torchscript.pth")));
        Assert.Equal("DQ3051", Fails(PathOf("make_checkpoints.py")));
        using var pointer = new TemporaryFile("version https://git-lfs.github.com/spec/v1\n"u8);
        Assert.Contains("git lfs pull", Assert.Throws<DiffusionQuantException>(() => ReadAll(pointer.Path)).Message);
    }

    internal static void ReadAll(string path)
    {
        using var file = Checkpoint.Open(path);
        foreach (var name in file.Tensors.Keys)
        {
            file.Read(name);
        }
    }

    private static string Fails(string path) => Assert.Throws<DiffusionQuantException>(() => ReadAll(path)).Code;

    private static void Same(Checkpoint file, string name, long[] dims, float[] values)
    {
        var tensor = file.Read(name);
        Assert.Equal(ElementType.Float, tensor.ElementType);
        Assert.Equal(dims, tensor.Dims.ToArray());
        Assert.Equal(values, tensor.Span<float>().ToArray());
    }

    private static string PathOf(string name) =>
        Path.Combine(AppContext.BaseDirectory, "Features", "Checkpoints", name);
}
