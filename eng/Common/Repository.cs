/// <summary>Where things lie in the repository of the program that runs.</summary>
internal static class Repository
{
    /// <summary>The repository's root: the folder above <c>eng</c>, which holds the file-based programs.</summary>
    public static string Root { get; } =
        Path.GetDirectoryName((string)AppContext.GetData("EntryPointFileDirectoryPath")!)!;

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);
}
