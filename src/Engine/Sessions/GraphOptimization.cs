namespace DiffusionQuant.Engine;

/// <summary>How far ONNX Runtime rewrites a graph when a session loads it.</summary>
public enum GraphOptimization
{
    /// <summary>Nodes run as they are.</summary>
    None,

    /// <summary>Rewrites that keep the operators: constant folding, removal of redundant nodes.</summary>
    Basic,

    /// <summary>Fusions into ONNX Runtime's own operators besides, such as quantized ones.</summary>
    Extended,

    /// <summary>Everything, memory layouts included.</summary>
    All,
}
