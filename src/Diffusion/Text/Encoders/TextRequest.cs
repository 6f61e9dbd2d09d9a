namespace DiffusionQuant.Diffusion;

/// <summary>What is wanted of a text encoder.</summary>
/// <param name="Length">How many tokens it is given.</param>
internal sealed record TextRequest(int Length)
{
    /// <summary>Whether states are wanted.</summary>
    public bool States { get; init; } = true;

    /// <summary>Which layer's, counted from the end: 2 is the last but one; null for those behind the last normalisation.</summary>
    public int? Layer { get; init; }

    /// <summary>Whether the last normalisation is applied to a layer's states.</summary>
    public bool Normalised { get; init; }

    /// <summary>Which vector of the whole text is wanted.</summary>
    public TextVector Vector { get; init; }

    /// <summary>Whether the encoder is told which tokens only fill up; most pipelines let it see all of them.</summary>
    public bool Masked { get; init; }
}

/// <summary>A vector of a whole text.</summary>
internal enum TextVector
{
    None,

    /// <summary>The state of the end token.</summary>
    Pooled,

    /// <summary>The same behind CLIP's projection.</summary>
    Projected,
}
