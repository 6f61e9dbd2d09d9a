using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>Gives ONNX Runtime's failures their codes.</summary>
internal static class RuntimeFailure
{
    /// <summary>A failure while a model was loaded.</summary>
    public static DiffusionQuantException OfLoad(string model, Device device, OnnxRuntimeException e) =>
        IsOutOfMemory(e)
            ? EngineErrors.OutOfMemory(model, device.ToString(), e.Message, e)
            : EngineErrors.CannotLoad(model, e.Message, e);

    /// <summary>A failure while a model ran.</summary>
    public static DiffusionQuantException OfRun(string model, Device device, OnnxRuntimeException e) =>
        IsOutOfMemory(e)
            ? EngineErrors.OutOfMemory(model, device.ToString(), e.Message, e)
            : EngineErrors.RunFailed(model, e.Message, e);

    private static bool IsOutOfMemory(OnnxRuntimeException e) =>
        e.Message.Contains("Failed to allocate memory", StringComparison.OrdinalIgnoreCase)
        || e.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
        || e.Message.Contains("bad_alloc", StringComparison.OrdinalIgnoreCase)
        || e.Message.Contains("bad allocation", StringComparison.OrdinalIgnoreCase);
}
