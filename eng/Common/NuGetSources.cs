using System.Text.Json;
using System.Xml.Linq;

/// <summary>The package sources named in the repository's nuget.config, without its own folder feed.</summary>
internal sealed class NuGetSources : IDisposable
{
    private const string FolderFeed = "local";
    private readonly HttpClient http = new() { Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>Whether some source holds exactly this version; a source that does not answer holds nothing.</summary>
    public async Task<bool> HoldAsync(string id, string version)
    {
        string nuspec = $"{id}/{version}/{id}.nuspec".ToLowerInvariant();
        foreach (string source in RemoteSources())
        {
            try
            {
                using HttpRequestMessage request = new(HttpMethod.Head, await BaseAddressAsync(source) + nuspec);
                using HttpResponseMessage response = await http.SendAsync(request);
                if (response.IsSuccessStatusCode)
                {
                    return true;
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                Console.Error.WriteLine($"feed: {source} does not answer ({exception.Message})");
            }
        }
        return false;
    }

    public void Dispose() => http.Dispose();

    /// <summary>A copy of nuget.config without the folder feed, for projects outside the repository.</summary>
    public static void WriteConfigTo(string folder)
    {
        XDocument config = Config();
        FolderFeedOf(config)?.Remove();
        config.Save(Path.Combine(folder, "nuget.config"));
    }

    private static IEnumerable<string> RemoteSources()
    {
        XDocument config = Config();
        FolderFeedOf(config)?.Remove();
        return config.Descendants("packageSources").Elements("add").Select(add => (string)add.Attribute("value")!);
    }

    private static XDocument Config() => XDocument.Load(Repository.PathOf("nuget.config"));

    private static XElement? FolderFeedOf(XDocument config) =>
        config.Descendants("add").SingleOrDefault(add => (string?)add.Attribute("key") == FolderFeed);

    private async Task<string> BaseAddressAsync(string source)
    {
        using JsonDocument index = JsonDocument.Parse(await http.GetStringAsync(new Uri(source)));
        return index
            .RootElement.GetProperty("resources")
            .EnumerateArray()
            .First(resource => resource.GetProperty("@type").GetString() == "PackageBaseAddress/3.0.0")
            .GetProperty("@id")
            .GetString()!;
    }
}
