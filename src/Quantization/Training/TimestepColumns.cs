using DiffusionQuant.Onnx;
using DiffusionQuant.Quantization.Plan;

namespace DiffusionQuant.Quantization.Training;

/// <summary>
/// Factors of timesteps as parameters: the constants that hold what follows from them are computed from the parameters
/// while training, and written anew behind it.
/// </summary>
internal static class TimestepColumns
{
    /// <summary>Lets a graph compute its constants from factors.</summary>
    /// <param name="editor">The graph.</param>
    /// <param name="plan">Says where factors stand.</param>
    /// <param name="factors">The value of each point's factors, [groups], the timesteps ascending.</param>
    public static void Compute(
        GraphEditor editor,
        QuantizationPlan plan,
        IReadOnlyDictionary<ActivationPoint, string> factors
    )
    {
        foreach (var table in plan.TimestepColumns.GroupBy(c => c.Constant))
        {
            var constant = editor.Graph.Initializers[table.Key];
            editor.Graph.Initializers.Remove(table.Key);
            var dims = constant.Dims.ToArray();
            var known = table.ToDictionary(c => c.Column);
            var values = constant.ToFloats();
            var columns = new string[dims[1]];
            for (var c = 0; c < columns.Length; c++)
            {
                var column = known.TryGetValue(c, out var rule)
                    ? Write(editor, rule, factors)
                    : editor.Constant(
                        OnnxTensor.Of($"{table.Key}_{c}", Column(values.Span, columns.Length, c), dims[0])
                    );
                columns[c] = editor.Node("Reshape", $"{table.Key}_{c}_column", [column, editor.Integers(-1, 1)]);
            }

            var joined = editor.Node("Concat", $"{table.Key}_columns", columns, ("axis", 1L));
            editor.NodeTo(table.Key, "Reshape", [joined, editor.Integers(dims)]);
        }
    }

    /// <summary>Writes a plan's factors into the constants of its graph.</summary>
    public static void Update(OnnxGraph graph, QuantizationPlan plan)
    {
        foreach (var table in plan.TimestepColumns.GroupBy(c => c.Constant))
        {
            var constant = graph.Initializers[table.Key];
            var dims = constant.Dims.ToArray();
            var values = constant.ToFloats().ToArray();
            foreach (var column in table)
            {
                var product = column
                    .Points.Select(p => Ascending(plan.Timesteps[p]))
                    .Aggregate((a, b) => [.. a.Zip(b, (x, y) => x * y)]);
                for (var g = 0; g < product.Length; g++)
                {
                    values[(g * dims[1]) + column.Column] = column.Kind switch
                    {
                        TimestepFactorKind.Inverse => 1 / product[g],
                        TimestepFactorKind.Rest => 1 - product[g],
                        _ => product[g],
                    };
                }
            }

            graph.Initializers[table.Key] = OnnxTensor.Of(table.Key, values.AsSpan(), dims);
        }
    }

    /// <summary>A point's factors in the order of ascending timesteps.</summary>
    public static float[] Ascending(TimestepTable table) =>
        [.. table.Factors.Zip(table.Timesteps).OrderBy(f => f.Second).Select(f => f.First)];

    /// <summary>The same table with other factors, given in the order of ascending timesteps.</summary>
    public static TimestepTable With(TimestepTable table, float[] ascending)
    {
        int[] order = [.. table.Timesteps.Index().OrderBy(t => t.Item).Select(t => t.Index)];
        var factors = new float[ascending.Length];
        for (var i = 0; i < order.Length; i++)
        {
            factors[order[i]] = ascending[i];
        }

        return table with
        {
            Factors = factors,
        };
    }

    private static string Write(
        GraphEditor editor,
        TimestepColumn column,
        IReadOnlyDictionary<ActivationPoint, string> factors
    )
    {
        var product = column
            .Points.Select(p => factors[p])
            .Aggregate((a, b) => editor.Node("Mul", $"{column.Constant}_product", [a, b]));
        return column.Kind switch
        {
            TimestepFactorKind.Inverse => editor.Node("Reciprocal", $"{column.Constant}_inverse", [product]),
            TimestepFactorKind.Rest => editor.Node("Sub", $"{column.Constant}_rest", [One(editor), product]),
            _ => product,
        };
    }

    private static string One(GraphEditor editor) => editor.Shared("float_1", n => OnnxTensor.Scalar(n, 1f));

    private static ReadOnlySpan<float> Column(ReadOnlySpan<float> values, int columns, int column)
    {
        var result = new float[values.Length / columns];
        for (var g = 0; g < result.Length; g++)
        {
            result[g] = values[(g * columns) + column];
        }

        return result;
    }
}
