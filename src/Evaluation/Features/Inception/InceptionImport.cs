using DiffusionQuant.Evaluation.Features.Checkpoints;
using DiffusionQuant.Onnx;
using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Features.Inception;

/// <summary>The FID Inception network, made from a state dict in PyTorch's names.</summary>
public sealed class InceptionImport
{
    private const string StandardName = "inception-2015-12-05";

    private InceptionImport(OnnxModel model, ExtractorSettings settings)
    {
        Model = model;
        Settings = settings;
    }

    /// <summary>
    /// The network: input <c>image</c> [N,3,299,299]; outputs <c>features</c> [N,2048] (<c>pool_3</c>), <c>logits</c>
    /// [N,1008] without the classifier's bias, and <c>spatial</c> [N,7,17,17].
    /// </summary>
    public OnnxModel Model { get; }

    /// <summary>How images go into it: as in ADM's evaluator and torch-fidelity.</summary>
    public ExtractorSettings Settings { get; }

    /// <summary>Whether the weights are those that the name FID alone stands for.</summary>
    public bool IsStandard => Settings.SourceSha256 == StandardInception.CheckpointSha256;

    /// <summary>Makes the network from a checkpoint. Nothing in the file is executed.</summary>
    /// <param name="path">A <c>.pth</c> file that <c>torch.save</c> wrote, in its format since PyTorch 1.6 or the one
    /// before.</param>
    /// <param name="name">What people call the extractor; null for <c>inception-2015-12-05</c> where the weights are the
    /// standard ones, and the file's name where they are not.</param>
    /// <exception cref="DiffusionQuantException">DQ3050 to DQ3058: the file cannot be read, is refused, or holds other
    /// tensors than the network's. DQ3021: the name is empty.</exception>
    public static InceptionImport Load(string path, string? name = null)
    {
        using var checkpoint = Checkpoint.Open(path);
        var model = InceptionNetwork.Build(new(checkpoint));
        var source = checkpoint.ComputeSha256();
        name ??= source == StandardInception.CheckpointSha256 ? StandardName : Path.GetFileNameWithoutExtension(path);
        var settings = Describe(model, source, name);
        // Reading it back applies the rules for names.
        return new(model, ExtractorSettings.Parse(settings.ToJson(), path));
    }

    /// <summary>Writes <c>model.onnx</c> and <c>extractor.json</c>.</summary>
    /// <param name="folder">The folder; it is made where it is missing.</param>
    /// <exception cref="DiffusionQuantException">DQ1012 or DQ3034: a file cannot be written.</exception>
    public void Save(string folder)
    {
        Model.Save(Path.Combine(folder, Settings.Model));
        Settings.Save(Path.Combine(folder, ExtractorSettings.FileName));
    }

    private static ExtractorSettings Describe(OnnxModel model, string source, string name) =>
        new()
        {
            Name = name,
            Input = InceptionNetwork.Image,
            Width = InceptionNetwork.Resolution,
            Height = InceptionNetwork.Resolution,
            Channels = 3,
            Layout = ImageLayout.Nchw,
            // (x − 128) / 128: the graph of 2015 takes 128 off and multiplies by 2⁻⁷.
            Low = -1,
            High = 127.0 / 128,
            Resize = ResizeFilter.Tf1Bilinear,
            Features = InceptionNetwork.Features,
            Logits = InceptionNetwork.Logits,
            Spatial = InceptionNetwork.Spatial,
            SpatialChannels = InceptionNetwork.SpatialChannels,
            SpatialLayout = ImageLayout.Nchw,
            SourceSha256 = source,
            WeightsSha256 = ExtractorHash.OfWeights(model),
        };
}
