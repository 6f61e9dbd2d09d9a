using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>Turns settings into ONNX Runtime's options.</summary>
internal static class SessionOptionsBuilder
{
    /// <summary>The options of a session; the caller disposes them.</summary>
    public static SessionOptions Build(SessionSettings settings)
    {
        var options = new SessionOptions
        {
            GraphOptimizationLevel = settings.Optimization switch
            {
                GraphOptimization.None => GraphOptimizationLevel.ORT_DISABLE_ALL,
                GraphOptimization.Basic => GraphOptimizationLevel.ORT_ENABLE_BASIC,
                GraphOptimization.Extended => GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
                _ => GraphOptimizationLevel.ORT_ENABLE_ALL,
            },
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        try
        {
            DeterministicCompute.Enable(options);
            // 0 is ONNX Runtime's own choice.
            options.IntraOpNumThreads = settings.Threads > 0 ? settings.Threads : Workers.Limit;

            if (settings.OptimizedModelPath is { } optimized)
            {
                options.OptimizedModelFilePath = optimized;
            }

            if (settings.ProfilePrefix is { } prefix)
            {
                options.ProfileOutputPathPrefix = prefix;
            }

            options.EnableMemoryPattern = settings.PlansMemory;
            options.EnableProfiling = settings.EnableProfiling;
            foreach (var (key, value) in settings.ConfigEntries)
            {
                options.AddSessionConfigEntry(key, value);
            }

            if (settings.Device.Kind == DeviceKind.Cuda)
            {
                CudaProvider.Append(options, settings.Device.Index, settings.CudaOptions);
            }

            return options;
        }
        catch
        {
            options.Dispose();
            throw;
        }
    }
}
