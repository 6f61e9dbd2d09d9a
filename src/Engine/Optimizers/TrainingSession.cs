using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine.Optimizers;

/// <summary>
/// Runs a <see cref="TrainingGraph"/> step by step. Parameters, moments and averages stay on the device; two sets of them
/// take turns as a step's inputs and outputs. For one thread at a time.
/// </summary>
public sealed class TrainingSession : IDisposable
{
    private readonly TrainingGraph graph;
    private readonly ModelSession session;
    private readonly ModelSession? update;
    private readonly ModelBinding[] bindings;

    // The bindings of what ends a step; the same ones where a step is one run.
    private readonly ModelBinding[] updates;

    // What odd steps write, and what even steps write. Where a graph of its own updates, both are one and are written in
    // place: there each value has been read for the last time when it is written.
    private readonly Dictionary<string, OrtValue>[] sets;

    // Each is read and written by one run, and in place: an element is read just before it is written.
    private readonly Dictionary<string, OrtValue> sums = new(StringComparer.Ordinal);
    private readonly float[][] rates;
    private readonly OrtValue[] rateTensors;
    private readonly float[] averageRate = new float[2];
    private readonly OrtValue averageRateTensor;
    private readonly OrtValue[] keptTensors = [Tensors.Of([0f]), Tensors.Of([1f])];
    private int updatesDone;
    private int pending;

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
        update = graph.Update is null ? null : ModelSession.Load(graph.Update, settings);
        bindings = [session.Bind(), session.Bind()];
        updates = update is null ? bindings : [update.Bind(), update.Bind()];
        Dictionary<string, OrtValue> first = [];
        sets = [first, update is null ? [] : first];
        rates = [.. graph.Groups.Select(_ => new float[3])];
        rateTensors = [.. rates.Select(r => Tensors.Of(r, r.Length))];
        averageRateTensor = Tensors.Of(averageRate, averageRate.Length);
        foreach (var parameter in graph.Parameters)
        {
            foreach (var (before, after) in parameter.Tensors)
            {
                AddTensor(parameter, before, after, from?.Tensors[before]);
            }
        }

        AddSums();
        foreach (var binding in bindings)
        {
            binding.BindOutputToMainMemory(graph.Loss);
            foreach (var output in graph.Observed)
            {
                binding.BindOutputToMainMemory(output);
            }
        }

