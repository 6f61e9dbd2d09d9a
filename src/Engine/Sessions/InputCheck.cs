using DiffusionQuant.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace DiffusionQuant.Engine;

/// <summary>Checks the inputs of a run against the model, so that messages name input, type and shape.</summary>
internal static class InputCheck
{
    /// <summary>Checks that all inputs are there and fit.</summary>
    public static void Check(
        string model,
        IReadOnlyList<ValueInfo> expected,
        IReadOnlyDictionary<string, OrtValue> inputs
    )
    {
        foreach (var info in expected)
        {
            if (!inputs.TryGetValue(info.Name, out var value))
            {
                throw EngineErrors.MissingInput(model, info.ToString());
            }

            Check(model, info, value);
        }

        if (inputs.Count > expected.Count)
        {
            var unknown = inputs.Keys.First(k => !expected.Any(e => e.Name == k));
            throw EngineErrors.UnknownInput(model, unknown, expected.Select(e => e.Name));
        }
    }

    /// <summary>Checks one input's type and shape.</summary>
    public static void Check(string model, ValueInfo expected, OrtValue value)
    {
        if (expected.ElementType == ElementType.Undefined)
        {
            return;
        }

        if (!value.IsTensor)
        {
            throw EngineErrors.WrongInputType(
                model,
                expected.Name,
                expected.ElementType.ToString(),
                value.OnnxType.ToString()
            );
        }

        var actual = value.GetTensorTypeAndShape();
        var type = (ElementType)actual.ElementDataType;
        if (type != expected.ElementType)
        {
            throw EngineErrors.WrongInputType(model, expected.Name, expected.ElementType.ToString(), type.ToString());
        }

        if (!Fits(expected.Shape, actual.Shape))
        {
            throw EngineErrors.WrongInputShape(
                model,
                expected.Name,
                expected.Shape!.ToString(),
                TensorShape.Of(actual.Shape).ToString()
            );
        }
    }

    private static bool Fits(TensorShape? expected, long[] actual)
    {
        // ONNX Runtime reports an unknown rank like that of a scalar, so nothing is known at rank 0.
        if (expected is null || expected.Rank == 0)
        {
            return true;
        }

        if (expected.Rank != actual.Length)
        {
            return false;
        }

        for (var i = 0; i < actual.Length; i++)
        {
            if (expected[i].Value is { } size && size != actual[i])
            {
                return false;
            }
        }

        return true;
    }
}
