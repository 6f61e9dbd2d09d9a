using System.CommandLine;
using DiffusionQuant.Engine;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.Commands;

/// <summary>The options of commands that run a network: where, and with how many threads.</summary>
internal sealed class DeviceOptions
{
    private const int MostThreads = 1024;

    private readonly Option<string> device = new("--device")
    {
        Description = "Where to compute; auto is the GPU if it can be used",
        HelpName = "auto|cpu|cuda|cuda:N",
        DefaultValueFactory = _ => "auto",
    };

    private readonly Option<int> threads = new("--threads")
    {
        Description = "Threads of a computation; 0 is one per core",
        HelpName = "N",
        DefaultValueFactory = _ => 0,
    };

    public void AddTo(Command command)
    {
        command.Options.Add(device);
        command.Options.Add(threads);
    }

    /// <summary>The session settings that were asked for.</summary>
    public SessionSettings Read(ParseResult result, ToolHost host, Reporter reporter)
    {
        var count = result.GetValue(threads);
        if (count is < 0 or > MostThreads)
        {
            throw ToolErrors.BadNumber(threads.Name, count, 0, MostThreads);
        }

        var wanted = result.GetValue(device)!;
        var where = host.FindDevice(wanted);
        IdleGpu.Note(host, reporter, wanted, where);
        return new() { Device = where, Threads = count };
    }
}
