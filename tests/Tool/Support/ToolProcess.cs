using System.Diagnostics;

namespace DiffusionQuant.Tool.Tests;

/// <summary>The tool in a process of its own.</summary>
internal static class ToolProcess
{
    /// <summary>Starts it; what it writes to standard error is dropped.</summary>
    public static Process Start(IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments.Prepend(typeof(ToolHost).Assembly.Location).Prepend("exec"))
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        return process;
    }
}
