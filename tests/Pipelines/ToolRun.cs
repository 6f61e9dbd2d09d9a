using DiffusionQuant.Engine;
using DiffusionQuant.Tool;
using DiffusionQuant.Tool.CommandLine;

namespace DiffusionQuant.Pipelines.Tests;

/// <summary>Runs the tool inside the test's process, on the processor.</summary>
internal static class ToolRun
{
    /// <summary>All that it said; it must have succeeded.</summary>
    public static async Task<string> SucceedAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        var writer = TextWriter.Synchronized(output);
        var host = new ToolHost
        {
            Output = writer,
            Error = writer,
            FindDevice = _ => Device.Cpu,
            GpuFault = () => null,
        };
        var code = await ToolRunner.RunAsync(arguments, host, CancellationToken.None);
        Assert.True(code == 0, output.ToString());
        return output.ToString();
    }
}
