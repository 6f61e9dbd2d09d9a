namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>Image pairs of the same noise. The difference is drawn by the page itself from the two pictures.</summary>
internal static class SamplesSection
{
    /// <summary>Pictures up to this width are shown small, several in a row.</summary>
    private const int SmallWidth = 96;

    public static Html Render(SampleSet samples)
    {
        if (samples.Pairs.Count == 0 && samples.Warnings.Count == 0)
        {
            return default;
        }

        var isSmall = samples.Pairs.All(p => p.Float.Width <= SmallWidth);
        return Html.Of(
            $"""
            <section aria-labelledby="samples-title">
            <h2 id="samples-title">Samples from the same noise</h2>
            {(samples.Pairs.Count == 0 ? default : Grid(samples, isSmall))}
            {Html.Lines(samples.Warnings.Select(w => Html.Of($"<p class=\"warning\">{w.Code}: {w.Message}</p>")))}
            </section>
            """
        );
    }

    private static Html Grid(SampleSet samples, bool isSmall) =>
        Html.Of(
            $"""
            <div class="toolbar">
            <p>From top to bottom: float, quantized<span class="scripted">, absolute difference &times;&nbsp;<output id="difference-factor"></output>. Select a sample to enlarge it</span>.</p>
            <label class="scripted">Amplify difference <select id="amplify"><option>1</option><option>2</option><option>4</option><option>8</option><option>16</option><option>32</option></select></label>
            </div>
            <div class="samples" data-size="{(isSmall ? "small" : "large")}">
            {Html.Lines(samples.Pairs.Select(Figure))}
            </div>
            <dialog id="enlarged" aria-labelledby="enlarged-title">
            <form method="dialog"><h3 id="enlarged-title"></h3><button>Close</button></form>
            <div class="enlarged"></div>
            </dialog>
            """
        );

    private static Html Figure(ShownPair pair)
    {
        var image = pair.Sample.Image;
        var of = pair.Sample.Prompt is { } prompt ? $": {prompt}" : "";
        return Html.Of(
            $"""
            <figure data-image="{image}" data-psnr="{Figures.Exact(pair.Sample.Psnr)}">
            {Picture(pair.Float, $"Image {image} of the float model{of}", "float")}
            {Picture(pair.Quantized, $"Image {image} of the quantized model{of}", "quantized")}
            <figcaption>{Prompt(pair.Sample.Prompt)}<span class="number">{image}</span> {Figures.Fixed(
                pair.Sample.Psnr,
                1
            )}&nbsp;dB</figcaption>
            </figure>
            """
        );
    }

    private static Html Prompt(string? prompt) =>
        prompt is null ? default : Html.Of($"<span class=\"prompt\">{prompt}</span>");

    private static Html Picture(SamplePicture picture, string text, string role) =>
        Html.Of(
            $"<img class=\"{role}\" width=\"{picture.Width}\" height=\"{picture.Height}\" alt=\"{text}\" src=\"{picture.DataUri}\">"
        );
}
