using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Engine.Tests;

/// <summary>What tests do in a process of their own, where environment and native libraries differ.</summary>
internal static class Program
{
    public static int Main(string[] args)
    {
        try
        {
            Console.WriteLine(
                args switch
                {
                    ["device", var text] => Device.Parse(text).ToString(),
                    ["gpu"] => Device.NvidiaGpuPresent.ToString(),
                    ["library"] => Library(),
                    ["training-peak", var what] => $"{Optimizers.RecomputationTests.Peak(what)}",
                    ["record-torch", var folder] => Gradients.TorchRecorder.Record(folder),
                    _ => "nothing asked for",
                }
            );
            return 0;
        }
        catch (DiffusionQuantException e)
        {
            Console.WriteLine($"{e.Code}: {e.Message}");
            return 1;
        }
    }

    /// <summary>The file of the native library that a run used.</summary>
    private static string Library()
    {
        using var session = ModelSession.Load(TinyModels.Twice(ElementType.Float));
        return System
            .Diagnostics.Process.GetCurrentProcess()
            .Modules.Cast<System.Diagnostics.ProcessModule>()
            .Select(m => m.FileName)
            .First(f => Path.GetFileNameWithoutExtension(f).EndsWith("onnxruntime", StringComparison.Ordinal));
    }
}
