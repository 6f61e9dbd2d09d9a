namespace DiffusionQuant.Onnx.ShapeInference.Rules;

/// <summary>If, Loop and Scan: rules that infer subgraphs.</summary>
internal static class ControlFlowRules
{
    public static void AddTo(RuleTable rules)
    {
        rules.Add("If", If);
        rules.Add("Loop", Loop);
        rules.Add("Scan", Scan);
    }

    private static OnnxGraph? Body(RuleContext c, string attribute) =>
        (c.Node.Attributes.GetValueOrDefault(attribute) as AttributeValue.Graph)?.Value;

    private static ValueFacts Common(ValueFacts a, ValueFacts b) =>
        new(a.Type == b.Type ? a.Type : ElementType.Undefined, ShapeArithmetic.Common(a.Shape, b.Shape));

    /// <summary>What both branches agree on; of a branch that is known to be taken, all.</summary>
    private static void If(RuleContext c)
    {
        if (Body(c, "then_branch") is not { } then || Body(c, "else_branch") is not { } @else)
        {
            return;
        }

        var (a, b) = (c.Graph.RunSubgraph(then, [], final: true), c.Graph.RunSubgraph(@else, [], final: true));
        var taken = c.Elements(0) is [{ Number: { } condition }] ? (condition != 0 ? a : b) : null;
        var results = taken ?? [.. a.Zip(b, Common)];
        for (var i = 0; i < results.Count; i++)
        {
            c.Set(i, results[i].Type, results[i].Shape, results[i].Elements);
        }
    }

    /// <summary>
    /// Inputs: trip count, condition, carried values. The body takes (iteration, condition, carried values) and gives
    /// (condition, carried values, scanned values).
    /// </summary>
    private static void Loop(RuleContext c)
    {
        if (Body(c, "body") is not { } body)
        {
            return;
        }

        var widened = Enumerable
            .Range(2, Math.Max(0, c.InputCount - 2))
            .Select(i => new ValueFacts(c.Type(i), c.Graph.Writes ? c.Shape(i) : null))
            .ToArray();

        // What the body is told of carried values must hold in every iteration, not only in the first one: shapes that
        // an iteration changes are widened once, then given up. Inside of such a trial all are given up at once, or the
        // time would grow exponentially with the nesting of loops.
        for (var trial = 0; trial < 2 && c.Graph.Writes; trial++)
        {
            var common = widened.Zip(RunBody(c, body, widened, final: false).Skip(1), Common).ToArray();
            widened =
                trial == 0 || common.SequenceEqual(widened)
                    ? common
                    : [.. common.Select(f => new ValueFacts(f.Type, null))];
        }

        var results = RunBody(c, body, widened, final: true);
        for (var i = 0; i < c.Node.Outputs.Count && i + 1 < results.Count; i++)
        {
            if (i < widened.Length)
            {
                c.Set(i, results[i + 1].Type, widened[i].Shape);
            }
            else
            {
                SetScanned(c, i, results[i + 1], 0, Dimension.Unknown);
            }
        }
    }

    private static IReadOnlyList<ValueFacts> RunBody(
        RuleContext c,
        OnnxGraph body,
        IEnumerable<ValueFacts> carried,
        bool final
    ) =>
        c.Graph.RunSubgraph(
            body,
            [new(ElementType.Int64, TensorShape.Scalar), new(ElementType.Bool, TensorShape.Scalar), .. carried],
            final
        );

    /// <summary>Inputs: states, then sequences that the body sees element by element. Outputs: states, then sequences.</summary>
    private static void Scan(RuleContext c)
    {
        if (Body(c, "body") is not { } body)
        {
            return;
        }

        var sequences = (int)Math.Clamp(c.Node.Int("num_scan_inputs"), 0, c.InputCount);
        var states = c.InputCount - sequences;
        var inputAxes = c.Node.Ints("scan_input_axes");
        var outputAxes = c.Node.Ints("scan_output_axes");
        var length = Dimension.Unknown;
        var inputs = new List<ValueFacts>();
        for (var i = 0; i < c.InputCount; i++)
        {
            var (type, shape) = (c.Type(i), c.Shape(i));
            if (i >= states && shape is { Rank: > 0 })
            {
                var axis = ShapeArithmetic.Axis(At(inputAxes, i - states), shape.Rank);
                length = ShapeArithmetic.Refine(length, shape[axis]);
                shape = new(shape.Where((_, d) => d != axis));
            }

            inputs.Add(new(type, shape));
        }

        var results = c.Graph.RunSubgraph(body, inputs, final: true);
        for (var i = 0; i < c.Node.Outputs.Count && i < results.Count; i++)
        {
            if (i < states)
            {
                c.Set(i, results[i].Type, ShapeArithmetic.Common(inputs[i].Shape, results[i].Shape));
            }
            else
            {
                SetScanned(c, i, results[i], At(outputAxes, i - states), length);
            }
        }
    }

    private static long At(IReadOnlyList<long>? axes, int index) => index < axes?.Count ? axes[index] : 0;

    private static void SetScanned(RuleContext c, int output, ValueFacts element, long axis, Dimension length)
    {
        if (element.Shape is not { } shape)
        {
            c.Set(output, element.Type, null);
            return;
        }

        var dims = shape.ToList();
        dims.Insert(ShapeArithmetic.Axis(axis, dims.Count + 1), length);
        c.Set(output, element.Type, new(dims));
    }
}
