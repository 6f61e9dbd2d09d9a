using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace DiffusionQuant.Evaluation.Reports;

/// <summary>Puts an interpolated string together and encodes what fills its holes, in elements and in quoted attributes.</summary>
[InterpolatedStringHandler]
internal readonly struct HtmlInterpolation
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);
    private readonly StringBuilder text;

    /// <summary>Called by the compiler.</summary>
    public HtmlInterpolation(int literalLength, int formattedCount) =>
        text = new StringBuilder(literalLength + (formattedCount * 16));

    /// <summary>Called by the compiler.</summary>
    public void AppendLiteral(string literal) => text.Append(literal);

    /// <summary>Markup goes in as it is.</summary>
    public void AppendFormatted(Html markup) => text.Append(markup.ToString());

    /// <summary>Text is encoded.</summary>
    public void AppendFormatted(string? plain) => text.Append(Encoder.Encode(plain ?? ""));

    /// <summary>Whole numbers in the invariant culture.</summary>
    public void AppendFormatted(long number) => text.Append(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>The string.</summary>
    public string Finish() => text.ToString();
}
