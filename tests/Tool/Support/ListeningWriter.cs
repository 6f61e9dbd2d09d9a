using System.Text;

namespace DiffusionQuant.Tool.Tests;

/// <summary>Passes lines on, and tells a test of each as it is written.</summary>
internal sealed class ListeningWriter(TextWriter inner, Action<string> heard) : TextWriter
{
    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => inner.Write(value);

    public override void WriteLine(string? value)
    {
        inner.WriteLine(value);
        heard(value ?? "");
    }
}
