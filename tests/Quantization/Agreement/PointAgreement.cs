using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Simulation;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests.Agreement;

/// <summary>
/// Whether an exported file computes what its simulation does, at every point of the network. Behind one value on the
/// other side of a border all that follows is different, in networks of random weights by as much as quantization itself
/// changes. So the simulation is cut at every point and behind every layer, and its parts get what the file had there:
/// each part answers for itself, and a fault stands out in the part that has it.
/// </summary>
internal sealed class PointAgreement
{
    // Half precision has 11 bits: of the largest of 256 codes one in twenty is close enough to a border.
    private static readonly (double Tolerance, double Apart) Float = (1e-4, 0.01);
    private static readonly (double Tolerance, double Apart) Half = (2e-3, 0.05);

    private static readonly string[] Kernels =
    [
        "QLinearConv",
        "QGemm",
        "QLinearMatMul",
        "MatMulIntegerToFloat",
        "ConvInteger",
    ];

    private readonly OnnxModel simulation;
    private readonly List<CutValue> cuts = [];

    /// <summary>Prepares a comparison.</summary>
    /// <param name="graph">The float graph that the plan is for.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="exported">What the plan was exported to.</param>
    public PointAgreement(OnnxModel graph, QuantizationPlan plan, OnnxModel exported)
    {
        simulation = SimulationBuilder.Build(graph, plan);
        FindCuts(graph, plan, exported);
        Observed = exported.Clone();
        foreach (var tensor in cuts.Select(c => c.Tensor).Where(t => !Observed.Graph.Outputs.Exists(o => o.Name == t)))
        {
            Observed.Graph.Outputs.Add(new(tensor, ElementType.Undefined, null));
        }

        // Seen from outside, the file must still run in the same kernels.
        var (before, after) = (Runs.OptimizedOperators(exported), Runs.OptimizedOperators(Observed));
        Assert.All(Kernels, k => Assert.Equal(before.GetValueOrDefault(k), after.GetValueOrDefault(k)));
    }

    /// <summary>The exported file with everything that is compared among its outputs.</summary>
    public OnnxModel Observed { get; }

    /// <summary>Runs the file and its simulation on the same inputs.</summary>
    public static void AssertAgree(
        OnnxModel graph,
        QuantizationPlan plan,
        OnnxModel exported,
        IReadOnlyDictionary<string, OrtValue> inputs
    )
    {
        var agreement = new PointAgreement(graph, plan, exported);
        agreement.AssertAgree(agreement.See(inputs), inputs);
    }

    /// <summary>What the file has at the cuts.</summary>
    public IReadOnlyDictionary<string, SeenTensor> See(IReadOnlyDictionary<string, OrtValue> inputs)
    {
        using var session = ModelSession.Load(Observed);
        using var outputs = session.Run(inputs);
        return Observed.Graph.Outputs.ToDictionary(
            o => o.Name,
            o => new SeenTensor(Tensors.ToFloats(outputs[o.Name]), Tensors.Dims(outputs[o.Name]))
        );
    }

    /// <summary>Compares the simulation's parts with what was seen.</summary>
    /// <param name="seen">The file's tensors, by name.</param>
    /// <param name="inputs">The inputs that it had.</param>
    public void AssertAgree(IReadOnlyDictionary<string, SeenTensor> seen, IReadOnlyDictionary<string, OrtValue> inputs)
    {
        var model = simulation.Clone();
        var given = new Dictionary<string, OrtValue>(inputs);
        foreach (var cut in cuts)
        {
            var tensor = seen[cut.Tensor];
            var name = $"{cut.Value}|given";
            given[name] = Tensors.FromFloats(cut.Decode(tensor.Values), tensor.Dims, cut.Type);
            foreach (var node in model.Graph.Nodes)
            {
                for (var i = node.Inputs.IndexOf(cut.Value); i >= 0; i = node.Inputs.IndexOf(cut.Value))
                {
                    node.Inputs[i] = name;
                }
            }

            model.Graph.Inputs.Add(new(name, cut.Type, TensorShape.Of(tensor.Dims)));
            if (!model.Graph.Outputs.Exists(o => o.Name == cut.Value))
            {
                model.Graph.Outputs.Add(new(cut.Value, ElementType.Undefined, null));
            }
        }

        using var session = ModelSession.Load(model);
        using var outputs = session.Run(given);
        foreach (var cut in cuts)
        {
            var (tolerance, apart) = cut.Type == ElementType.Float ? Float : Half;
            CodeAgreement.AssertAgree(
                Tensors.ToFloats(outputs[cut.Value]),
                cut.Decode(seen[cut.Tensor].Values),
                cut.Step,
                cut.Value,
                tolerance,
                apart
            );
        }

        foreach (var name in given.Keys.Except(inputs.Keys))
        {
            given[name].Dispose();
        }
    }

