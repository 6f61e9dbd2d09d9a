using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Export;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Quantization.Simulation;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Quantization.Tests;

/// <summary>A plan over a graph, with ranges from given inputs: what a method does, without trajectories.</summary>
internal sealed class PlannedModel
{
    public PlannedModel(
        OnnxModel model,
        string bits,
        IReadOnlyDictionary<string, OrtValue> inputs,
        string[]? rules = null,
        string sample = "x",
        Func<QuantizableLayer, int[]>? channelBits = null
    )
    {
        Model = model;
        var recipe = new Recipe(BitWidths.Parse(bits)) { Rules = [.. (rules ?? []).Select(LayerRule.Parse)] };
        Layers = LayerAnalysis.Find(model.Graph, sample, "timestep");
        var plan = new LayerPlanner(model.Graph, recipe).Plan(Layers);
        var statistics = Observe(model, plan, inputs);
        var range = new MseRange();
        Plan = new(
            [
                .. plan.Layers.Zip(
                    Layers,
                    (p, l) =>
                    {
                        var sized = p with { ChannelBits = l.Weight is null ? null : channelBits?.Invoke(l) };
                        return p is { WeightBits: not null, Mode: not LayerMode.Float }
                            ? sized with
                            {
                                Weight = sized.Quantized(l, range),
                            }
                            : p;
                    }
                ),
            ],
            plan.Points.ToDictionary(p => p, p => range.Estimate(statistics[p.Value], p.Bits, p.Symmetry))
        );
        Simulation = SimulationBuilder.Build(model, Plan);
        Exported = QdqExporter.Export(model, Plan);
    }

    public OnnxModel Model { get; }

    public IReadOnlyList<QuantizableLayer> Layers { get; }

    public QuantizationPlan Plan { get; }

    public OnnxModel Simulation { get; }

    public OnnxModel Exported { get; }

    private static Dictionary<string, StreamingHistogram> Observe(
        OnnxModel model,
        QuantizationPlan plan,
        IReadOnlyDictionary<string, OrtValue> inputs
    )
    {
        var observed = model.Clone();
        var graphInputs = model.Graph.Inputs.Select(i => i.Name).ToHashSet();
        var values = plan.Points.Select(p => p.Value).Distinct().ToArray();
        foreach (
            var value in values.Where(v => !graphInputs.Contains(v) && !observed.Graph.Outputs.Exists(o => o.Name == v))
        )
        {
            observed.Graph.Outputs.Add(new(value, ElementType.Undefined, null));
        }

        if (values.Length == 0)
        {
            return [];
        }

        using var session = ModelSession.Load(observed);
        using var outputs = session.Run(inputs);
        var result = new Dictionary<string, StreamingHistogram>();
        foreach (var value in values)
        {
            result[value] = new();
            result[value].Add(Tensors.ToFloats(graphInputs.Contains(value) ? inputs[value] : outputs[value]));
        }

        return result;
    }
}
