using DiffusionQuant.Onnx.Diagnostics;

namespace DiffusionQuant.Evaluation.Features.Checkpoints;

/// <summary>
/// Runs a pickle's instructions as far as tensors and containers need them. Names of Python are looked up in a short
/// table and never called; instructions that make other objects are refused.
/// </summary>
internal sealed class PickleMachine
{
    // A tensor takes some forty instructions, so this is a hundred thousand tensors.
    private const int MostInstructions = 4_000_000;

    private static readonly object Mark = new();

    private readonly PickleStream input;
    private readonly TensorCalls calls;
    private readonly List<object?> stack = [];
    private readonly Dictionary<uint, object?> memo = [];

    private PickleMachine(PickleStream input, TensorCalls calls)
    {
        this.input = input;
        this.calls = calls;
    }

    /// <summary>Reads one pickle, and nothing behind it.</summary>
    /// <param name="input">The pickle.</param>
    /// <param name="calls">Makes what names and storages stand for.</param>
    /// <returns>null, bool, long, <see cref="System.Numerics.BigInteger"/>, double, string, a container, a
    /// <see cref="CheckpointTensor"/> or a <see cref="StorageView"/>.</returns>
    /// <exception cref="DiffusionQuantException">DQ3052 to DQ3054.</exception>
    public static object? Load(PickleStream input, TensorCalls calls) => new PickleMachine(input, calls).Run();

    private object? Run()
    {
        for (var count = 0; count < MostInstructions; count++)
        {
            var instruction = input.ReadByte();
            if (instruction == '.')
            {
                return Pop();
            }

            if (!Container(instruction) && !Plain(instruction) && !Call(instruction))
            {
                throw CheckpointErrors.Refused(input.Path, $"the pickle instruction 0x{instruction:X2}");
            }
        }

        throw CheckpointErrors.TooLarge(input.Path, "too many pickle instructions", MostInstructions);
    }

    /// <summary>Numbers, texts and the memo.</summary>
    private bool Plain(byte instruction)
    {
        switch (instruction)
        {
            case 0x80: // PROTO
                input.ReadByte();
                break;
            case 0x95: // FRAME: how far one may read ahead
                input.ReadUInt64();
                break;
            case (byte)'N':
                stack.Add(null);
                break;
            case 0x88:
                stack.Add(true);
                break;
            case 0x89:
                stack.Add(false);
                break;
            case (byte)'J':
                stack.Add((long)input.ReadInt32());
                break;
            case (byte)'K':
                stack.Add((long)input.ReadByte());
                break;
            case (byte)'M':
                stack.Add((long)input.ReadUInt16());
                break;
            case 0x8A: // LONG1
                stack.Add(input.ReadLong(input.ReadByte()));
                break;
            case (byte)'G':
                stack.Add(input.ReadDouble());
                break;
            case (byte)'X': // BINUNICODE
            case (byte)'T': // BINSTRING, of Python 2
                stack.Add(input.ReadText(input.ReadUInt32()));
                break;
            case 0x8C: // SHORT_BINUNICODE
            case (byte)'U': // SHORT_BINSTRING, of Python 2
                stack.Add(input.ReadText(input.ReadByte()));
                break;
            case (byte)'q': // BINPUT
                memo[input.ReadByte()] = Peek();
                break;
            case (byte)'r': // LONG_BINPUT
                memo[input.ReadUInt32()] = Peek();
                break;
            case 0x94: // MEMOIZE
                memo[(uint)memo.Count] = Peek();
                break;
            case (byte)'h': // BINGET
                stack.Add(Recall(input.ReadByte()));
                break;
            case (byte)'j': // LONG_BINGET
                stack.Add(Recall(input.ReadUInt32()));
                break;
            default:
                return false;
        }

        return true;
    }

    private bool Container(byte instruction)
    {
        switch (instruction)
        {
            case (byte)'(':
                stack.Add(Mark);
                break;
            case (byte)')':
                stack.Add(new PickleTuple([]));
                break;
            case (byte)'t': // TUPLE
                stack.Add(new PickleTuple(PopToMark()));
                break;
            case 0x85: // TUPLE1
            case 0x86: // TUPLE2
            case 0x87: // TUPLE3
                stack.Add(new PickleTuple(PopMany(instruction - 0x84)));
                break;
            case (byte)']':
                stack.Add(new PickleList());
                break;
            case (byte)'a': // APPEND
                Append([Pop()]);
                break;
            case (byte)'e': // APPENDS
                Append(PopToMark());
                break;
            case (byte)'}':
                stack.Add(new PickleDictionary());
                break;
            case (byte)'s': // SETITEM
                Set(PopMany(2));
                break;
            case (byte)'u': // SETITEMS
                Set(PopToMark());
                break;
            default:
                return false;
        }

        return true;
    }

    private bool Call(byte instruction)
    {
        switch (instruction)
        {
            case (byte)'c': // GLOBAL
                stack.Add(calls.Global(input.ReadLine(), input.ReadLine()));
                break;
            case 0x93: // STACK_GLOBAL
                var name = PopMany(2);
                stack.Add(calls.Global(name[0] as string ?? "", name[1] as string ?? ""));
                break;
            case (byte)'R': // REDUCE
                var call = PopMany(2);
                stack.Add(calls.Call(call[0], call[1]));
                break;
            case (byte)'b': // BUILD
                // The attributes of a dictionary (a state dict's versions) are of no use to us; nothing else has any.
                Pop();
                if (Peek() is not PickleDictionary)
                {
                    throw CheckpointErrors.Refused(input.Path, "attributes of an object that is no dictionary");
                }

                break;
            case (byte)'Q': // BINPERSID
                stack.Add(calls.Storage(Pop()));
                break;
            default:
                return false;
        }

        return true;
    }

    private void Append(List<object?> items)
    {
        if (Peek() is not PickleList list)
        {
            throw Confused();
        }

        list.Items.AddRange(items);
    }

    private void Set(List<object?> items)
    {
        if (Peek() is not PickleDictionary dictionary || items.Count % 2 != 0)
        {
            throw Confused();
        }

        for (var i = 0; i < items.Count; i += 2)
        {
            dictionary.Entries.Add(new(items[i], items[i + 1]));
        }
    }

    private object? Recall(uint index) => memo.TryGetValue(index, out var value) ? value : throw Confused();

    private object? Peek() => stack.Count > 0 && stack[^1] != Mark ? stack[^1] : throw Confused();

    private object? Pop()
    {
        var value = Peek();
        stack.RemoveAt(stack.Count - 1);
        return value;
    }

    private List<object?> PopMany(int count)
    {
        if (stack.Count < count)
        {
            throw Confused();
        }

        var items = stack.GetRange(stack.Count - count, count);
        stack.RemoveRange(stack.Count - count, count);
        return items.Contains(Mark) ? throw Confused() : items;
    }

    private List<object?> PopToMark()
    {
        var mark = stack.LastIndexOf(Mark);
        if (mark < 0)
        {
            throw Confused();
        }

        var items = stack.GetRange(mark + 1, stack.Count - mark - 1);
        stack.RemoveRange(mark, stack.Count - mark);
        return items;
    }

    private DiffusionQuantException Confused() =>
        CheckpointErrors.Damaged(input.Path, "its pickle's instructions do not fit together");
}
