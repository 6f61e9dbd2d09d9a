namespace DiffusionQuant.Build.Tests.Fakes;

/// <summary>
/// <c>verify</c>: a model's metrics are its text, and it is as good as its snapshot where that has the same text. What
/// differs is received beside the snapshot, as the real tool does it.
/// </summary>
internal static class Verification
{
    private const int NotGoodEnough = 3;

    public static async Task<int> RunAsync(Request request)
    {
        request.Begin();
        var inputs = request.FindInputs(request.Option("--float")!, "--snapshot");
        var metrics = await File.ReadAllTextAsync(Path.Combine(request.Args[1], "model.onnx"));
        await File.WriteAllTextAsync(request.Option("--progress-file")!, """{"fraction":0.5}""");
        await Task.Delay(request.Setting("SLEEP"));
        var folder = Directory.CreateDirectory(request.Option("-o")!).FullName;
        Directory.CreateDirectory(Path.Combine(folder, "samples"));
        await File.WriteAllTextAsync(Path.Combine(folder, "report.html"), "<html>");
        await File.WriteAllTextAsync(Path.Combine(folder, "samples/0.png"), "png");
        if (request.Text("EMPTY") is null)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "metrics.json"), metrics);
            request.WriteInputs(inputs);
        }

        if (request.Setting("EXIT") is var exitCode and not 0)
        {
            return exitCode;
        }

        if (request.Option("--snapshot") is { } snapshot && Problem(request, snapshot, metrics) is { } problem)
        {
            await File.WriteAllTextAsync(snapshot.Replace(".verified.json", ".received.json"), metrics);
            Console.WriteLine($"error: {problem}");
            return NotGoodEnough;
        }

        request.End(quantized: false);
        return 0;
    }

    private static string? Problem(Request request, string snapshot, string metrics)
    {
        if (File.Exists(snapshot))
        {
            var verified = File.ReadAllText(snapshot);
            return verified == metrics ? null : $"DQ2001: verified {verified}, received {metrics}";
        }

        return request.Has("--require-snapshot") ? $"DQ2006: there is no {snapshot}" : null;
    }
}
