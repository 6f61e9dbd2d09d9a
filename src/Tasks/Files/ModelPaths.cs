namespace DiffusionQuant.Build.Files;

/// <summary>What a model keeps under <c>obj/…/diffusionquant/&lt;name&gt;</c>.</summary>
internal sealed class ModelPaths
{
    private const string DescriptionFile = "quantization.json";
    private const string ArtifactFolder = "artifact";
    private readonly string folder;

    public ModelPaths(string intermediateFolder, string name)
    {
        folder = Path.Combine(intermediateFolder, name);
    }

    /// <summary>Those of a model whose <see cref="Description"/> is at a path, whatever project made it; null where the path is
    /// another's.</summary>
    public static ModelPaths? OfDescription(string path)
    {
        var artifact = Path.GetDirectoryName(path);
        var folder = Path.GetDirectoryName(artifact);
        if (Path.GetFileName(path) != DescriptionFile || Path.GetFileName(artifact) != ArtifactFolder || folder is null)
        {
            return null;
        }

        var paths = new ModelPaths(Path.GetDirectoryName(folder)!, Path.GetFileName(folder));
        return File.Exists(paths.Inputs) ? paths : null;
    }

    /// <summary>All options that decide the result; its time is that of the last change.</summary>
    public string Inputs => Path.Combine(folder, "model.inputs");

    /// <summary>The <see cref="InputList"/> of the files that the result was made from, as the tool found them.</summary>
    public string InputFiles => Path.Combine(folder, "model.files");

    /// <summary>Empty; newer than the inputs when the result is good.</summary>
    public string Stamp => Path.Combine(folder, "model.stamp");

    /// <summary>The files the tool made, one a line, relative to the artifact.</summary>
    public string Outputs => Path.Combine(folder, "model.outputs");

    /// <summary>The folder the tool makes.</summary>
    public string Artifact => Path.Combine(folder, ArtifactFolder);

    /// <summary>What the artifact says of itself: the float model's hash, the recipe and all that came of them.</summary>
    public string Description => Path.Combine(Artifact, DescriptionFile);

    /// <summary>All options that decide the evaluation; its time is that of the last change.</summary>
    public string VerifyInputs => Path.Combine(folder, "verify.inputs");

    /// <summary>The <see cref="InputList"/> of the files that the evaluation read besides the artifact.</summary>
    public string VerifyInputFiles => Path.Combine(folder, "verify.files");

    /// <summary>
    /// Newer than these inputs and the artifact's stamp when the model is as good as it must be; holds the files of the
    /// evaluation, one a line, relative to its folder.
    /// </summary>
    public string VerifyStamp => Path.Combine(folder, "verify.stamp");

    /// <summary>The folder that gets metrics, report and samples.</summary>
    public string Evaluation => Path.Combine(folder, "evaluation");

    /// <summary>The numbers.</summary>
    public string Metrics => Path.Combine(Evaluation, "metrics.json");

    /// <summary>The same for people.</summary>
    public string Report => Path.Combine(Evaluation, "report.html");

    /// <summary>How far a running tool is.</summary>
    public string Progress => Path.Combine(folder, "progress.json");

    /// <summary>The files of the artifact as the last good run left them (absolute); empty where there was none.</summary>
    public IReadOnlyList<string> ArtifactFiles() => FileList.Read(Outputs, Artifact);

    /// <summary>The files of the last evaluation that ended well (absolute); empty where there was none.</summary>
    public IReadOnlyList<string> EvaluationFiles() => FileList.Read(VerifyStamp, Evaluation);
}
