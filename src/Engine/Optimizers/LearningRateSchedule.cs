namespace DiffusionQuant.Engine.Optimizers;

/// <summary>How a learning rate changes over the steps of a training.</summary>
public enum LearningRateSchedule
{
    /// <summary>It stays.</summary>
    Constant,

    /// <summary>It falls to 0 along half a cosine: ½·(1 + cos(π·step/steps)).</summary>
    Cosine,

    /// <summary>It falls to 0 along a line: 1 − step/steps.</summary>
    Linear,
}

/// <summary>The factors of schedules.</summary>
public static class LearningRateSchedules
{
    /// <summary>The factor on the learning rate at a step.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="step">The step's number, from 0.</param>
    /// <param name="steps">How many steps there are.</param>
    public static float Factor(this LearningRateSchedule schedule, int step, int steps) =>
        schedule switch
        {
            LearningRateSchedule.Cosine => (float)(0.5 * (1 + Math.Cos(Math.PI * step / steps))),
            LearningRateSchedule.Linear => 1 - ((float)step / steps),
            _ => 1,
        };
}
