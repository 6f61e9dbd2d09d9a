namespace DiffusionQuant.Build.Files;

/// <summary>What a model keeps under <c>obj/…/diffusionquant/&lt;name&gt;</c>.</summary>
internal sealed class ModelPaths
{
    private readonly string folder;

    public ModelPaths(string intermediateFolder, string name)
    {
        folder = Path.Combine(intermediateFolder, name);
    }

    /// <summary>All that decides the result; its time is that of the last change.</summary>
    public string Inputs => Path.Combine(folder, "model.inputs");

    /// <summary>Empty; newer than the inputs when the result is good.</summary>
    public string Stamp => Path.Combine(folder, "model.stamp");

    /// <summary>The files the tool made, one a line, relative to the artifact.</summary>
    public string Outputs => Path.Combine(folder, "model.outputs");

    /// <summary>The folder the tool makes.</summary>
    public string Artifact => Path.Combine(folder, "artifact");

    /// <summary>How far a running tool is.</summary>
    public string Progress => Path.Combine(folder, "progress.json");

    /// <summary>The files of the artifact as the last good run left them (absolute); empty where there was none.</summary>
    public IReadOnlyList<string> ArtifactFiles() =>
        (AtomicFile.Read(Outputs) ?? "")
            .Split(['\n'], StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Path.Combine(Artifact, line.Trim().Replace('/', Path.DirectorySeparatorChar)))
            .ToList();
}
