using DiffusionQuant.Engine;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool;

/// <summary>Tells people of a GPU that could compute and does not.</summary>
internal static class IdleGpu
{
    private const string CudaProviderMissing = "DQ4004";

    /// <summary>Says why a GPU lies idle, where the device was left to the tool.</summary>
    public static void Note(ToolHost host, Reporter reporter, string wanted, Device device)
    {
        if (!wanted.Equals("auto", StringComparison.OrdinalIgnoreCase) || device.Kind != DeviceKind.Cpu)
        {
            return;
        }

        if (host.GpuFault() is { } fault)
        {
            reporter.Note(
                fault.Code == CudaProviderMissing
                    ? "This machine has an NVIDIA GPU that lies idle: add package DiffusionQuant.Cuda to use it."
                    : $"This machine has an NVIDIA GPU that lies idle. {fault.Message}"
            );
        }
    }

    /// <summary>Why the GPU of this machine cannot be used; null where it can, or where there is none.</summary>
    public static DiffusionQuantException? FindFault()
    {
        if (!Device.NvidiaGpuPresent)
        {
            return null;
        }

        try
        {
            Device.Parse("cuda");
            return null;
        }
        catch (DiffusionQuantException e)
        {
            return e;
        }
    }
}
