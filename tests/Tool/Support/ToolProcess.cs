using System.Diagnostics;

namespace DiffusionQuant.Tool.Tests;

/// <summary>The tool in a process of its own.</summary>
internal static class ToolProcess
{
    /// <summary>Starts it.</summary>
    /// <param name="arguments">Its command line.</param>
    /// <param name="heard">Takes each line of standard error, and a null behind the last; by default they are dropped.</param>
    /// <param name="temporary">Its folder of temporary files; null for the system's.</param>
    /// <param name="assembly">Another program than the tool.</param>
    public static Process Start(
        IEnumerable<string> arguments,
        Action<string?>? heard = null,
        string? temporary = null,
        string? assembly = null
    )
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments.Prepend(assembly ?? typeof(ToolHost).Assembly.Location).Prepend("exec"))
        {
            start.ArgumentList.Add(argument);
        }

        if (temporary is not null)
        {
            start.Environment["TMPDIR"] = temporary;
        }

        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, e) => heard?.Invoke(e.Data);
        process.BeginErrorReadLine();
        return process;
    }
}
