using System.IO.Compression;
using DiffusionQuant.Evaluation.Features.Checkpoints;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Tests.Features.Checkpoints;

/// <summary>Checkpoints that mean harm, or do not mean anything.</summary>
public sealed class RefusedCheckpointTests
{
    [Fact]
    public void Pickles_by_hand_are_read_when_they_are_right()
    {
        var pickle = Dictionary(p => p.Tensor("0", 6, 1, [2, 2], [1, 2]));
        using var file = new TemporaryFile(PickleBytes.Legacy(pickle, ("0", [0, 1, 2, 3, 4, 5])));
        using var checkpoint = Checkpoint.Open(file.Path);
        Assert.Equal([1f, 3, 2, 4], checkpoint.Read("x").Span<float>());
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("__builtin__", "exec")]
    [InlineData("torch", "load")]
    [InlineData("torch.nn.modules.conv", "Conv2d")]
    [InlineData("collections", "OrderedDict.fromkeys")]
    [InlineData("", "collections.OrderedDict")]
    public void Other_names_of_python_are_refused_by_name(string module, string name)
    {
        var marker = Path.Combine(Path.GetTempPath(), $"diffusionquant-harm-{Guid.NewGuid():N}");
        var failure = Refused(new PickleBytes().Global(module, name).Text($"touch {marker}").Raw(0x85).Op('R').End());
        Assert.Equal("DQ3053", failure.Code);
        Assert.Contains($"'{module}.{name}'", failure.Message);
        Assert.False(File.Exists(marker));
        // The way that protocol 4 names them.
        var later = new PickleBytes().Text(module).Text(name).Raw(0x93).Text("true").Raw(0x85).Op('R').End();
        Assert.Equal(failure.Message, Masked(Refused(later), failure));
    }

    [Fact]
    public void A_name_is_shown_in_one_short_line()
    {
        var failure = Refused(new PickleBytes().Text("os\u001b[2J\r\n").Text(new('x', 5000)).Raw(0x93).End());
        Assert.DoesNotContain('\n', failure.Message);
        Assert.DoesNotContain('\u001b', failure.Message);
        Assert.InRange(failure.Message.Length, 50, 700);
    }

    [Theory]
    [InlineData('i')]
    [InlineData('o')]
    [InlineData('\u0081')]
    [InlineData('\u0092')]
    [InlineData('\u0082')]
    [InlineData('P')]
    public void Instructions_that_make_objects_are_refused(char instruction)
    {
        var failure = Refused(new PickleBytes().Op('(').Raw((byte)instruction).End());
        Assert.Equal("DQ3053", failure.Code);
        Assert.Contains($"0x{(int)instruction:X2}", failure.Message);
    }

    [Fact]
    public void Only_dictionaries_may_have_attributes_and_storages_are_not_called()
    {
        Assert.Equal("DQ3053", Refused(new PickleBytes().Op(']').Op('}').Op('b').End()).Code);
        Assert.Equal("DQ3053", Refused(new PickleBytes().Global("torch", "FloatStorage").Op(')').Op('R').End()).Code);
        Assert.Equal("DQ3053", Refused(new PickleBytes().Text("os.system").Op(')').Op('R').End()).Code);
    }

    [Fact]
    public void A_pickle_cannot_take_memory_or_time_without_end()
    {
        // A text of 2 GB, announced and not there; so long a line; deep nesting; a container in itself; and 2^31 tensors
        // by doubling a list.
        Assert.Equal("DQ3054", Refused(new PickleBytes().Op('X').Raw(0xFF, 0xFF, 0xFF, 0x7F).End()).Code);
        Assert.Equal("DQ3054", Refused([0x80, 2, (byte)'c', .. new byte[2_000_000]]).Code);
        Assert.Equal("DQ3054", Refused(Nested(100_000), storages: false).Code);
        Assert.Equal(
            "DQ3054",
            Refused(new PickleBytes().Op(']').Raw((byte)'q', 0, (byte)'h', 0).Op('a').End(), storages: false).Code
        );
        Assert.Equal("DQ3054", Refused(Doubled(31), storages: false).Code);
        Assert.Equal(
            "DQ3054",
            Refused(
                new byte[4_000_001]
                    .Select(_ => (byte)'N')
                    .ToArray()
            ).Code
        );
    }

    [Fact]
    public void A_tensor_may_be_larger_than_its_storage_only_within_reason()
    {
        var pickle = Dictionary(p => p.Tensor("0", 1, 0, [1L << 40, 1L << 40], [0, 0]));
        using var file = new TemporaryFile(PickleBytes.Legacy(pickle, ("0", [1f])));
        using var checkpoint = Checkpoint.Open(file.Path);
        Assert.Equal("DQ3054", Assert.Throws<DiffusionQuantException>(() => checkpoint.Read("x")).Code);
    }

    [Theory]
    [InlineData(0, new long[] { 7 }, new long[] { 1 })]
    [InlineData(6, new long[] { 1 }, new long[] { 1 })]
    [InlineData(-1, new long[] { 2 }, new long[] { 1 })]
    [InlineData(0, new long[] { 2, 2 }, new long[] { 5, 1 })]
    [InlineData(0, new long[] { 2 }, new long[] { -1 })]
    [InlineData(0, new long[] { -2 }, new long[] { 1 })]
    [InlineData(0, new long[] { 2 }, new long[] { 1, 1 })]
    [InlineData(0, new long[] { long.MaxValue, long.MaxValue }, new long[] { long.MaxValue, 2 })]
    [InlineData(long.MaxValue, new long[] { 2 }, new long[] { 1 })]
    public void A_tensor_outside_of_its_storage_is_damage(long offset, long[] sizes, long[] strides) =>
        Assert.Equal("DQ3052", Refused(Dictionary(p => p.Tensor("0", 6, offset, sizes, strides))).Code);

