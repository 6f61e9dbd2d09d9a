using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Simulation;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>A simulation of the plan's weights alone, between activations in float.</summary>
internal sealed class WeightsOnlyParts(QuantizationPlan plan) : SimulationParts(plan)
{
    public override void SimulateWeights(GraphEditor editor, OnnxNode node, LayerPlan layer, QuantizedWeight weight) =>
        // Its bias is added in float then.
        base.SimulateWeights(editor, node, layer with { Mode = LayerMode.WeightOnly }, weight);

    public override void Quantize(GraphEditor editor, string value, string output, ActivationPoint point) =>
        editor.NodeTo(output, "Identity", [value]);
}
