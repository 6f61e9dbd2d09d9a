using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests;

public sealed class TensorsTests
{
    private static readonly float[] Exact = [0, -0f, 1, -1.5f, 0.25f, 128, float.PositiveInfinity];

    [Theory]
    [InlineData(ElementType.Float)]
    [InlineData(ElementType.Float16)]
    [InlineData(ElementType.BFloat16)]
    [InlineData(ElementType.Double)]
    public void Floats_of_every_type_go_in_and_come_out(ElementType type)
    {
        using var session = ModelSession.Load(TinyModels.Twice(type));
        using var x = Tensors.FromFloats(Exact, [Exact.Length], type);
        Assert.Equal(type, Tensors.TypeOf(x));
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
        Assert.Equal(type, Tensors.TypeOf(outputs["y"]));
        Assert.Equal(Exact, Tensors.ToFloats(outputs["y"]));
        Assert.Equal(Exact, Tensors.ToTensor("y", outputs["y"]).ToFloats().ToArray());
    }

    [Theory]
    // The mantissa has 7 bits: between 1 and 1 + 2^-7 the middle goes to the even one, what lies beyond it upwards.
    [InlineData(1 + (1f / 256), 1)]
    [InlineData(1 + (3f / 256), 1 + (4f / 256))]
    [InlineData(1 + (1f / 256) + (1f / 4096), 1 + (2f / 256))]
    [InlineData(-1 - (1f / 256) - (1f / 4096), -1 - (2f / 256))]
    [InlineData(float.MaxValue, float.PositiveInfinity)]
    [InlineData(float.NaN, float.NaN)]
    public void Bfloat16_is_rounded_to_the_nearest_even(float value, float expected)
    {
        using var tensor = Tensors.FromFloats([value], [1], ElementType.BFloat16);
        Assert.Equal(expected, Tensors.ToFloats(tensor)[0]);
    }

    [Fact]
    public void A_signalling_not_a_number_does_not_become_an_infinity()
    {
        using var tensor = Tensors.FromFloats([BitConverter.UInt32BitsToSingle(0x7F800001)], [1], ElementType.BFloat16);
        Assert.True(float.IsNaN(Tensors.ToFloats(tensor)[0]));
    }

    [Fact]
    public void Half_arrays_are_float16_tensors()
    {
        using var tensor = Tensors.Of<Half>([(Half)1.5f, (Half)(-2f)], 2);
        Assert.Equal(ElementType.Float16, Tensors.TypeOf(tensor));
        Assert.Equal([1.5f, -2], Tensors.ToFloats(tensor));
    }

    [Fact]
    public void Arrays_are_not_copied()
    {
        var data = new float[] { 1, 2 };
        using var tensor = Tensors.Of(data, 2);
        data[0] = 7;
        Assert.Equal([7, 2], Tensors.Floats(tensor).ToArray());
    }

    [Fact]
    public void A_part_of_an_array_can_be_a_tensor_and_survives_collections()
    {
        using var tensor = Tensors.Of(Enumerable.Range(0, 100).Select(i => (Half)i).ToArray().AsMemory(10, 4), 2, 2);
        GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        Assert.Equal([10, 11, 12, 13], Tensors.ToFloats(tensor));
        Assert.Equal([2, 2], Tensors.Dims(tensor));
    }

    [Fact]
    public void Sizes_and_elements_must_fit()
    {
        Assert.Throws<ArgumentException>(() => Tensors.Of(new float[3], 2));
        Assert.Throws<ArgumentException>(() => Tensors.Of(new float[3]));
        Assert.Throws<ArgumentException>(() => Tensors.FromFloats(new float[3], [4]));
        Assert.Throws<ArgumentException>(() => Tensors.FromFloats(new float[3], [3], ElementType.Int8));
    }

    [Fact]
    public void Scalars_have_no_sizes()
    {
        using var tensor = Tensors.Of<long>([5]);
        Assert.Empty(Tensors.Dims(tensor));
        Assert.Equal([5], Tensors.ToFloats(tensor));
    }

    [Fact]
    public void Only_float32_is_seen_without_a_copy()
    {
        using var tensor = Tensors.FromFloats([1], [1], ElementType.Float16);
        Assert.Throws<InvalidOperationException>(() => Tensors.Floats(tensor).Length);
    }

    [Theory]
    [InlineData(ElementType.Float)]
    [InlineData(ElementType.Double)]
    [InlineData(ElementType.Float16)]
    [InlineData(ElementType.BFloat16)]
    [InlineData(ElementType.Int8)]
    [InlineData(ElementType.UInt8)]
    [InlineData(ElementType.Int16)]
    [InlineData(ElementType.UInt16)]
    [InlineData(ElementType.Int32)]
    [InlineData(ElementType.UInt32)]
    [InlineData(ElementType.Int64)]
    [InlineData(ElementType.UInt64)]
    [InlineData(ElementType.Bool)]
    public void Constants_go_there_and_back(ElementType type)
    {
        var bytes = Enumerable.Range(0, (int)type.ByteSize(6)).Select(i => (byte)(i & 1)).ToArray();
        var constant = new OnnxTensor("c", type, [2, 3], bytes);
        using var tensor = Tensors.FromTensor(constant);
        var back = Tensors.ToTensor("c", tensor);
        Assert.Equal(constant.ToString(), back.ToString());
        Assert.Equal(bytes, back.Data.ToArray());
    }

    [Fact]
    public void Strings_go_there_and_back()
    {
        var constant = new OnnxTensor("s", [2], ["ä"u8.ToArray(), ReadOnlyMemory<byte>.Empty]);
        using var tensor = Tensors.FromTensor(constant);
        var back = Tensors.ToTensor("s", tensor);
        Assert.Equal("ä"u8.ToArray(), back.Strings![0].ToArray());
        Assert.True(back.Strings[1].IsEmpty);
        Assert.Equal("DQ4019", Assert.Throws<DiffusionQuantException>(() => Tensors.ToFloats(tensor)).Code);
    }

    [Fact]
    public void Types_without_a_counterpart_are_refused() =>
        Assert.Equal(
            "DQ4019",
            Assert
                .Throws<DiffusionQuantException>(() => Tensors.FromTensor(new("c", ElementType.Int4, [2], new byte[1])))
                .Code
        );

    [Fact]
    public void Empty_tensors_are_fine()
    {
        using var tensor = Tensors.Of(Array.Empty<float>(), 0, 3);
        Assert.Equal([0, 3], Tensors.Dims(tensor));
        Assert.Empty(Tensors.ToFloats(tensor));
    }

    [Fact]
    public void The_session_that_copies_from_a_device_returns_its_input()
    {
        using var session = DeviceCopy.Identity(Device.Cpu, ElementType.Float16);
        using var x = Tensors.FromFloats([1, 2, 3, 4], [2, 2], ElementType.Float16);
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = x });
        Assert.Equal([2, 2], Tensors.Dims(outputs["y"]));
        Assert.Equal([1, 2, 3, 4], Tensors.ToFloats(outputs["y"]));
    }
}
