namespace DiffusionQuant.Quantization.Recipes;

/// <summary>Where in a diffusion network a layer stands; a layer may stand in several places, or in none of these.</summary>
[Flags]
public enum LayerPositions
{
    /// <summary>None of the named places.</summary>
    None = 0,

    /// <summary>The first layer on the sample's way (<c>first</c>).</summary>
    First = 1,

    /// <summary>The last layer on the sample's way (<c>last</c>).</summary>
    Last = 2,

    /// <summary>Depends on the timestep but not on the sample (<c>time-embedding</c>).</summary>
    TimeEmbedding = 4,

    /// <summary>A projection or product of an attention block (<c>attention</c>).</summary>
    Attention = 8,

    /// <summary>The 1×1 convolution on a residual block's shortcut (<c>skip</c>).</summary>
    Skip = 16,

    /// <summary>The convolution that halves the resolution (<c>downsample</c>).</summary>
    Downsample = 32,

    /// <summary>The convolution behind a doubling of the resolution (<c>upsample</c>).</summary>
    Upsample = 64,

    /// <summary>
    /// A layer of the time embedding with another one behind it: what all blocks share, before each projects it
    /// (<c>time-mlp</c>).
    /// </summary>
    TimeMlp = 128,

    /// <summary>One of attention's two products of activations (<c>attention-product</c>).</summary>
    AttentionProduct = 256,
}
