using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.ShapeInference;

namespace DiffusionQuant.Onnx.Tests.ShapeInference;

/// <summary>Shapes that a graph computes at run time, as exporters write them.</summary>
public class ShapeChainTests
{
    private readonly GraphBuilder b = new(opset: 17);

    [Fact]
    public void Heads_are_split_and_merged()
    {
        var x = b.Input("x", ElementType.Float, "batch", 77, 768);
        var (n, s) = (b.Size(x, 0), b.Size(x, 1));
        var heads = b.Reshape(x, b.Concat(0, b.Unsqueeze(n, 0), b.Unsqueeze(s, 0), b.Constant(12), b.Constant(-1)));
        var transposed = b.Transpose(heads, 0, 2, 1, 3);
        var rows = b.Unsqueeze(n * b.Scalar(12), 0);
        var flat = b.Reshape(transposed, b.Concat(0, rows, b.Unsqueeze(s, 0), b.Constant(64)));
        var again = b.Reshape(flat, b.Concat(0, b.Unsqueeze(n, 0), b.Constant(12), b.Unsqueeze(s, 0), b.Constant(64)));
        Expect(("[batch,77,12,64]", heads), ("[?,77,64]", flat), ("[batch,12,77,64]", again));
    }

    [Fact]
    public void Expand_to_a_shape_with_minus_ones()
    {
        // torch's expand: Expand(x, Where(Equal(shape, -1 * ones), ones, shape)).
        var x = b.Input("x", ElementType.Float, 1, 77);
        var y = b.Input("y", ElementType.Float, "batch", 4);
        var shape = b.Concat(0, b.Unsqueeze(b.Size(y, 0), 0), b.Constant(-1));
        var ones = b.Op("ConstantOfShape", [b.Constant(2)], ("value", OnnxTensor.Of("", [1L], 1)));
        var target = b.Op("Where", b.Op("Equal", shape, ones * b.Scalar(-1)), ones, shape);
        Expect(("[batch,77]", b.Op("Expand", x, target)));
    }

    [Fact]
    public void Upsampling_to_computed_sizes()
    {
        // Old torch: sizes are floor(cast(shape) * 2), joined behind a slice of the shape.
        var x = b.Input("x", ElementType.Float, "batch", 64, 8, 6);
        var shape = b.Op("Shape", x);
        var sizes = b.Op("Slice", shape, b.Constant(2), b.Constant(4), b.Constant(0));
        var doubled = b.Op("Floor", b.Cast(sizes, ElementType.Float) * b.Scalar(2f));
        var head = b.Op("Slice", shape, b.Constant(0), b.Constant(2), b.Constant(0));
        var target = b.Concat(0, head, b.Cast(doubled, ElementType.Int64));
        Expect(("[batch,64,16,12]", b.Op("Resize", [x, null, null, target], ("mode", "nearest"))));
    }

    [Fact]
    public void Slices_up_to_a_computed_half()
    {
        var x = b.Input("x", ElementType.Float, "batch", 3072);
        var half = b.Unsqueeze((b.Size(x, 1) + b.Scalar(1)) / b.Scalar(2), 0);
        Expect(
            ("[batch,1536]", b.Op("Slice", x, b.Constant(0), half, b.Constant(1))),
            ("[batch,1536]", b.Op("Slice", x, half, half * b.Constant(2), b.Constant(1)))
        );
    }

    [Fact]
    public void Symbols_survive_what_does_not_change_them()
    {
        var x = b.Input("x", ElementType.Float, "batch", 4, "height", "width");
        var y = b.Op("Slice", b.Op("Shape", x), b.Constant(2), b.Constant(long.MaxValue), b.Constant(0));
        var same = b.Cast(b.Cast(y, ElementType.Float), ElementType.Int64) / b.Scalar(1);
        var filled = b.Op("ConstantOfShape", b.Concat(0, b.Constant(1), same));
        var range = b.Op("Range", b.Scalar(0), b.Size(x, 2), b.Scalar(1));
        var gathered = b.Op("Gather", b.Op("Identity", y), b.Scalar(-1));
        var padded = b.Op("Pad", x, b.Constant(0, 0, 0, 0, 0, 0, 0, 0));
        var reshaped = b.Reshape(x, b.Concat(0, b.Constant(0, 0), b.Unsqueeze(gathered, 0), b.Constant(-1)));
        Expect(
            ("[1,height,width]", filled),
            ("[height]", range),
            ("[batch,4,height,width]", padded),
            ("[batch,4,width,height]", reshaped),
            ("[height,3]", b.Op("Tile", b.Unsqueeze(range, 1), b.Constant(1, 3))),
            ("[batch,?,height,width]", b.Concat(1, x, b.Op("Unheard", x)))
        );
    }

    [Fact]
    public void Number_of_elements_and_splits_of_a_shape()
    {
        var x = b.Input("x", ElementType.Float, 2, 3, 4);
        var shape = b.Op("Shape", x);
        var parts = b.Node("Split", [shape, b.Constant(1, 2)], 2, []);
        var total = b.Op("ReduceProd", [shape], ("keepdims", 0L));
        var size = b.Op("Size", x);
        Expect(
            ("[24]", b.Reshape(x, b.Unsqueeze(total, 0))),
            ("[24,1]", b.Reshape(x, b.Concat(0, b.Unsqueeze(size, 0), b.Constant(1)))),
            ("[3,4]", b.Op("ConstantOfShape", parts[1])),
            ("[2]", b.Op("ConstantOfShape", parts[0])),
            ("[1,3]", b.Op("NonZero", shape)),
            ("[4]", b.Op("ConstantOfShape", b.Op("ReduceMax", shape)))
        );
    }

    [Fact]
    public void Unknown_operators_keep_what_the_file_says()
    {
        var x = b.Input("x", ElementType.Float, "batch", 4);
        var y = b.Op("Unheard", x);
        var z = b.Op("Relu", y);
        b.Graph.ValueInfos[y.Name] = new(y.Name, ElementType.Float16, ["batch", 5]);
        Expect(("[batch,5]", y), ("[batch,5]", z));
        Assert.Equal(ElementType.Float16, b.Graph.Find(z.Name)!.ElementType);
    }

    [Fact]
    public void Inferred_sizes_are_believed_before_those_of_the_file()
    {
        // torch writes the sizes of its sample input into inner values, dynamic or not.
        var x = b.Input("x", ElementType.Float, "batch", 4);
        var y = b.Op("Relu", x);
        b.Graph.ValueInfos[y.Name] = new(y.Name, ElementType.Float, [2, 4]);
        Expect(("[batch,4]", y));
    }

    private void Expect(params (string Shape, Value Value)[] expected)
    {
        b.Output(
            b.Graph.Nodes.Count == 0 ? expected[0].Value : b.Op("Identity", expected[^1].Value),
            "out",
            ElementType.Undefined
        );
        ShapeInferrer.Infer(b.Build());
        Assert.Equal(
            expected.Select(e => e.Shape),
            expected.Select(e => b.Graph.Find(e.Value.Name)?.Shape?.ToString() ?? "nothing")
        );
    }
}
