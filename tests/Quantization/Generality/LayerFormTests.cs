using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Tests.Generality;

/// <summary>Layers and weights in the forms that exporters write them.</summary>
public class LayerFormTests
{
    private const int C = Scaffold.Channels;
    private readonly Scaffold scaffold = new();

    private QuantizedModel Quantize(Func<GraphBuilder, Value, Value, Value> part, params string[] rules) =>
        new(scaffold.Build(part), "W8A8", null, null, rules);

    private Value Weight(GraphBuilder b, params long[] dims) => b.Parameter("weight", scaffold.Weight(dims));

    private Value Matrix(GraphBuilder b, long rows, long columns) =>
        b.Parameter("matrix", scaffold.Matrix(rows, columns));

    private static Value Tokens(GraphBuilder b, Value h) => b.Transpose(b.Reshape(h, 0, C, -1), 0, 2, 1);

    private static Value Image(GraphBuilder b, Value tokens) =>
        b.Reshape(b.Transpose(tokens, 0, 2, 1), -1, C, Scaffold.Size, Scaffold.Size);

    [Fact]
    public void DownAndUp()
    {
        using var model = Quantize(
            (b, h, _) =>
            {
                var down = b.Op("AveragePool", [h], ("kernel_shape", new[] { 2L, 2 }), ("strides", new[] { 2L, 2 }));
                down = b.Silu(b.Conv(down, Weight(b, C, C, 3, 3), null, 1));
                return h
                    + b.Op(
                        "ConvTranspose",
                        [down, Weight(b, C, C, 2, 2)],
                        ("kernel_shape", new[] { 2L, 2 }),
                        ("strides", new[] { 2L, 2 })
                    );
            }
        );
        model.AssertSound();
        var up = model.Layer("ConvTranspose");
        Assert.Equal(LayerMode.WeightOnly, up.Mode);
        Assert.Contains("transposed", up.Reason);
        Assert.Equal(LayerMode.Integer, model.Layer("part/Conv").Mode);
    }

    [Fact]
    public void BatchNormalization()
    {
        using var model = Quantize(
            (b, h, _) =>
            {
                Value Vector(float centre) => b.Parameter("bn", new SeededWeights(3).Around(centre, 0.3f, [C]));
                var conv = b.Conv(h, Weight(b, C, C, 3, 3), null, 1);
                return h + b.Op("Relu", b.Op("BatchNormalization", [conv, Vector(1), Vector(0), Vector(0), Vector(1)]));
            }
        );
        model.AssertSound();
    }

