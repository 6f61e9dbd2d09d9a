namespace DiffusionQuant.Diffusion;

/// <summary>One sampling step: from x at <see cref="Timestep"/> to x at <see cref="Previous"/>, which is less noisy.</summary>
/// <param name="Index">The step's number in sampling order, from 0.</param>
/// <param name="Timestep">The timestep that the network is asked at, whole or not.</param>
/// <param name="Previous">The timestep to go to; −1 for the clean sample.</param>
public readonly record struct TimestepPair(int Index, double Timestep, double Previous);
