namespace DiffusionQuant.Diffusion.Tests;

internal static class Discrete
{
    /// <summary>The discrete schedule of a scheduler's JSON.</summary>
    public static NoiseSchedule Parse(string json) => new(SchedulerConfig.Parse(json));
}
