namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>A few amounts as horizontal bars of one scale, each with its name and its value as text.</summary>
internal static class Bars
{
    /// <param name="bars">Names, amounts, and the amounts as text.</param>
    /// <param name="full">The amount of a full bar.</param>
    public static Html Render(IReadOnlyList<(string Name, double Value, string Text)> bars, double full) =>
        Html.Of(
            $"""
            <dl class="bars">
            {Html.Lines(bars.Select(b => Bar(b.Name, b.Value, b.Text, full)))}
            </dl>
            """
        );

    private static Html Bar(string name, double value, string text, double full)
    {
        var share = full > 0 && double.IsFinite(value / full) ? Math.Clamp(value / full, 0, 1) : 0;
        return Html.Of(
            $"<div><dt>{name}</dt><dd data-value=\"{Figures.Exact(value)}\"><span class=\"bar\" data-bar=\"{name}\" style=\"--share: {Figures.Exact(Math.Round(share, 4))}\"></span>{text}</dd></div>"
        );
    }
}
