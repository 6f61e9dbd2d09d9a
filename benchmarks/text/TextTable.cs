using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace DiffusionQuant.Benchmarks;

/// <summary>Rows of the benchmark of a text-to-image model, for people.</summary>
internal static class TextTable
{
    private const string Float = "W32A32";

    public static string Write(ResultFile results)
    {
        var text = new StringBuilder(results.Head("Methods side by side on prompts"));
        text.Append(
            """
            *Adherence* is the share of pictures whose article, colour and ground the judge reads as the prompt says, and the mean of the three. Beside the mean of a quantized model stands how far it lies from the float model's on the same prompts and noise, with that difference's standard error; beside float's its own standard error. FID[clothes-judge] is between the judge's features of the pictures and of 20 000 real ones, composed of Fashion-MNIST as the training's were; it falls with the number of pictures, so only rows with as many are comparable. PSNR is the mean over pictures, SQNR that over 40 pictures and all steps on the float model's samples: of the predictions of both calls, and of what guidance makes of them.

            | method | bits | effort | pictures | adherence | to float, ± | article | colour | ground | FID[clothes-judge] | ± | FID to float | PSNR, dB | SQNR, dB | guided | of float's bytes | quantized in, s | of processors' time | peak memory, MB |
            |---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|

            """
        );
        foreach (var row in Sorted(results))
        {
            string Number(string key, string format) => ResultFile.Cell(row, key, format);
            var change = Change(row);
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {row["method"]} | {row["bits"]} | {row["effort"]} | {row["images"]} | {Number("adherence", "F4")} | {change}± {Number("adherenceError", "F4")} | {Number("article", "F3")} | {Number("colour", "F3")} | {Number("ground", "F3")} | {Number("fid", "F3")} | {Number("fidStandardError", "F3")} | {Number("fidToFloat", "F3")} | {Number("psnr", "F2")} | {Number("sqnrDb", "F2")} | {Number("guidedSqnrDb", "F2")} | {Number("sizeRatio", "F3")} | {Number("quantizeSeconds", "F0")} | {Number("quantizeProcessorSeconds", "F0")} | {Number("peakMemoryMb", "F0")} |\n"
            );
        }

        return text.Append(CultureInfo.InvariantCulture, $"\n{LastLine(results)}\n").ToString();
    }

    private static string Change(JsonNode row)
    {
        const int Digits = 4;
        // Adding zero takes the sign of a change that is rounded to nothing.
        return (double?)row["adherenceChange"] is { } change
            ? (Math.Round(change, Digits) + 0.0).ToString("+0.0000 ;-0.0000 ;0 ", CultureInfo.InvariantCulture)
            : "";
    }

    /// <summary>By width and then by number of pictures; each in the order of measuring.</summary>
    private static IEnumerable<JsonNode> Sorted(ResultFile results)
    {
        var widths = results.Rows.Select(r => (string)r!["bits"]!).Distinct().ToList();
        return results
            .Rows.OfType<JsonNode>()
            .OrderBy(r => widths.IndexOf((string)r["bits"]!))
            .ThenByDescending(r => (int)r["images"]!);
    }

    /// <summary>Each width's best adherence, among its rows of most pictures.</summary>
    private static string LastLine(ResultFile results)
    {
        var text = new StringBuilder("text adherence");
        foreach (var width in Sorted(results).GroupBy(r => (string)r["bits"]!))
        {
            var most = width.Max(r => (int)r["images"]!);
            var best = width.Where(r => (int)r["images"]! == most).Max(r => (double)r["adherence"]!);
            text.Append(CultureInfo.InvariantCulture, $" {(width.Key == Float ? "float" : width.Key)} {best:F3}");
        }

        return text.ToString();
    }
}
