using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Gradients;
using DiffusionQuant.Engine.Optimizers;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>A block's loss alone, with its gradients, and with Adam's step.</summary>
internal sealed class GradientSessions : IDisposable
{
    private readonly GradientBlock block;
    private readonly ModelSession forward;
    private readonly ModelSession backward;
    private readonly ModelBinding forwardBinding;
    private readonly ModelBinding backwardBinding;
    private readonly TrainingSession training;
    private readonly OnnxModel step;
    private readonly SessionSettings settings;
    private readonly IReadOnlyDictionary<string, string> gradients;
    private readonly Dictionary<string, OrtValue> tensors;

    public GradientSessions(GradientBlock block, SessionSettings settings)
    {
        this.block = block;
        this.settings = settings;
        tensors = block
            .Inputs.Concat(block.Parameters.Select(p => p.Initial))
            .ToDictionary(t => t.Name, Tensors.FromTensor);

        var loss = block.Model.Clone();
        QuantizerOperators.Lower(loss);
        forward = ModelSession.Load(loss, settings);
        forwardBinding = Bind(forward);

        var both = block.Model.Clone();
        gradients = GradientGraph.Append(both, GradientBlock.Loss, [.. block.Parameters.Select(p => p.Name)]);
        both.Graph.Outputs.AddRange(
            block.Parameters.Select(p => new ValueInfo(gradients[p.Name], ElementType.Float, p.Initial.Shape))
        );
        both.Graph.ValueInfos.Clear();
        QuantizerOperators.Lower(both);
        backward = ModelSession.Load(both, settings);
        backwardBinding = Bind(backward);

        var graph = TrainingGraph.Build(block.Model, GradientBlock.Loss, block.Parameters);
        step = graph.Model;
        training = new(graph, steps: 1000, settings);
        foreach (var input in block.Inputs)
        {
            training.Bind(input.Name, tensors[input.Name]);
        }
    }

    public void Run(string kind)
    {
        switch (kind)
        {
            case "forward":
                forwardBinding.Run().Dispose();
                break;
            case "backward":
                backwardBinding.Run().Dispose();
                break;
            default:
                training.Run([]);
                break;
        }
    }

    /// <summary>Does the first step, and says how far it is from PyTorch's.</summary>
    /// <param name="torch">PyTorch, before its first step.</param>
    public string Compare(TorchSession torch)
    {
        var loss = torch.Step();
        var mine = training.Run([]);
        using var outputs = backwardBinding.Run();
        var (gradient, parameter) = (0.0, 0.0);
        var worst = "";
        var expected = block.Parameters.ToDictionary(p => p.Name, p => torch.Gradient(p.Name));

        // Some gradients are zero but for rounding: that of a key's bias, to which softmax is indifferent.
        var least = 1e-3 * expected.Values.Max(Norm);
        foreach (var name in block.Parameters.Select(p => p.Name))
        {
            var distance = Distance(expected[name], Tensors.ToFloats(outputs[gradients[name]]), least);
            if (distance > gradient)
            {
                (gradient, worst) = (distance, name);
            }

            parameter = Math.Max(parameter, Distance(torch.Parameter(name), training.Read(name), 0));
        }

        if (Math.Abs(mine - loss) > 1e-4 * Math.Abs(loss) || gradient > 2e-3 || parameter > 2e-3)
        {
            throw new InvalidOperationException(
                $"{block.Name}: loss {mine} beside {loss}, gradients differ by {gradient:E1} ({worst}), parameters by {parameter:E1}."
            );
        }

        return $"same loss ({mine:G6} beside {loss:G6}), gradients to {gradient:E1} ({worst}), parameters after a step to {parameter:E1}.";
    }

    /// <summary>Where the time of a step goes.</summary>
    public string Profile() => Profile(step, tensors, settings);

    /// <summary>Where the time of a training graph goes.</summary>
    /// <param name="step">The graph.</param>
    /// <param name="tensors">What is known of its inputs; the others are zeros.</param>
    /// <param name="settings">Threads.</param>
    public static string Profile(
        OnnxModel step,
        IReadOnlyDictionary<string, OrtValue> tensors,
        SessionSettings settings
    )
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        step.Save(path);
        var inputs = step.Graph.Inputs.ToDictionary(
            i => i.Name,
            i =>
                tensors.TryGetValue(i.Name, out var tensor)
                    ? tensor
                    : Tensors.FromFloats(
                        new float[i.Shape!.ToStatic().Aggregate(1L, (a, b) => a * b)],
                        i.Shape!.ToStatic()
                    )
        );
        var profile = OperatorProfile.Of(path, inputs, settings);
        File.Delete(path);
        return profile;
    }

    public void Dispose()
    {
        training.Dispose();
        forwardBinding.Dispose();
        backwardBinding.Dispose();
        forward.Dispose();
        backward.Dispose();
        foreach (var tensor in tensors.Values)
        {
            tensor.Dispose();
        }
    }

    private ModelBinding Bind(ModelSession session)
    {
        var binding = session.Bind();
        foreach (var input in session.Inputs)
        {
            binding.BindInput(input.Name, tensors[input.Name]);
        }

        return binding;
    }

    /// <summary>The norm of the difference over the norm, or over the least norm that counts.</summary>
    private static double Distance(float[] expected, float[] actual, double least) =>
        Norm([.. expected.Zip(actual, (a, b) => a - b)]) / Math.Max(Norm(expected), least);

    private static double Norm(float[] values) => Math.Sqrt(values.Sum(v => (double)v * v));
}
