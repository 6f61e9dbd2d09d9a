namespace DiffusionQuant.Onnx.Serialization;

/// <summary>
/// Replaces several files together: new contents are written under temporary names beside the old ones, and only when
/// all are complete they take the old ones' names. If that fails midway, the old files are put back.
/// </summary>
internal sealed class FileSwap : IDisposable
{
    private readonly string suffix = $".{Environment.ProcessId}.{Path.GetRandomFileName()}";
    private readonly List<string> targets = [];

    /// <summary>Where to write the new contents of a file.</summary>
    /// <param name="target">The file.</param>
    /// <returns>A temporary file name in the same folder.</returns>
    public string Add(string target)
    {
        targets.Add(target);
        return UnfinishedWork.Begin(New(target));
    }

    /// <summary>Gives all new files their names.</summary>
    public void Commit()
    {
        using var placing = UnfinishedWork.Place();
        var placed = new List<string>();
        try
        {
            foreach (var target in targets)
            {
                // Where several files belong together, the old ones keep a name until all new ones are in place.
                if (targets.Count > 1 && File.Exists(target))
                {
                    File.Move(target, Old(target));
                }

                File.Move(New(target), target, overwrite: true);
                placed.Add(target);
            }
        }
        catch
        {
            placed.ForEach(File.Delete);
            foreach (var target in targets.Where(t => File.Exists(Old(t))))
            {
                File.Move(Old(target), target);
            }

            throw;
        }
    }

    /// <summary>Removes what is left over.</summary>
    public void Dispose()
    {
        foreach (var target in targets)
        {
            File.Delete(New(target));
            File.Delete(Old(target));
            UnfinishedWork.End(New(target));
        }
    }

    private string New(string target) => $"{target}{suffix}.tmp";

    private string Old(string target) => $"{target}{suffix}.old";
}
