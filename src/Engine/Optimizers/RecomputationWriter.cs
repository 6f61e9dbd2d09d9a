using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>
/// Lets the nodes of the backward pass read copies of the forward pass. ONNX Runtime would merge copies with what they are
/// copied of, so each segment's copies read its inputs plus a zero that comes of the gradient arriving at the segment's
/// end: g − g of one element, which no optimization knows to be zero, and which is not there before its time.
/// </summary>
internal sealed class RecomputationWriter
{
    private readonly OnnxGraph graph;
    private readonly GraphEditor editor;
    private readonly ForwardValues values;
    private readonly Func<string, string?> gradientOf;

    /// <summary>Prepares the rewriting of a graph with its gradients.</summary>
    /// <param name="model">Changed in place.</param>
    /// <param name="loss">What the forward pass makes.</param>
    /// <param name="parameters">The inputs that are no data.</param>
    /// <param name="gradientOf">The gradient of an inner value; null where it has none.</param>
    public RecomputationWriter(
        OnnxModel model,
        string loss,
        IEnumerable<string> parameters,
        Func<string, string?> gradientOf
    )
    {
        // Rules of derivatives write parts of the forward pass anew.
        ShapeInferrer.Infer(model);
        graph = model.Graph;
        editor = new(graph);
        values = new(graph, loss, parameters);
        this.gradientOf = gradientOf;
    }

    /// <summary>Rewrites the graph.</summary>
    public void Write(Recomputation wanted)
    {
        var copies = new Dictionary<string, string>(StringComparer.Ordinal);
        var start = 0;

        // Behind the last cut the backward pass begins at once.
        foreach (var cut in RecomputationPlan.Cuts(values, gradientOf, wanted.Segments))
        {
            new Segment(this, start, cut, copies).Write();
            start = cut + 1;
        }

        foreach (var node in values.Backward)
        {
            for (var i = 0; i < node.Inputs.Count; i++)
            {
                node.Inputs[i] = copies.GetValueOrDefault(node.Inputs[i], node.Inputs[i]);
            }
        }

        graph.SortTopologically();
    }

    /// <summary>The copies of one segment.</summary>
    private sealed class Segment(RecomputationWriter owner, int start, int end, Dictionary<string, string> copies)
    {
        private readonly ForwardValues values = owner.values;
        private readonly GraphEditor editor = owner.editor;
        private readonly Dictionary<string, string> tied = new(StringComparer.Ordinal);
        private readonly Dictionary<ElementType, string> zeros = [];

        public void Write()
        {
            for (var place = start; place <= end; place++)
            {
                if (values.IsRecomputable(place) && values.Nodes[place].Outputs.Exists(IsInner))
                {
                    Copy(values.Nodes[place]);
                }
            }
        }

        /// <summary>Whether a value is made in the segment anew: what later segments read is kept.</summary>
        private bool IsInner(string value) =>
            values.PlaceOf(value) is var place
            && place >= start
            && place <= end
            && values.IsRecomputable(place)
            && values.LastReader(value) <= end;

        private void Copy(OnnxNode node)
        {
            var copy = node.Clone();
            copy.Name = editor.Unique($"{node.DisplayName}_again");
            for (var i = 0; i < copy.Inputs.Count; i++)
            {
                copy.Inputs[i] = Read(copy.Inputs[i]);
            }

            for (var i = 0; i < copy.Outputs.Count; i++)
            {
                if (copy.Outputs[i].Length > 0)
                {
                    var output = copy.Outputs[i];
                    copy.Outputs[i] = editor.Unique($"{output}_again");
                    if (IsInner(output))
                    {
                        copies[output] = copy.Outputs[i];
                    }
                }
            }

            owner.graph.Nodes.Add(copy);
        }

        private string Read(string value)
        {
            if (copies.TryGetValue(value, out var copy) && IsInner(value))
            {
                return copy;
            }

            if (!values.IsLargeData(value))
            {
                return value;
            }

            if (!tied.TryGetValue(value, out var name))
            {
                tied[value] = name = editor.Node("Add", $"{value}_kept", [value, Zero(TypeOf(value))]);
            }

            return name;
        }

        private ElementType TypeOf(string value) => owner.graph.Find(value)!.ElementType;

        /// <summary>The zero that is there when the gradient of the segment's last value is.</summary>
        private string Zero(ElementType type)
        {
            if (!zeros.TryGetValue(type, out var zero))
            {
                var last = values
                    .Nodes[end]
                    .Outputs.Find(o => RecomputationPlan.IsArrival(values, owner.gradientOf, o))!;
                var gradient = owner.gradientOf(last)!;
                var flat = editor.Node("Reshape", $"{gradient}_flat", [gradient, editor.Integers(-1)]);
                var index = editor.Shared("first_element", n => OnnxTensor.Scalar(n, 0L));
                var element = editor.Node("Gather", $"{gradient}_first", [flat, index]);
                var difference = editor.Node("Sub", $"{gradient}_zero", [element, element]);
                zero = editor.Cast(difference, TypeOf(last), type, $"{gradient}_zero_cast");
                zeros[type] = zero;
            }

            return zero;
        }
    }
}
