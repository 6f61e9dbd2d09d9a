using System.IO.MemoryMappedFiles;

namespace DiffusionQuant.Engine;

/// <summary>A mapped file that is gone when it is closed, even where the process is killed.</summary>
internal sealed unsafe class SpillFile : IDisposable
{
    private readonly FileStream? stream;
    private readonly MemoryMappedFile? mapped;
    private readonly MemoryMappedViewAccessor view;

    /// <summary>Makes a file of zeros.</summary>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ4020: the folder cannot be written or has no room.</exception>
    public SpillFile(string folder, long bytes)
    {
        try
        {
            Directory.CreateDirectory(folder);
            CheckRoom(folder, bytes);
            stream = Open(Path.Combine(folder, $"{Guid.NewGuid():N}.spill"), bytes);
            mapped = MemoryMappedFile.CreateFromFile(
                stream,
                null,
                0,
                MemoryMappedFileAccess.ReadWrite,
                HandleInheritability.None,
                leaveOpen: true
            );
            view = mapped.CreateViewAccessor();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            mapped?.Dispose();
            stream?.Dispose();
            throw EngineErrors.CannotSpill(folder, bytes, e.Message, e);
        }

        byte* pointer = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
        Pointer = pointer + view.PointerOffset;
    }

    /// <summary>The first byte.</summary>
    public byte* Pointer { get; }

    public void Dispose()
    {
        view.SafeMemoryMappedViewHandle.ReleasePointer();
        view.Dispose();
        mapped!.Dispose();
        stream!.Dispose();
    }

    private static FileStream Open(string path, long bytes)
    {
        var stream = new FileStream(
            path,
            new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.ReadWrite | FileShare.Delete,
                // On Windows this is what removes it; elsewhere the name is removed below.
                Options = FileOptions.DeleteOnClose,
                // A hole that cannot be filled later would end the process; so the room is taken now.
                PreallocationSize = bytes,
            }
        );
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(path);
        }

        stream.SetLength(bytes);
        return stream;
    }

    /// <summary>Says how much is missing before gigabytes are reserved for nothing.</summary>
    public static void CheckRoom(string folder, long bytes)
    {
        var path = Path.GetFullPath(folder);
        while (!Directory.Exists(path) && Path.GetDirectoryName(path) is { } parent)
        {
            path = parent;
        }

        if (OperatingSystem.IsWindows() && path.StartsWith(@"\\", StringComparison.Ordinal))
        {
            // A share is no drive whose room could be asked for.
            return;
        }

        var free = new DriveInfo(path).AvailableFreeSpace;
        if (free < bytes)
        {
            throw EngineErrors.CannotSpill(folder, bytes, $"only {free >> 20} MB are free", null);
        }
    }
}
