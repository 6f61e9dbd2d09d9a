namespace DiffusionQuant.Extensions.AI;

/// <summary>Values as the serializer of Microsoft.Extensions.AI knows them: its contract has no <see cref="ulong"/>.</summary>
internal static class JsonSafe
{
    /// <summary>As a long where it is one, or else as text, which a reader takes too.</summary>
    public static object Of(ulong value) => value <= long.MaxValue ? (long)value : value.ToString();
}
