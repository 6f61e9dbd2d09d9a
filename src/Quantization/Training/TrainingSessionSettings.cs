using DiffusionQuant.Engine;

namespace DiffusionQuant.Quantization.Training;

/// <summary>How sessions of training graphs are loaded.</summary>
internal static class TrainingSessionSettings
{
    private const int LeastStepsToOptimize = 300;

    /// <summary>Settings for so many steps: optimizing a graph of ten thousand nodes takes longer than it saves in a short
    /// training.</summary>
    public static SessionSettings ForSteps(this SessionSettings settings, int steps) =>
        steps < LeastStepsToOptimize ? settings with { Optimization = GraphOptimization.None } : settings;
}
