using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using DiffusionQuant.Engine;

namespace DiffusionQuant.Benchmarks;

/// <summary>PyTorch in a process of its own that does what it is asked line by line: see <c>training/replay.py</c>.</summary>
internal sealed class TorchProcess : IDisposable
{
    private readonly Process process;

    private TorchProcess(Process process) => this.process = process;

    /// <summary>Starts it, or returns null where no Python has PyTorch.</summary>
    /// <param name="session">Its device and threads.</param>
    /// <param name="script">The script beside this program.</param>
    public static TorchProcess? Start(SessionSettings session, string script)
    {
        script = Path.Combine(AppContext.BaseDirectory, script);
        foreach (var python in (string[])["python3", "/usr/bin/python3", "python"])
        {
            if (HasTorch(python))
            {
                return new(
                    Launch(
                        python,
                        script,
                        session.Threads.ToString(CultureInfo.InvariantCulture),
                        session.Device.ToString()
                    )
                );
            }
        }

        return null;
    }

    /// <summary>Reads the training that the benchmark wrote.</summary>
    /// <returns>PyTorch's version.</returns>
    public string Load(string folder) => Ask($"load {folder}").GetString()!;

    /// <summary>Does a step of a training on the batch that lies in its folder.</summary>
    /// <returns>The loss before the step, and how long it took.</returns>
    public (double Loss, double Seconds) Step(int step)
    {
        var answer = Ask($"step {step}");
        return (answer[0].GetDouble(), answer[1].GetDouble());
    }

    /// <summary>Compares averages of weights.</summary>
    /// <returns>How far they lie apart, how far from the first weights, and which have most of the square of the former.</returns>
    public (double Apart, double Way, string Shares) CompareWeights(string folder)
    {
        var answer = Ask($"compare {folder}");
        return (answer[0].GetDouble(), answer[1].GetDouble(), answer[2].GetString()!);
    }

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
