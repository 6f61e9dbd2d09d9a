using System.Diagnostics;
using System.Text.Json;

namespace DiffusionQuant.Quantization.Tests;

/// <summary>ONNX Runtime for Node.js, installed once under the repository's <c>artifacts</c>.</summary>
internal static class NodeRuntime
{
    private const string Package = "onnxruntime-node@1.30.0";

    private const string Script = """
        const ort = require('onnxruntime-node');
        const [model, inputs] = process.argv.slice(2);
        const described = JSON.parse(require('fs').readFileSync(inputs, 'utf8'));
        (async () => {
          const session = await ort.InferenceSession.create(model);
          const feeds = {};
          for (const { name, type, data, dims } of described)
            feeds[name] = new ort.Tensor(
              type, type === 'int64' ? BigInt64Array.from(data, BigInt) : Float32Array.from(data), dims);
          const results = await session.run(feeds);
          const outputs = {};
          for (const name of session.outputNames) outputs[name] = Array.from(results[name].data);
          console.log(JSON.stringify(outputs));
        })().catch(e => { console.error(e); process.exit(1); });
        """;

    /// <summary>Runs a model.</summary>
    /// <param name="model">The <c>.onnx</c> file.</param>
    /// <param name="inputs">Name, type (<c>float32</c> or <c>int64</c>), numbers and sizes of each input.</param>
    public static Dictionary<string, float[]> Run(
        string model,
        params (string Name, string Type, float[] Data, long[] Dims)[] inputs
    )
    {
        var folder = Install();
        var described = Path.ChangeExtension(model, ".inputs.json");
        File.WriteAllText(
            described,
            JsonSerializer.Serialize(
                inputs.Select(i => new
                {
                    name = i.Name,
                    type = i.Type,
                    data = i.Data,
                    dims = i.Dims,
                })
            )
        );
        var script = Path.ChangeExtension(model, ".cjs");
        File.WriteAllText(script, Script);
        var output = Start(
            "node",
            folder,
            [script, model, described],
            ("NODE_PATH", Path.Combine(folder, "node_modules"))
        );
        return JsonSerializer.Deserialize<Dictionary<string, float[]>>(output)!;
    }

    private static string Install()
    {
        var folder = Path.Combine(RepositoryRoot(), "artifacts", "node");
        var name = Package.Split('@')[0];
        if (!File.Exists(Path.Combine(folder, "node_modules", name, "package.json")))
        {
            Directory.CreateDirectory(folder);
            // Without a package.json of its own npm would install into the next folder above that has one.
            File.WriteAllText(Path.Combine(folder, "package.json"), """{ "private": true }""");
            Start("npm", folder, ["install", "--ignore-scripts", "--no-audit", "--no-fund", Package]);
        }

        return folder;
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Directory.Packages.props")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside of the repository.");
        }

        return folder.FullName;
    }

    private static string Start(
        string program,
        string folder,
        string[] arguments,
        params (string Key, string Value)[] environment
    )
    {
        // On Windows npm is a batch file, which only the shell finds.
        var viaShell = OperatingSystem.IsWindows() && program == "npm";
        var start = new ProcessStartInfo(viaShell ? "cmd.exe" : program)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in viaShell ? ["/c", "npm", .. arguments] : arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new InvalidOperationException(
                $"This test needs Node.js with npm on the PATH (see README): {program} is missing.",
                e
            );
        }

        using (process)
        {
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0
                ? output
                : throw new InvalidOperationException(
                    $"{program} {string.Join(' ', arguments)} failed: {error.Result}{output}"
                );
        }
    }
}
