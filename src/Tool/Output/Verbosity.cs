namespace DiffusionQuant.Tool.Output;

/// <summary>How much the tool says.</summary>
internal enum Verbosity
{
    /// <summary>Errors and the result.</summary>
    Quiet,

    /// <summary>Warnings too.</summary>
    Minimal,

    /// <summary>Progress and notes too.</summary>
    Normal,

    /// <summary>Where things come from too, and stack traces.</summary>
    Detailed,
}