    /// <summary>The rounded inputs of every layer and its output, each once. Layers inside branches cannot be seen.</summary>
    private void FindCuts(OnnxModel graph, QuantizationPlan plan, OnnxModel exported)
    {
        var (floats, simulated, written) = (ByName(graph), ByName(simulation), ByName(exported));
        var producers = exported
            .Graph.Nodes.SelectMany(n => n.Outputs.Select(o => (Output: o, Node: n)))
            .ToDictionary(p => p.Output, p => p.Node);
        var rounded = exported.Graph.Nodes.Where(n => n.Is("QuantizeLinear")).Select(n => n.Inputs[0]).ToHashSet();
        foreach (var layer in plan.Layers.Where(l => l.Mode != LayerMode.Float && floats.ContainsKey(l.Layer)))
        {
            var (node, part, file) = (floats[layer.Layer], simulated[layer.Layer], written[layer.Layer]);
            foreach (var (i, point) in layer.Inputs.Index())
            {
                var quantizer = plan.Activations[point];
                var (scale, zero, tensor) = (1f, 0f, file.Inputs[i]);
                // Powers of two differ by half of the larger one.
                var step = plan.Logarithmic.Contains(point) ? 0.5 * quantizer.HighestValue : quantizer.Scale;
                if (file.Is("ConvInteger"))
                {
                    (scale, zero) = (quantizer.Scale, quantizer.ZeroPoint);
                }
                else if (producers.GetValueOrDefault(tensor) is { OpType: "DequantizeLinear" } reader)
                {
                    (scale, zero) = (Scalar(reader.Inputs[1]), Scalar(reader.Inputs[2]));
                    tensor = reader.Inputs[0];
                }

                Add(new(part.Inputs[i], graph.Graph.TypeOf(node.Inputs[i]), tensor, scale, zero, step));
            }

            // A file in which codes go on without floats between them has the next layer's input in this one's place, and
            // where a product's floats are rounded at once, its kernel writes the codes.
            var output = node.Outputs[0];
            if (producers.ContainsKey(output) && !rounded.Contains(output))
            {
                var step = layer.Output is { } behind ? plan.Activations[behind].Scale : 0;
                Add(new(output, graph.Graph.TypeOf(output), output, 1, 0, step));
            }
        }

        float Scalar(string name) => exported.Graph.Initializers[name].ToFloats().Span[0];

        void Add(CutValue cut)
        {
            if (!cuts.Exists(c => c.Value == cut.Value))
            {
                cuts.Add(cut);
            }
        }
    }

    private static Dictionary<string, OnnxNode> ByName(OnnxModel model) =>
        model.Graph.Nodes.ToDictionary(n => n.Name, StringComparer.Ordinal);

    /// <summary>A tensor of the file.</summary>
    public sealed record SeenTensor(float[] Values, long[] Dims)
    {
        /// <summary>One of equal parts along the first axis.</summary>
        public SeenTensor Part(int index, int count)
        {
            Assert.Equal(0, Dims[0] % count);
            var length = Values.Length / count;
            return new(Values[(index * length)..((index + 1) * length)], [Dims[0] / count, .. Dims[1..]]);
        }
    }

    /// <summary>Where the simulation is cut.</summary>
    /// <param name="Value">The simulation's value.</param>
    /// <param name="Type">Its type.</param>
    /// <param name="Tensor">What the file has in its place: floats, or codes.</param>
    /// <param name="Scale">The distance of the file's codes; 1 for floats.</param>
    /// <param name="Zero">Their zero point; 0 for floats.</param>
    /// <param name="Step">The distance of two values that the point can have; 0 where nothing is rounded.</param>
    private sealed record CutValue(string Value, ElementType Type, string Tensor, float Scale, float Zero, double Step)
    {
        public float[] Decode(float[] values) =>
            Scale == 1 && Zero == 0 ? values : [.. values.Select(v => (v - Zero) * Scale)];
    }
}
