using System.Runtime.InteropServices;
using DiffusionQuant.Onnx.Serialization;
using DiffusionQuant.Tool.CommandLine;

namespace DiffusionQuant.Tool;

/// <summary>
/// Turns Ctrl-C and the request to terminate into a cancelled token, so that temporary files are removed. What does not end
/// by itself then (a library that loads a model) ends with the process a moment later; so does all at the second request.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1.2);
    private static readonly TimeSpan Placing = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource source = new();
    private readonly PosixSignalRegistration[] registrations;
    private Timer? end;

    public Interruption() =>
        registrations = [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];

    public CancellationToken Token => source.Token;

    public void Dispose()
    {
        foreach (var registration in registrations)
        {
            registration.Dispose();
        }

        end?.Dispose();
        source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (!source.IsCancellationRequested)
        {
            context.Cancel = true;
            // Before those that are told of the cancellation, who may take their time.
            end = new(_ => End(), null, Grace, Timeout.InfiniteTimeSpan);
            source.Cancel();
        }
    }

    private static void End()
    {
        SpinWait.SpinUntil(() => !UnfinishedWork.IsPlacing, Placing);
        UnfinishedWork.DeleteAll();
        Console.Error.WriteLine("Cancelled.");
        Console.Error.Flush();
        ProcessEnd.AtOnce(ExitCodes.Cancelled);
    }
}
