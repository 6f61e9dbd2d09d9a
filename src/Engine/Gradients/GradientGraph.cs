using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;

namespace DiffusionQuant.Engine.Gradients;

/// <summary>
/// Reverse-mode differentiation: writes the derivative of a scalar as further nodes of the same graph, so that one runtime
/// computes both. Rounding passes gradients straight through (<see cref="Rules.RoundingGradients"/>).
/// </summary>
public static class GradientGraph
{
    /// <summary>Appends the gradients of a scalar to a graph.</summary>
    /// <param name="model">Changed in place. Nodes are in topological order, and all shapes that derivatives depend on are
    /// static (a training graph fixes its batch); its opset is at least 13, and is raised where a derivative needs a later
    /// one.</param>
    /// <param name="loss">The scalar value to differentiate.</param>
    /// <param name="wanted">Inputs, initializers or inner values, all floating point.</param>
    /// <returns>For each wanted value the name of its gradient, which has its shape; a value that the loss does not depend
    /// on has a gradient of zeros.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4030: an operator on the way has no rule, as none with subgraphs has. DQ4031: a shape
    /// is not known. DQ4032: an operator's attributes are not supported by its rule.</exception>
    public static IReadOnlyDictionary<string, string> Append(
        OnnxModel model,
        string loss,
        IReadOnlyList<string> wanted
    ) => Append(model, loss, wanted, out _);

    /// <summary>Appends the gradients of a scalar to a graph, and tells those of inner values.</summary>
    /// <param name="model">Changed in place.</param>
    /// <param name="loss">The scalar value to differentiate.</param>
    /// <param name="wanted">The values whose gradients are wanted.</param>
    /// <param name="gradientOf">The whole gradient of any value on the way; null for one that has none.</param>
    internal static IReadOnlyDictionary<string, string> Append(
        OnnxModel model,
        string loss,
        IReadOnlyList<string> wanted,
        out Func<string, string?> gradientOf
    )
    {
        var graph = model.Graph;
        ShapeInferrer.Infer(model);
        var moving = Moving(graph, wanted);
        var sums = new GradientSums(new GraphEditor(graph));
        var writer = new GradientWriter(model, sums.Editor);
        if (moving.Contains(loss))
        {
            sums.Add(loss, writer.Filled(1, writer.ShapeOf(loss), writer.TypeOf(loss)));
        }

        // All rules are found before one is used: behind an operator without a rule shapes may be unknown, and that is not
        // what a reader should hear of first.
        foreach (var (node, rule) in Rules(graph, loss, moving))
        {
            if (node.Outputs.Exists(sums.Has))
            {
                rule(new(node, writer, [.. node.Outputs.Select(sums.Total)], moving.Contains, sums.Add));
            }
        }

        var gradients = wanted.ToDictionary(
            w => w,
            w => sums.Total(w) ?? writer.Filled(0, writer.ShapeOf(w), writer.TypeOf(w)),
            StringComparer.Ordinal
        );
        graph.SortTopologically();
        gradientOf = sums.Total;
        return gradients;
    }

    /// <summary>The nodes between the wanted values and the loss, the last first, with their rules.</summary>
    private static List<(OnnxNode Node, GradientRule Rule)> Rules(OnnxGraph graph, string loss, HashSet<string> moving)
    {
        var leading = new HashSet<string>(StringComparer.Ordinal) { loss };
        var rules = new List<(OnnxNode, GradientRule)>();
        foreach (var node in Enumerable.Reverse(graph.Nodes))
        {
            if (!node.Outputs.Exists(o => leading.Contains(o) && moving.Contains(o)))
            {
                continue;
            }

            // What a subgraph captures is no input of the node, so that no rule could hand its gradient over.
            var captured = GraphChecker.Reads(node).Except(node.Inputs).FirstOrDefault(moving.Contains);
            rules.Add((node, GradientRuleTable.Instance.Find(node) ?? throw GradientErrors.NoRule(node, captured)));
            leading.UnionWith(node.Inputs);
        }

        return rules;
    }

    /// <summary>The floating-point values that change with the wanted ones.</summary>
    private static HashSet<string> Moving(OnnxGraph graph, IReadOnlyList<string> wanted)
    {
        var moving = wanted.ToHashSet(StringComparer.Ordinal);
        foreach (var node in graph.Nodes)
        {
            if (!StopsGradient(node) && GraphChecker.Reads(node).Any(moving.Contains))
            {
                moving.UnionWith(node.Outputs.Where(o => o.Length > 0 && IsFloating(graph, o)));
            }
        }

        return moving;
    }

    /// <summary>What has the derivative zero almost everywhere, or none.</summary>
    private static bool StopsGradient(OnnxNode node) =>
        node.Domain == QuantizerOperators.Domain ? node.OpType == QuantizerOperators.StopGradient
        : node.Domain.Length > 0 ? false
        : node.OpType
            is "Shape"
                or "Size"
                or "Sign"
                or "Floor"
                or "Ceil"
                or "ArgMax"
                or "ArgMin"
                or "ConstantOfShape"
                or "EyeLike"
                or "RandomNormalLike"
                or "RandomUniformLike"
                or "IsNaN"
                or "IsInf";

    private static bool IsFloating(OnnxGraph graph, string value) =>
        graph.Find(value) is not { } info
        || info.ElementType == ElementType.Undefined
        || info.ElementType.IsFloatingPoint();
}
