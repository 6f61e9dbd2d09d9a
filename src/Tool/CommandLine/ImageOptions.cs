using System.CommandLine;
using DiffusionQuant.Evaluation;

namespace DiffusionQuant.Tool.CommandLine;

/// <summary>The options that say on how many images, and with what, quality is measured.</summary>
internal sealed class ImageOptions
{
    private readonly Option<int?> images = new("--images")
    {
        Description = "Images for distribution metrics, 0 for none (default 512 for a small model)",
        HelpName = "N",
    };

    private readonly Option<int?> pairedImages = new("--paired-images")
    {
        Description = "Images for paired metrics (default 32 for a small model)",
        HelpName = "N",
    };

    private readonly Option<string?> extractor = new("--extractor")
    {
        Description = "The network whose features are compared (default: the built-in one, where it suits)",
        HelpName = "NAME|PATH",
    };

    private readonly Option<string?> reference = new("--reference")
    {
        Description =
            "The images to compare with: a name, a .dqref or .npz file, or image data (default: the built-in extractor's)",
        HelpName = "NAME|PATH",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(images);
        command.Options.Add(pairedImages);
        command.Options.Add(extractor);
        command.Options.Add(reference);
    }

    /// <summary>Whether a number of images was given.</summary>
    public bool HasImages(ParseResult result) => result.GetValue(images) is not null;

    /// <summary>A request with what was given.</summary>
    public EvaluationRequest Apply(ParseResult result, EvaluationRequest request) =>
        request with
        {
            DistributionImages = result.GetValue(images),
            PairedImages = result.GetValue(pairedImages),
            Extractor = result.GetValue(extractor),
            Reference = result.GetValue(reference),
        };
}
