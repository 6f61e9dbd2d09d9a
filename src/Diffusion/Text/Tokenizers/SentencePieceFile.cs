using System.Text.Json;
using Google.Protobuf;

namespace DiffusionQuant.Diffusion;

/// <summary>
/// A SentencePiece model as a protobuf message: what the tokenizer's library does not tell of it, or refuses, is read and
/// written here. Fields: pieces 1 (text 1, score 2, kind 3), trainer 2 (kind of model 3, ids of special pieces 40 to 43),
/// normaliser 3 (table 2, space in front 3, spaces joined 4, spaces escaped 5).
/// </summary>
internal sealed record SentencePieceFile
{
    private const int PiecesField = 1;
    private const int TrainerField = 2;
    private const int NormaliserField = 3;
    private const int ModelTypeField = 3;
    private const int UnknownField = 40;
    private const int BeginField = 41;
    private const int EndField = 42;
    private const int PadField = 43;
    private const int Unigram = 1;

    public required byte[] Bytes { get; init; }

    public required int PieceCount { get; init; }

    public int Unknown { get; private init; }

    public int Begin { get; private init; } = 1;

    public int End { get; private init; } = 2;

    public int Pad { get; private init; } = -1;

    /// <summary>
    /// The model with ids for all special pieces. T5's has none for a beginning, which the library takes for the index −1 of
    /// an array; a piece that is never asked for may have any. Later fields of a message take the place of earlier ones.
    /// </summary>
    public byte[] Readable =>
        Begin >= 0 && End >= 0
            ? Bytes
            :
            [
                .. Bytes,
                .. Write(output =>
                    Message(
                        output,
                        TrainerField,
                        trainer =>
                        {
                            Number(trainer, BeginField, Begin >= 0 ? Begin : Unknown);
                            Number(trainer, EndField, End >= 0 ? End : Unknown);
                        }
                    )
                ),
            ];

    /// <summary>Reads what the record tells.</summary>
    /// <exception cref="InvalidProtocolBufferException">It is no such message.</exception>
    public static SentencePieceFile Parse(byte[] bytes)
    {
        var pieces = 0;
        var file = new SentencePieceFile { Bytes = bytes, PieceCount = 0 };
        using var input = new CodedInputStream(bytes);
        while (input.ReadTag() is var tag and not 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case PiecesField:
                    pieces++;
                    input.SkipLastField();
                    break;
                case TrainerField:
                    file = file.WithTrainer(input.ReadBytes());
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return file with
        {
            PieceCount = pieces,
        };
    }

    /// <summary>Writes the model that a <c>tokenizer.json</c> describes.</summary>
    /// <param name="model">Its "model": the pieces with their scores, and which one is unknown.</param>
    /// <param name="table">The normaliser's table, or empty.</param>
    /// <param name="isSpecial">Whether a piece is never a part of a text.</param>
    public static SentencePieceFile Of(JsonElement model, byte[] table, Func<string, bool> isSpecial)
    {
        var pieces = model
            .GetProperty("vocab")
            .EnumerateArray()
            .Select(p => (p[0].GetString()!, p[1].GetSingle()))
            .ToList();
        var unknown = model.GetProperty("unk_id").GetInt32();
        int Find(string piece) => pieces.FindIndex(p => p.Item1 == piece);
        var (end, pad) = (Find("</s>"), Find("<pad>"));
        var bytes = Write(output =>
        {
            for (var i = 0; i < pieces.Count; i++)
            {
                var (text, score) = pieces[i];
                const int Normal = 1;
                const int UnknownKind = 2;
                const int Control = 3;
                var kind =
                    i == unknown ? UnknownKind
                    : i == end || i == pad || isSpecial(text) ? Control
                    : Normal;
                Message(
                    output,
                    PiecesField,
                    piece =>
                    {
                        piece.WriteTag(1, WireFormat.WireType.LengthDelimited);
                        piece.WriteString(text);
                        piece.WriteTag(2, WireFormat.WireType.Fixed32);
                        piece.WriteFloat(score);
                        Number(piece, 3, kind);
                    }
                );
            }

            Message(
                output,
                TrainerField,
                trainer =>
                {
                    Number(trainer, ModelTypeField, Unigram);
                    Number(trainer, UnknownField, unknown);
                    Number(trainer, BeginField, -1);
                    Number(trainer, EndField, end);
                    Number(trainer, PadField, pad);
                }
            );
            Message(
                output,
                NormaliserField,
                normaliser =>
                {
                    normaliser.WriteTag(2, WireFormat.WireType.LengthDelimited);
                    normaliser.WriteBytes(ByteString.CopyFrom(table));
                    // The fields that follow are true by default.
                }
            );
        });
        return Parse(bytes);
    }

    private SentencePieceFile WithTrainer(ByteString trainer)
    {
        var result = this;
        using var input = trainer.CreateCodedInput();
        while (input.ReadTag() is var tag and not 0)
        {
            switch (WireFormat.GetTagFieldNumber(tag))
            {
                case UnknownField:
                    result = result with { Unknown = input.ReadInt32() };
                    break;
                case BeginField:
                    result = result with { Begin = input.ReadInt32() };
                    break;
                case EndField:
                    result = result with { End = input.ReadInt32() };
                    break;
                case PadField:
                    result = result with { Pad = input.ReadInt32() };
                    break;
                default:
                    input.SkipLastField();
                    break;
            }
        }

        return result;
    }

    private static void Message(CodedOutputStream output, int field, Action<CodedOutputStream> write)
    {
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(Write(write)));
    }

    private static void Number(CodedOutputStream output, int field, int value)
    {
        output.WriteTag(field, WireFormat.WireType.Varint);
        output.WriteInt32(value);
    }

    private static byte[] Write(Action<CodedOutputStream> write)
    {
        using var stream = new MemoryStream();
        using (var output = new CodedOutputStream(stream, leaveOpen: true))
        {
            write(output);
        }

        return stream.ToArray();
    }
}
