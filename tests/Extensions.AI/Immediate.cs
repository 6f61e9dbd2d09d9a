namespace DiffusionQuant.Extensions.AI.Tests;

/// <summary>Unlike <see cref="Progress{T}"/>, tells on the thread that reports.</summary>
internal sealed class Immediate<T>(Action<T> action) : IProgress<T>
{
    public void Report(T value) => action(value);
}
