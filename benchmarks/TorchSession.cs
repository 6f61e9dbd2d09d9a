using DiffusionQuant.Engine;
using DiffusionQuant.Tests.Shared;
using TorchSharp;

namespace DiffusionQuant.Benchmarks;

/// <summary>A block in PyTorch: its graph by PyTorch's operators, differentiated and stepped by PyTorch.</summary>
internal sealed class TorchSession : IDisposable
{
    private readonly TorchGraph graph;
    private readonly Dictionary<string, TorchSharp.Modules.Parameter> parameters;
    private readonly Dictionary<string, torch.Tensor> values;
    private readonly torch.optim.Optimizer adam;

    /// <summary>Loads a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="session">The threads.</param>
    public TorchSession(GradientBlock block, SessionSettings session)
    {
        torch.set_num_threads(session.Threads);
        graph = new(block.Model.Graph, block.Model.Opset);
        parameters = block.Parameters.ToDictionary(
            p => p.Name,
            p => new TorchSharp.Modules.Parameter(TorchGraph.Of(p.Initial))
        );
        values = block.Inputs.ToDictionary(i => i.Name, TorchGraph.Of);
        foreach (var (name, parameter) in parameters)
        {
            values[name] = parameter;
        }

        adam = torch.optim.Adam(parameters.Values, GradientBlock.LearningRate);
    }

    /// <summary>Why there is no comparison; null where there is one.</summary>
    public static string? Missing(SessionSettings session) =>
        session.Device.Kind == DeviceKind.Cpu ? TorchRuntime.Missing : "PyTorch is here for processors alone";

    /// <summary>Runs the block once.</summary>
    /// <param name="kind"><c>forward</c>, <c>backward</c> or <c>step</c>.</param>
    public void Run(string kind)
    {
        using var scope = torch.NewDisposeScope();
        if (kind == "forward")
        {
            using var none = torch.no_grad();
            graph.Run(values, GradientBlock.Loss);
            return;
        }

        Backward();
        if (kind == "step")
        {
            adam.step();
        }
    }

    /// <summary>Does a step.</summary>
    /// <returns>The loss before it.</returns>
    public float Step()
    {
        using var scope = torch.NewDisposeScope();
        var loss = Backward();
        adam.step();
        return loss;
    }

    /// <summary>A parameter's gradient of the last step.</summary>
    public float[] Gradient(string name) => TorchGraph.Floats(parameters[name].grad!);

    /// <summary>A parameter.</summary>
    public float[] Parameter(string name) => TorchGraph.Floats(parameters[name]);

    public void Dispose()
    {
        adam.Dispose();
        foreach (var value in values.Values)
        {
            value.Dispose();
        }
    }

    private float Backward()
    {
        adam.zero_grad();
        var loss = graph.Run(values, GradientBlock.Loss);
        loss.backward();
        return loss.item<float>();
    }
}
