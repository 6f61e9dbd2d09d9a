namespace DiffusionQuant.Diffusion;

/// <summary>What random numbers are drawn for; the numbers of different purposes are independent.</summary>
public enum NoisePurpose
{
    /// <summary>x_T, the noise that sampling starts from.</summary>
    Initial = 0,

    /// <summary>The noise that a sampling step adds.</summary>
    Step = 1,

    /// <summary>The class that an image is of.</summary>
    ClassLabel = 2,

    /// <summary>The noise of the forward process, where a user wants x_t of a given image.</summary>
    Forward = 3,

    /// <summary>Which images a metric's subsets and resamples take.</summary>
    Resampling = 4,

    /// <summary>At which timesteps calibration keeps pairs (x_t, t), and training makes them.</summary>
    Timestep = 5,

    /// <summary>Which images a step of training takes.</summary>
    TrainingImage = 6,

    /// <summary>Whether training mirrors an image.</summary>
    Flip = 7,

    /// <summary>The weights that a network begins with.</summary>
    Weight = 8,
}
