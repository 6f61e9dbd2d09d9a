namespace DiffusionQuant.Tool.CommandLine;

/// <summary>What the tool's exit codes mean.</summary>
internal static class ExitCodes
{
    public const int Fine = 0;

    /// <summary>The user's input: a coded failure, or arguments that are not understood.</summary>
    public const int Input = 1;

    /// <summary>A fault of the tool itself.</summary>
    public const int Fault = 2;

    /// <summary>The model is worse than it may be.</summary>
    public const int Quality = 3;

    /// <summary>As shells report a process that Ctrl-C ended.</summary>
    public const int Cancelled = 130;
}
