using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>
/// ONNX Runtime's switch for deterministic kernels, without which sums over whole tensors on CUDA use atomics and differ
/// from run to run. The managed part of ONNX Runtime does not offer it, so it is called through the C interface.
/// </summary>
internal static unsafe class DeterministicCompute
{
    // onnxruntime_c_api.h: entries are only ever appended to OrtApi, so the place of one never changes.
    private const uint ApiVersion = 17;
    private const int ReleaseStatusEntry = 93;
    private const int SetDeterministicComputeEntry = 273;

    /// <summary>Asks for deterministic kernels.</summary>
    /// <returns>Whether the switch could be set.</returns>
    public static bool Enable(SessionOptions options)
    {
        var library = NativeLibraries.Runtime();
        if (library == 0 || !NativeLibrary.TryGetExport(library, "OrtGetApiBase", out var export))
        {
            return false;
        }

        var apiBase = ((delegate* unmanaged<nint*>)export)();
        var api = ((delegate* unmanaged<uint, nint*>)apiBase[0])(ApiVersion);
        if (api == null)
        {
            return false;
        }

        var status = ((delegate* unmanaged<nint, byte, nint>)api[SetDeterministicComputeEntry])(
            options.DangerousGetHandle(),
            1
        );
        GC.KeepAlive(options);
        if (status == 0)
        {
            return true;
        }

        ((delegate* unmanaged<nint, void>)api[ReleaseStatusEntry])(status);
        return false;
    }
}
