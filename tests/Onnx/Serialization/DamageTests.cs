using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Diagnostics;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Onnx.Tests.Serialization;

/// <summary>Whatever a file holds: it is read, or refused with a code, in little time and memory.</summary>
public class DamageTests
{
    private static readonly byte[] Good = DdpmUNet
        .Build(DdpmUNetSettings.Tiny with { Channels = 4, Groups = 2, Multipliers = [1], AttentionResolutions = [] })
        .ToBytes();

    [Fact]
    public void A_file_that_ends_anywhere() =>
        Prop.ForAll(Gen.Choose(0, Good.Length - 1).ToArbitrary(), length => Reads(Good[..length]))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(400).WithReplay(1, 1));

    [Fact]
    public void A_file_with_one_wrong_byte() =>
        Prop.ForAll(
                Gen.Choose(0, Good.Length - 1).Zip(Gen.Choose(1, 255)).ToArbitrary(),
                damage =>
                {
                    var bytes = Good.ToArray();
                    bytes[damage.Item1] ^= (byte)damage.Item2;
                    Reads(bytes);
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1500).WithReplay(1, 1));

    [Fact]
    public void The_first_bytes_are_the_most_delicate()
    {
        for (var at = 0; at < 120; at++)
        {
            foreach (var flip in (byte[])[0x01, 0x08, 0x7F, 0x80, 0xFF])
            {
                var bytes = Good.ToArray();
                bytes[at] ^= flip;
                Reads(bytes);
            }
        }
    }

    [Fact]
    public void Noise() =>
        Prop.ForAll(ArbMap.Default.ArbFor<byte[]>(), Reads)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithReplay(1, 1));

    [Fact]
    public void Lengths_that_promise_more_than_there_is_allocate_nothing()
    {
        // Field 7 (graph), then field 5 (initializer), then field 9 (raw_data), each claiming almost 2 GB.
        byte[] huge = [0xFF, 0xFF, 0xFF, 0xFF, 0x07];
        byte[] bytes = [0x08, 0x08, 0x3A, .. huge, 0x2A, .. huge, 0x4A, .. huge, 1, 2, 3];
        var before = GC.GetAllocatedBytesForCurrentThread();
        Failure.Expect("DQ1002", () => OnnxModel.Parse(bytes));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
    }

    private static void Reads(byte[] bytes)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            OnnxModel.Parse(bytes);
        }
        catch (DiffusionQuantException e)
        {
            Assert.StartsWith("DQ10", e.Code);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000_000);
    }
}
