using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Calibration;
using DiffusionQuant.Quantization.Export;
using DiffusionQuant.Quantization.Methods;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;
using DiffusionQuant.Quantization.Recipes;

namespace DiffusionQuant.Quantization.Parts;

/// <summary>
/// Quantizes a network that is no denoiser, a text encoder or a part of a VAE: rounding to nearest with ranges searched by
/// error, calibrated on what the pipeline gave it.
/// </summary>
/// <param name="recipe">The part's bits, and the policy.</param>
/// <param name="context">Device, progress, cancellation.</param>
internal sealed class PartQuantizer(Recipe recipe, PassContext context)
{
    // There is one kind of call.
    private const double NoTimestep = 0;

    private static readonly SearchRanges Ranges = new(new MseRange(), new MseRange());

    /// <summary>The quantized network, and how many of its layers are.</summary>
    /// <param name="path">Its file, for messages.</param>
    /// <param name="source">The float network.</param>
    /// <param name="calls">What it was given; needed where activations are quantized.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1090: nothing of it can be quantized.</exception>
    public (OnnxModel Model, int Layers) Run(
        string path,
        OnnxModel source,
        IReadOnlyList<IReadOnlyDictionary<string, OnnxTensor>> calls
    )
    {
        var model = source.Clone();
        foreach (var pass in GraphForm.Passes.Where(p => p.Applies(recipe)))
        {
            pass.Apply(model);
        }

        ShapeInferrer.Infer(model);
        var (layers, plan) = Plan(model.Graph);
        var quantized = plan.Layers.Count(l => l.Mode != LayerMode.Float);
        if (quantized == 0)
        {
            throw QuantizationErrors.NothingToQuantize(path, "no layer of it can be");
        }

        plan = Ranges.Search(plan, layers, Observe(model, plan, calls), context);
        if (recipe.Bits.QuantizesActivations)
        {
            model = LayOutGraph.Rewritten(model);
            plan = LayOutGraph.Carry(plan, Plan(model.Graph).Plan).Plan;
        }

        return (QdqExporter.Export(model, plan), quantized);
    }

    private (IReadOnlyList<QuantizableLayer> Layers, QuantizationPlan Plan) Plan(OnnxGraph graph)
    {
        // Without a timestep nothing is a time embedding; token ids are no sample.
        var sample = graph.Inputs.Find(i => i.ElementType.IsFloatingPoint())?.Name ?? "";
        var layers = LayerAnalysis.Find(graph, sample, timestep: "");
        return (layers, new LayerPlanner(graph, recipe).Plan(layers));
    }

    private CalibrationStatistics Observe(
        OnnxModel model,
        QuantizationPlan plan,
        IReadOnlyList<IReadOnlyDictionary<string, OnnxTensor>> calls
    )
    {
        var names = plan.Points.Select(p => p.Value).Distinct(StringComparer.Ordinal).ToArray();
        var statistics = new CalibrationStatistics(names, [NoTimestep]);
        if (names.Length == 0)
        {
            return statistics;
        }

        using var session = ModelSession.Load(ObservedGraph.Of(model, names, out var outputs), context.Session);
        foreach (var call in calls)
        {
            PartRun.With(
                session,
                call,
                [.. outputs.Values],
                set =>
                    Workers.For(
                        0,
                        names.Length,
                        i => statistics.Of(names[i]).Add(NoTimestep, Tensors.ToFloats(set[outputs[names[i]]]))
                    ),
                context.Cancellation
            );
            statistics.Samples++;
        }

        return statistics;
    }
}
