using System.CommandLine;
using DiffusionQuant.Evaluation.Snapshots;

namespace DiffusionQuant.Tool.CommandLine;

/// <summary>The options that say how good a model must be.</summary>
/// <param name="onlyQuality">Whether only limits that more bits can make hold are options.</param>
internal sealed class LimitOptions(bool onlyQuality = false)
{
    private readonly Option<double?> maxFidIncrease = Limit(
        "--max-fid-increase",
        "How much larger FID may be than the float model's"
    );

    private readonly Option<double?> minPsnr = Limit(
        "--min-psnr",
        "The least PSNR against the float model's images, in dB"
    );

    private readonly Option<double?> minSqnrDb = Limit(
        "--min-sqnr-db",
        "The least SQNR of the noise prediction against the float model's on the same x_t, in dB"
    );

    private readonly Option<double?> maxSizeRatio = Limit(
        "--max-size-ratio",
        "The largest share of the float model's bytes"
    );

    private readonly Option<double?> minSpeedup = Limit(
        "--min-speedup",
        "How many times faster than the float model a step must at least be"
    );

    public void AddTo(Command command)
    {
        command.Options.Add(maxFidIncrease);
        command.Options.Add(minPsnr);
        command.Options.Add(minSqnrDb);
        if (onlyQuality)
        {
            return;
        }

        command.Options.Add(maxSizeRatio);
        command.Options.Add(minSpeedup);
    }

    /// <summary>Reads the options.</summary>
    public QualityLimits Read(ParseResult result) =>
        new(
            result.GetValue(maxFidIncrease),
            result.GetValue(minPsnr),
            result.GetValue(maxSizeRatio),
            result.GetValue(minSpeedup),
            result.GetValue(minSqnrDb)
        );

    private static Option<double?> Limit(string name, string description) =>
        new(name) { Description = description, HelpName = "NUMBER" };
}
