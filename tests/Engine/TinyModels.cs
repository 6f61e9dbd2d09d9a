using DiffusionQuant.Onnx;

namespace DiffusionQuant.Engine.Tests;

/// <summary>Graphs of a few nodes, built by hand.</summary>
internal static class TinyModels
{
    public static OnnxModel Model(OnnxGraph graph, long opset = 18, long ir = 8) =>
        new(graph) { IrVersion = ir, Opset = opset };

    public static OnnxGraph Graph(
        IEnumerable<ValueInfo> inputs,
        IEnumerable<ValueInfo> outputs,
        params OnnxNode[] nodes
    )
    {
        var graph = new OnnxGraph { Name = "tiny" };
        graph.Inputs.AddRange(inputs);
        graph.Outputs.AddRange(outputs);
        graph.Nodes.AddRange(nodes);
        return graph;
    }

    public static ValueInfo Value(string name, ElementType type = ElementType.Float, params Dimension[] dims) =>
        new(name, type, new(dims));

    /// <summary>sum = x + w, product = x * w with w = [1, 2, 3]; x is [batch, 3].</summary>
    public static OnnxModel SumAndProduct()
    {
        var graph = Graph(
            [Value("x", ElementType.Float, "batch", 3)],
            [Value("sum", ElementType.Float, "batch", 3), Value("product", ElementType.Float, "batch", 3)],
            new("Add", ["x", "w"], ["sum"]),
            new("Mul", ["x", "w"], ["product"])
        );
        graph.Add(OnnxTensor.Of("w", [1f, 2, 3], 3));
        return Model(graph);
    }

    /// <summary>y = x, through a graph that computes: -(-x).</summary>
    public static OnnxModel Twice(ElementType type, string op = "Identity") =>
        Model(Graph([Value("x", type, "n")], [Value("y", type, "n")], new OnnxNode(op, ["x"], ["y"])));

    /// <summary>y = x W with W [size, size], in every place i + j odd ? 1 : 0, and 1 at the first.</summary>
    public static OnnxModel LargeMatMul(int size)
    {
        var weights = new float[size * size];
        for (var i = 0; i < weights.Length; i++)
        {
            weights[i] = ((i / size) + (i % size)) % 2;
        }

        weights[0] = 1;
        var graph = Graph(
            [Value("x", ElementType.Float, "n", size)],
            [Value("y", ElementType.Float, "n", size)],
            new OnnxNode("MatMul", ["x", "w"], ["y"])
        );
        graph.Add(OnnxTensor.Of("w", weights.AsSpan(), size, size));
        return Model(graph);
    }

    /// <summary>A chain of square MatMuls over one matrix, long enough to be cancelled.</summary>
    public static OnnxModel LongChain(int size, int count)
    {
        var graph = Graph(
            [Value("x0", ElementType.Float, size, size)],
            [Value($"x{count}", ElementType.Float, size, size)]
        );
        for (var i = 0; i < count; i++)
        {
            graph.Nodes.Add(new("MatMul", [$"x{i}", "x0"], [$"x{i + 1}"]));
        }

        return Model(graph);
    }
}
