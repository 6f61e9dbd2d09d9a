using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Building;

namespace DiffusionQuant.Diffusion.Tests.Text;

/// <summary>
/// Graphs with a text encoder's signature: embeddings of tokens plus those of places, times the mask where there is one;
/// layers h + tanh(h·W); a layer normalisation; the mean of the normalised states as pooled vector, and its projection. The
/// same is computed by <see cref="Compute"/> in double precision.
/// </summary>
internal sealed record TinyTextEncoder
{
    public required int Seed { get; init; }

    public int Rows { get; init; } = 604;

    public int Width { get; init; } = 6;

    public int Layers { get; init; } = 3;

    public int Places { get; init; } = 128;

    /// <summary>Width of the projected vector, or null for none.</summary>
    public int? Projection { get; init; }

    public bool GivesHidden { get; init; } = true;

    public bool GivesPooled { get; init; } = true;

    public ElementType IdsType { get; init; } = ElementType.Int64;

    public ElementType? MaskType { get; init; }

    public ElementType OutputType { get; init; } = ElementType.Float;

    public Dimension Batch { get; init; } = "batch_size";

    public Dimension Length { get; init; } = "sequence_length";

    public bool NormIsOneNode { get; init; } = true;

    public string IdsName { get; init; } = "input_ids";

    public string LastName { get; init; } = "last_hidden_state";

    public string PooledName { get; init; } = "pooler_output";

    public string ProjectedName { get; init; } = "text_embeds";

    public Func<int, string> HiddenName { get; init; } = n => $"hidden_states.{n}";

    /// <summary>Whether shapes of outputs are in the graph.</summary>
    public bool KnowsShapes { get; init; } = true;

    private float[] Table => Weights(1, Rows * Width);

    private float[] PlaceTable => Weights(2, Places * Width);

    private float[] Scale => [.. Weights(3, Width).Select(w => 1 + (0.3f * w))];

    private float[] Shift => Weights(4, Width);

    private float[] Project => Weights(5, Width * Projection!.Value);

    public string Save(TemporaryFolder folder, string name, string? config = null)
    {
        var path = folder.At($"{name}/model.onnx");
        Build().Save(path);
        if (config is not null)
        {
            folder.Write($"{name}/config.json", config);
        }

        return path;
    }

    public OnnxModel Build()
    {
        var b = new GraphBuilder("text", opset: 17);
        var ids = b.Input(IdsName, IdsType, Batch, Length);
        var table = b.Parameter("token_embedding.weight", OnnxTensor.Of("", Table, Rows, Width));
        var places = b.Parameter("position_embedding.weight", OnnxTensor.Of("", PlaceTable, Places, Width));
        var count = b.Size(ids, 1);
        var range = b.Op("Range", b.Scalar(0), count, b.Scalar(1));
        var h = b.Op("Gather", table, ids) + b.Op("Gather", places, range);
        if (MaskType is { } maskType)
        {
            var mask = b.Input("attention_mask", maskType, Batch, Length);
            h *= b.Unsqueeze(b.Cast(mask, ElementType.Float), 2);
        }

        var hidden = new List<Value> { h };
        for (var layer = 0; layer < Layers; layer++)
        {
            var weight = b.Parameter($"layers.{layer}.weight", OnnxTensor.Of("", Layer(layer), Width, Width));
            h += b.Op("Tanh", b.MatMul(h, weight));
            hidden.Add(h);
        }

        var last = Normalise(b, h);
        Value pooled = b.ReduceMean(last, [1], keepDimensions: false);
        if (Projection is { } width)
        {
            var weight = b.Parameter("text_projection.weight", OnnxTensor.Of("", Project, Width, width));
            Output(b, b.MatMul(pooled, weight), ProjectedName, Batch, width);
        }

        Output(b, last, LastName, Batch, Length, Width);
        if (GivesPooled)
        {
            Output(b, pooled, PooledName, Batch, Width);
        }

        for (var layer = 0; GivesHidden && layer < hidden.Count; layer++)
        {
            Output(b, hidden[layer], HiddenName(layer), Batch, Length, Width);
        }

        return b.Build();
    }

    /// <summary>All states and vectors of a text, in double precision: the layers, those behind the normalisation, the pooled
    /// vector, the projected one.</summary>
    public (List<double[]> Hidden, double[] Last, double[] Pooled, double[] Projected) Compute(
        IReadOnlyList<int> ids,
        IReadOnlyList<int>? mask = null
    )
    {
        var (table, places) = (Table, PlaceTable);
        var h = new double[ids.Count * Width];
        for (var i = 0; i < h.Length; i++)
        {
            var (token, c) = Math.DivRem(i, Width);
            h[i] = (table[(ids[token] * Width) + c] + places[(token * Width) + c]) * (mask?[token] ?? 1);
        }

        var hidden = new List<double[]> { h };
        for (var layer = 0; layer < Layers; layer++)
        {
            var (weight, before) = (Layer(layer), h);
            h =
            [
                .. before.Select((value, i) => value + Math.Tanh(Product(before, i / Width, weight, i % Width, Width))),
            ];
            hidden.Add(h);
        }

        var last = Normalise(h);
        double[] pooled =
        [
            .. Enumerable
                .Range(0, Width)
                .Select(c => Enumerable.Range(0, ids.Count).Average(t => last[(t * Width) + c])),
        ];
        double[] projected = Projection is { } width
            ? [.. Enumerable.Range(0, width).Select(c => Product(pooled, 0, Project, c, width))]
            : [];
        return (hidden, last, pooled, projected);
    }

    /// <summary>The last normalisation.</summary>
    public double[] Normalise(double[] states)
    {
        var result = new double[states.Length];
        for (var token = 0; token < states.Length / Width; token++)
        {
            var row = states[(token * Width)..((token + 1) * Width)];
            var mean = row.Average();
            var deviation = Math.Sqrt(row.Average(v => (v - mean) * (v - mean)) + 1e-5);
            for (var c = 0; c < Width; c++)
            {
                result[(token * Width) + c] = ((row[c] - mean) / deviation * Scale[c]) + Shift[c];
            }
        }

        return result;
    }

    private double Product(double[] states, int token, float[] weight, int column, int columns) =>
        Enumerable.Range(0, Width).Sum(k => states[(token * Width) + k] * weight[(k * columns) + column]);

    private Value Normalise(GraphBuilder b, Value h)
    {
        var scale = b.Parameter("final_layer_norm.weight", OnnxTensor.Of("", Scale, Width));
        var shift = b.Parameter("final_layer_norm.bias", OnnxTensor.Of("", Shift, Width));
        if (NormIsOneNode)
        {
            return b.Op("LayerNormalization", [h, scale, shift], ("axis", -1L), ("epsilon", 1e-5f));
        }

        var centred = h - b.ReduceMean(h, [-1]);
        var variance = b.ReduceMean(b.Op("Pow", centred, b.Scalar(2f)), [-1]);
        return (centred / b.Op("Sqrt", variance + b.Scalar(1e-5f)) * scale) + shift;
    }

    private void Output(GraphBuilder b, Value value, string name, params Dimension[] shape) =>
        b.Output(
            OutputType == ElementType.Float ? value : b.Cast(value, OutputType),
            new ValueInfo(name, OutputType, KnowsShapes ? new TensorShape(shape) : null)
        );

    private float[] Layer(int layer) => Weights(10 + layer, Width * Width);

    private float[] Weights(int what, int count) =>
        new SeededWeights((ulong)((Seed * 100) + what)).Around(0, 0.5f, [count]).ToFloats().ToArray();
}
