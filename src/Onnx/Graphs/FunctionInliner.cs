using DiffusionQuant.Onnx.Protos;
using DiffusionQuant.Onnx.Serialization;

namespace DiffusionQuant.Onnx;

/// <summary>Puts the bodies of model-local functions in the place of their calls.</summary>
public static class FunctionInliner
{
    /// <summary>
    /// Inlines every call of a function that the model defines itself, in the graph and its subgraphs, functions that
    /// call functions too; the functions are removed from the model. Does nothing to a model without functions.
    /// </summary>
    /// <param name="model">The model; changed in place.</param>
    /// <exception cref="Diagnostics.DiffusionQuantException">DQ1014: a function calls itself. DQ1011: a function was
    /// written for another opset than the model. DQ1008 to DQ1010: the names of a function's body do not fit together.</exception>
    public static void InlineFunctions(this OnnxModel model)
    {
        if (!model.HasFunctions)
        {
            return;
        }

        var path = model.Path ?? model.Graph.Name;
        new Inlining(model, path).Inline(model.Graph);
        foreach (var domain in model.Functions.Select(f => f.Domain).Distinct().ToArray())
        {
            if (!Domains(model.Graph).Contains(domain))
            {
                model.Opsets.Remove(domain);
            }
        }

        model.Functions.Clear();
        GraphChecker.Check(model.Graph, path);
    }

    private static IEnumerable<string> Domains(OnnxGraph graph) =>
        graph.Nodes.SelectMany(n => GraphChecker.Subgraphs(n).SelectMany(Domains).Append(n.Domain));

    private sealed class Inlining
    {
        // Functions that call others several times multiply; a damaged file must not fill the memory.
        private const long MostNodes = 200_000;

        private readonly OnnxModel model;
        private readonly string path;
        private readonly UniqueNames names;
        private readonly GraphReader reader;
        private readonly Dictionary<(string Domain, string Name, string Overload), FunctionProto> functions = [];
        private readonly Stack<FunctionProto> active = new();
        private long instantiated;

        public Inlining(OnnxModel model, string path)
        {
            this.model = model;
            this.path = path;
            names = new(model.Graph);
            reader = new(path, null);
            foreach (var function in model.Functions)
            {
                functions[(Normal(function.Domain), function.Name, function.Overload)] = function;
                Import(function);
            }
        }

        public void Inline(OnnxGraph graph)
        {
            var nodes = graph.Nodes.ToArray();
            graph.Nodes.Clear();
            foreach (var node in nodes)
            {
                Add(node, graph);
            }
        }

        private static string Normal(string domain) => domain == "ai.onnx" ? "" : domain;

        /// <summary>The body's operators are called under the model's imports, so both must agree.</summary>
        private void Import(FunctionProto function)
        {
            foreach (var import in function.OpsetImport)
            {
                var domain = Normal(import.Domain);
                if (!model.Opsets.TryAdd(domain, import.Version) && model.Opsets[domain] != import.Version)
                {
                    var name = domain.Length == 0 ? "ai.onnx" : domain;
                    throw OnnxErrors.Unsupported(
                        path,
                        $"the function '{function.Name}', written for opset {import.Version} of {name} in a model of opset {model.Opsets[domain]},",
                        "Export the model with one opset, or without functions."
                    );
                }
            }
        }

        private void Add(OnnxNode node, OnnxGraph graph)
        {
            foreach (var subgraph in GraphChecker.Subgraphs(node))
            {
                Inline(subgraph);
            }

            if (!functions.TryGetValue((node.Domain, node.OpType, node.Overload), out var function))
            {
                graph.Nodes.Add(node);
                return;
            }

            if (active.Contains(function))
            {
                throw OnnxErrors.RecursiveFunction(path, function.Name, node.DisplayName);
            }

            if ((instantiated += function.Node.Count) > MostNodes)
            {
                throw OnnxErrors.Unsupported(
                    path,
                    $"a model of more than {MostNodes} nodes after inlining its functions",
                    "Export the model without functions."
                );
            }

            active.Push(function);
            foreach (var inner in Instantiate(function, node, graph))
            {
                Add(inner, graph);
            }

            active.Pop();
        }

