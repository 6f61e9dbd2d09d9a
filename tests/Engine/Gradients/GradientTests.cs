using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Tests.Gradients;

/// <summary>
/// Derivatives against the change that a small step in a random direction makes in the loss itself: every rule, over
/// shapes and attributes.
/// </summary>
public class GradientTests
{
    private delegate Value Form(GraphBuilder b, Value[] x);

    private static readonly Dictionary<string, (long[][] Inputs, Form Form)> Forms = new()
    {
        ["Add"] = (
            [
                [2, 3, 4],
                [3, 1],
            ],
            (b, x) => b.Op("Add", x[0], x[1])
        ),
        ["Sub"] = (
            [
                [3, 1],
                [2, 3, 4],
            ],
            (b, x) => b.Op("Sub", x[0], x[1])
        ),
        ["Mul"] = (
            [
                [2, 3, 4],
                [4],
            ],
            (b, x) => b.Op("Mul", x[0], x[1])
        ),
        ["Mul of one value"] = (
            [
                [2, 3],
            ],
            (b, x) => b.Op("Mul", x[0], x[0])
        ),
        ["Div"] = (
            [
                [2, 3],
                [3],
            ],
            (b, x) => b.Op("Div", x[0], b.Op("Exp", x[1]))
        ),
        ["Pow"] = (
            [
                [5, 2],
                [2],
            ],
            (b, x) => b.Op("Pow", b.Op("Exp", x[0]), x[1])
        ),
        ["Neg"] = (
            [
                [4],
            ],
            (b, x) => b.Op("Neg", x[0])
        ),
        ["Sum"] = (
            [
                [2, 3],
                [3],
                [1, 1],
            ],
            (b, x) => b.Op("Sum", x[0], x[1], x[2])
        ),
        ["Mean"] = (
            [
                [2, 3],
                [3],
            ],
            (b, x) => b.Op("Mean", x[0], x[1])
        ),
        ["Min"] = (
            [
                [3, 4],
                [4],
            ],
            (b, x) => b.Op("Min", x[0], x[1])
        ),
        ["Max"] = (
            [
                [3, 4],
                [4],
            ],
            (b, x) => b.Op("Max", x[0], x[1])
        ),
        ["Abs"] = (
            [
                [7],
            ],
            (b, x) => b.Op("Abs", x[0])
        ),
        ["Exp"] = (
            [
                [7],
            ],
            (b, x) => b.Op("Exp", x[0])
        ),
        ["Log"] = (
            [
                [7],
            ],
            (b, x) => b.Op("Log", b.Op("Exp", x[0]))
        ),
        ["Sqrt"] = (
            [
                [7],
            ],
            (b, x) => b.Op("Sqrt", b.Op("Exp", x[0]))
        ),
        ["Reciprocal"] = (
            [
                [7],
            ],
            (b, x) => b.Op("Reciprocal", b.Op("Exp", x[0]))
        ),
        ["Sin"] = (
            [
                [7],
            ],
            (b, x) => b.Op("Sin", x[0])
        ),
        ["Cos"] = (
            [
                [7],
            ],
            (b, x) => b.Op("Cos", x[0])
        ),
        ["Where"] = (
            [
                [2, 3],
                [3],
            ],
            (b, x) => b.Op("Where", b.Op("Greater", x[0], x[1]), x[0], b.Op("Exp", x[1]))
        ),
        ["Clip"] = (
            [
                [20],
            ],
            (b, x) => b.Op("Clip", x[0], b.Scalar(-0.4f), b.Scalar(0.5f))
        ),
        ["Clip below"] = (
            [
                [20],
            ],
            (b, x) => b.Op("Clip", x[0], b.Scalar(-0.4f))
        ),
        ["Sigmoid"] = (
            [
                [9],
            ],
            (b, x) => b.Op("Sigmoid", x[0])
        ),
        ["SiLU"] = (
            [
                [9],
            ],
            (b, x) => b.Silu(x[0])
        ),
        ["Tanh"] = (
            [
                [9],
            ],
            (b, x) => b.Op("Tanh", x[0])
        ),
        ["Relu"] = (
            [
                [9],
            ],
            (b, x) => b.Op("Relu", x[0])
        ),
        ["Erf"] = (
            [
                [9],
            ],
            (b, x) => b.Op("Erf", x[0])
        ),
        ["Softmax"] = (
            [
                [2, 3, 4],
            ],
            (b, x) => b.Softmax(x[0], 1)
        ),
        ["Softmax last"] = (
            [
                [2, 3, 4],
            ],
            (b, x) => b.Softmax(x[0])
        ),
        ["Reshape"] = (
            [
                [2, 3, 4],
            ],
            (b, x) => b.Reshape(x[0], 0, -1)
        ),
        ["Transpose"] = (
            [
                [2, 3, 4],
            ],
            (b, x) => b.Transpose(x[0], 2, 0, 1)
        ),
        ["Squeeze"] = (
            [
                [2, 1, 4],
            ],
            (b, x) => b.Squeeze(x[0], 1)
        ),
        ["Unsqueeze"] = (
            [
                [2, 4],
            ],
            (b, x) => b.Unsqueeze(x[0], 1)
        ),
        ["Flatten"] = (
            [
                [2, 3, 4],
            ],
            (b, x) => b.Op("Flatten", x[0])
        ),
        ["Expand"] = (
            [
                [3, 1],
            ],
            (b, x) => b.Op("Expand", x[0], b.Constant([2L, 3, 4]))
        ),
        ["Identity"] = (
            [
                [4],
            ],
            (b, x) => b.Op("Identity", x[0])
        ),
        ["Cast"] = (
            [
                [4],
            ],
            (b, x) => b.Cast(b.Cast(x[0], ElementType.Double), ElementType.Float)
        ),
        ["Concat"] = (
            [
                [2, 3],
                [2, 1],
            ],
            (b, x) => b.Concat(-1, x[0], x[1], x[0])
        ),
        ["Split"] = (
            [
                [2, 6],
            ],
            (b, x) =>
            {
                var parts = b.Node("Split", [x[0], b.Constant([2L, 1, 3])], 3, [("axis", 1L)]);
                return b.Concat(1, parts[2], parts[0]);
            }
        ),
        ["ReduceSum"] = (
            [
                [2, 3, 4],
            ],
            (b, x) => b.Op("ReduceSum", [x[0], b.Constant([0L, -1])], ("keepdims", 0L))
        ),
        ["ReduceMean"] = (
            [
                [2, 3, 4],
            ],
            (b, x) => b.ReduceMean(x[0], [1], keepDimensions: false)
        ),
        ["ReduceMean of all"] = (
            [
                [2, 3],
            ],
            (b, x) => b.Op("ReduceMean", x[0])
        ),
        ["ReduceSumSquare"] = (
            [
                [2, 3],
            ],
            (b, x) => b.Op("ReduceSumSquare", x[0])
        ),
        ["MatMul"] = (
            [
                [2, 3],
                [3, 4],
            ],
            (b, x) => b.MatMul(x[0], x[1])
        ),
        ["MatMul of a batch"] = (
            [
                [5, 2, 3],
                [5, 3, 4],
            ],
            (b, x) => b.MatMul(x[0], x[1])
        ),
        ["MatMul with one matrix"] = (
            [
                [2, 5, 2, 3],
                [3, 4],
            ],
            (b, x) => b.MatMul(x[0], x[1])
        ),
        ["MatMul broadcast"] = (
            [
                [2, 1, 2, 3],
                [5, 3, 4],
            ],
            (b, x) => b.MatMul(x[0], x[1])
        ),
        ["MatMul of a vector"] = (
            [
                [3],
                [2, 3, 4],
            ],
            (b, x) => b.MatMul(x[0], x[1])
        ),
        ["MatMul with a vector"] = (
            [
                [2, 4, 3],
                [3],
            ],
            (b, x) => b.MatMul(x[0], x[1])
        ),
        ["Gemm"] = (
            [
                [2, 3],
                [3, 4],
                [4],
            ],
            (b, x) => b.Op("Gemm", x[0], x[1], x[2])
        ),
        ["Gemm transposed"] = (
            [
                [3, 2],
                [4, 3],
                [2, 1],
            ],
            (b, x) => b.Op("Gemm", [x[0], x[1], x[2]], ("transA", 1L), ("transB", 1L), ("alpha", 0.7f), ("beta", 1.3f))
        ),
        ["Conv"] = (
            [
                [2, 3, 5, 6],
                [4, 3, 3, 3],
                [4],
            ],
            (b, x) => b.Op("Conv", [x[0], x[1], x[2]], Pads(1, 1, 1, 1))
        ),
        ["Conv 1x1"] = (
            [
                [2, 3, 5, 4],
                [4, 3, 1, 1],
            ],
            (b, x) => b.Op("Conv", x[0], x[1])
        ),
        ["Conv strided"] = (
            [
                [2, 3, 7, 6],
                [4, 3, 3, 3],
                [4],
            ],
            (b, x) => b.Op("Conv", [x[0], x[1], x[2]], Pads(1, 0, 2, 1), ("strides", new[] { 2L, 2 }))
        ),
        ["Conv dilated"] = (
            [
                [1, 2, 9, 8],
                [3, 2, 3, 2],
            ],
            (b, x) => b.Op("Conv", [x[0], x[1]], Pads(2, 1, 2, 1), ("dilations", new[] { 2L, 3 }))
        ),
        ["Conv in groups"] = (
            [
                [2, 4, 5, 5],
                [6, 2, 3, 3],
                [6],
            ],
            (b, x) => b.Op("Conv", [x[0], x[1], x[2]], Pads(1, 1, 1, 1), ("group", 2L))
        ),
        ["Conv depthwise"] = (
            [
                [2, 4, 5, 5],
                [4, 1, 3, 3],
            ],
            (b, x) => b.Op("Conv", [x[0], x[1]], ("group", 4L), ("strides", new[] { 2L, 1 }))
        ),
        ["Conv of lines"] = (
            [
                [2, 3, 9],
                [4, 3, 3],
                [4],
            ],
            (b, x) => b.Op("Conv", [x[0], x[1], x[2]], Pads(1, 1))
        ),
        ["Conv same"] = (
            [
                [1, 2, 6, 5],
                [3, 2, 2, 2],
            ],
            (b, x) => b.Op("Conv", [x[0], x[1]], ("auto_pad", "SAME_UPPER"), ("strides", new[] { 2L, 2 }))
        ),
        ["Conv padded beyond its kernel"] = (
            [
                [1, 2, 4, 4],
                [3, 2, 1, 1],
            ],
            (b, x) => b.Op("Conv", [x[0], x[1]], Pads(1, 1, 1, 1))
        ),
        ["ConvTranspose"] = (
            [
                [2, 3, 4, 4],
                [3, 2, 3, 3],
                [2],
            ],
            (b, x) =>
                b.Op(
                    "ConvTranspose",
                    [x[0], x[1], x[2]],
                    Pads(1, 1, 1, 1),
                    ("strides", new[] { 2L, 2 }),
                    ("output_padding", new[] { 1L, 1 })
                )
        ),
        ["ConvTranspose in groups"] = (
            [
                [1, 4, 3, 3],
                [4, 2, 2, 2],
            ],
            (b, x) => b.Op("ConvTranspose", [x[0], x[1]], ("group", 2L), ("strides", new[] { 2L, 2 }))
        ),
        ["LogSoftmax"] = (
            [
                [2, 3, 4],
            ],
            (b, x) => b.Op("LogSoftmax", [x[0]], ("axis", 1L))
        ),
        ["Softplus"] = (
            [
                [9],
            ],
            (b, x) => b.Op("Softplus", x[0])
        ),
        ["LeakyRelu"] = (
            [
                [9],
            ],
            (b, x) => b.Op("LeakyRelu", [x[0]], ("alpha", 0.2f))
        ),
        ["Elu"] = (
            [
                [9],
            ],
            (b, x) => b.Op("Elu", [x[0]], ("alpha", 0.7f))
        ),
        ["HardSigmoid"] = (
            [
                [9],
            ],
            (b, x) => b.Op("HardSigmoid", [x[0]], ("alpha", 0.4f))
        ),
        ["Slice"] = (
            [
                [4, 5, 6],
            ],
            (b, x) => b.Op("Slice", x[0], b.Constant([1L, -4]), b.Constant([3L, 1000]), b.Constant([0L, 2]))
        ),
        ["Slice with steps"] = (
            [
                [4, 7],
            ],
            (b, x) =>
                b.Op(
                    "Slice",
                    x[0],
                    b.Constant([-1L, 1]),
                    b.Constant([-100L, 7]),
                    b.Constant([0L, 1]),
                    b.Constant([-2L, 3])
                )
        ),
        ["Gather"] = (
            [
                [3, 5, 2],
            ],
            (b, x) => b.Op("Gather", [x[0], b.Constant([4L, 0, -1, 0])], ("axis", 1L))
        ),
        ["Gather of one"] = (
            [
                [3, 5],
            ],
            (b, x) => b.Op("Gather", [x[0], b.Scalar(2L)], ("axis", 0L))
        ),
        ["Resize nearest"] = (
            [
                [1, 2, 3, 4],
            ],
            (b, x) => b.UpsampleNearest(x[0])
        ),
        ["Resize linear"] = (
            [
                [1, 2, 3, 4],
            ],
            (b, x) =>
                b.Op(
                    "Resize",
                    [x[0], null, b.Constant(OnnxTensor.Of("", [1f, 1, 2, 1.5f], 4))],
                    ("mode", "linear"),
                    ("coordinate_transformation_mode", "half_pixel")
                )
        ),
        ["Resize with aligned corners"] = (
            [
                [1, 1, 3, 4],
            ],
            (b, x) =>
                b.Op(
                    "Resize",
                    [x[0], null, null, b.Constant([1L, 1, 5, 7])],
                    ("mode", "linear"),
                    ("coordinate_transformation_mode", "align_corners")
                )
        ),
        ["Resize smaller"] = (
            [
                [1, 1, 6, 6],
            ],
            (b, x) =>
                b.Op(
                    "Resize",
                    [x[0], null, b.Constant(OnnxTensor.Of("", [1f, 1, 0.5f, 0.5f], 4))],
                    ("mode", "nearest"),
                    ("coordinate_transformation_mode", "half_pixel")
                )
        ),
        ["AveragePool"] = (
            [
                [2, 3, 7, 6],
            ],
            (b, x) => b.Op("AveragePool", [x[0]], ("kernel_shape", new[] { 2L, 3 }), ("strides", new[] { 2L, 2 }))
        ),
        ["GlobalAveragePool"] = (
            [
                [2, 3, 4, 5],
            ],
            (b, x) => b.Op("GlobalAveragePool", x[0])
        ),
        ["Pad"] = (
            [
                [2, 3],
            ],
            (b, x) => b.Op("Pad", x[0], b.Constant([1L, 0, 0, 2]))
        ),
        ["Einsum"] = (
            [
                [2, 3, 4],
                [2, 5, 4],
            ],
            (b, x) => b.Op("Einsum", [x[0], x[1]], ("equation", "b i d, b j d -> b i j"))
        ),
        ["Einsum of one"] = (
            [
                [2, 3, 4],
            ],
            (b, x) => b.Op("Einsum", [x[0]], ("equation", "abc->cab"))
        ),
        ["InstanceNormalization"] = (
            [
                [2, 3, 4, 5],
                [3],
                [3],
            ],
            (b, x) => b.Op("InstanceNormalization", x[0], x[1], x[2])
        ),
        ["LayerNormalization"] = (
            [
                [2, 3, 8],
                [8],
                [8],
            ],
            (b, x) => b.Op("LayerNormalization", [x[0], x[1], x[2]], ("axis", -1L))
        ),
        ["LayerNormalization of two axes"] = (
            [
                [2, 3, 4],
                [3, 4],
                [3, 4],
            ],
            (b, x) => b.Op("LayerNormalization", [x[0], x[1], x[2]], ("axis", 1L))
        ),
    };

