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
    private readonly List<OrtValue> initial = [];
    private readonly float[][] rates;
    private readonly OrtValue[] rateTensors;

    /// <summary>Loads the graph and gives the parameters their first values.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="steps">How many steps there will be; learning rate schedules depend on it.</param>
    /// <param name="settings">Device and threads.</param>
    public TrainingSession(TrainingGraph graph, int steps, SessionSettings? settings = null)
    {
        this.graph = graph;
        Steps = steps;
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
                AddTensor(before, after, parameter.Parameter.Initial);
            }
        }

        foreach (var binding in bindings)
        {
            binding.BindOutputToMainMemory(graph.Loss);
        }
    }

    /// <summary>How many steps there will be.</summary>
    public int Steps { get; }

    /// <summary>How many steps were done.</summary>
    public int Step { get; private set; }

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
    /// <param name="cancellation">Stops the step; the session is not usable then.</param>
    /// <returns>The loss before the step.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4012 to DQ4018: inputs do not fit, or the run failed.</exception>
    public float Run(IEnumerable<KeyValuePair<string, OrtValue>> inputs, CancellationToken cancellation = default)
    {
        var binding = bindings[Step % 2];
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
        if (Step == 0)
        {
            // Behind the first step the initial values are not read any more.
            foreach (var (name, value) in sets[0])
            {
                binding.BindInput(name, value);
            }
        }

        Step++;
        return Tensors.Floats(outputs[graph.Loss])[0];
    }

    /// <summary>Whether the graph trains a parameter.</summary>
    public bool Has(string parameter) => sets[0].ContainsKey(parameter);

    /// <summary>A copy of a parameter's present value.</summary>
    public float[] Read(string parameter) =>
        Step == 0
            ? graph.Parameters.First(p => p.Parameter.Name == parameter).Parameter.Initial.ToFloats().ToArray()
            : Tensors.ToFloats(sets[Step % 2][parameter]);

    /// <summary>Frees graph and tensors.</summary>
    public void Dispose()
    {
        foreach (var binding in bindings)
        {
            binding.Dispose();
        }

        foreach (var tensor in sets.SelectMany(s => s.Values).Concat(initial).Concat(rateTensors))
        {
            tensor.Dispose();
        }

        session.Dispose();
    }

    private void AddTensor(string before, string after, OnnxTensor parameter)
    {
        var dims = parameter.Dims;
        for (var i = 0; i < 2; i++)
        {
            sets[i][before] = session.Allocate(ElementType.Float, dims);
        }

        var first =
            before == parameter.Name
                ? Tensors.FromTensor(parameter)
                : Tensors.Of(new float[parameter.ElementCount], dims);
        initial.Add(first);
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
