using System.Text.Json;
using DiffusionQuant.Build.Files;

namespace DiffusionQuant.Build.Tests.Fakes;

/// <summary>One run of the fake tool: its arguments, the variables that tell it what to do, and the log.</summary>
internal sealed class Request(string[] args, string variables)
{
    public string[] Args => args;

    public bool Has(string option) => args.Contains(option);

    public string? Option(string name) => Array.IndexOf(args, name) is var at and >= 0 ? args[at + 1] : null;

    public int Setting(string name) => int.TryParse(Text(name), out var value) ? value : 0;

    public string? Text(string name) => Environment.GetEnvironmentVariable(variables + name);

    /// <summary>Writes down that it was started, and prints the lines it is to print.</summary>
    public void Begin()
    {
        Log(
            new
            {
                args,
                cuda = Environment.GetEnvironmentVariable("DIFFUSIONQUANT_CUDA_PATH"),
                processId = Environment.ProcessId,
                ended = false,
            }
        );
        foreach (var line in (Text("LINES") ?? "").Split('\n'))
        {
            Console.Out.WriteLine(line);
        }
    }

    public void End(bool quantized) =>
        Log(
            new
            {
                args,
                quantized,
                ended = true,
            }
        );

    /// <summary>The lines of <c>--inputs-file</c>: a model, what some options name, and what all of these name.</summary>
    public List<string> FindInputs(string model, params string[] options)
    {
        string[] all = [.. options, "--conditioning", "--prompts", "--extractor", "--reference", "--clip"];
        var paths = all.Select(Option)
            .OfType<string>()
            .Append(model)
            .SelectMany(path => File.Exists(path) ? ModelText.FilesOf(path) : [path]);
        return [.. paths.Select(path => InputList.Line(path, InputList.StateOf(path)))];
    }

    public void WriteInputs(IEnumerable<string> lines) => File.WriteAllLines(Option("--inputs-file")!, lines);

    /// <summary>Holds a file that only one process at a time can hold.</summary>
    public static FileStream Lock(string path)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                Thread.Sleep(20);
            }
        }
    }

    private static void Log(object entry)
    {
        if (Environment.GetEnvironmentVariable("FAKE_DIFFQUANT_LOG") is { } log)
        {
            using (Lock($"{log}.lock"))
            {
                File.AppendAllText(log, JsonSerializer.Serialize(entry) + "\n");
            }
        }
    }
}
