namespace DiffusionQuant.Tool.Progress;

/// <summary>Shows how far the work is; called by one thread at a time. Disposing it takes it off the screen.</summary>
internal interface IProgressView : IDisposable
{
    void Show(ProgressState state);
}
