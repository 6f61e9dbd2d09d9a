namespace DiffusionQuant.Quantization.Blocks;

/// <summary>What a reconstruction unit is.</summary>
public enum BlockKind
{
    /// <summary>A branch of layers that is added to its own input, without an attention in it.</summary>
    Residual,

    /// <summary>A branch with an attention that is added to its own input.</summary>
    Attention,

    /// <summary>One or more attentions and the feed-forward network behind them, on tokens.</summary>
    Transformer,

    /// <summary>All that depends on the timestep and not on the sample: its network and the projections into each block.</summary>
    TimeEmbedding,

    /// <summary>A single layer that belongs to no block.</summary>
    Layer,
}
