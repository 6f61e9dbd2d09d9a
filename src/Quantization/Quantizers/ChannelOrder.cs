namespace DiffusionQuant.Quantization.Quantizers;

/// <summary>Which output channels of a weight deserve more bits than others.</summary>
public enum ChannelOrder
{
    /// <summary>Those of the highest kurtosis: they have the outliers.</summary>
    Kurtosis,

    /// <summary>Those of the lowest kurtosis; tells what the order is worth.</summary>
    Reversed,

    /// <summary>Any, drawn with the recipe's seed; tells what the order is worth.</summary>
    Random,
}
