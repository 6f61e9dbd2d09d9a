namespace DiffusionQuant.Diffusion;

/// <summary>A network that predicts the noise (velocity, clean sample) in noisy samples.</summary>
public interface IDenoiser
{
    /// <summary>How it is called.</summary>
    DenoiserContract Contract { get; }

    /// <summary>Predicts for a batch.</summary>
    /// <param name="call">Samples, timesteps and conditioning.</param>
    /// <param name="cancellation">Stops the prediction.</param>
    /// <returns>N·C·H·W numbers, or N·2C·H·W where the network predicts a variance too.</returns>
    float[] Predict(DenoiserCall call, CancellationToken cancellation = default);
}