    public static TheoryData<string> Names => [.. Forms.Keys];

    private static (string, AttributeValue) Pads(params long[] pads) => ("pads", pads);

    [Theory]
    [MemberData(nameof(Names))]
    public void TheLossChangesAsTheGradientSays(string name)
    {
        var (shapes, form) = Forms[name];
        foreach (var seed in (int[])[1, 2, 3])
        {
            var inputs = shapes.Select((s, i) => Numbers((seed * 100) + i, s.Aggregate(1L, (a, b) => a * b))).ToArray();
            var (model, loss) = Build(shapes, form, seed);
            var names = shapes.Select((_, i) => $"x{i}").ToArray();
            var changed = model.Clone();
            var gradients = GradientGraph.Append(changed, loss, names);
            foreach (var gradient in gradients.Values.Distinct())
            {
                changed.Graph.Outputs.Add(new(gradient, ElementType.Float, null));
            }

            var computed = Run(changed, shapes, inputs, [.. gradients.Values.Distinct()]);
            for (var i = 0; i < shapes.Length; i++)
            {
                AssertSlope(model, loss, shapes, inputs, i, computed[gradients[names[i]]], seed);
            }
        }
    }

    [Fact]
    public void EveryRuleIsTried()
    {
        var tried = Forms
            .Values.SelectMany(f => Build(f.Inputs, f.Form, 1).Model.Graph.Nodes)
            .Select(n => (n.Domain, n.OpType))
            .ToHashSet();
        // These have tests of their own below, or cannot run alone on the processor.
        tried.UnionWith([
            ("", "Round"),
            ("", "GroupNormalization"),
            ("", "Gelu"),
            ("", "Mish"),
            (QuantizerOperators.Domain, QuantizerOperators.FakeQuantize),
        ]);
        Assert.All(GradientRuleTable.Instance.Operators, o => Assert.Contains(o, tried));
    }

