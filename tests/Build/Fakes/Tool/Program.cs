using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

// Stands in for the quantizer: the same command line, cache, lock and prefixed lines, but it only writes down what it
// was asked. Environment variables tell it to misbehave:
//   FAKE_DIFFQUANT_LOG    file that gets a JSON line for each run, and another one when it ends
//   FAKE_DIFFQUANT_LINES  lines to print
//   FAKE_DIFFQUANT_SLEEP  milliseconds that quantizing takes
//   FAKE_DIFFQUANT_EXIT   exit code; other than 0, nothing is written
//   FAKE_DIFFQUANT_EMPTY  write no model although all is well
var model = args[1];
var output = Option("-o")!;

Log(
    new
    {
        args,
        cuda = Environment.GetEnvironmentVariable("DIFFUSIONQUANT_CUDA_PATH"),
        ended = false,
    }
);
foreach (var line in (Environment.GetEnvironmentVariable("FAKE_DIFFQUANT_LINES") ?? "").Split('\n'))
{
    Console.Out.WriteLine(line);
}

if (Setting("FAKE_DIFFQUANT_EXIT") is var exitCode and not 0)
{
    return exitCode;
}

var cache = Path.Combine(Option("--cache-directory")!, Key());
Directory.CreateDirectory(Path.GetDirectoryName(cache)!);
bool quantized;
using (Lock($"{cache}.lock"))
{
    quantized = args.Contains("--force") || !Directory.Exists(cache);
    if (quantized)
    {
        await File.WriteAllTextAsync(Option("--progress-file")!, """{"fraction":0.5}""");
        await Task.Delay(Setting("FAKE_DIFFQUANT_SLEEP"));
        Quantize();
    }
}

Attach();
Console.WriteLine(quantized ? "info: quantized" : "info: taken from the cache");
Log(
    new
    {
        args,
        quantized,
        ended = true,
    }
);
return 0;

string? Option(string name) => Array.IndexOf(args, name) is var at and >= 0 ? args[at + 1] : null;

int Setting(string name) => int.TryParse(Environment.GetEnvironmentVariable(name), out var value) ? value : 0;

string Key()
{
    string[] elsewhere = ["-o", "--cache-directory", "--progress-file"];
    var recipe = args.Where(
        (a, i) => !elsewhere.Contains(a) && a != "--force" && (i == 0 || !elsewhere.Contains(args[i - 1]))
    );
    var files = Directory.Exists(model) ? Directory.GetFiles(model, "*", SearchOption.AllDirectories) : [model];
    var text = string.Join("|", recipe.Skip(2)) + string.Concat(files.Order().Select(File.ReadAllText));
    return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

void Quantize()
{
    var beside = Directory.CreateDirectory($"{cache}.new").FullName;
    File.WriteAllText(Path.Combine(beside, "model.onnx"), $"{Option("--quantize")} {Path.GetFileName(cache)}");
    File.WriteAllText(Path.Combine(beside, "scheduler_config.json"), "{}");
    File.WriteAllText(Path.Combine(beside, "quantization.json"), "{}");
    if (Directory.Exists(cache))
    {
        Directory.Delete(cache, recursive: true);
    }

    Directory.Move(beside, cache);
}

void Attach()
{
    if (Directory.Exists(output))
    {
        Directory.Delete(output, recursive: true);
    }

    Directory.CreateDirectory(output);
    foreach (var file in Directory.GetFiles(cache))
    {
        if (Environment.GetEnvironmentVariable("FAKE_DIFFQUANT_EMPTY") is null)
        {
            // Copying keeps the time of the cached file, as the real cache may.
            File.Copy(file, Path.Combine(output, Path.GetFileName(file)));
        }
    }
}

static void Log(object entry)
{
    if (Environment.GetEnvironmentVariable("FAKE_DIFFQUANT_LOG") is { } log)
    {
        using (Lock($"{log}.lock"))
        {
            File.AppendAllText(log, JsonSerializer.Serialize(entry) + "\n");
        }
    }
}

static FileStream Lock(string path)
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
