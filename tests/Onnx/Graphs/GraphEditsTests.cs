using DiffusionQuant.Onnx.Building;
using DiffusionQuant.Tests.Shared;

namespace DiffusionQuant.Onnx.Tests.Graphs;

/// <summary>Golden files of what each verb does to one small graph with everything in it.</summary>
public class GraphEditsTests
{
    [Fact]
    public void The_graph_before() => Snapshot.Verify(GraphText.Print(Graph()));

    [Fact]
    public void Insert()
    {
        var graph = Graph();
        graph.InsertBefore(
            Node(graph, "conv"),
            new OnnxNode("Relu", ["x"], ["a"], "first"),
            new("Neg", ["a"], ["b"], "second")
        );
        graph.InsertAfter(Node(graph, "conv"), new OnnxNode("Abs", ["conv_out"], ["c"], "behind"));
        Snapshot.Verify(GraphText.Print(graph));
        Assert.Throws<ArgumentException>(() => graph.InsertAfter(new("Relu", [], []), new OnnxNode("Relu", [], [])));
    }

    [Fact]
    public void Replace()
    {
        var graph = Graph();
        graph.Replace(
            Node(graph, "conv"),
            new OnnxNode("Neg", ["x"], ["n"], "n"),
            new("Exp", ["n"], ["conv_out"], "e")
        );
        graph.Replace(Node(graph, "dead"));
        Snapshot.Verify(GraphText.Print(graph));
    }

    [Fact]
    public void RedirectReaders()
    {
        var graph = Graph();
        graph.RedirectReaders("conv_out", "x");
        Snapshot.Verify(GraphText.Print(graph));
    }

    [Fact]
    public void Rename()
    {
        var graph = Graph();
        graph.Rename("conv_out", "h");
        graph.Rename("w", "weight");
        graph.Rename("h", "h");
        Snapshot.Verify(GraphText.Print(graph));
        Assert.Throws<ArgumentException>(() => graph.Rename("x", "z"));
        Assert.Throws<ArgumentException>(() => graph.Rename("y", "z"));
        Assert.Throws<ArgumentException>(() => graph.Rename("h", "weight"));
    }

    [Fact]
    public void RemoveUnused()
    {
        var graph = Graph();
        Assert.Equal(2, graph.RemoveUnused());
        Assert.Equal(0, graph.RemoveUnused());
        Snapshot.Verify(GraphText.Print(graph));
    }

    [Fact]
    public void Cut()
    {
        var graph = Graph();
        var before = GraphText.Print(graph);
        var part = graph.Cut(["conv_out", "flag", "x"], ["y"]);
        GraphChecker.Check(part, "part");
        Snapshot.Verify(GraphText.Print(part));
        part.Nodes[^1].Inputs[0] = "changed";
        part.RedirectReaders("conv_out", "changed");
        Assert.Equal(before, GraphText.Print(graph));
        Assert.Contains("'x'", Assert.Throws<InvalidOperationException>(() => graph.Cut(["flag"], ["y"])).Message);
        Assert.Empty(graph.Cut(["conv_out"], ["conv_out"]).Nodes);
    }

    [Fact]
    public void ConstantsToInitializers()
    {
        var graph = Graph();
        graph.ConstantsToInitializers();
        Snapshot.Verify(GraphText.Print(graph));
    }

    [Fact]
    public void SortTopologically()
    {
        var graph = Graph();
        var order = graph.Nodes.Select(n => n.Name).ToArray();
        graph.SortTopologically();
        Assert.Equal(order, graph.Nodes.Select(n => n.Name));
        graph.Nodes.Reverse();
        graph.SortTopologically();
        Snapshot.Verify(GraphText.Print(graph));
        Node(graph, "conv").Inputs[0] = "y";
        var sorted = graph.Nodes.ToArray();
        var exception = Assert.Throws<InvalidOperationException>(graph.SortTopologically);
        Assert.Matches("'(conv|if|scaled)'", exception.Message);
        Assert.Equal(sorted, graph.Nodes);
    }