    [Theory]
    [InlineData("Mish", "")]
    [InlineData("Gelu", "none")]
    [InlineData("Gelu", "tanh")]
    public void ActivationsOfNewOpsets(string opType, string approximate)
    {
        long[][] shapes =
        [
            [9],
        ];
        float[][] inputs = [Numbers(4, 9)];
        var (model, loss) = Build(
            shapes,
            (b, x) => approximate.Length == 0 ? b.Op(opType, x[0]) : b.Op(opType, [x[0]], ("approximate", approximate)),
            1,
            20
        );
        var changed = model.Clone();
        var gradient = GradientGraph.Append(changed, loss, ["x0"])["x0"];
        changed.Graph.Outputs.Add(new(gradient, ElementType.Float, null));

        AssertSlope(model, loss, shapes, inputs, 0, Run(changed, shapes, inputs, [gradient])[gradient], 1);
    }

    [Fact]
    public void RoundingPassesGradientsStraightThrough()
    {
        var (model, loss) = Build(
            [
                [6],
            ],
            (b, x) => b.Op("Round", x[0]),
            1
        );
        var weights = Numbers(1 + 7, 6);
        var gradient = GradientGraph.Append(model, loss, ["x0"])["x0"];
        model.Graph.Outputs.Add(new(gradient, ElementType.Float, null));

        Assert.Equal(
            weights,
            Run(
                model,
                [
                    [6],
                ],
                [Numbers(3, 6)],
                [gradient]
            )[gradient]
        );
    }

