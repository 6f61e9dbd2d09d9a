using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.ShapeInference;
using DiffusionQuant.Quantization.Blocks;
using DiffusionQuant.Quantization.Passes;
using DiffusionQuant.Quantization.Plan;
using DiffusionQuant.Quantization.Simulation;

namespace DiffusionQuant.Quantization.Reconstruction;

/// <summary>The graph of one gradient step on a unit: gathers a mini-batch, simulates the unit, and compares.</summary>
internal sealed class UnitTrainingGraph
{
    /// <summary>The input that takes the mini-batch's row numbers, int64 [batch].</summary>
    public const string IndicesName = "batch_rows";

    /// <summary>The input that takes λ and β of the rounding's regulariser, float [2].</summary>
    public const string RegularizerName = "regularizer";

    private UnitTrainingGraph(TrainingGraph graph, TrainedParts parts, DropSites? sites)
    {
        Graph = graph;
        Parts = parts;
        Sites = sites;
    }

    /// <summary>The training graph.</summary>
    public TrainingGraph Graph { get; }

    /// <summary>The parameters.</summary>
    public TrainedParts Parts { get; }

    /// <summary>Where elements stay float at random; null for nowhere.</summary>
    public DropSites? Sites { get; }

    /// <summary>The inputs that take rows, with their stores.</summary>
    public IReadOnlyList<(string Name, RowStore Store)> Rows { get; private init; } = [];

    /// <summary>Builds the graph.</summary>
    /// <returns>The graph, or null where the unit has nothing to learn.</returns>
    public static UnitTrainingGraph? Build(
        OnnxModel part,
        ReconstructionUnit unit,
        UnitData data,
        QuantizationPlan plan,
        ReconstructionSettings settings,
        IReadOnlySet<ActivationPoint> fixedPoints,
        int batch,
        Device device
    )
    {
        var parts = new TrainedParts(plan, settings, fixedPoints);
        var forward = SimulationBuilder.Build(part, parts);
        if (parts.Roundings.Count == 0 && parts.StepFactors.Count == 0)
        {
            return null;
        }

        return new Writer(forward, unit, data, settings, batch, device).Write(parts);
    }

