using System.Globalization;
using System.Text.RegularExpressions;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Diffusion;

/// <summary>How a text encoder is called and what it gives, told from names, types and shapes together.</summary>
internal sealed partial record TextEncoderGraph
{
    /// <summary>The file.</summary>
    public required string Path { get; init; }

    /// <summary>The token ids: N,S of a type of whole numbers.</summary>
    public required ValueInfo Ids { get; init; }

    /// <summary>Which tokens count, where the graph asks.</summary>
    public ValueInfo? Mask { get; private init; }

    /// <summary>The tokens' places, where the graph asks.</summary>
    public ValueInfo? Positions { get; private init; }

    /// <summary>Rows of the table of embeddings, or null when it is not found.</summary>
    public int? Rows { get; private init; }

    /// <summary>The states behind the last normalisation.</summary>
    public ValueInfo? Last { get; private init; }

    /// <summary>The states of each layer by number, that of the embeddings first.</summary>
    public required SortedDictionary<int, ValueInfo> Hidden { get; init; }

    /// <summary>The state of the end token.</summary>
    public ValueInfo? Pooled { get; private init; }

    /// <summary>The same behind CLIP's projection.</summary>
    public ValueInfo? Projected { get; private init; }

    /// <summary>What makes <see cref="Last"/> of the last layer's states, where it is recognised.</summary>
    public FinalNorm? Norm { get; private init; }

    /// <summary>Its <c>config.json</c>, or null.</summary>
    public JsonConfig? Config { get; private init; }

    /// <summary>External data files.</summary>
    public IReadOnlyList<string> DataFiles { get; private init; } = [];

    /// <summary>Inputs and outputs, for messages.</summary>
    public required string Signature { get; init; }

    public int? FixedBatch => (int?)Ids.Shape?[0].Value;

    public int? FixedLength => (int?)Ids.Shape?[1].Value;

    /// <summary>The width of its states, or null where neither the graph nor <c>config.json</c> tells it.</summary>
    public int? Width =>
        WidthOf(Last ?? Hidden.Values.LastOrDefault()) ?? Configured("hidden_size") ?? Configured("d_model");

    public int? PooledWidth => WidthOf(Pooled) ?? Width;

    public int? ProjectedWidth => WidthOf(Projected) ?? Configured("projection_dim");

    /// <summary>A number of <c>config.json</c>.</summary>
    public int? Configured(string key) => Config?.Whole(key, 0, 0, int.MaxValue) is > 0 and var number ? number : null;

    /// <summary>The states of a layer counted from the end: 1 is the last, 2 the last but one.</summary>
    public ValueInfo? HiddenFromEnd(int layer) =>
        Configured("num_hidden_layers") is { } layers && Hidden.ContainsKey(layers)
            ? Hidden.GetValueOrDefault(layers + 1 - layer)
        : layer <= Hidden.Count ? Hidden.Values.ElementAt(Hidden.Count - layer)
        : null;

    /// <summary>Reads a graph.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1001 to DQ1011 from reading it; DQ1064: it is no text
    /// encoder.</exception>
    public static TextEncoderGraph Load(string path)
    {
        var model = OnnxModel.Load(path);
        var graph = model.Graph;
        var signature =
            $"Its inputs are {string.Join(", ", graph.Inputs)}; its outputs are {string.Join(", ", graph.Outputs)}";
        var ids =
            graph.Inputs.Find(i => IsIds(i) && i.Name.Contains("ids", StringComparison.OrdinalIgnoreCase))
            ?? graph.Inputs.Find(IsIds)
            ?? throw DiffusionErrors.BadTextEncoder(
                path,
                "no input takes token ids, whole numbers of the shape N,S",
                signature
            );
        var others = graph.Inputs.Where(i => i.Name != ids.Name).ToArray();
        var mask = Array.Find(others, i => i.Name.Contains("mask", StringComparison.OrdinalIgnoreCase));
        var positions = Array.Find(others, i => i.Name.Contains("position", StringComparison.OrdinalIgnoreCase));
        if (others.FirstOrDefault(i => i != mask && i != positions) is { } unknown)
        {
            throw DiffusionErrors.BadTextEncoder(
                path,
                $"what its input '{unknown.Name}' takes is not known",
                signature
            );
        }

        var index = new GraphIndex(graph);
        var outputs = new OutputTable();
        graph.Outputs.ForEach(outputs.Add);
        outputs.Settle();
        var config = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path)!, "config.json");
        return new()
        {
            Path = path,
            Ids = ids,
            Mask = mask,
            Positions = positions,
            Rows = InputTrace.Of(index, ids.Name).TableRows,
            Last = outputs.Last,
            Hidden = outputs.Hidden,
            Pooled = outputs.Pooled,
            Projected = outputs.Projected,
            Norm = outputs.Last is null ? null : FinalNorm.Find(index, outputs.Last.Name),
            Config = File.Exists(config) ? JsonConfig.Load(config) : null,
            DataFiles = model.DataFiles,
            Signature = signature,
        };
    }

    private static bool IsIds(ValueInfo input) =>
        input.ElementType is ElementType.Int32 or ElementType.Int64
        && input.Shape is null or { Rank: 2 }
        && !input.Name.Contains("mask", StringComparison.OrdinalIgnoreCase)
        && !input.Name.Contains("position", StringComparison.OrdinalIgnoreCase);

    private static int? WidthOf(ValueInfo? output) =>
        (int?)(output?.Shape is { Rank: > 0 } shape ? shape[^1].Value : null);

    [GeneratedRegex(@"hidden_?states?\D?(\d+)$", RegexOptions.IgnoreCase)]
    private static partial Regex NumberedStates();

    /// <summary>Sorts outputs: first by name, then what is left by rank.</summary>
    private sealed class OutputTable
    {
        private readonly List<ValueInfo> states = [];
        private readonly List<ValueInfo> vectors = [];

        public ValueInfo? Last { get; private set; }

        public SortedDictionary<int, ValueInfo> Hidden { get; } = [];

        public ValueInfo? Pooled { get; private set; }

        public ValueInfo? Projected { get; private set; }

        public void Add(ValueInfo output)
        {
            bool Named(string part) => output.Name.Contains(part, StringComparison.OrdinalIgnoreCase);
            var rank = output.Shape?.Rank;
            if (rank is null or 3 && NumberedStates().Match(output.Name) is { Success: true } match)
            {
                Hidden[int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)] = output;
            }
            else if (rank is null or 3 && Named("last_hidden"))
            {
                Last = output;
            }
            else if (rank is null or 2 && Named("pool"))
            {
                Pooled = output;
            }
            else if (rank is null or 2 && (Named("text_embeds") || Named("proj")))
            {
                Projected = output;
            }
            else if (rank is 2 or 3)
            {
                (rank == 3 ? states : vectors).Add(output);
            }
        }

        public void Settle()
        {
            if (states.Count == 1)
            {
                Last ??= states[0];
            }
            else if (Hidden.Count == 0)
            {
                // Exporters that number their outputs have the layers in order.
                for (var i = 0; i < states.Count; i++)
                {
                    Hidden[i] = states[i];
                }
            }

            if (vectors.Count == 1)
            {
                Pooled ??= vectors[0];
                Projected ??= vectors[0];
            }
        }
    }
}