    [Fact]
    public void LearnedStepsFollowLsq()
    {
        // s = 0.5, z = 2, n = 7: multiples of the step from −2 to 5.
        float[] x = [-3, -0.9f, -0.2f, 0.3f, 0.74f, 2.4f, 4];
        var graph = new OnnxGraph { Name = "lsq" };
        graph.Inputs.Add(new("x", ElementType.Float, TensorShape.Of(7)));
        graph.Inputs.Add(new("s", ElementType.Float, TensorShape.Scalar));
        graph.Add(OnnxTensor.Of("w", [1f, 2, 3, 4, 5, 6, 7], 7));
        var editor = new GraphEditor(graph);
        var y = QuantizerOperators.AddFakeQuantize(editor, "x", "s", 2, 7, gradientScale: 0.25f);
        var loss = editor.Node("ReduceSum", "loss", [editor.Node("Mul", "weighted", [y, "w"])], ("keepdims", 0L));
        var model = new OnnxModel(graph) { Opset = 17 };
        var gradients = GradientGraph.Append(model, loss, ["x", "s"]);
        foreach (var value in (string[])[y, gradients["x"], gradients["s"]])
        {
            graph.Outputs.Add(new(value, ElementType.Float, null));
        }

        QuantizerOperators.Lower(model);
        using var session = ModelSession.Load(model);
        using var outputs = session.Run(
            new Dictionary<string, OrtValue> { ["x"] = Tensors.Of(x, 7), ["s"] = Tensors.Of([0.5f]) }
        );

        Assert.Equal([-1, -1, 0, 0.5f, 0.5f, 2.5f, 2.5f], Tensors.ToFloats(outputs[y]));
        // Inside: −0.9 rounds to code −2, which is a code; 2.4 to 5. Outside: −3 and 4.
        Assert.Equal([0, 2, 3, 4, 5, 6, 0], Tensors.ToFloats(outputs[gradients["x"]]));
        var expected = 0.0;
        for (var i = 0; i < x.Length; i++)
        {
            var ratio = x[i] / 0.5;
            var slope =
                ratio < -2.5 ? -2
                : ratio > 5.5 ? 5
                : Math.Round(ratio, MidpointRounding.ToEven) - ratio;
            expected += (i + 1) * slope;
        }

        Assert.Equal(0.25 * expected, Tensors.ToFloats(outputs[gradients["s"]])[0], 1e-4);
    }

