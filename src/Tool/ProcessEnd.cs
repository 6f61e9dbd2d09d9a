using System.Runtime.InteropServices;

namespace DiffusionQuant.Tool;

/// <summary>
/// Ends this process without any clean-up: what <see cref="Environment.Exit"/> does first, native libraries would do under
/// the feet of their threads that still compute.
/// </summary>
internal static partial class ProcessEnd
{
    public static void AtOnce(int exitCode)
    {
        if (OperatingSystem.IsWindows())
        {
            TerminateProcess(GetCurrentProcess(), (uint)exitCode);
        }
        else
        {
            ExitUnix(exitCode);
        }
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitUnix(int exitCode);

    [LibraryImport("kernel32")]
    private static partial nint GetCurrentProcess();

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool TerminateProcess(nint process, uint exitCode);
}
