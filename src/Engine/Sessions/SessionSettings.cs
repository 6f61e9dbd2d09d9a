using System.Collections.Immutable;

namespace DiffusionQuant.Engine;

/// <summary>How a session loads and runs a graph.</summary>
public sealed record SessionSettings
{
    /// <summary>The processor, all its physical cores, all optimizations.</summary>
    public static SessionSettings Default { get; } = new();

    /// <summary>What the graph runs on.</summary>
    public Device Device { get; init; } = Device.Cpu;

    /// <summary>Threads within an operator; 0 for those of the scope (<see cref="Workers"/>) and, where it has no number
    /// either, for ONNX Runtime's default, the number of physical cores.</summary>
    public int Threads { get; init; }

    /// <summary>How far the graph is rewritten when it is loaded.</summary>
    public GraphOptimization Optimization { get; init; } = GraphOptimization.All;

    /// <summary>Where to write the graph as it is after optimization; null for nowhere.</summary>
    public string? OptimizedModelPath { get; init; }

    /// <summary>ONNX Runtime's session configuration, such as <c>session.disable_quant_qdq</c>.</summary>
    public IReadOnlyDictionary<string, string> ConfigEntries { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>
    /// Options of the CUDA provider that differ from ours, which are <c>cudnn_conv_algo_search=HEURISTIC</c> (the same
    /// algorithms in every run) and <c>use_tf32=0</c> (float32 products in full precision).
    /// </summary>
    public IReadOnlyDictionary<string, string> CudaOptions { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>
    /// Whether the second run takes one block of memory that the first laid out. What the first run took stays with the
    /// session, so where memory is short it is better not to.
    /// </summary>
    public bool PlansMemory { get; init; } = true;

    /// <summary>Whether to write a profile of each operator's time when the session ends.</summary>
    public bool EnableProfiling { get; init; }

    /// <summary>The profile's path without its ending, to which a time stamp is added; null for ONNX Runtime's default.</summary>
    public string? ProfilePrefix { get; init; }
}
