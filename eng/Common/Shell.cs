using System.ComponentModel;
using System.Diagnostics;

/// <summary>Runs other programs.</summary>
internal static class Shell
{
    /// <summary>Runs a program whose output goes straight to the console, and returns its exit code.</summary>
    public static int Show(string folder, string program, params string[] arguments)
    {
        using Process process = Start(StartInfo(folder, program, arguments));
        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary>Runs a program in silence; only where it fails does its output become the exception's message.</summary>
    public static void Run(string folder, string program, params string[] arguments)
    {
        ProcessStartInfo startInfo = StartInfo(folder, program, arguments);
        startInfo.RedirectStandardOutput = true;
        startInfo.RedirectStandardError = true;
        using Process process = Start(startInfo);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            string command = string.Join(' ', [program, .. arguments]);
            throw new ShellException($"`{command}` failed ({process.ExitCode}).\n{output}{error.Result}");
        }
    }

    private static Process Start(ProcessStartInfo startInfo)
    {
        try
        {
            return Process.Start(startInfo)!;
        }
        catch (Win32Exception exception)
        {
            throw new ShellException(
                $"`{startInfo.FileName}` does not start; is it installed and on the PATH?",
                exception
            );
        }
    }

    private static ProcessStartInfo StartInfo(string folder, string program, string[] arguments)
    {
        // npm is a batch file on Windows, which is found there only under its full name.
        string file = OperatingSystem.IsWindows() && program == "npm" ? "npm.cmd" : program;
        return new ProcessStartInfo(file, arguments) { WorkingDirectory = folder, UseShellExecute = false };
    }
}

internal sealed class ShellException(string message, Exception? cause = null) : Exception(message, cause);