    [Fact]
    public void WhatTheLossDoesNotDependOnHasZeros()
    {
        var (model, loss) = Build(
            [
                [3],
                [2],
            ],
            (b, x) => b.Op("Exp", x[0]),
            1
        );
        var gradient = GradientGraph.Append(model, loss, ["x1"])["x1"];
        model.Graph.Outputs.Add(new(gradient, ElementType.Float, null));

        Assert.Equal(
            [0, 0],
            Run(
                model,
                [
                    [3],
                    [2],
                ],
                [Numbers(1, 3), Numbers(2, 2)],
                [gradient]
            )[gradient]
        );
    }

    [Fact]
    public void OperatorsWithoutARuleAreNamed()
    {
        var (model, loss) = Build(
            [
                [3, 3],
            ],
            (b, x) => b.Op("Tan", x[0]),
            1
        );
        var error = Assert.Throws<DiffusionQuantException>(() => GradientGraph.Append(model, loss, ["x0"]));
        Assert.Equal("DQ4030", error.Code);
        Assert.Contains("Tan", error.Message);
        Assert.Contains(model.Graph.Nodes.First(n => n.OpType == "Tan").Name, error.Message);
    }

    [Fact]
    public void SymbolicSizesAreRefused()
    {
        var b = new GraphBuilder();
        var x = b.Input("x0", ElementType.Float, "batch", 3);
        var loss = b.Op("ReduceSum", [b.ReduceMean(x, [1])], ("keepdims", 0L));
        b.Output(loss, "loss", ElementType.Float);
        var error = Assert.Throws<DiffusionQuantException>(() => GradientGraph.Append(b.Build(), "loss", ["x0"]));
        Assert.Equal("DQ4031", error.Code);
    }

