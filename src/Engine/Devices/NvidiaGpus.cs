using System.Runtime.InteropServices;

namespace DiffusionQuant.Engine;

/// <summary>Looks for NVIDIA GPUs without loading CUDA.</summary>
internal static class NvidiaGpus
{
    private const string ProcFolder = "/proc/driver/nvidia/gpus";

    private static readonly Lazy<bool> LazyPresent = new(() =>
        InProc() || (CountByManagementLibrary() is { } count ? count > 0 : ToolOnPath())
    );

    /// <summary>Whether there is one.</summary>
    public static bool Present => LazyPresent.Value;

    private static bool InProc()
    {
        try
        {
            return Directory.Exists(ProcFolder) && Directory.EnumerateFileSystemEntries(ProcFolder).Any();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>The driver's own count; null where its management library is not installed.</summary>
    private static unsafe uint? CountByManagementLibrary()
    {
        var name = OperatingSystem.IsWindows() ? "nvml.dll" : "libnvidia-ml.so.1";
        if (
            !NativeLibrary.TryLoad(name, out var library)
            || !NativeLibrary.TryGetExport(library, "nvmlInit_v2", out var start)
            || !NativeLibrary.TryGetExport(library, "nvmlDeviceGetCount_v2", out var count)
            || !NativeLibrary.TryGetExport(library, "nvmlShutdown", out var stop)
        )
        {
            return null;
        }

        if (((delegate* unmanaged<int>)start)() != 0)
        {
            return 0;
        }

        uint result = 0;
        var status = ((delegate* unmanaged<uint*, int>)count)(&result);
        ((delegate* unmanaged<int>)stop)();
        return status == 0 ? result : 0;
    }

    private static bool ToolOnPath()
    {
        var tool = OperatingSystem.IsWindows() ? "nvidia-smi.exe" : "nvidia-smi";
        var path = Environment.GetEnvironmentVariable("PATH") ?? "";
        return path.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Any(folder => File.Exists(Path.Combine(folder, tool)));
    }
}
