using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace DiffusionQuant.Engine;

/// <summary>A model that is loaded and can run. Runs may be called from several threads at once.</summary>
public sealed class ModelSession : IDisposable
{
    /// <summary>Models with more bytes of weights than this are not passed as one array, but mapped from a temporary file.</summary>
    internal const long LargestInMemory = 32L << 20;

    private readonly TemporaryModel? temporary;
    private readonly OrtMemoryInfo? gpuMemory;
    private readonly Lazy<OrtAllocator> allocator;

    private ModelSession(string name, InferenceSession native, Device device, TemporaryModel? temporary)
    {
        Name = name;
        Native = native;
        Device = device;
        this.temporary = temporary;
        gpuMemory =
            device.Kind == DeviceKind.Cuda
                ? new(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, device.Index, OrtMemType.Default)
                : null;
        allocator = new(() => new(native, DeviceMemory));
        Inputs = [.. native.InputNames.Select(n => Describe(n, native.InputMetadata[n]))];
        Outputs = [.. native.OutputNames.Select(n => Describe(n, native.OutputMetadata[n]))];
    }

    /// <summary>What messages call the model: its path, or its graph's name.</summary>
    public string Name { get; }

    /// <summary>The inputs: names, types and shapes with symbolic dimensions, as ONNX Runtime reports them. An unknown
    /// rank is reported like that of a scalar.</summary>
    public IReadOnlyList<ValueInfo> Inputs { get; }

    /// <summary>The outputs, reported in the same way.</summary>
    public IReadOnlyList<ValueInfo> Outputs { get; }

    /// <summary>What the model runs on.</summary>
    public Device Device { get; }

    /// <summary>ONNX Runtime's own session, for what this class does not offer.</summary>
    public InferenceSession Native { get; }

    /// <summary>Memory of <see cref="Device"/>.</summary>
    internal OrtMemoryInfo DeviceMemory => gpuMemory ?? OrtMemoryInfo.DefaultInstance;

    /// <summary>Loads a model from a file; external data beside it are mapped.</summary>
    /// <param name="path">The <c>.onnx</c> file.</param>
    /// <param name="settings">Device, threads and optimization; by default the processor.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4001: ONNX Runtime is missing. DQ4003 to DQ4007: the
    /// device cannot be used. DQ4010, DQ4011, DQ4018: the model is missing, not supported, or too large.</exception>
    /// <exception cref="OperationCanceledException">The scope (<see cref="Workers.Cancellation"/>) was cancelled.</exception>
    public static ModelSession Load(string path, SessionSettings? settings = null) =>
        File.Exists(path)
            ? Load(path, settings ?? SessionSettings.Default, options => new(path, options), null)
            : throw EngineErrors.ModelNotFound(path);

    /// <summary>Loads a model from memory.</summary>
    /// <param name="model">The model; it is not changed, and may be changed or dropped afterwards. Where its weights are
    /// large they go through a file in the system's temporary folder, which ONNX Runtime maps.</param>
    /// <param name="settings">Device, threads and optimization; by default the processor.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">As for a file; DQ1012: the temporary file cannot be written.</exception>
    public static ModelSession Load(OnnxModel model, SessionSettings? settings = null)
    {
        settings ??= SessionSettings.Default;
        var name = model.Path ?? (model.Graph.Name.Length > 0 ? model.Graph.Name : "model");
        if (model.Graph.Initializers.Values.Sum(t => (long)t.Data.Length) <= LargestInMemory)
        {
            return Load(name, settings, options => new(model.ToBytes(), options), null);
        }

        var temporary = new TemporaryModel(model);
        try
        {
            var session = Load(name, settings, options => new(temporary.Path, options), temporary);
            if (!OperatingSystem.IsWindows())
            {
                // What is mapped stays readable without its name, and a killed process leaves nothing behind.
                temporary.Dispose();
            }

            return session;
        }
        catch
        {
            temporary.Dispose();
            throw;
        }
    }

