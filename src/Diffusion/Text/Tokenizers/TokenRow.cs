namespace DiffusionQuant.Diffusion;

/// <summary>A prompt as a text encoder takes it.</summary>
/// <param name="Ids">The tokens, with those for beginning and end, filled up to a length.</param>
/// <param name="Used">How many of them are the prompt's, the beginning's and the end's.</param>
/// <param name="CutOff">How many tokens of the prompt found no room.</param>
internal sealed record TokenRow(IReadOnlyList<int> Ids, int Used, int CutOff)
{
    /// <summary>Puts tokens between those for beginning and end, cuts what is too long, and fills up.</summary>
    public static TokenRow Of(IReadOnlyList<int> tokens, int? begin, int end, int pad, int length)
    {
        var room = Math.Max(0, length - (begin is null ? 1 : 2));
        var kept = Math.Min(tokens.Count, room);
        var ids = new List<int>(length);
        if (begin is { } first)
        {
            ids.Add(first);
        }

        ids.AddRange(tokens.Take(kept));
        ids.Add(end);
        var used = ids.Count;
        ids.AddRange(Enumerable.Repeat(pad, Math.Max(0, length - used)));
        return new(ids, used, tokens.Count - kept);
    }
}
