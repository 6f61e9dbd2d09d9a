namespace DiffusionQuant.Diffusion;

/// <summary>Joins what several CLIP models give for one text.</summary>
internal static class ClipStates
{
    /// <summary>The states of each token side by side, with zeros up to a width.</summary>
    public static float[] Join(IReadOnlyList<EncodedText> texts, int length, int width)
    {
        var result = new float[length * width];
        for (var token = 0; token < length; token++)
        {
            var at = token * width;
            foreach (var text in texts)
            {
                text.States.AsSpan(token * text.Width, text.Width).CopyTo(result.AsSpan(at));
                at += text.Width;
            }
        }

        return result;
    }

    /// <summary>The sum of what is known of each, or null where one is not.</summary>
    public static int? Sum(IEnumerable<int?> widths) => widths.Aggregate((int?)0, (sum, width) => sum + width);
}