    /// <summary>Runs the model.</summary>
    /// <param name="inputs">A tensor for each input, on any device.</param>
    /// <param name="outputs">The outputs wanted; null for all.</param>
    /// <param name="cancellation">Stops the run between two operators.</param>
    /// <returns>The outputs in main memory, in the order asked for; the caller disposes them.</returns>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4012 to DQ4016: inputs or outputs do not fit the
    /// model. DQ4017, DQ4018: the run failed, or memory ran out.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public TensorSet Run(
        IReadOnlyDictionary<string, OrtValue> inputs,
        IReadOnlyList<string>? outputs = null,
        CancellationToken cancellation = default
    )
    {
        InputCheck.Check(Name, Inputs, inputs);
        var names = outputs is null ? Native.OutputNames : [.. outputs.Distinct(StringComparer.Ordinal)];
        foreach (var name in names)
        {
            _ = Output(name);
        }

        var values = Guard(options => Native.Run(options, inputs, names), cancellation);

        // ONNX Runtime holds only the native handles; without this the collector may free inputs while they are read.
        GC.KeepAlive(inputs);
        KernelNoise.Apply(values);
        return new(names, values);
    }

    /// <summary>Makes a binding: inputs and outputs that stay on the device from run to run.</summary>
    public ModelBinding Bind() => new(this);

    /// <summary>Makes a tensor of undefined content in the device's memory. Dispose it before the session.</summary>
    /// <param name="type">The element type.</param>
    /// <param name="dims">The sizes; none for a scalar.</param>
    public OrtValue Allocate(ElementType type, params ReadOnlySpan<long> dims) =>
        OrtValue.CreateAllocatedTensorValue(allocator.Value, (TensorElementType)type, dims.ToArray());

    /// <summary>Writes float32 values into a tensor of the device's memory.</summary>
    internal void Fill(OrtValue target, ReadOnlyMemory<float> values)
    {
        if (Device.Kind == DeviceKind.Cpu)
        {
            values.Span.CopyTo(target.GetTensorMutableDataAsSpan<float>());
            return;
        }

        using var source = Tensors.Of(
            System.Runtime.InteropServices.MemoryMarshal.AsMemory(values),
            Tensors.Dims(target)
        );
        DeviceCopy.To(Device, source, target);
    }

    /// <summary>Frees the model. Tensors that runs returned stay valid.</summary>
    public void Dispose()
    {
        if (allocator.IsValueCreated)
        {
            allocator.Value.Dispose();
        }

        Native.Dispose();
        gpuMemory?.Dispose();
        temporary?.Dispose();
    }

    /// <summary>The input of a name.</summary>
    internal ValueInfo Input(string name) =>
        Inputs.FirstOrDefault(i => i.Name == name)
        ?? throw EngineErrors.UnknownInput(Name, name, Inputs.Select(i => i.Name));

    /// <summary>The output of a name.</summary>
    internal ValueInfo Output(string name) =>
        Outputs.FirstOrDefault(o => o.Name == name)
        ?? throw EngineErrors.UnknownOutput(Name, name, Outputs.Select(o => o.Name));

    /// <summary>Runs something that can be cancelled, and gives its failures their codes.</summary>
    internal T Guard<T>(Func<RunOptions, T> run, CancellationToken cancellation)
    {
        using var cancellable = new CancellableRun(cancellation);
        try
        {
            return run(cancellable.Options);
        }
        catch (OnnxRuntimeException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (OnnxRuntimeException e)
        {
            throw RuntimeFailure.OfRun(Name, Device, e);
        }
    }

    private static ModelSession Load(
        string name,
        SessionSettings settings,
        Func<SessionOptions, InferenceSession> create,
        TemporaryModel? temporary
    )
    {
        _ = Runtime.Environment;
        settings.Device.ThrowIfUnusable();
        var cancellation = Workers.Cancellation;
        cancellation.ThrowIfCancellationRequested();
        try
        {
            using var options = SessionOptionsBuilder.Build(settings);
            using var registration = cancellation.Register(() => options.SetLoadCancellationFlag(true));
            return new(name, create(options), settings.Device, temporary);
        }
        catch (OnnxRuntimeException) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellation);
        }
        catch (OnnxRuntimeException e)
        {
            throw RuntimeFailure.OfLoad(name, settings.Device, e);
        }
    }

    private static ValueInfo Describe(string name, NodeMetadata metadata)
    {
        if (!metadata.IsTensor)
        {
            return new(name, ElementType.Undefined, null);
        }

        var symbols = metadata.SymbolicDimensions;
        var dimensions = metadata.Dimensions.Select(
            (d, i) =>
                d >= 0 ? Dimension.Of(d)
                : symbols[i].Length > 0 ? Dimension.Named(symbols[i])
                : Dimension.Unknown
        );
        return new(name, (ElementType)metadata.ElementDataType, new(dimensions));
    }
}
