using DiffusionQuant.Engine;
using DiffusionQuant.Tool.CommandLine;

namespace DiffusionQuant.Tool.Tests;

/// <summary>Runs the tool inside the test's process.</summary>
internal sealed class ToolRun
{
    private ToolRun(int exitCode, string output, string error)
    {
        ExitCode = exitCode;
        Output = output;
        Error = error;
    }

    public int ExitCode { get; }

    public string Output { get; }

    public string Error { get; }

    public string[] OutputLines => Output.ReplaceLineEndings("\n").Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static async Task<ToolRun> OfAsync(
        string[] arguments,
        FakeQuantizer? quantizer = null,
        Func<ToolHost, ToolHost>? change = null,
        CancellationToken cancellation = default
    )
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var host = new ToolHost
        {
            Output = TextWriter.Synchronized(output),
            Error = TextWriter.Synchronized(error),
            FindDevice = _ => Device.Cpu,
            GpuFault = () => null,
        };
        if (quantizer is not null)
        {
            host = host with { Quantize = quantizer.Run };
        }

        var exitCode = await ToolRunner.RunAsync(arguments, change?.Invoke(host) ?? host, cancellation);
        return new(exitCode, output.ToString(), error.ToString());
    }
}
