using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace DiffusionQuant.Build.Models;

/// <summary>Makes MSBuild items whose paths and values arrive as they are, whatever characters they hold.</summary>
internal static class Items
{
    private static readonly char[] Special = ['%', '*', '?', '@', '$', ';', '\''];

    public static ITaskItem OfPath(string path) => new TaskItem(Escape(path));

    public static void Set(ITaskItem item, string metadata, string value) => item.SetMetadata(metadata, Escape(value));

    private static string Escape(string text) =>
        text.IndexOfAny(Special) < 0
            ? text
            : string.Concat(text.Select(c => Special.Contains(c) ? $"%{(int)c:X2}" : c.ToString()));
}
