using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace DiffusionQuant.Benchmarks;

/// <summary>PyTorch in a process of its own that does what it is asked line by line: see <c>gradients/step.py</c>.</summary>
internal sealed class TorchProcess : IDisposable
{
    private readonly Process process;

    private TorchProcess(Process process) => this.process = process;

    /// <summary>Starts it, or returns null where no Python has PyTorch.</summary>
    public static TorchProcess? Start(int threads)
    {
        var script = Path.Combine(AppContext.BaseDirectory, "gradients", "step.py");
        foreach (var python in (string[])["python3", "/usr/bin/python3", "python"])
        {
            if (HasTorch(python))
            {
                return new(Launch(python, script, threads.ToString(CultureInfo.InvariantCulture)));
            }
        }

        return null;
    }

    /// <summary>Reads a block that <see cref="GradientBlock.Write"/> wrote.</summary>
    /// <returns>PyTorch's version.</returns>
    public string Load(string folder) => Ask($"load {folder}").GetString()!;

    /// <summary>Does the first step and writes gradients and parameters behind it.</summary>
    /// <returns>The loss.</returns>
    public double Check() => Ask("check .").GetDouble();

    /// <summary>Does a step.</summary>
    /// <returns>The loss before it.</returns>
    public double Step() => Ask("step .").GetDouble();

    /// <summary>Runs the block once.</summary>
    /// <param name="kind"><c>forward</c>, <c>backward</c> or <c>step</c>.</param>
    public void Run(string kind) => Ask($"{kind} .");

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit();
        process.Dispose();
    }

    private JsonElement Ask(string line)
    {
        process.StandardInput.WriteLine(line);
        process.StandardInput.Flush();
        var answer =
            process.StandardOutput.ReadLine()
            ?? throw new InvalidOperationException($"PyTorch did not answer '{line}'.");
        using var document = JsonDocument.Parse(answer);
        return document.RootElement.Clone();
    }

    private static bool HasTorch(string python)
    {
        try
        {
            using var process = Launch(python, "-c", "import torch");
            _ = process.StandardError.ReadToEndAsync();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static Process Launch(string python, params string[] arguments) =>
        Process.Start(
            new ProcessStartInfo(python, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = arguments[0] == "-c",
            }
        )!;
}