    [Theory]
    [InlineData(13)]
    [InlineData(18)]
    [InlineData(21)]
    public void OpsetsDiffer(long opset)
    {
        var (model, loss) = Build(
            [
                [2, 3, 4, 4],
                [3],
                [3],
            ],
            (b, x) => b.ReduceMean(b.Op("InstanceNormalization", x[0], x[1], x[2]), [2, 3]),
            1,
            opset
        );
        var gradient = GradientGraph.Append(model, loss, ["x0"])["x0"];
        model.Graph.Outputs.Add(new(gradient, ElementType.Float, null));
        ModelSession.Load(model).Dispose();
    }

    [Fact]
    public void LongChainsDoNotOverflowTheStack()
    {
        var (model, loss) = Build(
            [
                [2],
            ],
            (b, x) =>
            {
                var y = x[0];
                for (var i = 0; i < 2000; i++)
                {
                    y = b.Op("Neg", y);
                }

                return y;
            },
            1
        );
        Assert.NotEmpty(GradientGraph.Append(model, loss, ["x0"])["x0"]);
    }

    /// <summary>loss = Σ form(x) · w with seeded w.</summary>
    private static (OnnxModel Model, string Loss) Build(long[][] shapes, Form form, int seed, long opset = 17)
    {
        var b = new GraphBuilder(opset: opset);
        var inputs = shapes
            .Select((s, i) => b.Input($"x{i}", ElementType.Float, s.Select(d => (Dimension)d).ToArray()))
            .ToArray();
        var y = form(b, inputs);
        var probe = new OnnxModel(b.Graph) { Opset = opset };
        Onnx.ShapeInference.ShapeInferrer.Infer(probe);
        var dims = b.Graph.Find(y.Name)!.Shape!.ToStatic();
        b.Graph.ValueInfos.Clear();
        var weights = Numbers(seed + 7, dims.Aggregate(1L, (a, c) => a * c));
        var product = y * b.Constant(OnnxTensor.Of("", weights.AsSpan(), dims));
        b.Output(b.Op("ReduceSum", [product], ("keepdims", 0L)), "loss", ElementType.Float);
        return (b.Build(), "loss");
    }

