using System.CommandLine;
using DiffusionQuant.Engine;
using DiffusionQuant.Evaluation;
using DiffusionQuant.Quantization.Recipes;
using DiffusionQuant.Tool.Fallback;

namespace DiffusionQuant.Tool.CommandLine;

/// <summary>The options that let layers have more bits until limits hold.</summary>
internal sealed class FallbackOptions
{
    private readonly Option<bool> fallback = new("--fallback")
    {
        Description =
            "Give the most sensitive layers more bits (8, then float) until the limits below hold; each trial is quantized and measured",
    };

    private readonly LimitOptions limiting = new(onlyQuality: true);
    private readonly ImageOptions images = new();

    public void AddTo(Command command)
    {
        command.Options.Add(fallback);
        limiting.AddTo(command);
        images.AddTo(command);
    }

    /// <summary>What was asked for; null for no fallback.</summary>
    /// <param name="result">The command line.</param>
    /// <param name="model">The float model.</param>
    /// <param name="recipe">Says how models are called.</param>
    /// <param name="device">What computes.</param>
    /// <exception cref="Onnx.Diagnostics.DiffusionQuantException">DQ1120: limits and the option go together only.</exception>
    public FallbackSettings? Read(ParseResult result, string model, Recipe recipe, Device device)
    {
        var limits = limiting.Read(result);
        if (result.GetValue(fallback) == limits.AreNone)
        {
            throw ToolErrors.BadCommandLine(
                limits.AreNone
                    ? "--fallback needs a limit: --max-fid-increase, --min-psnr or --min-sqnr-db"
                    : "Limits of quantize say when layers get more bits, so they need --fallback; verify checks limits without it",
                result.CommandResult.Command
            );
        }

        if (limits.AreNone)
        {
            return null;
        }

        // As verify measures, so that what holds here holds there, and is measured once.
        var request = images.Apply(
            result,
            new("")
            {
                FloatPath = model,
                Prompts = recipe.Prompts,
                Conditioning = recipe.Conditioning,
                Session = new() { Device = device, Threads = recipe.Threads },
            }
        );
        return new(
            limits,
            request with
            {
                DistributionImages = request.DistributionImages ?? (limits.MaxFidIncrease is null ? 0 : (int?)null),
            }
        );
    }
}