    /// <summary>Writes what surrounds the simulated unit.</summary>
    private sealed class Writer(
        OnnxModel model,
        ReconstructionUnit unit,
        UnitData data,
        ReconstructionSettings settings,
        int batch,
        Device device
    )
    {
        private readonly GraphEditor editor = new(model.Graph);
        private readonly List<(string Name, RowStore Store)> rows = [];

        public UnitTrainingGraph Write(TrainedParts parts)
        {
            var graph = model.Graph;
            var sites = settings.DropProbability > 0 ? new DropSites(editor) : null;
            foreach (var mixed in parts.Mixed)
            {
                WriteMix(sites, mixed);
            }

            var inputs = graph.Inputs.ToArray();
            graph.Inputs.Clear();
            graph.Inputs.Add(new(IndicesName, ElementType.Int64, TensorShape.Of(batch)));
            foreach (var input in inputs)
            {
                WriteInput(sites, input);
            }

            var loss = WriteLoss();
            if (parts.Roundings.Count > 0)
            {
                loss = editor.Node("Add", "total_loss", [loss, WriteRegularizer(parts)]);
            }

            sites?.DeclareInputs();
            graph.Outputs.Clear();
            graph.Outputs.Add(new(loss, ElementType.Float, TensorShape.Scalar));
            graph.SortTopologically();
            graph.RemoveUnused();
            var training = TrainingGraph.Build(model, loss, Parameters(parts));
            return new(training, parts, sites) { Rows = rows };
        }

        /// <summary>Lets an input be made of its rows: the quantized network's, mixed with the float network's.</summary>
        private void WriteInput(DropSites? sites, ValueInfo input)
        {
            var dims = input.Shape!.ToStatic();
            var value = Gather($"{input.Name}_rows", data.Inputs[input.Name], dims);
            if (sites is not null && data.FloatInputs.TryGetValue(input.Name, out var floats))
            {
                var exact = Gather($"{input.Name}_float_rows", floats, dims);
                var mixed = editor.Unique($"{input.Name}_mixed");
                sites.Add(exact, value, dims, mixed);
                value = mixed;
            }

            editor.NodeTo(input.Name, "Cast", [value], ("to", (long)input.ElementType));
        }

        private void WriteMix(DropSites? sites, MixedValue mixed)
        {
            if (sites is not null && mixed.Dims.Length > 0)
            {
                sites.Add(mixed.Float, mixed.Quantized, mixed.Dims, mixed.Output);
            }
            else
            {
                editor.NodeTo(mixed.Output, "Identity", [mixed.Quantized]);
            }
        }

        private string Gather(string wanted, RowStore store, long[] dims)
        {
            var name = editor.Unique(wanted);
            var inGraph = RowFeed.GathersInGraph(device, store);
            var count = inGraph ? store.Rows : batch;
            model.Graph.Inputs.Add(new(name, ElementType.Float, TensorShape.Of([count, .. store.RowDims])));
            rows.Add((name, store));
            var gathered = inGraph ? editor.Node("Gather", $"{name}_batch", [name, IndicesName], ("axis", 0L)) : name;
            return editor.Node("Reshape", $"{name}_shaped", [gathered, editor.Integers(dims)]);
        }

        /// <summary>The sum over outputs of mean_{batch, space}(Σ_channels |ŷ − y|^p).</summary>
        private string WriteLoss()
        {
            string? total = null;
            foreach (var output in unit.Outputs)
            {
                var target = data.Targets[output];
                var dims = UnitGraph.BatchDims(target.RowDims, batch);
                var type = model.Graph.TypeOf(output);
                var value = editor.Cast(output, type, ElementType.Float, $"{output}_loss_float");
                var error = editor.Node("Sub", $"{output}_error", [value, Gather($"{output}_target", target, dims)]);
                var raised =
                    settings.LossPower == 2
                        ? editor.Node("Mul", $"{output}_error_squared", [error, error])
                        : editor.Node(
                            "Pow",
                            $"{output}_error_raised",
                            [editor.Node("Abs", $"{output}_error_size", [error]), Number((float)settings.LossPower)]
                        );
                var sum = editor.Node("ReduceSum", $"{output}_error_sum", [raised], ("keepdims", 0L));
                var share = Number((float)(Channels(dims) / (double)dims.Aggregate(1L, (a, b) => a * b)));
                var mean = editor.Node("Mul", $"{output}_loss", [sum, share]);
                total = total is null ? mean : editor.Node("Add", "loss_sum", [total, mean]);
            }

            return total!;
        }

        /// <summary>Images have their channels behind the batch, sequences last.</summary>
        private static long Channels(long[] dims) => dims.Length > 3 ? dims[1] : dims[^1];

        /// <summary>λ · Σ(1 − |2h − 1|^β).</summary>
        private string WriteRegularizer(TrainedParts parts)
        {
            model.Graph.Inputs.Add(new(RegularizerName, ElementType.Float, TensorShape.Of(2)));
            var weight = editor.Node("Gather", "regularizer_weight", [RegularizerName, Index(0)]);
            var exponent = editor.Node("Gather", "regularizer_exponent", [RegularizerName, Index(1)]);
            string? total = null;
            foreach (var rounding in parts.Roundings)
            {
                var doubled = editor.Node("Mul", $"{rounding.Share}_doubled", [rounding.Share, Number(2)]);
                var centred = editor.Node("Sub", $"{rounding.Share}_centred", [doubled, Number(1)]);
                var decided = editor.Node("Abs", $"{rounding.Share}_decided", [centred]);
                var raised = editor.Node("Pow", $"{rounding.Share}_power", [decided, exponent]);
                var open = editor.Node("Sub", $"{rounding.Share}_open", [Number(1), raised]);
                var sum = editor.Node("ReduceSum", $"{rounding.Share}_open_sum", [open], ("keepdims", 0L));
                total = total is null ? sum : editor.Node("Add", "open_sum", [total, sum]);
            }

            return editor.Node("Mul", "regularizer_loss", [weight, total!]);
        }

        private List<Parameter> Parameters(TrainedParts parts)
        {
            var initializers = model.Graph.Initializers;
            var roundings = new AdamSettings(settings.RoundingRate);
            var steps = new AdamSettings(settings.StepRate)
            {
                Schedule = LearningRateSchedule.Cosine,
                // A step of zero or below has no meaning; no search goes so far.
                LeastValue = 0.01f,
            };
            return
            [
                .. parts.Roundings.Select(r => new Parameter(initializers[r.Alpha], roundings)),
                .. parts
                    .StepFactors.Values.Where(initializers.ContainsKey)
                    .Select(f => new Parameter(initializers[f], steps)),
            ];
        }

        private string Number(float value) => editor.Shared($"loss_{value:R}", n => OnnxTensor.Scalar(n, value));

        private string Index(long value) => editor.Shared($"index_{value}", n => OnnxTensor.Scalar(n, value));
    }
}