    [Fact]
    public void DepthwiseGroupedAndOneDimensional()
    {
        using var model = Quantize(
            (b, h, _) =>
            {
                h = b.Silu(b.Conv(h, Weight(b, C, 1, 3, 3), b.Parameter("bias", scaffold.Bias(C)), 1, group: C));
                h = b.Silu(b.Conv(h, Weight(b, C, C / 4, 3, 3), null, 1, group: 4));
                var flat = b.Op("Conv", b.Reshape(h, 0, C, -1), Weight(b, C, C, 1));
                return h + b.Reshape(flat, -1, C, Scaffold.Size, Scaffold.Size);
            }
        );
        model.AssertSound();
        Assert.All(model.Report.Layers, l => Assert.Equal(LayerMode.Integer, l.Mode));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void LinearWithABiasOnEitherSide(bool left)
    {
        using var model = Quantize(
            (b, h, _) =>
            {
                var product = b.MatMul(Tokens(b, h), Matrix(b, C, C));
                var bias = b.Parameter("bias", scaffold.Bias(C));
                return Image(b, left ? bias + product : product + bias);
            }
        );
        model.AssertSound();
        Assert.Equal(LayerMode.Integer, model.Layer("MatMul").Mode);
    }

    [Fact]
    public void GemmOnTokensWithFactors()
    {
        using var model = Quantize(
            (b, h, _) =>
            {
                var rows = b.Reshape(Tokens(b, h), -1, C);
                var bias = b.Parameter("bias", scaffold.Bias(C));
                rows = b.Op("Gemm", [rows, Matrix(b, C, C), bias], ("alpha", 0.5f), ("beta", 2f));
                rows = b.Op("Gemm", [b.Silu(rows), Matrix(b, C, C)], ("alpha", 2f));
                return h + Image(b, b.Reshape(rows, -1, Scaffold.Size * Scaffold.Size, C));
            }
        );
        model.AssertSound();
        Assert.Equal(3, model.Report.Layers.Count(l => l is { Operator: "Gemm", Mode: LayerMode.Integer }));
    }

    [Theory]
    [InlineData("Identity")]
    [InlineData("Constant")]
    [InlineData("Transpose")]
    [InlineData("Input")]
    public void WeightsBehindOtherNodes(string form)
    {
        var source = scaffold.Build(
            (b, h, _) =>
            {
                var tensor = scaffold.Matrix(C, C);
                var matrix = form switch
                {
                    "Identity" => b.Op("Identity", b.Op("Identity", b.Parameter("matrix", tensor))),
                    "Constant" => b.Constant(tensor),
                    "Transpose" => b.Transpose(b.Parameter("matrix", tensor), 1, 0),
                    _ => b.Parameter("matrix", tensor),
                };
                return Image(b, b.MatMul(Tokens(b, h), matrix));
            }
        );
        if (form == "Input")
        {
            source.Graph.Inputs.Add(new("matrix", ElementType.Float, TensorShape.Of(C, C)));
            source = OnnxModel.Parse(source.ToBytes());
        }

        using var model = new QuantizedModel(source, "W4A8");
        model.AssertSound(10);
        Assert.Equal(LayerMode.Integer, model.Layer("MatMul").Mode);
        Assert.Equal(2, model.Artifact.Graph.Inputs.Count);
    }

    [Theory]
    [InlineData("W4A8", "*/MatMul_1=W8")]
    [InlineData("W4A16", "*/MatMul_1=W8")]
    [InlineData("W4A16", "*/MatMul_1=float")]
    [InlineData("W4A8", "*/MatMul_1=float")]
    [InlineData("W4A8", "*/MatMul_2=W4A16")]
    public void TiedWeightsHaveTheCodesOfTheirLayer(string bits, string rule)
    {
        var source = scaffold.Build(
            (b, h, _) =>
            {
                var tied = Matrix(b, C, C);
                var tokens = Tokens(b, h);
                var first = b.Silu(b.MatMul(tokens, tied));
                var second = b.Silu(b.MatMul(first, tied));
                // The same matrix transposed has its channels along the other axis.
                var rows = b.Op("Gemm", [b.Reshape(b.MatMul(second, tied), -1, C), tied], ("transB", 1L));
                return h + Image(b, b.Reshape(rows, -1, 64, C));
            }
        );
        using var model = new QuantizedModel(source, bits, null, null, rule);
        model.AssertSound(8);
        var other = rule.Split('=')[0][2..];
        foreach (var layer in model.Report.Layers.Where(l => l.Operator is "MatMul"))
        {
            Assert.Equal(layer.Name.EndsWith(other) && !rule.EndsWith("A16"), layer.WeightBits != 4);
        }
    }

    [Fact]
    public void ExternalData()
    {
        using var model = new QuantizedModel(
            scaffold.Build((b, h, _) => b.Conv(h, Weight(b, C, C, 3, 3), null, 1)),
            "W8A8",
            null,
            new()
            {
                SingleFileLimit = 0,
                ExternalThreshold = 1,
                ExternalDataName = "weights.pb",
            }
        );
        model.AssertSound();
        Assert.True(model.Report.FloatBytes > 4 * (C * C * 9));
    }

    [Fact]
    public void FunctionsOfTheModel()
    {
        var source = scaffold.Build((b, h, _) => h + b.Node("Project", [h, Weight(b, C, C, 1, 1)], 1, [], "local")[0]);
        // message FunctionProto: name 1, input 4, output 5, node 7, opset_import 9, domain 10; ModelProto has it as 25.
        byte[] node = [.. Field(1, "x"), .. Field(1, "w"), .. Field(2, "y"), .. Field(4, "Conv")];
        byte[] function =
        [
            .. Field(1, "Project"),
            .. Field(4, "x"),
            .. Field(4, "w"),
            .. Field(5, "y"),
            .. Field(7, node),
            .. Field(9, [0x10, 17]),
            .. Field(10, "local"),
        ];
        source = OnnxModel.Parse((byte[])[.. source.ToBytes(), .. Field(25, function)]);
        Assert.True(source.HasFunctions);
        using var model = new QuantizedModel(source, "W8A8");
        model.AssertSound();
        Assert.Equal(3, model.Report.Layers.Count(l => l is { Operator: "Conv", Mode: LayerMode.Integer }));
    }

    private static byte[] Field(int number, string text) => Field(number, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>A length-delimited field of a protobuf message of fewer than 128 bytes.</summary>
    private static byte[] Field(int number, byte[] content)
    {
        var tag = (number << 3) | 2;
        byte[] tagBytes = tag < 128 ? [(byte)tag] : [(byte)((tag & 127) | 128), (byte)(tag >> 7)];
        return [.. tagBytes, checked((byte)content.Length), .. content];
    }
}