        /// <summary>The nodes of a function's body with the call's values, attributes and fresh names in them.</summary>
        private List<OnnxNode> Instantiate(FunctionProto function, OnnxNode call, OnnxGraph graph)
        {
            var prefix = call.Name.Length > 0 ? call.Name : function.Name;
            var values = new Dictionary<string, string>(StringComparer.Ordinal) { [""] = "" };
            for (var i = 0; i < function.Input.Count; i++)
            {
                values[function.Input[i]] = call.Input(i) ?? "";
            }

            var result = new List<OnnxNode>();
            for (var i = 0; i < function.Output.Count; i++)
            {
                var (inner, outer) = (function.Output[i], i < call.Outputs.Count ? call.Outputs[i] : "");
                if (outer.Length == 0)
                {
                    continue;
                }

                if (!values.TryAdd(inner, outer))
                {
                    // The body hands an input (or an output once more) through; both names must go on to exist.
                    result.Add(new("Identity", [values[inner]], [outer], names.Next($"{prefix}/Identity")));
                }
            }

            string Value(string inner) =>
                values.TryGetValue(inner, out var outer) ? outer : values[inner] = names.Next($"{prefix}/{inner}");

            var attributes = Attributes(function, call);
            var body = function.Node.Select(n => Substitute(reader.Node(n), attributes, Value, prefix)).ToArray();
            foreach (var info in function.ValueInfo.Select(GraphReader.Value))
            {
                if (values.TryGetValue(info.Name, out var outer))
                {
                    graph.ValueInfos.TryAdd(outer, info with { Name = outer });
                }
            }

            // Identities of inputs can stand first, those of outputs only behind their producers.
            return [.. body, .. result];
        }

        private Dictionary<string, AttributeValue> Attributes(FunctionProto function, OnnxNode call)
        {
            var result = new Dictionary<string, AttributeValue>(StringComparer.Ordinal);
            foreach (var proto in function.AttributeProto)
            {
                result[proto.Name] = reader.Attribute(proto, function.Name);
            }

            foreach (var (name, value) in call.Attributes)
            {
                result[name] = value;
            }

            return result;
        }

        private OnnxNode Substitute(
            OnnxNode node,
            Dictionary<string, AttributeValue> attributes,
            Func<string, string> value,
            string prefix
        )
        {
            node.Name = names.Next($"{prefix}/{(node.Name.Length > 0 ? node.Name : node.OpType)}");
            Map(node.Inputs, value);
            Map(node.Outputs, value);
            foreach (var (key, old) in node.Attributes.ToArray())
            {
                if (old is AttributeValue.Opaque { Source.RefAttrName: { Length: > 0 } reference })
                {
                    // A referred attribute that the call does not give and that has no default is left out.
                    if (attributes.TryGetValue(reference, out var given))
                    {
                        node.Attributes[key] = given;
                    }
                    else
                    {
                        node.Attributes.Remove(key);
                    }
                }
            }

            foreach (var subgraph in GraphChecker.Subgraphs(node))
            {
                Substitute(subgraph, attributes, value, prefix);
            }

            return node;
        }

        private void Substitute(
            OnnxGraph graph,
            Dictionary<string, AttributeValue> attributes,
            Func<string, string> value,
            string prefix
        )
        {
            foreach (var list in (List<ValueInfo>[])[graph.Inputs, graph.Outputs])
            {
                for (var i = 0; i < list.Count; i++)
                {
                    list[i] = list[i] with { Name = value(list[i].Name) };
                }
            }

            foreach (var (name, tensor) in graph.Initializers.ToArray())
            {
                graph.Initializers.Remove(name);
                graph.Add(tensor.WithName(value(name)));
            }

            foreach (var info in graph.ValueInfos.Values.ToArray())
            {
                graph.ValueInfos.Remove(info.Name);
                graph.ValueInfos[value(info.Name)] = info with { Name = value(info.Name) };
            }

            foreach (var node in graph.Nodes)
            {
                Substitute(node, attributes, value, prefix);
            }
        }

        private static void Map(List<string> list, Func<string, string> value)
        {
            for (var i = 0; i < list.Count; i++)
            {
                list[i] = value(list[i]);
            }
        }
    }
}
