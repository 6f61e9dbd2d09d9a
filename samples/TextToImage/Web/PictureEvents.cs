using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using DiffusionQuant.Diffusion;
using DiffusionQuant.Extensions.AI;
using DiffusionQuant.Onnx.Diagnostics;
using Microsoft.Extensions.AI;

namespace TextToImage.Web;

/// <summary>
/// A generation as events: <c>progress</c>, <c>warning</c>, and at last <c>pictures</c> or <c>failed</c>. Failures are events
/// too, because the browser's EventSource shows no page the body of an answer that is none.
/// </summary>
internal static class PictureEvents
{
    public static async IAsyncEnumerable<SseItem<object>> Of(
        PictureRequest request,
        IImageGenerator generator,
        CancellationToken ending,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        if (request.Fault is { } fault)
        {
            yield return Failed(fault);
            yield break;
        }

        // The generator tells its progress on its own thread.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ending, cancellation);
        var events = Channel.CreateUnbounded<SseItem<object>>();
        var work = WriteAsync(events.Writer, request, generator, stop.Token);
        await foreach (var item in events.Reader.ReadAllAsync(CancellationToken.None))
        {
            yield return item;
        }

        await work;
    }

    private static async Task WriteAsync(
        ChannelWriter<SseItem<object>> events,
        PictureRequest request,
        IImageGenerator generator,
        CancellationToken cancellation
    )
    {
        void Tell(string type, object data) => events.TryWrite(new(data, type));
        var options = request
            .ToOptions()
            .WithProgress(new Progress(step => Tell("progress", new { done = step.StepsDone, all = step.StepCount })))
            .WithWarnings(warning => Tell("warning", new { code = warning.Code, message = warning.Message }));
        try
        {
            var response = await generator.GenerateImagesAsync(request.Prompt!, options, cancellation);
            var pictures = response.Contents.OfType<DataContent>().ToArray();
            Tell("pictures", new { seed = pictures[0].GetSeed(), pictures = pictures.Select(p => p.Uri) });
        }
        catch (DiffusionQuantException fault)
        {
            events.TryWrite(Failed(fault.Message, fault.Code));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Nobody listens any more.
        }
        finally
        {
            events.Complete();
        }
    }

    private static SseItem<object> Failed(string message, string? code = null) => new(new { code, message }, "failed");

    /// <summary>Unlike <see cref="Progress{T}"/> it tells at once and in order.</summary>
    private sealed class Progress(Action<GenerationProgress> tell) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => tell(value);
    }
}