    private static void AssertSlope(
        OnnxModel model,
        string loss,
        long[][] shapes,
        float[][] inputs,
        int input,
        float[] gradient,
        int seed
    )
    {
        const float Step = 4e-3f;
        Assert.Equal(inputs[input].Length, gradient.Length);
        var direction = Numbers(seed + 50 + input, gradient.Length);
        float[][] At(float step) =>
            [.. inputs.Select((x, i) => i == input ? [.. x.Zip(direction, (v, d) => v + (step * d))] : x)];
        double Loss(float step) => Run(model, shapes, At(step), [loss])[loss][0];
        var expected = (Loss(Step) - Loss(-Step)) / (2 * Step);
        var actual = gradient.Zip(direction, (g, d) => (double)g * d).Sum();
        var size = Math.Sqrt(gradient.Sum(g => (double)g * g) * direction.Sum(d => (double)d * d));
        Assert.True(
            Math.Abs(expected - actual) <= (0.02 * size) + 2e-3,
            $"input {input}: {actual}, but the loss changes by {expected}"
        );
    }

    private static Dictionary<string, float[]> Run(OnnxModel model, long[][] shapes, float[][] inputs, string[] outputs)
    {
        using var session = ModelSession.Load(model);
        var feeds = shapes
            .Select((s, i) => ($"x{i}", Tensors.Of(inputs[i], s)))
            .ToDictionary(f => f.Item1, f => f.Item2);
        using var values = session.Run(feeds, outputs);
        return outputs.ToDictionary(o => o, o => Tensors.ToFloats(values[o]));
    }

    /// <summary>Seeded numbers from −1 to 1, none close to where Abs, Relu or Clip bend.</summary>
    private static float[] Numbers(int seed, long count)
    {
        var random = new Random(seed);
        var result = new float[count];
        for (var i = 0; i < result.Length; i++)
        {
            do
            {
                result[i] = (float)((random.NextDouble() * 2) - 1);
            } while (
                Math.Abs(result[i]) < 0.02 || Math.Abs(result[i] - 0.5) < 0.02 || Math.Abs(result[i] + 0.4) < 0.02
            );
        }

        return result;
    }
}
