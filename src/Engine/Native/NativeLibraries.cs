using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>
/// Where the native library of ONNX Runtime comes from: the app's own folders, or the folder that an environment
/// variable names. Holds nothing that loads ONNX Runtime by itself.
/// </summary>
internal static class NativeLibraries
{
    /// <summary>
    /// The environment variable with the folder of the GPU build of ONNX Runtime. Further folders behind it, parted as
    /// in PATH, may hold the libraries of CUDA and cuDNN.
    /// </summary>
    public const string CudaPathVariable = "DIFFUSIONQUANT_CUDA_PATH";

    // Each after those that it needs itself, so that all of them are found from one folder.
    private static readonly string[] CudaLibraries =
    [
        "cudart",
        "nvJitLink",
        "nvrtc",
        "cublasLt",
        "cublas",
        "cufft",
        "curand",
        "cudnn_graph",
        "cudnn_ops",
        "cudnn_heuristic",
        "cudnn_engines_precompiled",
        "cudnn_engines_runtime_compiled",
        "cudnn_cnn",
        "cudnn_adv",
        "cudnn",
    ];

    private static readonly string[] Folders = (Environment.GetEnvironmentVariable(CudaPathVariable) ?? "").Split(
        Path.PathSeparator,
        StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
    );

    /// <summary>The folder of the GPU build, or null when the variable is not set.</summary>
    public static string? CudaFolder => Folders.FirstOrDefault();

    /// <summary>What is wrong with <see cref="CudaFolder"/>, or null when ONNX Runtime is loaded from there.</summary>
    public static string? CudaFolderFault { get; private set; }

    private static string RuntimeFile { get; } =
        OperatingSystem.IsWindows() ? "onnxruntime.dll"
        : OperatingSystem.IsMacOS() ? "libonnxruntime.dylib"
        : "libonnxruntime.so";

    /// <summary>Directs the loading of ONNX Runtime to the named folder, if there is one. Call before its first use.</summary>
    public static void Prepare()
    {
        if (CudaFolder is not { } folder)
        {
            return;
        }

        if (!File.Exists(Path.Combine(folder, RuntimeFile)))
        {
            CudaFolderFault = $"there is no {RuntimeFile} in it";
            return;
        }

        PreloadCuda();
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(OrtEnv).Assembly, Resolve);
        }
        catch (InvalidOperationException)
        {
            CudaFolderFault =
                "the app has loaded ONNX Runtime from elsewhere before DiffusionQuant was first used in it";
        }
    }

    /// <summary>The handle of the native library that ONNX Runtime's managed part has loaded; 0 when it is not found.</summary>
    public static nint Runtime()
    {
        var assembly = typeof(OrtEnv).Assembly;
        var handle = Resolve("onnxruntime", assembly, null);
        return handle != 0 || NativeLibrary.TryLoad(RuntimeFile, assembly, null, out handle) ? handle : 0;
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath) =>
        name == "onnxruntime"
        && CudaFolder is { } folder
        && CudaFolderFault is null
        && NativeLibrary.TryLoad(Path.GetFullPath(Path.Combine(folder, RuntimeFile)), out var handle)
            ? handle
            : 0;

    /// <summary>
    /// Loads the libraries of CUDA that lie in the named folders: the provider's own search does not look there, but the
    /// loader takes what is already loaded under the wanted name.
    /// </summary>
    private static void PreloadCuda()
    {
        foreach (var library in CudaLibraries)
        {
            var pattern = OperatingSystem.IsWindows() ? $"{library}64_*.dll" : $"lib{library}.so.*";
            var file = Folders
                .Where(Directory.Exists)
                .SelectMany(f => Directory.EnumerateFiles(f, pattern))
                .Order(StringComparer.Ordinal)
                .FirstOrDefault();
            if (file is not null)
            {
                // A library that cannot be loaded is reported when the provider misses it.
                NativeLibrary.TryLoad(Path.GetFullPath(file), out _);
            }
        }
    }
}
