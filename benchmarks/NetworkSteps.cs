using DiffusionQuant.Engine;
using DiffusionQuant.Engine.Optimizers;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Benchmarks;

/// <summary>Times training steps of a whole network in turn with PyTorch's, which must have the same losses.</summary>
internal static class NetworkSteps
{
    private const int ComparedSteps = 3;

    /// <summary>Writes a row of the table.</summary>
    /// <returns>What belongs under it.</returns>
    public static List<string> Time(
        GradientBlock network,
        SessionSettings settings,
        bool isCompared,
        int runs,
        bool profile
    )
    {
        var notes = new List<string>();
        var graph = TrainingGraph.Build(network.Model, GradientBlock.Loss, network.Parameters);
        var tensors = network
            .Inputs.Concat(network.Parameters.Select(p => p.Initial))
            .ToDictionary(t => t.Name, Tensors.FromTensor);
        if (profile)
        {
            notes.Add($"{network.Name}: {GradientSessions.Profile(graph.Model, tensors, settings)}");
        }

        using var session = new TrainingSession(graph, steps: 1000, settings);
        foreach (var input in network.Inputs)
        {
            session.Bind(input.Name, tensors[input.Name]);
        }

        using var torch = isCompared ? new TorchSession(network, settings) : null;
        if (torch is not null)
        {
            notes.Add($"{network.Name}: {Compare(network, session, torch)}");
        }

        var (ours, theirs) = (new List<double>(), new List<double>());
        for (var run = 0; run < runs; run++)
        {
            ours.AddRange(GradientBenchmark.Times(() => session.Run([]), 1));
            if (torch is not null)
            {
                theirs.AddRange(GradientBenchmark.Times(() => torch.Run("step"), 1));
            }
        }

        GradientBenchmark.WriteRow(network.Name, "step", ours, theirs);
        foreach (var tensor in tensors.Values)
        {
            tensor.Dispose();
        }

        return notes;
    }

    /// <summary>Does the first steps of both: the losses of later ones tell whether gradients are the same.</summary>
    private static string Compare(GradientBlock network, TrainingSession session, TorchSession torch)
    {
        var losses = new List<string>();
        for (var i = 0; i < ComparedSteps; i++)
        {
            var (mine, other) = (session.Run([]), torch.Step());
            if (Math.Abs(mine - other) > 1e-3 * Math.Abs(other))
            {
                throw new InvalidOperationException(
                    $"{network.Name}: the loss of step {i + 1} is {mine} beside {other}."
                );
            }

            losses.Add($"{mine:G6} beside {other:G6}");
        }

        return $"losses of the first steps {string.Join(", ", losses)}.";
    }
}