        if (graph.Norm is { } norm)
        {
            Array.ForEach(updates, u => u.BindOutputToMainMemory(norm));
        }
    }

    /// <summary>How many steps there will be.</summary>
    public int Steps { get; }

    /// <summary>How many steps were done, those of an earlier session included. A step is as many runs as
    /// <see cref="TrainingOptions.Accumulation"/> says.</summary>
    public int Step { get; private set; }

    /// <summary>The norm of all gradients in the last step, before they were clipped; null before the first step and where
    /// <see cref="TrainingOptions.GradientClip"/> is null.</summary>
    public float? GradientNorm { get; private set; }

    /// <summary>Parameters, moments and averages as they are, for a session that goes on from here.</summary>
    /// <exception cref="InvalidOperationException">A step has begun and lacks runs: sums of gradients are no part of a state.</exception>
    public TrainingState State =>
        pending == 0
            ? new(
                Step,
                graph
                    .Parameters.SelectMany(p => p.Tensors)
                    .ToDictionary(t => t.Before, t => Read(t.Before), StringComparer.Ordinal)
            )
            : throw new InvalidOperationException(
                $"Step {Step + 1} has had {pending} of its {graph.Options.Accumulation} runs; a state can be read between steps."
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

    /// <summary>Does a step, or one of the runs that make a step: the last of them changes the parameters.</summary>
    /// <param name="inputs">The inputs that change with each run.</param>
    /// <param name="observe">Sees the graph's observed outputs.</param>
    /// <param name="cancellation">Stops the step before it changes a parameter; <see cref="State"/> is that before it then.</param>
    /// <returns>The run's loss before the step.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4012 to DQ4018: inputs do not fit, or the run failed.</exception>
    public float Run(
        IEnumerable<KeyValuePair<string, OrtValue>> inputs,
        Action<TensorSet>? observe = null,
        CancellationToken cancellation = default
    )
    {
        var turn = updatesDone % 2;
        var binding = bindings[turn];
        foreach (var (name, value) in inputs)
        {
            binding.BindInput(name, value);
        }

        if (graph.KeptSums is { } kept)
        {
            binding.BindInput(kept, keptTensors[pending == 0 ? 0 : 1]);
        }

        if (update is null)
        {
            BindRates(binding);
        }

        using var outputs = RunOrAbandon(binding, cancellation);
        pending++;
        if (pending == graph.Options.Accumulation)
        {
            EndStep(outputs, turn);
        }

        observe?.Invoke(outputs);
        return Tensors.Floats(outputs[graph.Loss])[0];
    }

    /// <summary>Whether the graph trains a parameter.</summary>
    public bool Has(string parameter) => sets[0].ContainsKey(parameter);

    /// <summary>A copy of a parameter's present value.</summary>
    public float[] Read(string parameter) => Tensors.ToFloats(sets[updatesDone % 2][parameter]);

    /// <summary>A copy of a parameter's moving average; its first value before the first step.</summary>
    /// <param name="parameter">The parameter's name.</param>
    /// <exception cref="InvalidOperationException">The graph keeps no averages.</exception>
    public float[] ReadAverage(string parameter) =>
        graph.Parameters.FirstOrDefault(p => p.Parameter.Name == parameter)?.Average is var (name, _)
            ? Read(name)
            : throw new InvalidOperationException(
                $"No average of '{parameter}' is kept: see {nameof(TrainingOptions)}.{nameof(TrainingOptions.AverageDecay)}."
            );

    /// <summary>Frees graph and tensors.</summary>
    public void Dispose()
    {
        foreach (var binding in bindings.Union(updates))
        {
            binding.Dispose();
        }

        OrtValue[] tensors =
        [
            .. sets.Distinct().SelectMany(s => s.Values),
            .. sums.Values,
            .. rateTensors,
            .. keptTensors,
            averageRateTensor,
        ];
        Array.ForEach(tensors, t => t.Dispose());
        session.Dispose();
        update?.Dispose();
    }

    private void AddTensor(TrainedParameter trained, string before, string after, float[]? earlier)
    {
        var parameter = trained.Parameter.Initial;
        var dims = parameter.Dims;
        foreach (var set in sets.Distinct())
        {
            set[before] = session.Allocate(ElementType.Float, dims);
        }

        var isValue = before == parameter.Name || before == trained.Average?.Before;
        session.Fill(sets[0][before], earlier ?? (isValue ? parameter.ToFloats() : new float[parameter.ElementCount]));
        BindTurn(0, before, sets[0][before]);
        BindTurn(1, before, sets[1][before]);
        updates[0].BindOutput(after, sets[1][before]);
        updates[1].BindOutput(after, sets[0][before]);
    }

    /// <summary>Binds what a turn reads.</summary>
    private void BindTurn(int turn, string name, OrtValue value)
    {
        updates[turn].BindInput(name, value);
        if (update is not null && graph.Parameters.Any(p => p.Parameter.Name == name))
        {
            bindings[turn].BindInput(name, value);
        }
    }

    private void AddSums()
    {
        foreach (var (parameter, before, after) in graph.Sums)
        {
            var dims = parameter.Initial.Dims;
            var sum = sums[before] = session.Allocate(ElementType.Float, dims);
            // What was allocated may be no numbers, which no factor makes zero.
            session.Fill(sum, new float[parameter.Initial.ElementCount]);
            Array.ForEach(bindings, b => b.BindInput(before, sum).BindOutput(after, sum));
            Array.ForEach(updates, u => u.BindInput(before, sum));
        }
    }

    /// <summary>A run that is stopped has changed nothing that counts: sums of gradients begin anew, and new parameters go
    /// beside the present ones or come with the update.</summary>
    private TensorSet RunOrAbandon(ModelBinding binding, CancellationToken cancellation)
    {
        try
        {
            return binding.Run(cancellation);
        }
        catch (OperationCanceledException)
        {
            pending = 0;
            throw;
        }
    }

    private void EndStep(TensorSet outputs, int turn)
    {
        if (update is null)
        {
            ReadNorm(outputs);
        }
        else
        {
            BindRates(updates[turn]);
            using var updated = updates[turn].Run();
            ReadNorm(updated);
        }

        pending = 0;
        updatesDone++;
        Step++;
    }

    private void ReadNorm(TensorSet outputs) =>
        GradientNorm = graph.Norm is null ? null : Tensors.Floats(outputs[graph.Norm])[0];

    private void BindRates(ModelBinding binding)
    {
        for (var i = 0; i < rates.Length; i++)
        {
            var settings = graph.Groups[i];
            var rate = settings.RateAt(Step, Steps);
            var mean = (1 - (double)settings.Beta1) / (1 - Math.Pow(settings.Beta1, Step + 1));
            var root = Math.Sqrt((1 - (double)settings.Beta2) / (1 - Math.Pow(settings.Beta2, Step + 1)));
            rates[i][0] = (float)(rate * mean / root);
            rates[i][1] = (float)(settings.Epsilon / root);
            rates[i][2] = rate;
            binding.BindInput(graph.RateInputs[i], rateTensors[i]);
        }

        if (graph.AverageRate is { } name)
        {
            var decay = Math.Min((double)graph.Options.AverageDecay!, (1.0 + Step) / (10.0 + Step));
            averageRate[0] = (float)decay;
            averageRate[1] = (float)(1 - decay);
            binding.BindInput(name, averageRateTensor);
        }
    }
}
