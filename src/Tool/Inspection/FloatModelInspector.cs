using System.Numerics.Tensors;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Tool.Commands;

namespace DiffusionQuant.Tool.Inspection;

/// <summary>Describes a model that is not quantized.</summary>
internal static class FloatModelInspector
{
    public static InspectReport Inspect(string path, bool showsBlocks = false)
    {
        var (model, contract, note) = Load(path);
        var graph = model.Graph.Clone();
        graph.ConstantsToInitializers();
        var layers = LayerAnalysis
            .Find(
                graph,
                contract?.Sample.Name ?? graph.Inputs.FirstOrDefault()?.Name ?? "",
                contract?.Timestep.Name ?? ""
            )
            .Select(l => Describe(l, graph))
            .ToList();
        return new()
        {
            Model = path,
            Kind = InspectReport.FloatKind,
            SampleShape = contract?.SampleShape.ToString(),
            Inputs = [.. graph.Inputs.Select(i => DescribeInput(i, contract))],
            Opset = model.Opset,
            Layers = layers,
            Blocks = showsBlocks ? Blocks(model, contract) : null,
            Totals = new()
            {
                Layers = layers.Count,
                LayerParameters = layers.Sum(l => l.Parameters),
                Bytes = SizeOf(model),
            },
            Note = note,
        };
    }

    /// <summary>The model; and how it is called, or why that is not known.</summary>
    private static (OnnxModel Model, DenoiserContract? Contract, string? Note) Load(string path)
    {
        try
        {
            // Layers do not depend on the noise schedule, so one that is missing is no obstacle.
            var model = DiffusionModel.Load(path, new() { Schedule = new NoiseSchedule(new()) });
            return (model.Model, model.Contract, null);
        }
        catch (DiffusionQuantException e)
            when (File.Exists(path) && e.Code is "DQ1042" or "DQ1043" or "DQ1044" or "DQ1057")
        {
            return (OnnxModel.Load(path), null, $"{e.Code}: {e.Message}");
        }
    }

    private static string DescribeInput(ValueInfo input, DenoiserContract? contract)
    {
        var role = contract?.Inputs.FirstOrDefault(i => i.Name == input.Name)?.Role;
        return input + (role is { } known ? $" ({RecipeWords.Of(known)})" : "");
    }

    /// <summary>The blocks of the graph in the form in which methods see it.</summary>
    private static List<BlockRow> Blocks(OnnxModel source, DenoiserContract? contract)
    {
        var model = source.Clone();
        model.InlineFunctions();
        // A weight that is computed of constants would hide which layers are projections.
        ConstantFolder.Fold(model);
        NormalizeGraph.Apply(model);
        var graph = model.Graph;
        var sample = contract?.Sample.Name ?? graph.Inputs.FirstOrDefault()?.Name ?? "";
        var timestep = contract?.Timestep.Name ?? "";
        var parameters = LayerAnalysis
            .Find(graph, sample, timestep)
            .ToDictionary(l => l.Name, l => Describe(l, graph).Parameters, StringComparer.Ordinal);
        return
        [
            .. BlockPartition
                .Find(graph, sample, timestep)
                .Select(u => new BlockRow(u.Name, RecipeWords.Of(u.Kind), u.Layers, u.Layers.Sum(l => parameters[l]))),
        ];
    }

    private static LayerRow Describe(QuantizableLayer layer, OnnxGraph graph)
    {
        var weight = layer.Weight;
        var values = weight is null ? default : weight.ToFloats();
        var bias =
            layer.Kind is LayerKind.Convolution or LayerKind.TransposedConvolution or LayerKind.Gemm
            && layer.Node.Input(2) is { } name
                ? graph.Initializers.GetValueOrDefault(name)
                : null;
        return new()
        {
            Name = layer.Name,
            Operator = layer.Node.OpType,
            Positions = [.. LayerPattern.NamesOf(layer.Positions)],
            WeightShape = weight?.Dims.ToArray(),
            Parameters = (weight?.ElementCount ?? 0) + (bias?.ElementCount ?? 0),
            WeightMin = values.IsEmpty ? null : TensorPrimitives.Min(values.Span),
            WeightMax = values.IsEmpty ? null : TensorPrimitives.Max(values.Span),
            Note = layer.Obstacle,
        };
    }

    /// <summary>Bytes of a model's files, external data included.</summary>
    public static long SizeOf(OnnxModel model) => model.DataFiles.Append(model.Path!).Sum(f => new FileInfo(f).Length);
}
