using System.Collections.Concurrent;
using System.Globalization;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>ONNX Runtime's CUDA provider: whether it starts, and with which options.</summary>
internal static class CudaProvider
{
    private static readonly ConcurrentDictionary<int, Lazy<Func<DiffusionQuantException>?>> Faults = new();

    /// <summary>
    /// Why graphs cannot run on a GPU, found out once by running one; null when they can. A factory, so that each throw
    /// has its own exception.
    /// </summary>
    /// <param name="index">Which GPU, from 0.</param>
    public static Func<DiffusionQuantException>? Fault(int index) =>
        Faults.GetOrAdd(index, i => new(() => Probe(new(DeviceKind.Cuda, i)))).Value;

    /// <summary>Lets a session use a GPU.</summary>
    /// <param name="options">The session's options.</param>
    /// <param name="index">Which GPU, from 0.</param>
    /// <param name="more">The provider's options that differ from ours.</param>
    public static void Append(SessionOptions options, int index, IReadOnlyDictionary<string, string> more)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["device_id"] = index.ToString(CultureInfo.InvariantCulture),
            // The exhaustive search times algorithms and takes the fastest, not the same one each time.
            ["cudnn_conv_algo_search"] = "HEURISTIC",
            // With TF32, floats keep 10 of 23 mantissa bits in products: too coarse for the reference of a comparison.
            ["use_tf32"] = "0",
        };
        foreach (var (key, value) in more)
        {
            all[key] = value;
        }

        using var cuda = new OrtCUDAProviderOptions();
        cuda.UpdateOptions(all);
        options.AppendExecutionProvider_CUDA(cuda);
    }

    private static Func<DiffusionQuantException>? Probe(Device device)
    {
        var name = device.ToString();
        if (!NvidiaGpus.Present)
        {
            return () => EngineErrors.NoNvidiaGpu(name);
        }

        _ = Runtime.Environment;
        if (NativeLibraries.CudaFolderFault is { } fault)
        {
            return () => EngineErrors.CudaPathUnusable(NativeLibraries.CudaFolder!, fault);
        }

        try
        {
            using var options = new SessionOptions();
            Append(options, device.Index, new Dictionary<string, string>());
            using var session = new InferenceSession(ProbeModel(), options);
            using var runOptions = new RunOptions();
            using var input = OrtValue.CreateTensorValueFromMemory(new float[4], [4]);
            using var output = session.Run(runOptions, ["x"], [input], ["y"]);
            return null;
        }
        catch (OnnxRuntimeException e)
        {
            return Classify(name, e);
        }
    }

    private static Func<DiffusionQuantException> Classify(string device, OnnxRuntimeException e)
    {
        var text = e.Message;
        bool Says(string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);
        var providerAbsent =
            Says("not enabled in this build")
            || Says("providers_cuda.so: cannot open")
            || Says("providers_shared.so: cannot open")
            || Says("providers_cuda.dll\" which is missing")
            || Says("providers_shared.dll\" which is missing");
        return providerAbsent ? () => EngineErrors.CudaProviderMissing(device, text)
            : Says("invalid device ordinal") ? () => EngineErrors.NoSuchGpu(device, text, e)
            : () => EngineErrors.CudaCannotStart(device, text, e);
    }

    /// <summary>y = x + x, the smallest graph that launches a kernel.</summary>
    private static byte[] ProbeModel()
    {
        var graph = new OnnxGraph { Name = "probe" };
        graph.Inputs.Add(new("x", ElementType.Float, TensorShape.Of(4)));
        graph.Outputs.Add(new("y", ElementType.Float, TensorShape.Of(4)));
        graph.Nodes.Add(new("Add", ["x", "x"], ["y"]));
        return new OnnxModel(graph) { IrVersion = 8, Opset = 17 }.ToBytes();
    }
}
