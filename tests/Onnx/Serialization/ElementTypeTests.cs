using DiffusionQuant.Onnx.Protos;

namespace DiffusionQuant.Onnx.Tests.Serialization;

public class ElementTypeTests
{
    public static TheoryData<ElementType> AllTypes =>
        [.. Enum.GetValues<ElementType>().Where(t => t is not (ElementType.Undefined or ElementType.String))];

    [Theory]
    [MemberData(nameof(AllTypes))]
    public void Raw_data_of_every_type_survives(ElementType type)
    {
        // Five elements: packed types end inside of a byte.
        var bytes = Enumerable.Range(1, (int)type.ByteSize(5)).Select(i => (byte)(i * 37)).ToArray();
        var model = WithTensor(ProtoModels.Raw("t", (int)type, [5], bytes)).RoundTrip();
        var tensor = model.Graph.Initializers["t"];
        Assert.Equal((type, "[5]"), (tensor.ElementType, tensor.Shape.ToString()));
        Assert.Equal(bytes, tensor.Data.ToArray());
    }

    [Theory]
    [MemberData(nameof(AllTypes))]
    public void Empty_tensors_of_every_type_survive(ElementType type)
    {
        var tensor = WithTensor(ProtoModels.Raw("t", (int)type, [0, 3], [])).RoundTrip().Graph.Initializers["t"];
        Assert.Equal((type, 0, "[0,3]"), (tensor.ElementType, tensor.Data.Length, tensor.Shape.ToString()));

        // Without any data field at all, too.
        var bare = new TensorProto { Name = "t", DataType = (int)type };
        bare.Dims.Add(0);
        Assert.Equal(0, WithTensor(bare).Graph.Initializers["t"].ElementCount);
    }

    [Theory]
    [InlineData(ElementType.Int32, new[] { -1, 2, int.MaxValue }, "FFFFFFFF02000000FFFFFF7F")]
    [InlineData(ElementType.Int16, new[] { -1, 2, 300 }, "FFFF02002C01")]
    [InlineData(ElementType.UInt16, new[] { 65535, 2, 300 }, "FFFF02002C01")]
    [InlineData(ElementType.Int8, new[] { -1, 2, 3 }, "FF0203")]
    [InlineData(ElementType.UInt8, new[] { 255, 2, 3 }, "FF0203")]
    [InlineData(ElementType.Bool, new[] { 1, 0, 1 }, "010001")]
    [InlineData(ElementType.Float16, new[] { 0x3C00, 0xC000, 0 }, "003C00C00000")]
    [InlineData(ElementType.BFloat16, new[] { 0x3F80, 0xC000, 0 }, "803F00C00000")]
    [InlineData(ElementType.Float8E4M3FN, new[] { 0x38, 0xB8, 0 }, "38B800")]
    [InlineData(ElementType.UInt4, new[] { 0x21, 0x03 }, "2103")]
    [InlineData(ElementType.Int4, new[] { 0xF1, 0x08 }, "F108")]
    public void Int32_fields_are_read(ElementType type, int[] field, string hex)
    {
        var tensor = new TensorProto { Name = "t", DataType = (int)type };
        tensor.Dims.Add(3);
        tensor.Int32Data.AddRange(field);
        Assert.Equal(hex, Convert.ToHexString(WithTensor(tensor).RoundTrip().Graph.Initializers["t"].Data.Span));
    }

    [Fact]
    public void Other_typed_fields_are_read()
    {
        static string Hex(TensorProto tensor, long dim)
        {
            tensor.Name = "t";
            tensor.Dims.Add(dim);
            return Convert.ToHexString(WithTensor(tensor).Graph.Initializers["t"].Data.Span);
        }

        Assert.Equal("0000803F000000C0", Hex(new() { DataType = 1, FloatData = { 1, -2 } }, 2));
        Assert.Equal("0000803F000000C0", Hex(new() { DataType = 14, FloatData = { 1, -2 } }, 1));
        Assert.Equal("000000000000F03F", Hex(new() { DataType = 11, DoubleData = { 1 } }, 1));
        Assert.Equal("000000000000F03F000000000000F03F", Hex(new() { DataType = 15, DoubleData = { 1, 1 } }, 1));
        Assert.Equal("FEFFFFFFFFFFFFFF", Hex(new() { DataType = 7, Int64Data = { -2 } }, 1));
        Assert.Equal("FFFFFFFF", Hex(new() { DataType = 12, Uint64Data = { uint.MaxValue } }, 1));
        Assert.Equal("FFFFFFFFFFFFFFFF", Hex(new() { DataType = 13, Uint64Data = { ulong.MaxValue } }, 1));
    }

    [Fact]
    public void Strings_survive_as_bytes()
    {
        var proto = new TensorProto { Name = "t", DataType = 8 };
        proto.Dims.Add(2);
        proto.StringData.Add(Google.Protobuf.ByteString.CopyFromUtf8("schön"));
        proto.StringData.Add(Google.Protobuf.ByteString.CopyFrom(0xFF, 0x00));
        var tensor = WithTensor(proto).RoundTrip().Graph.Initializers["t"];
        Assert.Equal("schön"u8.ToArray(), tensor.Strings![0].ToArray());
        Assert.Equal([0xFF, 0x00], tensor.Strings[1].ToArray());
        Assert.Equal("[1,2]", tensor.WithDims(1, 2).Shape.ToString());
    }

    [Fact]
    public void Elements_are_converted()
    {
        static OnnxTensor Tensor(ElementType type, params byte[] data) =>
            new("t", type, [data.Length * 8 / type.BitsOf()], data);
        Assert.Equal([1, -2], Tensor(ElementType.Float16, 0x00, 0x3C, 0x00, 0xC0).ToFloats().ToArray());
        Assert.Equal([1, -2], Tensor(ElementType.BFloat16, 0x80, 0x3F, 0x00, 0xC0).ToFloats().ToArray());
        Assert.Equal([1, -1, -8, 7], Tensor(ElementType.Int4, 0xF1, 0x78).ToInt64s());
        Assert.Equal([1, 15, 8, 7], Tensor(ElementType.UInt4, 0xF1, 0x78).ToInt64s());
        Assert.Equal([1, -2, -1, 0], Tensor(ElementType.Int2, 0b00_11_10_01).ToInt64s());
        Assert.Equal([1, 2, 3, 0], Tensor(ElementType.UInt2, 0b00_11_10_01).ToInt64s());
        Assert.Equal([1, 0], Tensor(ElementType.Bool, 1, 0).ToInt64s());
        Assert.Throws<InvalidOperationException>(() => Tensor(ElementType.Float, 0, 0, 0, 0).ToInt64s());
        Assert.Throws<ArgumentException>(() => new OnnxTensor("t", ElementType.Float, [2], new byte[7]));
        Assert.Throws<ArgumentException>(() => new OnnxTensor("t", ElementType.Undefined, [1], new byte[4]));
    }

    private static OnnxModel WithTensor(TensorProto tensor)
    {
        var proto = ProtoModels.Model();
        proto.Graph.Initializer.Add(tensor);
        return proto.Parse();
    }
}
