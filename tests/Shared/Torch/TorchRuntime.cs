using TorchSharp;

namespace DiffusionQuant.Tests.Shared;

/// <summary>PyTorch's native library, which is there where it was restored (<c>-p:WithTorch=true</c>) and loads.</summary>
internal static class TorchRuntime
{
    private static readonly Lazy<string?> Failure = new(Load);

    /// <summary>Why there is none; null where there is one.</summary>
    public static string? Missing => Failure.Value;

    private static string? Load()
    {
        // It tells the console at length where it looked.
        var console = Console.Out;
        Console.SetOut(TextWriter.Null);
        try
        {
            using var one = torch.ones(1);
            return null;
        }
        catch (Exception e)
            when (e
                    is NotSupportedException
                        or TypeInitializationException
                        or DllNotFoundException
                        or BadImageFormatException
            )
        {
            return "PyTorch's native library is not here, or does not load: it is restored with -p:WithTorch=true, and on "
                + "Linux needs the C++ runtime of GCC 13 (Ubuntu 24.04 and Debian 13 have it)";
        }
        finally
        {
            Console.SetOut(console);
        }
    }
}
