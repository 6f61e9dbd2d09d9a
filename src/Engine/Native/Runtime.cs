using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>The one environment of ONNX Runtime in this process.</summary>
internal static class Runtime
{
    private static readonly Lock Gate = new();
    private static OrtEnv? environment;

    /// <summary>Loads ONNX Runtime, once; cheap afterwards.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4001: its native library is missing.</exception>
    public static OrtEnv Environment
    {
        get
        {
            lock (Gate)
            {
                return environment ??= Create();
            }
        }
    }

    private static OrtEnv Create()
    {
        NativeLibraries.Prepare();
        try
        {
            if (OrtEnv.IsCreated)
            {
                // The app's own: what it logs is the app's to say.
                return OrtEnv.Instance();
            }

            // ONNX Runtime writes to stderr what it also returns as the text of a failure; the exception is enough.
            var options = new EnvironmentCreationOptions
            {
                logId = "DiffusionQuant",
                logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
            };
            var created = OrtEnv.CreateInstanceWithOptions(ref options);
            created.DisableTelemetryEvents();
            return created;
        }
        catch (Exception e)
            when (e
                    is DllNotFoundException
                        or TypeInitializationException
                        or BadImageFormatException
                        or EntryPointNotFoundException
            )
        {
            throw EngineErrors.RuntimeMissing(e);
        }
    }
}
