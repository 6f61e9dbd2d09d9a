using System.Security.Cryptography;
using System.Text;

namespace DiffusionQuant.Build.Tests.Fakes;

/// <summary><c>quantize</c>: a model whose text is its bits and the hash of all that decides it.</summary>
internal static class Quantization
{
    public static async Task<int> RunAsync(Request request)
    {
        request.Begin();
        var inputs = request.FindInputs(request.Args[1], "--recipe", "--training-data");
        if (request.Setting("EXIT") is var exitCode and not 0)
        {
            return exitCode;
        }

        var cache = Path.Combine(request.Option("--cache-directory")!, Key(request));
        Directory.CreateDirectory(Path.GetDirectoryName(cache)!);
        bool quantized;
        using (Request.Lock($"{cache}.lock"))
        {
            quantized = request.Has("--force") || !Directory.Exists(cache);
            if (quantized)
            {
                await File.WriteAllTextAsync(request.Option("--progress-file")!, """{"fraction":0.5}""");
                await Task.Delay(request.Setting("SLEEP"));
                Fill(cache, request.Option("--quantize")!);
            }
        }

        Attach(cache, request.Option("-o")!, isEmpty: request.Text("EMPTY") is not null);
        Console.WriteLine(quantized ? "info: quantized" : "info: taken from the cache");
        request.WriteInputs(inputs);
        request.End(quantized);
        return 0;
    }

    private static string Key(Request request)
    {
        string[] elsewhere = ["-o", "--cache-directory", "--progress-file", "--inputs-file"];
        var recipe = request.Args.Where(
            (a, i) => !elsewhere.Contains(a) && a != "--force" && (i == 0 || !elsewhere.Contains(request.Args[i - 1]))
        );
        var model = request.Args[1];
        var files = Directory.Exists(model)
            ? Directory.GetFiles(model, "*", SearchOption.AllDirectories)
            : ModelText.FilesOf(model).Where(File.Exists);
        var text = string.Join("|", recipe.Skip(2)) + string.Concat(files.Order().Select(File.ReadAllText));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    private static void Fill(string cache, string bits)
    {
        var beside = Directory.CreateDirectory($"{cache}.new").FullName;
        File.WriteAllText(Path.Combine(beside, "model.onnx"), $"{bits} {Path.GetFileName(cache)}");
        File.WriteAllText(Path.Combine(beside, "scheduler_config.json"), "{}");
        File.WriteAllText(Path.Combine(beside, "quantization.json"), $"\"{Path.GetFileName(cache)}\"");
        if (Directory.Exists(cache))
        {
            Directory.Delete(cache, recursive: true);
        }

        Directory.Move(beside, cache);
    }

    private static void Attach(string cache, string output, bool isEmpty)
    {
        if (Directory.Exists(output))
        {
            Directory.Delete(output, recursive: true);
        }

        Directory.CreateDirectory(output);
        foreach (var file in isEmpty ? [] : Directory.GetFiles(cache))
        {
            // Copying keeps the time of the cached file, as the real cache may.
            File.Copy(file, Path.Combine(output, Path.GetFileName(file)));
        }
    }
}
