using DiffusionQuant.Quantization.Export;
using FsCheck;
using FsCheck.Fluent;

namespace DiffusionQuant.Quantization.Tests.Export;

public class BitPackingTests
{
    [Fact]
    public void UnpackingGivesTheCodesBack() =>
        Check.QuickThrowOnFailure(
            Prop.ForAll(
                Gen.Choose(1, 8).SelectMany(bits => Gen.Choose(1, 200).Select(count => (bits, count))).ToArbitrary(),
                t =>
                {
                    var random = new Random((t.bits * 1000) + t.count);
                    var codes = Enumerable.Range(0, t.count).Select(_ => (byte)random.Next(1 << t.bits)).ToArray();
                    return BitPacking.Unpack(BitPacking.Pack(codes, t.bits), t.count).AsSpan().SequenceEqual(codes);
                }
            )
        );

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void NoBitIsWasted(int bits)
    {
        var planes = BitPacking.Pack(new byte[8000], bits);
        Assert.Equal(8000 * bits / 8, planes.Sum(p => p.Bytes.Length));
    }
}
