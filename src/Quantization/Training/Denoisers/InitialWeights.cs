using DiffusionQuant.Diffusion;
using DiffusionQuant.Onnx;

namespace DiffusionQuant.Quantization.Training.Denoisers;

/// <summary>
/// Gives a network the weights that PyTorch's layers begin with: those of convolutions and linear layers uniform in
/// ± 1/√fan-in, biases too, factors of normalisations 1 and their summands 0.
/// </summary>
internal static class InitialWeights
{
    /// <summary>Replaces the weights of a network.</summary>
    /// <param name="graph">The network, whose initializers are weights and nothing else.</param>
    /// <param name="seed">The seed.</param>
    public static void Write(OnnxGraph graph, ulong seed)
    {
        var noise = new NoiseSource(seed);
        var index = 0;
        foreach (var node in graph.Nodes)
        {
            if (node.OpType is "Conv" or "Gemm")
            {
                var dims = graph.Initializers[node.Inputs[1]].Dims;
                var fanIn = 1L;
                foreach (var d in dims[1..])
                {
                    fanIn *= d;
                }

                var bound = 1 / MathF.Sqrt(fanIn);
                Fill(node.Inputs[1], values => Uniform(values, bound));
                Fill(node.Inputs[2], values => Uniform(values, bound));
            }
            else if (node.OpType is "Mul" or "Add" && node.Inputs.Find(graph.Initializers.ContainsKey) is { } weight)
            {
                Fill(weight, values => Array.Fill(values, node.OpType == "Mul" ? 1 : 0));
            }
        }

        void Uniform(float[] values, float bound)
        {
            noise.FillUniform(NoisePurpose.Weight, index++, values);
            foreach (ref var value in values.AsSpan())
            {
                value *= bound;
            }
        }

        void Fill(string name, Action<float[]> fill)
        {
            var tensor = graph.Initializers[name];
            var values = new float[tensor.ElementCount];
            fill(values);
            graph.Initializers[name] = OnnxTensor.Of(name, values.AsSpan(), tensor.Dims);
        }
    }
}
