using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>Evaluates the constant part of a model once, through ONNX Runtime, and puts its values in its place.</summary>
public static class ConstantFolder
{
    /// <summary>Replaces nodes whose inputs are all constants by initializers, in subgraphs too.</summary>
    /// <remarks>
    /// Nodes stay that draw random numbers, that make something else than a tensor, or that ONNX Runtime cannot run. Run
    /// on the processor without optimization, so that values are those of the operators' definitions.
    /// </remarks>
    /// <param name="model">The model; it is changed in place. Its outputs keep their names.</param>
    /// <param name="options">What to evaluate; by default everything that is constant.</param>
    /// <returns>The number of nodes that are gone, those of subgraphs included.</returns>
    /// <exception cref="DiffusionQuantException">DQ4001: ONNX Runtime is missing.</exception>
    public static int Fold(OnnxModel model, ConstantFoldingOptions? options = null)
    {
        // Asked for here: a missing runtime must not look like a graph in which nothing can be folded.
        _ = Runtime.Environment;
        var scope = new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);
        return new Folding(model, options ?? ConstantFoldingOptions.Default).Fold(model.Graph, scope, inner: false);
    }

    private sealed class Folding(OnnxModel model, ConstantFoldingOptions options)
    {
        private static readonly Dictionary<string, OrtValue> NoInputs = [];

        /// <summary>Folds a graph, then the subgraphs of what is left of it.</summary>
        /// <param name="graph">The graph.</param>
        /// <param name="outer">The constants of the graphs around it.</param>
        /// <param name="inner">Whether there are graphs around it.</param>
        public int Fold(OnnxGraph graph, IReadOnlyDictionary<string, OnnxTensor> outer, bool inner)
        {
            var before = graph.Nodes.Count;
            if (!inner)
            {
                // Spares a copy of constants that are only renamed. Not within subgraphs: see IsFoldable.
                graph.ConstantsToInitializers();
            }

            var part = new FoldablePart(graph, Visible(graph, outer), IsFoldable(graph, inner));
            var values = Evaluate(part);
            part.ReplaceByValues(values);

            var gone = before - graph.Nodes.Count;
            var visible = Visible(graph, outer);
            foreach (var node in graph.Nodes)
            {
                foreach (var (key, attribute) in node.Attributes.ToArray())
                {
                    node.Attributes[key] = FoldSubgraphs(attribute, visible, ref gone);
                }
            }

            RemoveUnreadConstants(graph);
            return gone;
        }

        /// <summary>Folds copies, because clones of a model share their subgraphs.</summary>
        private AttributeValue FoldSubgraphs(
            AttributeValue attribute,
            IReadOnlyDictionary<string, OnnxTensor> visible,
            ref int gone
        )
        {
            switch (attribute)
            {
                case AttributeValue.Graph single:
                    var copy = single.Value.Clone();
                    gone += Fold(copy, visible, inner: true);
                    return new AttributeValue.Graph(copy);
                case AttributeValue.Graphs several:
                    var copies = several.Values.Select(g => g.Clone()).ToArray();
                    gone += copies.Sum(g => Fold(g, visible, inner: true));
                    return new AttributeValue.Graphs(copies);
                default:
                    return attribute;
            }
        }

        /// <summary>The constants that a graph's nodes can read: its own, and those around it that nothing of its own hides.</summary>
        private static Dictionary<string, OnnxTensor> Visible(
            OnnxGraph graph,
            IReadOnlyDictionary<string, OnnxTensor> outer
        )
        {
            var visible = new Dictionary<string, OnnxTensor>(outer, StringComparer.Ordinal);
            foreach (var own in graph.Inputs.Select(i => i.Name).Concat(graph.Nodes.SelectMany(n => n.Outputs)))
            {
                visible.Remove(own);
            }

            foreach (var (name, tensor) in graph.Initializers)
            {
                visible[name] = tensor;
            }

            return visible;
        }

        private static void RemoveUnreadConstants(OnnxGraph graph)
        {
            var read = graph
                .Nodes.SelectMany(GraphChecker.Reads)
                .Concat(graph.Outputs.Select(o => o.Name))
                .ToHashSet(StringComparer.Ordinal);
            foreach (var name in graph.Initializers.Keys.Where(k => !read.Contains(k)).ToArray())
            {
                graph.Initializers.Remove(name);
            }
        }

        /// <summary>Which nodes may be evaluated, if their inputs are constant.</summary>
        private Func<OnnxNode, bool> IsFoldable(OnnxGraph graph, bool inner)
        {
            // What a branch or a loop returns must be made within it: an initializer alone is refused by some runtimes.
            var fixedOutputs = inner ? graph.Outputs.Select(o => o.Name).ToHashSet(StringComparer.Ordinal) : [];
            return node => !node.Outputs.Exists(fixedOutputs.Contains) && IsPure(node);
        }

        /// <summary>Whether a node's outputs depend on nothing but its inputs, and need no state.</summary>
        private bool IsPure(OnnxNode node) =>
            // Functions of the model may do anything, and are told from other operators by their domain only.
            (node.Domain.Length == 0 || (!model.HasFunctions && node.Domain == "com.microsoft"))
            && !(options.KeepDequantizeLinear && node.OpType == "DequantizeLinear")
            && node.OpType
                is not (
                    "RandomNormal"
                    or "RandomNormalLike"
                    or "RandomUniform"
                    or "RandomUniformLike"
                    or "Bernoulli"
                    or "Multinomial"
                )
            // Dropout draws numbers when its third input says that a network is being trained.
            && !(node.OpType == "Dropout" && node.Input(2) is not null)
            && GraphChecker.Subgraphs(node).All(g => g.Nodes.TrueForAll(IsPure));

        /// <summary>Evaluates all values that readers outside the part need, giving up on those that cannot be had.</summary>
        private Dictionary<string, OnnxTensor> Evaluate(FoldablePart part)
        {
            var values = new Dictionary<string, OnnxTensor>(StringComparer.Ordinal);
            while (true)
            {
                // What is given up reads other values, which are then wanted in the next turn.
                var unknown = part.Border().Where(b => !values.ContainsKey(b)).ToArray();
                if (unknown.Length == 0)
                {
                    return values;
                }

                var wanted = new List<string>();
                foreach (var name in unknown)
                {
                    if (part.ConstantOf(name) is { } constant)
                    {
                        values[name] = constant;
                    }
                    else if (part.KnownBytes(name) > options.LargestValueBytes)
                    {
                        part.GiveUp(name);
                    }
                    else
                    {
                        wanted.Add(name);
                    }
                }

                if (wanted.Count > 0)
                {
                    Evaluate(part, wanted, values);
                }
            }
        }

        /// <summary>Evaluates values together; where that fails, halves of them, down to those that fail, which are given up.</summary>
        private void Evaluate(FoldablePart part, List<string> wanted, Dictionary<string, OnnxTensor> values)
        {
            try
            {
                using var session = ModelSession.Load(
                    part.ToModel(model, wanted),
                    new() { Optimization = GraphOptimization.None }
                );
                using var outputs = session.Run(NoInputs, wanted);
                foreach (var (name, value) in outputs)
                {
                    if (value.IsTensor && SizeOf(value) <= options.LargestValueBytes)
                    {
                        values[name] = Tensors.ToTensor(name, value);
                    }
                    else
                    {
                        part.GiveUp(name);
                    }
                }
            }
            catch (DiffusionQuantException e) when (e.InnerException is OnnxRuntimeException)
            {
                if (wanted.Count == 1)
                {
                    part.GiveUp(wanted[0]);
                    return;
                }

                var half = wanted.Count / 2;
                Evaluate(part, wanted[..half], values);
                Evaluate(part, wanted[half..], values);
            }
        }

        private static long SizeOf(OrtValue value) =>
            Tensors.TypeOf(value) == ElementType.String ? 0 : value.GetTensorSizeInBytes();
    }
}
