namespace DiffusionQuant.Quantization.Recipes;

/// <summary>Which of the collected pairs (x_t, t) calibration keeps.</summary>
public enum SampleSelection
{
    /// <summary>All of them.</summary>
    All,

    /// <summary>The half that represents twice as many best, by density and diversity of features inside the network.</summary>
    Representative,
}
