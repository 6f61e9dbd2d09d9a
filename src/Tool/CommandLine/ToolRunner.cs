using System.CommandLine;
using System.CommandLine.Help;
using DiffusionQuant.Engine;
using DiffusionQuant.Onnx.Diagnostics;
using DiffusionQuant.Tool.Commands;
using DiffusionQuant.Tool.Output;

namespace DiffusionQuant.Tool.CommandLine;

/// <summary>Runs a command line: reads it, starts its command, and turns failures into messages and exit codes.</summary>
internal static class ToolRunner
{
    private const int HelpWidth = 120;

    public static async Task<int> RunAsync(string[] arguments, ToolHost host, CancellationToken cancellation)
    {
        // Paths may begin with '@', so there are no response files.
        var result = CreateRoot(host).Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        using var reporter = SharedOptions.CreateReporter(result, host);
        if (result.Errors.Count > 0)
        {
            foreach (var message in ParseMessages.Of(result))
            {
                reporter.Error(ToolErrors.BadCommandLine(message, result.CommandResult.Command));
            }

            return ExitCodes.Input;
        }

        using var workers = Workers.Use(threads: 0, cancellation);
        try
        {
            return await result.InvokeAsync(
                new InvocationConfiguration
                {
                    Output = host.Output,
                    Error = host.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                },
                cancellation
            );
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            reporter.Note("Cancelled.");
            return ExitCodes.Cancelled;
        }
        catch (Exception e)
        {
            return Report(e, reporter);
        }
    }

    private static int Report(Exception exception, Reporter reporter)
    {
        // Tasks wrap what failed in them.
        var cause = exception is AggregateException { InnerExceptions: [var only] } ? only : exception;
        if (cause is DiffusionQuantException known)
        {
            reporter.Error(known);
            reporter.Verbose(cause.ToString());
            return ExitCodes.Input;
        }

        reporter.Fault(
            $"This is a fault of diffquant: {cause.GetType().Name}: {cause.Message.ReplaceLineEndings(" ")}"
        );
        reporter.Verbose(cause.ToString());
        return ExitCodes.Fault;
    }

    private static RootCommand CreateRoot(ToolHost host)
    {
        var root = new RootCommand(
            "Quantizes, searches recipes for, inspects, samples, measures, verifies and trains diffusion models."
        );
        root.Subcommands.Add(QuantizeCommand.Create(host));
        root.Subcommands.Add(SearchCommand.Create(host));
        root.Subcommands.Add(InspectCommand.Create(host));
        root.Subcommands.Add(SampleCommand.Create(host));
        root.Subcommands.Add(TrainCommand.Create(host));
        root.Subcommands.Add(EvaluateCommand.Create(host));
        root.Subcommands.Add(VerifyCommand.Create(host));
        root.Subcommands.Add(ReviewCommand.Create(host));
        root.Subcommands.Add(AcceptCommand.Create(host));
        root.Subcommands.Add(MergeCommand.Create(host));
        root.Subcommands.Add(ReportCommand.Create(host));
        root.Subcommands.Add(ReferenceCommand.Create(host));
        root.Subcommands.Add(ExtractorCommand.Create(host));
        SharedOptions.AddTo(root);
        foreach (var help in root.Options.OfType<HelpOption>())
        {
            // One width everywhere: what stands in a manual is what a terminal shows.
            help.Action = new HelpAction { MaxWidth = HelpWidth };
            // A program that is started without a word says what it can do; but it has done nothing.
            root.SetAction(result =>
            {
                ((HelpAction)help.Action).Invoke(result);
                return ExitCodes.Input;
            });
        }

        return root;
    }
}
