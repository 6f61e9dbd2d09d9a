namespace DiffusionQuant.Build.Diagnostics;

/// <summary>One coded message to the user: what is wrong, why, and what to do.</summary>
internal sealed class Diagnostic
{
    public Diagnostic(string code, string text)
    {
        Code = code;
        Text = text;
    }

    public string Code { get; }

    public string Text { get; }

    public override string ToString() => $"{Code}: {Text}";
}
