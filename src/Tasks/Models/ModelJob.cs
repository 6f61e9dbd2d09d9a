using DiffusionQuant.Build.Files;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build.Models;

/// <summary>A model of a project and where its files go; between the tasks it travels as an MSBuild item.</summary>
internal sealed class ModelJob
{
    private const string Folder = "DiffusionIntermediateFolder";
    private const string ModelsFolder = "DiffusionModelsFolder";
    private readonly string intermediateFolder;

    public ModelJob(ModelItem model, string intermediateFolder)
    {
        Model = model;
        this.intermediateFolder = intermediateFolder;
        Paths = new ModelPaths(intermediateFolder, model.Name);
    }

    public ModelItem Model { get; }

    public ModelPaths Paths { get; }

    public static ModelJob Of(ITaskItem item, string projectDirectory) =>
        new(new ModelItem(item, projectDirectory, item.GetMetadata(ModelsFolder)), item.GetMetadata(Folder));

    /// <summary>
    /// The item for <see cref="Of"/>, with the files that the targets' Inputs and Outputs name (InputsFile, StampFile,
    /// VerifyInputsFile, VerifyStampFile), and SnapshotFile for the check of Visual Studio.
    /// </summary>
    public ITaskItem ToItem()
    {
        var item = Items.OfPath(Model.Include);
        Model.CopyMetadataTo(item);
        Items.Set(item, Folder, intermediateFolder);
        Items.Set(item, ModelsFolder, Model.ModelsFolder);
        Items.Set(item, "InputsFile", Paths.Inputs);
        Items.Set(item, "StampFile", Paths.Stamp);
        Items.Set(item, "SnapshotFile", Model.Snapshot);
        Items.Set(item, "VerifyInputsFile", Paths.VerifyInputs);
        Items.Set(item, "VerifyStampFile", Paths.VerifyStamp);
        return item;
    }
}
