namespace DiffusionQuant.Tests.Shared;

/// <summary>
/// A test in a real browser. Without one it is skipped with a reason on a developer's machine, and fails with the same
/// reason where every test has to run.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class BrowserFactAttribute : FactAttribute
{
    public BrowserFactAttribute()
    {
        if (Chromium.Program is null && !Chromium.IsRequired)
        {
            Skip = Chromium.Advice;
        }
    }
}