    [Fact]
    public void A_storage_is_described_as_pytorch_does()
    {
        Assert.Equal("DQ3052", Refused(new PickleBytes().Text("storage").Op('Q').End()).Code);
        Assert.Equal("DQ3052", Refused(new PickleBytes().Tuple(1, 2, 3, 4, 5).Op('Q').End()).Code);
        Assert.Equal("DQ3052", Refused(new PickleBytes().Storage("0", -1).End()).Code);
        Assert.Equal("DQ3052", Refused(new PickleBytes().Storage("0", long.MaxValue).End()).Code);
        Assert.Equal("DQ3052", Refused(new PickleBytes().Storage("0", 6, "DoubleStorage").Storage("0", 6).End()).Code);
        Assert.Equal("DQ3053", Refused(new PickleBytes().Storage("0", 6, "Module").End()).Code);
    }

    [Fact]
    public void Storages_have_the_size_that_tensors_name()
    {
        var pickle = Dictionary(p => p.Tensor("0", 6, 0, [6], [1]));
        Assert.Equal("DQ3052", Fails(PickleBytes.Legacy(pickle, ("0", [1f, 2]))));
        Assert.Equal("DQ3052", Fails(PickleBytes.Legacy(pickle, ("1", [1f, 2, 3, 4, 5, 6]))));
        Assert.Equal("DQ3052", Fails(PickleBytes.Legacy(pickle)));
        Assert.Equal("DQ3052", Fails(Zip(pickle, [("0", new byte[20])])));
        Assert.Equal("DQ3052", Fails(Zip(pickle, [("1", new byte[24])])));
        Assert.Equal("", Fails(Zip(pickle, [("0", new byte[24])])));
    }

    [Fact]
    public void Compressed_archives_and_other_byte_orders_are_none_of_ours()
    {
        var pickle = Dictionary(p => p.Tensor("0", 100_000, 0, [100_000], [1]));
        var zeros = new byte[400_000];
        Assert.Equal("DQ3051", Fails(Zip(pickle, [("0", zeros)], CompressionLevel.Optimal)));
        Assert.Equal("DQ3051", Fails(Zip(pickle, [("0", zeros)], byteOrder: "big")));
        Assert.Equal("", Fails(Zip(pickle, [("0", zeros)], byteOrder: "little")));
    }

    private static byte[] Dictionary(Func<PickleBytes, PickleBytes> value) =>
        value(new PickleBytes().Op('}').Text("x")).Op('s').End();

    private static byte[] Nested(int depth)
    {
        var pickle = new PickleBytes();
        for (var i = 0; i < depth; i++)
        {
            pickle.Op(']');
        }

        for (var i = 1; i < depth; i++)
        {
            pickle.Op('a');
        }

        return pickle.End();
    }

    private static byte[] Doubled(int times)
    {
        var pickle = new PickleBytes().Op(']').Raw((byte)'q', 0);
        for (byte i = 0; i < times; i++)
        {
            pickle.Op(']').Raw((byte)'q', (byte)(i + 1)).Raw((byte)'h', i).Op('a').Raw((byte)'h', i).Op('a');
        }

        return pickle.End();
    }

    private static byte[] Zip(
        byte[] pickle,
        (string Key, byte[] Bytes)[] storages,
        CompressionLevel level = CompressionLevel.NoCompression,
        string? byteOrder = null
    )
    {
        var file = new MemoryStream();
        var writers = storages.Select(s => (s.Key, new Action<Stream>(stream => stream.Write(s.Bytes))));
        PickleBytes.WriteZip(file, pickle, writers, level, byteOrder);
        return file.ToArray();
    }

    /// <summary>The failure of a pickle, the same in both formats.</summary>
    private static DiffusionQuantException Refused(byte[] pickle, bool storages = true)
    {
        using var legacy = new TemporaryFile(
            storages ? PickleBytes.Legacy(pickle, ("0", [0, 1, 2, 3, 4, 5])) : PickleBytes.Legacy(pickle)
        );
        using var zip = new TemporaryFile(Zip(pickle, [("0", new byte[24])]));
        var failure = Assert.Throws<DiffusionQuantException>(() => CheckpointTests.ReadAll(legacy.Path));
        var other = Assert.Throws<DiffusionQuantException>(() => CheckpointTests.ReadAll(zip.Path));
        Assert.Equal(failure.Code, other.Code);
        return failure;
    }

    /// <summary>A failure's text with the other's path in the place of its own.</summary>
    private static string Masked(DiffusionQuantException failure, DiffusionQuantException other)
    {
        static int End(Exception e) => e.Message.IndexOf(": ", StringComparison.Ordinal);
        return other.Message[..End(other)] + failure.Message[End(failure)..];
    }

    /// <summary>The code of the failure; empty where there is none.</summary>
    private static string Fails(byte[] content)
    {
        using var file = new TemporaryFile(content);
        try
        {
            CheckpointTests.ReadAll(file.Path);
            return "";
        }
        catch (DiffusionQuantException e)
        {
            return e.Code;
        }
    }
}
