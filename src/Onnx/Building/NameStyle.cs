namespace DiffusionQuant.Onnx.Building;

/// <summary>How a <see cref="GraphBuilder"/> names nodes and values: after the exporters that are met in files.</summary>
public enum NameStyle
{
    /// <summary>Torch's exporter since 1.13: nodes <c>/down.0.0/conv1/Conv</c>, values <c>/down.0.0/conv1/Conv_output_0</c>,
    /// small constants as Constant nodes, weights under their module's name.</summary>
    Scoped,

    /// <summary>Torch's dynamo exporter: nodes <c>node_Conv_39</c>, values <c>conv2d_1</c> and <c>val_33</c>, small
    /// constants as initializers, weights under their module's name.</summary>
    Dynamo,

    /// <summary>Nothing but numbers, for nodes, values and weights; only the graph's inputs and outputs keep their names.</summary>
    Numbered,
}
