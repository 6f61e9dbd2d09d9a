using System.CommandLine;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant reference</c>: the image sets that distribution metrics compare with.</summary>
internal static class ReferenceCommand
{
    public static Command Create(ToolHost host)
    {
        var command = new Command("reference", "Makes statistics of real images for FID and its kin to compare with.");
        command.Subcommands.Add(ReferenceMakeCommand.Create(host));
        return command;
    }
}