    [Fact]
    public void Unique_names_avoid_subgraphs_nodes_and_each_other()
    {
        var graph = Graph();
        Assert.Equal(
            ["free", "w_1", "inner_1", "conv_1"],
            ((string[])["free", "w", "inner", "conv"]).Select(graph.UniqueName)
        );
        var names = new UniqueNames(graph);
        Assert.Equal(
            ["w_1", "w_2", "free", "free_1", "w_3"],
            ((string[])["w", "w", "free", "free", "w"]).Select(names.Next)
        );
    }

    [Fact]
    public void Index_of_producers_and_consumers()
    {
        var graph = Graph();
        var index = new GraphIndex(graph);
        Assert.Equal("conv", index.Producer("conv_out")!.Name);
        Assert.Null(index.Producer("x"));
        Assert.Null(index.Producer(null));
        Assert.Equal(["if", "scaled"], index.Consumers("conv_out").Select(n => n.Name));
        Assert.Empty(index.Consumers("y"));
        Assert.True(index.IsOutput("y"));
        Assert.Equal(0.5f, index.Constant("half")!.ToFloats().Span[0]);
        Assert.Equal("w", index.Constant("w_alias")!.Name);
        Assert.Null(index.Constant("conv_out"));
        Assert.Equal("y", graph.Find("y")!.Name);
        Assert.Equal(ElementType.Float, graph.Find("w")!.ElementType);
        Assert.Null(graph.Find("nothing"));
    }

    private static OnnxNode Node(OnnxGraph graph, string name) => graph.Nodes.Single(n => n.Name == name);

    private static OnnxGraph Graph()
    {
        var then = new OnnxGraph { Name = "then" };
        then.Nodes.Add(new("Mul", ["conv_out", "half"], ["inner"], "captures"));
        then.Outputs.Add(new("inner", ElementType.Float, null));
        var other = new OnnxGraph { Name = "else" };
        other.Nodes.Add(new("Identity", ["x"], ["kept"]));
        other.Outputs.Add(new("kept", ElementType.Float, null));

        var graph = new OnnxGraph { Name = "example" };
        graph.Inputs.Add(new("x", ElementType.Float, ["batch", 1, 4, 4]));
        graph.Inputs.Add(new("flag", ElementType.Bool, []));
        graph.Outputs.Add(new("y", ElementType.Float, ["batch", 1, 4, 4]));
        graph.Add(OnnxTensor.Of("w", [1f], 1, 1, 1, 1));
        graph.Add(OnnxTensor.Of("unread", [1L, 2L], 2));
        graph.Nodes.Add(Constant("half", 0.5f));
        graph.Nodes.Add(new("Identity", ["w"], ["w_alias"], "alias"));
        var conv = new OnnxNode("Conv", ["x", "w_alias", ""], ["conv_out"], "conv");
        conv.Attributes["pads"] = new long[] { 0, 0, 0, 0 };
        conv.Attributes["auto_pad"] = "NOTSET";
        graph.Nodes.Add(conv);
        graph.Nodes.Add(new("QuickGelu", ["x"], ["dead"], "dead", "com.microsoft"));
        graph.Nodes.Add(new("Neg", ["dead"], ["deader"], "deader"));
        var branch = new OnnxNode("If", ["flag"], ["chosen"], "if");
        branch.Attributes["then_branch"] = new AttributeValue.Graph(then);
        branch.Attributes["else_branch"] = new AttributeValue.Graph(other);
        graph.Nodes.Add(branch);
        graph.Nodes.Add(new("Add", ["chosen", "conv_out"], ["y"], "scaled"));
        graph.ValueInfos["conv_out"] = new("conv_out", ElementType.Float, ["batch", 1, 4, 4]);
        graph.ValueInfos["dead"] = new("dead", ElementType.Float, null);
        graph.ValueInfos["w_alias"] = new("w_alias", ElementType.Float, [1, 1, 1, 1]);
        return graph;
    }

    private static OnnxNode Constant(string name, float value)
    {
        var node = new OnnxNode("Constant", [], [name], $"constant_{name}");
        node.Attributes["value_float"] = value;
        return node;
    }
}
