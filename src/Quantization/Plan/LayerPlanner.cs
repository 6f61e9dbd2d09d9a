using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Plan;

/// <summary>Applies a recipe's bits and rules to a graph's layers: who is quantized, at which points.</summary>
/// <param name="graph">The graph that the layers were found in.</param>
/// <param name="recipe">Bits, policy, rules.</param>
public sealed class LayerPlanner(OnnxGraph graph, Recipe recipe)
{
    /// <summary>The key of a node's metadata that says that its output is a softmax's, of some samples only.</summary>
    internal const string SoftmaxKey = "diffusionquant.softmax";

    /// <summary>Kernels that write codes write 8 bits, whatever the next layer reads.</summary>
    private const int OutputBits = 8;

    private readonly GraphIndex index = new(graph);

    /// <summary>The plan of these layers, without weights and quantizers.</summary>
    public QuantizationPlan Plan(IEnumerable<QuantizableLayer> layers) =>
        QuantizationPlan.Empty with
        {
            Layers = [.. layers.Select(Plan)],
        };

    private LayerPlan Plan(QuantizableLayer layer)
    {
        var bits = recipe.BitsOf(layer.Description);
        var plan = new LayerPlan(layer.Name, layer.Node.OpType, layer.Kind, layer.Positions, LayerMode.Float);
        if (layer.Kind == LayerKind.MatrixProduct)
        {
            return PlanProduct(layer, plan, bits);
        }

        if (!bits.QuantizesWeights)
        {
            return plan with
            {
                Reason = bits.QuantizesActivations ? "activations alone do not make an integer kernel" : null,
            };
        }

        if (layer.Weight is null)
        {
            return plan with { Reason = layer.Obstacle };
        }

        plan = plan with { WeightBits = bits.WeightBits, WeightInput = layer.WeightInput };
        if (!bits.QuantizesActivations || layer.Obstacle is not null)
        {
            return plan with
            {
                Mode = LayerMode.WeightOnly,
                Reason = bits.QuantizesActivations ? layer.Obstacle : null,
            };
        }

        return plan with
        {
            Mode = LayerMode.Integer,
            Inputs = [Point(layer.Node.Inputs[0], bits.ActivationBits)],
            Output = WritesCodes(layer) ? new(layer.Node.Outputs[0], OutputBits, Symmetry.Asymmetric) : null,
        };
    }

    private LayerPlan PlanProduct(QuantizableLayer layer, LayerPlan plan, BitWidths bits)
    {
        var left = Point(layer.Node.Inputs[0], bits.ActivationBits);
        // int8 beside a left side of 8 bits: one bit less keeps sums of two products within 16 bits on processors without VNNI.
        var right = Point(layer.Node.Inputs[1], bits.ActivationBits);
        ActivationPoint[] inputs = [left, left.Bits == 8 && right.Bits == 8 ? right with { Bits = 7 } : right];
        return bits.QuantizesActivations && Array.TrueForAll(inputs, p => p.Bits <= 8)
            ? plan with
            {
                Mode = LayerMode.Integer,
                Inputs = inputs,
            }
            : plan;
    }

    /// <summary>
    /// ONNX Runtime's integer convolution writes 8-bit codes only, its matrix products write floats. The network's own
    /// output is never rounded to codes.
    /// </summary>
    private bool WritesCodes(QuantizableLayer layer) =>
        layer.Kind == LayerKind.Convolution && !LeadsOnlyToOutput(layer.Node.Outputs[0]);

    private bool LeadsOnlyToOutput(string value) =>
        index.IsOutput(value)
        || (
            index.Consumers(value) is [var reader]
            && (DataMovement.Is(reader) || reader.OpType is "Cast" or "Mul" or "Add")
            && LeadsOnlyToOutput(reader.Outputs[0])
        );

    private ActivationPoint Point(string value, int bits)
    {
        var root = DataMovement.Root(index, value);

        // float16 graphs compute the softmax in float32 and convert it.
        var maker = index.Producer(root);
        if (maker is not null && maker.Is("Cast"))
        {
            maker = index.Producer(DataMovement.Root(index, maker.Inputs[0]));
        }

        return maker is not null && (maker.Is("Softmax") || maker.Metadata.Exists(m => m.Key == SoftmaxKey))
            ? new(root, recipe.SoftmaxBits, Symmetry.ZeroBased)
            : new(root, bits, Symmetry.Asymmetric);
    }
}
