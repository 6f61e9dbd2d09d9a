namespace DiffusionQuant.Onnx.Building;

/// <summary>A value of a graph that is being built; the operators <c>+ - * /</c> append nodes.</summary>
public sealed class Value
{
    internal Value(GraphBuilder builder, string name)
    {
        Builder = builder;
        Name = name;
    }

    /// <summary>The value's name; it changes when the value is made an output of the graph.</summary>
    public string Name { get; internal set; }

    /// <summary>The builder that made it.</summary>
    public GraphBuilder Builder { get; }

    /// <summary>Appends an Add.</summary>
    public static Value operator +(Value left, Value right) => left.Builder.Op("Add", left, right);

    /// <summary>Appends a Sub.</summary>
    public static Value operator -(Value left, Value right) => left.Builder.Op("Sub", left, right);

    /// <summary>Appends a Mul.</summary>
    public static Value operator *(Value left, Value right) => left.Builder.Op("Mul", left, right);

    /// <summary>Appends a Div.</summary>
    public static Value operator /(Value left, Value right) => left.Builder.Op("Div", left, right);

    /// <summary>Appends a Neg.</summary>
    public static Value operator -(Value value) => value.Builder.Op("Neg", value);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
