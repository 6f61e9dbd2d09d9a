using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>
/// Inputs and outputs of a model that keep their place from run to run: outputs stay on the device and can be bound as
/// the next run's inputs without a copy. For one thread at a time.
/// </summary>
public sealed class ModelBinding : IDisposable
{
    private readonly ModelSession session;
    private readonly OrtIoBinding native;

    // ONNX Runtime keeps native handles only; these keep what they point to alive.
    private readonly Dictionary<string, OrtValue> inputs = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, OrtValue?> outputs = new(StringComparer.Ordinal);
    private readonly HashSet<string> outputsInMainMemory = new(StringComparer.Ordinal);

    internal ModelBinding(ModelSession session)
    {
        this.session = session;
        native = session.Native.CreateIoBinding();
    }

    /// <summary>
    /// Binds an input. A tensor of another device is copied now, so change its content before binding it, not after. The
    /// tensor must not be disposed before the last run that reads it.
    /// </summary>
    /// <returns>This binding.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4012, DQ4014, DQ4015: the model has no such input, or
    /// type or shape do not fit.</exception>
    public ModelBinding BindInput(string name, OrtValue value)
    {
        InputCheck.Check(session.Name, session.Input(name), value);
        native.BindInput(name, value);
        inputs[name] = value;
        return this;
    }

    /// <summary>Lets runs write an output into a given tensor, which must have the output's type and shape.</summary>
    /// <returns>This binding.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4016: the model has no such output.</exception>
    public ModelBinding BindOutput(string name, OrtValue value)
    {
        _ = session.Output(name);
        outputs[name] = value;
        return this;
    }

    /// <summary>Lets each run make a new tensor for an output, on the session's device.</summary>
    /// <returns>This binding.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4016: the model has no such output.</exception>
    public ModelBinding BindOutputToDevice(string name)
    {
        _ = session.Output(name);
        outputs[name] = null;
        outputsInMainMemory.Remove(name);
        return this;
    }

    /// <summary>Lets each run make a new tensor for an output in main memory.</summary>
    /// <returns>This binding.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4016: the model has no such output.</exception>
    public ModelBinding BindOutputToMainMemory(string name)
    {
        BindOutputToDevice(name);
        outputsInMainMemory.Add(name);
        return this;
    }

    /// <summary>Runs the model on what is bound. When no output is bound, all are made on the device.</summary>
    /// <param name="cancellation">Stops the run between two operators.</param>
    /// <returns>The bound outputs; the caller disposes them. Those of <see cref="BindOutput"/> share the given tensor's memory.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4013: an input is not bound. DQ4017, DQ4018: the run
    /// failed, or memory ran out.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public TensorSet Run(CancellationToken cancellation = default)
    {
        if (session.Inputs.FirstOrDefault(i => !inputs.ContainsKey(i.Name)) is { } missing)
        {
            throw EngineErrors.MissingInput(session.Name, missing.ToString());
        }

        if (outputs.Count == 0)
        {
            foreach (var output in session.Outputs)
            {
                outputs.Add(output.Name, null);
            }
        }

        // Bound anew for each run: ONNX Runtime would write into the last run's tensor again, which may be an input by now.
        native.ClearBoundOutputs();
        foreach (var (name, value) in outputs)
        {
            if (value is not null)
            {
                native.BindOutput(name, value);
            }
            else
            {
                var memory = outputsInMainMemory.Contains(name) ? OrtMemoryInfo.DefaultInstance : session.DeviceMemory;
                native.BindOutputToDevice(name, memory);
            }
        }

        var values = session.Guard(options => session.Native.RunWithBoundResults(options, native), cancellation);
        GC.KeepAlive(this);
        KernelNoise.Apply(values);
        return new(native.GetOutputNames(), values);
    }

    /// <summary>Frees the binding; tensors that runs returned, and those that were bound, stay valid.</summary>
    public void Dispose() => native.Dispose();
}
