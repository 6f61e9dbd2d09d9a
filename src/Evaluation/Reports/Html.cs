namespace DiffusionQuant.Evaluation.Reports;

/// <summary>
/// A piece of markup. Made of interpolated strings, whose holes are encoded unless they are markup themselves: text of a
/// model, such as a layer's name, cannot become markup by oversight.
/// </summary>
internal readonly struct Html
{
    private readonly string? text;

    private Html(string text) => this.text = text;

    /// <summary>Nothing.</summary>
    public static Html Empty => default;

    /// <summary>Markup with encoded holes.</summary>
    public static Html Of(HtmlInterpolation markup) => new(markup.Finish());

    /// <summary>Text that is markup already: this project's own style sheets and scripts, or encoded before.</summary>
    public static Html Trusted(string markup) => new(markup);

    /// <summary>Pieces one after the other, a line each.</summary>
    public static Html Lines(IEnumerable<Html> pieces) => new(string.Join('\n', pieces));

    /// <inheritdoc/>
    public override string ToString() => text ?? "";
}
