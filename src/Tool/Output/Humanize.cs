namespace DiffusionQuant.Tool.Output;

/// <summary>Sizes and times as people say them.</summary>
internal static class Humanize
{
    public static string Bytes(long bytes) =>
        bytes switch
        {
            < 1_000 => $"{bytes} B",
            < 1_000_000 => $"{bytes / 1e3:0.0} kB",
            < 1_000_000_000 => $"{bytes / 1e6:0.0} MB",
            _ => $"{bytes / 1e9:0.00} GB",
        };

    /// <summary>Two sizes, and how many times smaller or larger the second is.</summary>
    public static string Sizes(long before, long after) =>
        $"{Bytes(before)} -> {Bytes(after)} ("
        + (
            after < before ? $"{(double)before / Math.Max(1, after):0.0} times smaller)"
            : after == before ? "as large)"
            : $"{(double)after / Math.Max(1, before):0.00} times larger)"
        );

    public static string Count(long count) =>
        count switch
        {
            < 1_000 => $"{count}",
            < 1_000_000 => $"{count / 1e3:0.0} k",
            < 1_000_000_000 => $"{count / 1e6:0.00} M",
            _ => $"{count / 1e9:0.00} G",
        };

    /// <summary>Rounded to what an estimate can know.</summary>
    public static string Time(TimeSpan time) =>
        time.TotalSeconds < 90 ? $"{Math.Max(1, Math.Round(time.TotalSeconds)):0} s"
        : time.TotalMinutes < 90 ? $"{Math.Round(time.TotalMinutes):0} min"
        : $"{time.TotalHours:0.0} h";
}
