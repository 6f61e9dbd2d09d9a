using System.Diagnostics;
using System.Text;

namespace DiffusionQuant.Build.Tests.Sandboxes;

/// <summary>Starts <c>dotnet</c> as a user's shell would.</summary>
internal static class DotNet
{
    public static async Task<BuildResult> RunAsync(
        string folder,
        IReadOnlyDictionary<string, string> environment,
        IEnumerable<string> arguments
    )
    {
        using var process = Start(folder, environment, arguments);
        return await FinishAsync(process);
    }

    public static Process Start(
        string folder,
        IReadOnlyDictionary<string, string> environment,
        IEnumerable<string> arguments
    )
    {
        // A shell that runs these tests in the background makes them and all they start ignore Ctrl+C.
        var start = OperatingSystem.IsLinux()
            ? new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", .. arguments])
            : new ProcessStartInfo("dotnet", arguments);
        start.WorkingDirectory = folder;
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.StandardOutputEncoding = Encoding.UTF8;
        // What the test runner's own build left behind would decide the builds under test.
        foreach (var name in start.Environment.Keys.Where(IsFromMSBuild).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["DOTNET_NOLOGO"] = "true";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "true";
        // Short processes gain nothing from profiling themselves.
        start.Environment["DOTNET_TieredPGO"] = "0";
        // No MSBuild process outlives its test.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    public static async Task<BuildResult> FinishAsync(Process process)
    {
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(30));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException("The build did not end: " + await output);
        }

        return new BuildResult(process.ExitCode, await output + await error);
    }

    private static bool IsFromMSBuild(string name) =>
        name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)
        || name is "DOTNET_HOST_PATH" or "DOTNET_CLI_CONTEXT_VERBOSE";
}
