using System.Diagnostics;

namespace DiffusionQuant.Engine.Tests;

/// <summary>Runs <see cref="Program"/> in a process of its own.</summary>
internal static class OwnProcess
{
    private static string Folder => AppContext.BaseDirectory;

    private static string Assembly => Path.GetFileName(typeof(OwnProcess).Assembly.Location);

    /// <summary>Where this test run's native library lies.</summary>
    public static string NativeFolder =>
        new[] { Folder }
            .Concat(
                ((string?)AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") ?? "").Split(
                    Path.PathSeparator,
                    StringSplitOptions.RemoveEmptyEntries
                )
            )
            .First(f => Directory.EnumerateFiles(f, "*onnxruntime.*").Any(p => IsRuntime(Path.GetFileName(p))));

    /// <summary>Runs and returns what it wrote.</summary>
    public static string Run(string[] args, string? folder = null, params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var argument in new[] { "exec", Path.Combine(folder ?? Folder, Assembly) }.Concat(args))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Remove(NativeLibraries.CudaPathVariable);
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output.Trim() + error.Result;
    }

    /// <summary>Copies the managed assemblies alone, without the native ones and the list that would find them.</summary>
    public static void CopyManaged(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(Folder, "*.dll"))
        {
            if (!IsRuntime(Path.GetFileName(file)))
            {
                File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            }
        }

        var config = Path.ChangeExtension(Assembly, ".runtimeconfig.json");
        File.Copy(Path.Combine(Folder, config), Path.Combine(folder, config));
    }

    public static bool IsRuntime(string file) =>
        file is "libonnxruntime.so" or "onnxruntime.dll" or "libonnxruntime.dylib";
}
