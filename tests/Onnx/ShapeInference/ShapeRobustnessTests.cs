using System.Runtime.CompilerServices;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Onnx.Tests.ShapeInference;

public class ShapeRobustnessTests
{
    /// <summary>Whatever a file's nodes say, inference gives an answer or none, and never an exception.</summary>
    [Fact]
    public void Nonsense_does_not_throw()
    {
        var random = new Random(1);
        var path = Path.Combine(Path.GetDirectoryName(Here())!, "operators.txt");
        foreach (var line in OperatorCase.Read(path).Select(c => c.Line))
        {
            for (var trial = 0; trial < 60; trial++)
            {
                var model = new OperatorCase(line).Model;
                Spoil(model.Graph, random);
                var text = GraphText.Print(model.Graph);
                var exception = Record.Exception(() => ShapeInferrer.Infer(model));
                Assert.True(exception is null, $"{text}{exception}");
            }
        }
    }

    private static void Spoil(OnnxGraph graph, Random random)
    {
        var node = graph.Nodes[0];
        long[] numbers = [-1, 0, 1, 2, 3, 7, -2, 100, long.MaxValue, long.MinValue, int.MaxValue];
        long Number() => numbers[random.Next(numbers.Length)];
        long[] Numbers() => [.. Enumerable.Range(0, random.Next(6)).Select(_ => Number())];
        foreach (var key in node.Attributes.Keys.ToArray())
        {
            switch (random.Next(5))
            {
                case 0:
                    node.Attributes.Remove(key);
                    break;
                case 1:
                    node.Attributes[key] = Number();
                    break;
                case 2:
                    node.Attributes[key] = Numbers();
                    break;
            }
        }

        string[] more =
        [
            "axis",
            "axes",
            "perm",
            "split",
            "pads",
            "strides",
            "kernel_shape",
            "dilations",
            "group",
            "to",
        ];
        var added = more[random.Next(more.Length)];
        node.Attributes[added] =
            random.Next(2) == 0 ? new AttributeValue.Int(Number()) : new AttributeValue.Ints(Numbers());
        for (var i = 0; i < graph.Inputs.Count; i++)
        {
            if (random.Next(2) == 0)
            {
                var dims = Numbers().Select(n => n < 0 ? Dimension.Unknown : n);
                graph.Inputs[i] = graph.Inputs[i] with { Shape = random.Next(5) == 0 ? null : new(dims) };
            }
        }

        foreach (var name in graph.Initializers.Keys.ToArray())
        {
            if (random.Next(2) == 0)
            {
                var values = Numbers();
                graph.Initializers[name] = OnnxTensor.Of(name, values.AsSpan(), values.Length);
            }
        }

        if (node.Inputs.Count > 0 && random.Next(3) == 0)
        {
            node.Inputs.RemoveAt(random.Next(node.Inputs.Count));
        }

        if (random.Next(4) == 0)
        {
            node.Outputs.Add("extra");
        }
    }

    private static string Here([CallerFilePath] string source = "") => Snapshot.OnThisMachine(source);
}
