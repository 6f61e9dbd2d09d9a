using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>
/// Runs a <see cref="TrainingGraph"/> step by step. Parameters and moments stay on the device; two sets of them take turns
/// as a step's inputs and outputs. For one thread at a time.
/// </summary>
public sealed class TrainingSession : IDisposable
{
    private readonly TrainingGraph graph;
    private readonly ModelSession session;
    private readonly ModelBinding[] bindings;

    // What odd steps write, and what even steps write.
    private readonly Dictionary<string, OrtValue>[] sets;
    private readonly Dictionary<string, OrtValue> initial = new(StringComparer.Ordinal);
    private readonly float[][] rates;
    private readonly OrtValue[] rateTensors;
    private int runs;

    /// <summary>Loads the graph and gives the parameters their first values.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="steps">How many steps there will be; learning rate schedules depend on it.</param>
    /// <param name="settings">Device and threads.</param>
    /// <param name="from">Where an earlier session of an equal graph was (<see cref="State"/>); null to begin.</param>
    public TrainingSession(TrainingGraph graph, int steps, SessionSettings? settings = null, TrainingState? from = null)
    {
        this.graph = graph;
        Steps = steps;
        Step = from?.Step ?? 0;
        session = ModelSession.Load(graph.Model, settings);
        bindings = [session.Bind(), session.Bind()];
        sets =
        [
            [],
            [],
        ];
        rates = [.. graph.Groups.Select(_ => new float[3])];
        rateTensors = [.. rates.Select(r => Tensors.Of(r, r.Length))];
        foreach (var parameter in graph.Parameters)
        {
            foreach (var (before, after) in parameter.Tensors)
            {
                AddTensor(before, after, parameter.Parameter.Initial, from?.Tensors[before]);
            }
        }

        foreach (var binding in bindings)
        {
            binding.BindOutputToMainMemory(graph.Loss);
            foreach (var output in graph.Observed)
            {
                binding.BindOutputToMainMemory(output);
            }
        }
    }

    /// <summary>How many steps there will be.</summary>
    public int Steps { get; }

    /// <summary>How many steps were done, those of an earlier session included.</summary>
    public int Step { get; private set; }

    /// <summary>Parameters and moments as they are, for a session that goes on from here.</summary>
    public TrainingState State =>
        new(
            Step,
            graph
                .Parameters.SelectMany(p => p.Tensors)
                .ToDictionary(t => t.Before, t => Read(t.Before), StringComparer.Ordinal)
        );

    /// <summary>The device.</summary>
    public Device Device => session.Device;

    /// <summary>Binds an input for all steps to come. A tensor of another device is copied there once.</summary>
    /// <param name="name">The input's name.</param>
    /// <param name="value">Must not be disposed before this session.</param>
    public void Bind(string name, OrtValue value)
    {
        foreach (var binding in bindings)
        {
            binding.BindInput(name, value);
        }
    }

    /// <summary>Does a step.</summary>
    /// <param name="inputs">The inputs that change with each step.</param>
    /// <param name="observe">Sees the graph's observed outputs.</param>
    /// <param name="cancellation">Stops the step; the session is not usable then.</param>
    /// <returns>The loss before the step.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4012 to DQ4018: inputs do not fit, or the run failed.</exception>
    public float Run(
        IEnumerable<KeyValuePair<string, OrtValue>> inputs,
        Action<TensorSet>? observe = null,
        CancellationToken cancellation = default
    )
    {
        var binding = bindings[runs % 2];
        foreach (var (name, value) in inputs)
        {
            binding.BindInput(name, value);
        }

        SetRates();
        for (var i = 0; i < rateTensors.Length; i++)
        {
            binding.BindInput(graph.RateInputs[i], rateTensors[i]);
        }

        using var outputs = binding.Run(cancellation);
        if (runs == 0)
        {
            // Behind the first step the initial values are not read any more.
            foreach (var (name, value) in sets[0])
            {
                binding.BindInput(name, value);
            }
        }

        runs++;
        Step++;
        observe?.Invoke(outputs);
        return Tensors.Floats(outputs[graph.Loss])[0];
    }

    /// <summary>Whether the graph trains a parameter.</summary>
    public bool Has(string parameter) => sets[0].ContainsKey(parameter);

    /// <summary>A copy of a parameter's present value.</summary>
    public float[] Read(string parameter) =>
        Tensors.ToFloats(runs == 0 ? initial[parameter] : sets[runs % 2][parameter]);

    /// <summary>Frees graph and tensors.</summary>
    public void Dispose()
    {
        foreach (var binding in bindings)
        {
            binding.Dispose();
        }

        foreach (var tensor in sets.SelectMany(s => s.Values).Concat(initial.Values).Concat(rateTensors))
        {
            tensor.Dispose();
        }

        session.Dispose();
    }

    private void AddTensor(string before, string after, OnnxTensor parameter, float[]? earlier)
    {
        var dims = parameter.Dims;
        for (var i = 0; i < 2; i++)
        {
            sets[i][before] = session.Allocate(ElementType.Float, dims);
        }

        var first =
            earlier is not null ? Tensors.Of(earlier, dims)
            : before == parameter.Name ? Tensors.FromTensor(parameter)
            : Tensors.Of(new float[parameter.ElementCount], dims);
        initial.Add(before, first);
        bindings[0].BindInput(before, first).BindOutput(after, sets[1][before]);
        bindings[1].BindInput(before, sets[1][before]).BindOutput(after, sets[0][before]);
    }

    private void SetRates()
    {
        for (var i = 0; i < rates.Length; i++)
        {
            var settings = graph.Groups[i];
            var rate = settings.LearningRate * settings.Schedule.Factor(Step, Steps);
            var mean = (1 - (double)settings.Beta1) / (1 - Math.Pow(settings.Beta1, Step + 1));
            var root = Math.Sqrt((1 - (double)settings.Beta2) / (1 - Math.Pow(settings.Beta2, Step + 1)));
            rates[i][0] = (float)(rate * mean / root);
            rates[i][1] = (float)(settings.Epsilon / root);
            rates[i][2] = rate;
        }
    }
}
