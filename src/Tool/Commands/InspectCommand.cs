using System.CommandLine;
using DiffusionQuant.Tool.CommandLine;
using DiffusionQuant.Tool.Inspection;

namespace DiffusionQuant.Tool.Commands;

/// <summary><c>diffquant inspect</c>: shows a model's layers, and what quantization did to them.</summary>
internal sealed class InspectCommand
{
    private readonly Argument<string> model = new("PATH")
    {
        Description = "An .onnx file, a folder in diffusers' layout, or a quantized model's folder",
    };

    private readonly Option<bool> blocks = new("--blocks")
    {
        Description = "Show the blocks that methods with reconstruction tune, instead of the layers; float models only",
    };

    public static Command Create(ToolHost host)
    {
        var self = new InspectCommand();
        var command = new Command("inspect", "Shows a model's layers, and what quantization did to them.");
        command.Arguments.Add(self.model);
        command.Options.Add(self.blocks);
        command.SetAction(result => self.Run(result, host));
        return command;
    }

    private int Run(ParseResult result, ToolHost host)
    {
        using var reporter = SharedOptions.CreateReporter(result, host);
        var path = result.GetValue(model)!;
        if (!File.Exists(path) && !Directory.Exists(path))
        {
            throw ToolErrors.PathNotFound(path);
        }

        var showsBlocks = result.GetValue(blocks);
        var report =
            !ArtifactInspector.CanInspect(path) ? FloatModelInspector.Inspect(path, showsBlocks)
            : showsBlocks ? throw ToolErrors.NoBlocks(path)
            : ArtifactInspector.Inspect(path);
        reporter.Result(report, ToolJson.Default.InspectReport, report.Show);
        return ExitCodes.Fine;
    }
}
