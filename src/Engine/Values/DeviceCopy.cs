using System.Collections.Concurrent;
using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>
/// Copies tensors from a GPU. ONNX Runtime moves memory only for sessions, so a session that does nothing is kept for
/// each GPU and element type until the process ends.
/// </summary>
internal static class DeviceCopy
{
    private static readonly ConcurrentDictionary<(Device Device, ElementType Type), Lazy<ModelSession>> Sessions =
        new();

    /// <summary>A copy in main memory; the caller disposes it.</summary>
    public static OrtValue ToMainMemory(OrtValue value)
    {
        using var memory = value.GetTensorMemoryInfo();
        var key = (new Device(DeviceKind.Cuda, memory.Id), Tensors.TypeOf(value));
        var session = Sessions.GetOrAdd(key, k => new(() => Identity(k.Device, k.Type))).Value;
        using var outputs = session.Run(new Dictionary<string, OrtValue> { ["x"] = value });
        return outputs.Take("y");
    }

    /// <summary>Copies a tensor into one of a device.</summary>
    public static void To(Device device, OrtValue source, OrtValue target)
    {
        var key = (device, Tensors.TypeOf(source));
        var session = Sessions.GetOrAdd(key, k => new(() => Identity(k.Device, k.Type))).Value;
        using var binding = session.Bind();
        binding.BindInput("x", source).BindOutput("y", target).Run().Dispose();
    }

    /// <summary>A session that returns its input.</summary>
    internal static ModelSession Identity(Device device, ElementType type)
    {
        var graph = new OnnxGraph { Name = "copy from the device" };
        graph.Inputs.Add(new("x", type, null));
        graph.Outputs.Add(new("y", type, null));
        graph.Nodes.Add(new("Identity", ["x"], ["y"]));
        var model = new OnnxModel(graph) { IrVersion = 8, Opset = 16 };
        return ModelSession.Load(model, new() { Device = device, Threads = 1 });
    }
}
