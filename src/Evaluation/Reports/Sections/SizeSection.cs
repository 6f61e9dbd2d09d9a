namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>What the files' bytes are spent on.</summary>
internal static class SizeSection
{
    public static Html Render(EvaluationReport report)
    {
        if (report.Size is not { } size)
        {
            return default;
        }

        var largest = Math.Max(1, Math.Max(size.FloatBytes, size.QuantizedBytes));
        return Html.Of(
            $"""
            <section aria-labelledby="size-title">
            <h2 id="size-title">Size</h2>
            {Bars.Render(
                [
                    ("Float", size.FloatBytes, Figures.Bytes(size.FloatBytes)),
                    ("Quantized", size.QuantizedBytes, Figures.Bytes(size.QuantizedBytes)),
                ],
                largest
            )}
            <table id="size">
            <caption>The quantized model's bytes</caption>
            <thead><tr><th scope="col">Part</th><th scope="col">Bytes</th><th scope="col">Share</th></tr></thead>
            <tbody>
            {Html.Lines(size.Parts.Select(p => Row(p.Name, p.Bytes, size.QuantizedBytes)))}
            </tbody>
            <tfoot>{Row("Together", size.QuantizedBytes, size.QuantizedBytes)}</tfoot>
            </table>
            </section>
            """
        );
    }

    private static Html Row(string name, long bytes, long all) =>
        Html.Of(
            $"<tr><th scope=\"row\">{name}</th><td data-value=\"{bytes}\">{Figures.Count(bytes)}</td><td>{Figures.Percent(all == 0 ? 0 : (double)bytes / all)}</td></tr>"
        );
}
