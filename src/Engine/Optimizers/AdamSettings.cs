namespace DiffusionQuant.Engine.Optimizers;

/// <summary>
/// Adam (Kingma and Ba 2015), and AdamW (Loshchilov and Hutter 2019) where there is weight decay, which is then decoupled
/// from the gradient.
/// </summary>
/// <param name="LearningRate">The rate that a schedule's factor multiplies.</param>
public sealed record AdamSettings(float LearningRate)
{
    /// <summary>The decay of the gradients' mean.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>The decay of the squared gradients' mean.</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>Added to the square root of the squared gradients' mean.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>The decoupled weight decay; 0 for Adam.</summary>
    public float WeightDecay { get; init; }

    /// <summary>How the rate changes over the steps.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Constant;

    /// <summary>The least factor that the schedule may give, 0.001 for instance.</summary>
    public float Floor { get; init; }

    /// <summary>Over how many steps the rate rises along a line: it is multiplied by min(1, (step + 1)/WarmUp); 0 for none.</summary>
    public int WarmUp { get; init; }

    /// <summary>The least value that the parameters may take; null for none. Step sizes must stay positive.</summary>
    public float? LeastValue { get; init; }

    /// <summary>The learning rate at a step: rate, schedule and warm-up multiplied.</summary>
    /// <param name="step">The step's number, from 0.</param>
    /// <param name="steps">How many steps there are.</param>
    public float RateAt(int step, int steps)
    {
        var rate = LearningRate * Math.Max(Floor, Schedule.Factor(step, steps));
        return step + 1 < WarmUp ? rate * (step + 1) / WarmUp : rate;
    }
}
