namespace DiffusionQuant.Diffusion;

/// <summary>Makes tokens of prompts for one text encoder.</summary>
internal interface ITextTokenizer
{
    /// <summary>The file that it was read from, for messages.</summary>
    string Path { get; }

    /// <summary>Whose form it has.</summary>
    TokenizerKind Kind { get; }

    /// <summary>One more than the greatest id.</summary>
    int VocabularySize { get; }

    /// <summary>The length that its settings give, or null when they give none.</summary>
    int? MaxLength { get; }

    /// <summary>The tokens of a prompt in a row of that length.</summary>
    TokenRow Encode(string text, int length);
}
