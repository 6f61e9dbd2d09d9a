using System.Text;

namespace DiffusionQuant.Build.Generation;

/// <summary>C# names made from names of files and folders.</summary>
internal static class Identifier
{
    // Members of the generated class and of object, which a nested class must not be called after.
    private static readonly string[] Taken =
    [
        ModelsClass.TypeName,
        "Folder",
        "FolderOf",
        "Load",
        "ResourceName",
        "Equals",
        "Finalize",
        "GetHashCode",
        "GetType",
        "MemberwiseClone",
        "ReferenceEquals",
        "ToString",
    ];

    /// <summary><c>ddpm-fashion</c> becomes <c>DdpmFashion</c>, <c>2d unet</c> becomes <c>_2dUnet</c>.</summary>
    public static string ClassName(string name)
    {
        var result = new StringBuilder();
        var startsWord = true;
        foreach (var c in name)
        {
            if (!char.IsLetterOrDigit(c))
            {
                startsWord = true;
                continue;
            }

            result.Append(startsWord ? char.ToUpperInvariant(c) : c);
            startsWord = false;
        }

        if (result.Length == 0 || char.IsDigit(result[0]))
        {
            result.Insert(0, '_');
        }

        var identifier = result.ToString();
        return Taken.Contains(identifier) ? identifier + "Model" : identifier;
    }

    /// <summary>A root namespace as the project has it, made a valid one: <c>my-app.2d</c> becomes <c>my_app._2d</c>.</summary>
    public static string Namespace(string rootNamespace) =>
        string.Join(
            ".",
            rootNamespace.Split('.').Where(part => part.Trim().Length > 0).Select(part => NamespacePart(part.Trim()))
        );

    private static string NamespacePart(string part)
    {
        var letters = string.Concat(part.Select(c => char.IsLetterOrDigit(c) || c == '_' ? c : '_'));
        // Keywords are all lower case; '@' makes a name of one, and changes nothing for another word.
        var prefix =
            char.IsDigit(letters[0]) ? "_"
            : letters.All(char.IsLower) ? "@"
            : "";
        return prefix + letters;
    }
}
