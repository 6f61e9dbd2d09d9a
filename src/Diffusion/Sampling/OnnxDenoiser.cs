using System.Collections.Immutable;
using DiffusionQuant.Engine;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// A denoiser that ONNX Runtime runs. It feeds samples, timesteps and conditioning in the types and ranks that the graph
/// declares, and splits a batch where the graph fixes its size or takes one timestep for all.
/// </summary>
public sealed class OnnxDenoiser : IDenoiser, IDisposable
{
    private readonly bool ownsSession;

    /// <summary>Takes a session of the model's graph, or of one that was changed but kept its inputs and its output.</summary>
    /// <param name="session">The session.</param>
    /// <param name="contract">How the graph is called.</param>
    /// <param name="ownsSession">Whether to dispose the session with this.</param>
    public OnnxDenoiser(ModelSession session, DenoiserContract contract, bool ownsSession = false)
    {
        Session = session;
        Contract = contract;
        this.ownsSession = ownsSession;
    }

    /// <summary>Loads a model's denoiser.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">Device and threads; by default the processor.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4001 to DQ4018: it cannot be loaded.</exception>
    public OnnxDenoiser(DiffusionModel model, SessionSettings? settings = null)
        : this(model.LoadSession(settings), model.Contract, ownsSession: true) { }

    /// <summary>The session.</summary>
    public ModelSession Session { get; }

    /// <inheritdoc/>
    public DenoiserContract Contract { get; }

    /// <summary>Values of inputs that a changed graph has besides the contract's; not disposed by this.</summary>
    public IReadOnlyDictionary<string, OrtValue> ExtraInputs { get; init; } =
        ImmutableDictionary<string, OrtValue>.Empty;

    /// <inheritdoc/>
    public float[] Predict(DenoiserCall call, CancellationToken cancellation = default) =>
        Predict(call, [], null, cancellation);

    /// <summary>Predicts for a batch, and shows further outputs of the graph.</summary>
    /// <param name="call">Samples, timesteps and conditioning.</param>
    /// <param name="extraOutputs">Names of outputs to fetch besides the prediction, in this call only.</param>
    /// <param name="observe">Sees the outputs of each run that the call takes; there are several where the batch is split.</param>
    /// <param name="cancellation">Stops the prediction.</param>
    /// <returns>N·C·H·W numbers, or N·2C·H·W where the network predicts a variance too.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1050, DQ1057: an input's value is missing, or the output has an
    /// unexpected size. DQ4012 to DQ4018: the run failed.</exception>
    public float[] Predict(
        DenoiserCall call,
        IReadOnlyList<string> extraOutputs,
        Action<DenoiserRun>? observe,
        CancellationToken cancellation = default
    )
    {
        string[] outputs = [Contract.Output.Name, .. extraOutputs.Where(o => o != Contract.Output.Name)];
        var size = Contract.SampleShape.Height * Contract.SampleShape.Width * Contract.OutputChannels;
        var result = new float[call.Count * size];
        Observe(
            call,
            outputs,
            run =>
            {
                observe?.Invoke(run);
                var prediction = Tensors.ToFloats(run.Outputs[Contract.Output.Name]);
                if (prediction.Length != run.Call.Count * size)
                {
                    throw DiffusionErrors.BadOutput(
                        Contract.Path,
                        Contract.Output.Name,
                        $"it has {prediction.Length} numbers for {run.Call.Count} samples of {Contract.SampleShape}, and {run.Call.Count * size} are expected"
                    );
                }

                if (Contract.Packing is { } side)
                {
                    prediction = TokenPacking.Unpack(prediction, Contract.SampleShape, side);
                }

                for (var i = 0; i < run.Rows.Count; i++)
                {
                    prediction.AsSpan(i * size, size).CopyTo(result.AsSpan(run.Rows[i] * size));
                }
            },
            cancellation
        );
        return result;
    }

    /// <summary>Computes outputs of the graph, which need not hold the prediction: the session may be of a part of it.</summary>
    /// <param name="call">Samples, timesteps and conditioning.</param>
    /// <param name="outputs">Names of outputs to fetch.</param>
    /// <param name="observe">Sees the outputs of each run that the call takes; there are several where the batch is split.</param>
    /// <param name="cancellation">Stops the runs.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1050: an input's value is missing. DQ4012 to DQ4018: a run failed.</exception>
    public void Observe(
        DenoiserCall call,
        IReadOnlyList<string> outputs,
        Action<DenoiserRun> observe,
        CancellationToken cancellation = default
    )
    {
        if (!Splits(call))
        {
            Run(call, [.. Enumerable.Range(0, call.Count)]);
            return;
        }

        foreach (var rows in Batches(call))
        {
            var batch = Contract.FixedBatch ?? rows.Length;
            int[] filled = [.. rows, .. Enumerable.Repeat(rows[^1], batch - rows.Length)];
            Run(call.Take(filled, HasRows), rows);
        }

        void Run(DenoiserCall batch, int[] rows)
        {
            using var inputs = new DenoiserInputs(Contract, batch);
            var values = new Dictionary<string, OrtValue>(ExtraInputs, StringComparer.Ordinal);
            foreach (var (name, value) in inputs.Values)
            {
                values[name] = value;
            }

            using var set = Session.Run(values, outputs, cancellation);
            observe(new(batch, set, rows));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (ownsSession)
        {
            Session.Dispose();
        }
    }

    private bool HasRows(string input) =>
        Contract.Inputs.FirstOrDefault(i => i.Name == input) is not { } declared
        || ConditioningSet.HasRows(Contract, declared);

    private bool Splits(DenoiserCall call) =>
        (Contract.FixedBatch is { } batch && batch != call.Count)
        || Enumerable.Range(1, call.Count - 1).Any(row => SharedInputs(call, row) != SharedInputs(call, 0));

    /// <summary>What must be the same for all rows of a run: timestep and label, where the graph takes one number for all.</summary>
    private (double Timestep, int Label) SharedInputs(DenoiserCall call, int row) =>
        (
            Contract.TimestepIsShared ? call.TimestepOf(row) : 0,
            Contract.ClassLabelIsShared && call.ClassLabels is { } labels ? labels[row] : 0
        );

    /// <summary>The call's rows in groups that one run can take.</summary>
    private IEnumerable<int[]> Batches(DenoiserCall call) =>
        Enumerable
            .Range(0, call.Count)
            .GroupBy(row => SharedInputs(call, row))
            .SelectMany(group => group.Chunk(Contract.FixedBatch ?? call.Count));
}
