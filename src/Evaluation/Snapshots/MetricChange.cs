using DiffusionQuant.Evaluation.Metrics;

namespace DiffusionQuant.Evaluation.Snapshots;

/// <summary>What a change of a metric means.</summary>
public enum MetricVerdict
{
    /// <summary>The change is within the tolerance.</summary>
    Same,

    /// <summary>Better by more than the tolerance.</summary>
    Better,

    /// <summary>Worse by more than the tolerance.</summary>
    Worse,

    /// <summary>It is measured now and not in the snapshot.</summary>
    New,

    /// <summary>It is in the snapshot and not measured now.</summary>
    Missing,
}

/// <summary>A metric's received value beside its verified one, both rounded as files hold them.</summary>
/// <param name="Definition">The metric.</param>
/// <param name="Label">Its title for people, with the extractor's name where that is needed.</param>
/// <param name="Verified">The verified value; null where the snapshot has none.</param>
/// <param name="Received">The received value; null where it was not measured.</param>
public sealed record MetricChange(
    MetricDefinition Definition,
    string Label,
    SnapshotMetric? Verified,
    SnapshotMetric? Received
)
{
    /// <summary>As for limits: a change of this many standard errors is beyond chance, nearly.</summary>
    private const double StandardErrors = LimitCheck.StandardErrors;

    /// <summary>The tolerance in the metric's unit; 0 where there is none.</summary>
    public double Tolerance => Verified?.Tolerance.Of(Verified.Value) ?? 0;

    /// <summary>
    /// How far the difference of both values is chance: its standard error by jackknife over blocks of images, which both
    /// made from the same noise. Where blocks are not known it is that of the verified value, which is larger; 0 where
    /// nothing is.
    /// </summary>
    public double Error
    {
        get
        {
            var error =
                Verified?.WithoutBlock is { } before
                && Received?.WithoutBlock is { } after
                && before.Count == after.Count
                    ? Resampling.JackknifeError([.. after.Zip(before, (a, b) => a - b)])
                    : Verified?.StandardError ?? 0;
            return double.IsFinite(error) ? error : 0;
        }
    }

    /// <summary>How much the received value may differ before it counts: the tolerance, and two standard errors of the
    /// difference.</summary>
    public double Allowed => Tolerance + (StandardErrors * Error);

    /// <summary>How much worse the received value is, in the metric's unit; negative where it is better.</summary>
    public double Worsening
    {
        get
        {
            if (Verified is not { Value: var before } || Received is not { Value: var after } || before.Equals(after))
            {
                return 0;
            }

            if (double.IsNaN(after) || double.IsNaN(before))
            {
                return double.IsNaN(after) ? double.PositiveInfinity : double.NegativeInfinity;
            }

            return Definition.IsHigherBetter ? before - after : after - before;
        }
    }

    /// <summary>What the change means.</summary>
    public MetricVerdict Verdict
    {
        get
        {
            if (Verified is null || Received is null)
            {
                return Verified is null ? MetricVerdict.New : MetricVerdict.Missing;
            }

            // Decimal fractions are not exact in binary: 32.21 - 31.71 is a little more than 0.5.
            var allowed =
                Allowed + (1e-9 * Math.Max(1, double.IsFinite(Verified.Value) ? Math.Abs(Verified.Value) : 1));
            return double.IsInfinity(Tolerance) || Math.Abs(Worsening) <= allowed ? MetricVerdict.Same
                : Worsening > 0 ? MetricVerdict.Worse
                : MetricVerdict.Better;
        }
    }

    /// <summary>How many tolerances it became worse, to tell which change matters most.</summary>
    internal double Severity =>
        Worsening == 0 ? 0
        : Allowed > 0 ? Worsening / Allowed
        : double.PositiveInfinity * Math.Sign(Worsening);

    /// <summary><c>PSNR fell from 32.21 to 27.40 dB (tolerance 0.5)</c>.</summary>
    internal string InWords()
    {
        var (before, after) = (Verified!.Value, Received!.Value);
        var verb =
            after < before ? "fell"
            : after > before ? "rose"
            : "went";
        var from = MetricRounding.Fixed(Definition, before);
        return $"{Label} {verb} from {from} to {MetricRounding.WithUnit(Definition, after)} (tolerance {Verified.Tolerance}{Chance()})";
    }

    /// <summary><c>, and 0.12 by chance</c>; nothing where chance is not known, or nothing beside the digits shown.</summary>
    private string Chance()
    {
        var chance = MetricRounding.RoundError(Definition, StandardErrors * Error);
        return chance == 0 ? "" : $", and {MetricRounding.Plain(chance)} by chance";
    }
}
