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

    /// <summary>All that decides the evaluation besides the artifact; its time is that of the last change.</summary>
    public string VerifyInputs => Path.Combine(folder, "verify.inputs");

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
