using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Quantizers;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>
/// Results of finished units, in a folder whose name stands for all that decides them; a run that was killed takes them from
/// there. Each is written beside and renamed, so that it is there as a whole or not at all.
/// </summary>
/// <param name="folder">The folder; null keeps nothing.</param>
/// <param name="pass">The pass, of which a method may have several.</param>
internal sealed class UnitCheckpoints(string? folder, string pass)
{
    private const string Losses = "losses";

    /// <summary>The result of a unit, if it was finished.</summary>
    /// <param name="unit">The unit's number.</param>
    /// <param name="plan">The plan that it was tuned on.</param>
    public UnitResult? Find(int unit, QuantizationPlan plan)
    {
        if (folder is null || !File.Exists(PathOf(unit)))
        {
            return null;
        }

        try
        {
            return Read(OnnxModel.Load(PathOf(unit)).Graph.Initializers, plan);
        }
        catch (Exception e) when (e is DiffusionQuantException or KeyNotFoundException or ArgumentException)
        {
            // Another program's, or damaged: the unit is tuned again.
            return null;
        }
    }

    /// <summary>Keeps a result.</summary>
    public void Save(int unit, UnitResult result)
    {
        if (folder is null)
        {
            return;
        }

        var graph = new OnnxGraph { Name = pass };
        graph.Add(
            OnnxTensor.Of(
                Losses,
                [BitConverter.DoubleToInt64Bits(result.LossBefore), BitConverter.DoubleToInt64Bits(result.LossAfter)],
                2
            )
        );
        foreach (var (layer, weight) in result.Weights)
        {
            graph.Add(OnnxTensor.Of($"codes:{layer}", weight.Codes.Span, weight.Codes.Length));
        }

        foreach (var (layer, alpha) in result.Roundings)
        {
            graph.Add(OnnxTensor.Of($"alpha:{layer}", alpha.AsSpan(), alpha.Length));
        }

        foreach (var (point, quantizer) in result.Activations)
        {
            graph.Add(OnnxTensor.Of($"scale:{point}:{point.Symmetry}", [quantizer.Scale], 1));
        }

        Directory.CreateDirectory(folder);
        new OnnxModel(graph) { Opset = 13 }.Save(PathOf(unit));
    }

    private static UnitResult Read(OrderedDictionary<string, OnnxTensor> tensors, QuantizationPlan plan)
    {
        var losses = tensors[Losses].ToInt64s();
        var weights = plan
            .Layers.Where(l => tensors.ContainsKey($"codes:{l.Layer}"))
            .ToDictionary(l => l.Layer, l => l.Weight!.WithCodes(tensors[$"codes:{l.Layer}"].Data.ToArray()));
        var roundings = weights.Keys.ToDictionary(l => l, l => tensors[$"alpha:{l}"].ToFloats().ToArray());
        var activations = plan
            .Activations.Where(a => tensors.ContainsKey($"scale:{a.Key}:{a.Key.Symmetry}"))
            .ToDictionary(
                a => a.Key,
                a => a.Value with { Scale = tensors[$"scale:{a.Key}:{a.Key.Symmetry}"].ToFloats().Span[0] }
            );
        return new(
            weights,
            roundings,
            activations,
            BitConverter.Int64BitsToDouble(losses[0]),
            BitConverter.Int64BitsToDouble(losses[1])
        );
    }

    private string PathOf(int unit) => Path.Combine(folder!, $"{pass.Replace(' ', '-')}-{unit}.onnx");
}
