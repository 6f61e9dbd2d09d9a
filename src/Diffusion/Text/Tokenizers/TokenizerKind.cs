namespace DiffusionQuant.Diffusion;

/// <summary>The two forms of tokenizers, which tell the two kinds of text encoders apart too.</summary>
internal enum TokenizerKind
{
    /// <summary>CLIP's byte-level BPE.</summary>
    Clip,

    /// <summary>T5's SentencePiece.</summary>
    T5,
}
