using System.Globalization;

namespace DiffusionQuant.Evaluation.Reports.Sections;

/// <summary>SQNR and bits by layer: a table that can be sorted and filtered, and charts that follow it.</summary>
internal static class LayersSection
{
    public static Html Render(EvaluationReport report)
    {
        if (report.Layers.Count == 0)
        {
            return default;
        }

        var widths = report
            .Layers.OrderBy(l => l.WeightBits ?? int.MaxValue)
            .ThenByDescending(l => l.Parameters)
            .Select(Weights)
            .Distinct();
        return Html.Of(
            $"""
            <section aria-labelledby="layers-title">
            <h2 id="layers-title">Layers</h2>
            <p class="lead">SQNR of each layer's output on the same x<sub>t</sub>, errors of earlier layers included. The charts show the table's rows in the table's order.</p>
            <div class="toolbar scripted">
            <label>Filter <input id="layer-filter" type="search" placeholder="name or operator" autocomplete="off" spellcheck="false"></label>
            <label>Weights <select id="layer-bits"><option value="">any</option>{Html.Lines(
                widths.Select(Width)
            )}</select></label>
            <label>Order <select id="layer-order"><option value="0 1">graph</option><option value="4 1">lowest SQNR first</option><option value="4 -1">highest SQNR first</option><option value="5 -1">largest first</option><option value="1 1">name</option></select></label>
            <p id="layer-count" role="status"></p>
            </div>
            <figure class="chart scripted" role="img" aria-label="SQNR and bits of each layer; the table below holds the values">
            <div id="layers-chart"></div>
            <div id="bits-chart"></div>
            <figcaption id="layers-readout"></figcaption>
            </figure>
            <div class="scroll tall" tabindex="0" role="region" aria-label="Table of layers">
            <table id="layers" class="sortable">
            <thead><tr>{Head("#", "number")}{Head("Layer", "text")}{Head("W", "number", "Weights, bits")}{Head(
                "A",
                "number",
                "Activations, bits"
            )}{Head("SQNR, dB", "number")}{Head("Parameters", "number")}</tr></thead>
            <tbody>
            {Html.Lines(report.Layers.Select(Row))}
            </tbody>
            </table>
            </div>
            </section>
            """
        );
    }

    private static Html Width(string weights) =>
        Html.Of($"<option value=\"{weights}\">{(int.TryParse(weights, out _) ? $"{weights} bits" : weights)}</option>");

    /// <summary>How a layer's weights are held: a number of bits, <c>float</c>, or <c>none</c>.</summary>
    private static string Weights(LayerQuality layer) =>
        layer.WeightBits is { } bits ? bits.ToString(CultureInfo.InvariantCulture)
        : layer.Parameters > 0 ? "float"
        : "none";

    private static Html Head(string title, string kind, string? explanation = null) =>
        explanation is null
            ? Html.Of($"<th scope=\"col\" data-kind=\"{kind}\">{title}</th>")
            : Html.Of($"<th scope=\"col\" data-kind=\"{kind}\"><abbr title=\"{explanation}\">{title}</abbr></th>");

    private static Html Row(LayerQuality layer, int index) =>
        Html.Of(
            $"<tr data-index=\"{index}\"><td data-value=\"{index}\">{index + 1}</td><th scope=\"row\">{layer.Name}<small>{layer.Operator}</small></th>{Bits(layer.WeightBits, Weights(layer))}{Bits(layer.ActivationBits, "float")}{Sqnr(layer.Sqnr)}<td data-value=\"{layer.Parameters}\">{Figures.Count(layer.Parameters)}</td></tr>"
        );

    private static Html Bits(int? bits, string otherwise) =>
        bits is { } width
            ? Html.Of($"<td data-value=\"{width}\">{width}</td>")
            : Html.Of($"<td class=\"empty\">{otherwise}</td>");

    private static Html Sqnr(double? sqnr) =>
        sqnr is { } value
            ? Html.Of($"<td data-value=\"{Figures.Exact(value)}\">{Figures.Fixed(value, 2)}</td>")
            : Html.Of($"<td class=\"empty\">{Figures.None}</td>");
}
