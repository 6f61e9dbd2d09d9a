using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Scaling;

/// <summary>
/// Writes factors that depend on the timestep: each sample's timestep chooses a row of a table, so batches of mixed
/// timesteps and samplers that call the network in any order are right.
/// </summary>
internal sealed class TimestepFactors
{
    private readonly GraphEditor editor;
    private readonly double[] timesteps;
    private readonly string group;
    private readonly List<(string Name, ElementType Type, int Rank, float[] Factors)> wanted = [];
    private readonly Dictionary<string, (string Constant, int Column)> places = new(StringComparer.Ordinal);

    /// <summary>Writes the choice of the group.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="contract">Tells the timestep input.</param>
    /// <param name="timesteps">A timestep of each group, in the order of the factors that are asked for later.</param>
    public TimestepFactors(GraphEditor editor, DenoiserContract contract, IReadOnlyList<double> timesteps)
    {
        this.editor = editor;
        this.timesteps = [.. timesteps];
        var ascending = timesteps.Order().ToArray();
        float[] bounds = [.. ascending.Zip(ascending.Skip(1), (a, b) => Bound(contract, a, b))];
        var input = contract.Timestep;
        var number = editor.Cast(input.Name, input.ElementType, ElementType.Float, "timestep_number");
        var column = editor.Node("Reshape", "timestep_column", [number, editor.Integers(-1, 1)]);
        var row = editor.Constant(OnnxTensor.Of("timestep_bounds", bounds.AsSpan(), 1, bounds.Length));
        var passed = editor.Node("GreaterOrEqual", "timestep_bounds_passed", [column, row]);
        var ones = editor.Node("Cast", "timestep_bounds_counted", [passed], ("to", (long)ElementType.Int64));
        group = editor.Node(
            "ReduceSum",
            "timestep_group",
            [ones, editor.Integers(1)],
            ("keepdims", (AttributeValue)0L)
        );
    }

    /// <summary>
    /// From which number on a sample belongs to the upper one of two neighbours: the nearer one decides. Both must stay on
    /// their own sides also where the graph sees them rounded, or truncated: 9.9 and 10.9 as 9 and 10, which lie below 10.4.
    /// </summary>
    private static float Bound(DenoiserContract contract, double lower, double upper)
    {
        var middle = (float)((lower + upper) / 2 * contract.TimestepScale);
        var (below, above) = ((float)contract.Fed(lower), (float)contract.Fed(upper));
        return middle > below && middle <= above ? middle : above;
    }

    /// <summary>Asks for a factor; it exists once <see cref="Write"/> was called.</summary>
    /// <param name="name">What it is for.</param>
    /// <param name="type">The type of what it is multiplied with.</param>
    /// <param name="rank">And its rank; 2 or more, samples first.</param>
    /// <param name="factors">One per group.</param>
    /// <returns>The name of a value of shape [N,1,…], or [1,1,…] where one timestep is fed for all samples.</returns>
    public string Add(string name, ElementType type, int rank, IEnumerable<float> factors)
    {
        var value = editor.Unique(name);
        float[] ascending = [.. factors.Zip(timesteps).OrderBy(p => p.Second).Select(p => p.First)];
        wanted.Add((value, type, rank, ascending));
        return value;
    }

    /// <summary>Where a factor stands, once <see cref="Write"/> was called.</summary>
    public (string Constant, int Column) PlaceOf(string name) => places[name];

    /// <summary>Writes one table for all factors of a type and rank.</summary>
    public void Write()
    {
        foreach (var table in wanted.GroupBy(w => (w.Type, w.Rank)))
        {
            var columns = table.ToArray();
            var values = new float[timesteps.Length * columns.Length];
            for (var g = 0; g < timesteps.Length; g++)
            {
                for (var c = 0; c < columns.Length; c++)
                {
                    values[(g * columns.Length) + c] = columns[c].Factors[g];
                }
            }

            var dims = new long[table.Key.Rank];
            Array.Fill(dims, 1);
            (dims[0], dims[1]) = (timesteps.Length, columns.Length);
            var constant = editor.Constant(OnnxTensor.Of($"timestep_factors_{table.Key.Rank}d", values.AsSpan(), dims));
            foreach (var (index, column) in columns.Index())
            {
                places[column.Name] = (constant, index);
            }

            var rows = editor.Node("Gather", $"{constant}_rows", [constant, group], ("axis", 0L));
            var typed = editor.Cast(rows, ElementType.Float, table.Key.Type, $"{rows}_cast");
            if (columns.Length == 1)
            {
                editor.NodeTo(columns[0].Name, "Identity", [typed]);
                continue;
            }

            long[] sizes = [.. columns.Select(_ => 1L)];
            var split = new OnnxNode(
                "Split",
                [typed, editor.Integers(sizes)],
                columns.Select(c => c.Name),
                editor.Unique($"{constant}_split")
            );
            split.Attributes["axis"] = 1L;
            editor.Graph.Nodes.Add(split);
        }
    }
}
